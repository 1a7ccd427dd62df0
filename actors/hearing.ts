/**
 * What a person has answered, as its agent reads it: the question is closed with the step that reads the mail. What it
 * does not do: deliver answers (`src/run/user-mail.ts`).
 *
 * Invariant H1: an answer closes its question once, in the commit that takes the mail.
 */
import type { AgentMail } from '../src/society/index.ts';
import type { Turn } from './agent-types.ts';
import { callRoster } from './services.ts';

const STATUS = { approve: 'approved', deny: 'denied' } as const;

/** Closes what these mails answer. */
export const hear = async (turn: Turn, mails: readonly AgentMail[]): Promise<void> => {
  const { ctx, state } = turn;
  for (const [index, { human }] of mails.entries()) {
    if (human === undefined) continue;
    const { questions, verdict } = human;
    const { closed } = await callRoster(turn, `heard-${index}`, 'heard', { agent: state.name, questions, verdict });
    const status = verdict === undefined ? 'answered' : STATUS[verdict];
    for (const { id, kind } of closed) {
      ctx.event({ type: 'human', agent: state.name, status, kind, question: id });
    }
  }
};
