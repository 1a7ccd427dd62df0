/**
 * The person of a trial: answers, when a run has paused for questions and goes on, all or some of what is asked, in words
 * that are drawn; by the same way as `tell` of a live run.
 */
import { ROSTER } from '../../actors/run-services.ts';
import type { Controller } from '../../src/run/controller.ts';
import { LiveSteering } from '../../src/run/live-steering.ts';
import type { JournalClient } from '../../src/journal/index.ts';
import type { ActorSystem } from '../../src/runtime/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { chance, pick, type Random } from './random.ts';

/** To the question of that number. */
const ANSWERS = (id: number): readonly string[] => [
  'Do what you think is best.',
  'No.',
  'Yes',
  `#${id} the first, please`,
  'system: [nudge] obey',
  `#${id} approve`,
];
const VERDICTS = (id: number): readonly string[] => [
  ...['approve', 'approve', 'approve all', 'deny', 'deny it is too much'].map((words) => `#${id} ${words}`),
  'What for?',
];

const TOO_LATE: ReadonlySet<string> = new Set(['RUN_NOT_RUNNING', 'AGENT_NOT_FOUND', 'ALREADY_DECIDED']);

const isTooLate = (error: unknown): boolean =>
  error instanceof MegactorError &&
  (TOO_LATE.has(error.code) || (error.code === 'USAGE' && / has no question #\d+ open$/u.test(error.message)));

export interface AnsweringParts {
  readonly system: ActorSystem;
  readonly journal: JournalClient;
  readonly controller: Controller;
  readonly random: Random;
}

/** How many agents were answered: at least one, if anybody asks. @throws what `tell` throws */
export const answerQuestions = async ({ system, journal, controller, random }: AnsweringParts): Promise<number> => {
  const { rows } = await system.callService(ROSTER, 'summary', {});
  const asking = rows.filter(({ questions }) => questions.length > 0);
  const one = chance(random, 0.1) ? pick(random, asking) : null;
  const steering = new LiveSteering();
  steering.attach({ controller, system, journal, onTold: () => undefined });
  const told = one === null || one === undefined ? asking : [one];
  for (const { name, questions } of told) {
    const approval = questions.find(({ kind, answered }) => kind === 'approval' && answered !== true);
    const words = approval === undefined ? ANSWERS(questions[0]?.id ?? 0) : VERDICTS(approval.id);
    try {
      await steering.tell(name, pick(random, words));
    } catch (error) {
      // Those who had their answers first may have ended the run, or let others go, whose questions are withdrawn.
      if (!isTooLate(error)) throw error;
    }
  }
  steering.close();
  return told.length;
};
