/**
 * Agents that wait for a person or for more of a budget, and whose actors were given up meanwhile because they failed too
 * often: nobody is left who would read the answer. Of most of them somebody above hears, and by him the roster; of the Boss
 * nobody does, nor afterwards of those right under it. What it does not do: look at those who wait for nobody.
 *
 * Invariant U1 A run does not pause, or wait, for an agent that is not there any more.
 */
import { ROSTER } from '../../actors/run-services.ts';
import type { ActorSystem } from '../runtime/index.ts';
import { systemMail, type Notice } from '../society/index.ts';

const TEXT =
  'It stopped after repeated failures. Its files stay. Decide: give its work to somebody else, or do without.';

/** Closes them in the roster. @returns how many, and what those above them are to be told; of the Boss: nobody, the run is over */
export const closeGivenUp = async (
  system: Pick<ActorSystem, 'callService' | 'inspect'>,
): Promise<{ readonly closed: number; readonly mails: readonly Notice[] }> => {
  const { rows } = await system.callService(ROSTER, 'summary', {});
  const waiting = rows.filter(({ held, questions }) => held !== null || questions.length > 0);
  const there = new Set((await system.inspect(waiting, { state: [] })).map(({ id }) => id));
  const gone = waiting.filter(({ id }) => !there.has(id));
  const mails: Notice[] = [];
  for (const { name } of gone) {
    const args = { agent: name, why: 'crash' as const, detail: 'it was given up after repeated failures' };
    const { leader, notices } = await system.callService(ROSTER, 'failed', args);
    mails.push(...notices);
    if (leader !== null) mails.push({ to: leader, mail: systemMail('child-failed', TEXT, { agent: name }) });
  }
  return { closed: gone.length, mails };
};
