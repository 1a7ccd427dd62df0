/**
 * The failures of the rehearsal: what a model does wrong, done wrong on purpose at set rates.
 *
 * 1. Whether an answer fails is drawn per (seed, agent, action, attempt). The attempt is the number of bad answers in
 *    the agent's own history and of the runtime's reminders, so that a repetition is a new draw.
 * 2. A waiting agent can only fail on the way (HTTP), since it has nothing to get wrong.
 */
import type { Random } from '../../platform/index.ts';
import { spoil } from './document.ts';
import { draw } from './draw.ts';
import { FAILURE_KINDS, type FailureKind, type RehearsalOptions } from './options.ts';
import type { Call, Decision, Progress } from './progress.ts';
import type { PastAnswer } from './transcript.ts';

export const PROSE = 'I would first think about the overall approach and then decide what to do next. (synthetic)';
export const REFUSAL = 'I cannot help with this request. (synthetic)';
export const UNFINISHED = 'I consider my part of the work finished. (synthetic)';

const BAD_TEXTS = new Set(['', PROSE, REFUSAL, UNFINISHED]);
const TRANSPORT = new Set<FailureKind>(['http429', 'http500', 'timeout']);

/** At most so many answers and reminders does a replacement leave out of what it is shown. */
const DROPPED_MAX = 50;

const isBad = (answer: PastAnswer, earlier: ReadonlySet<string>): boolean => {
  if (answer.actions.length === 0) return BAD_TEXTS.has(answer.text.trim());
  if (earlier.has(answer.fingerprint)) return true;
  return answer.actions.some((action) => action.args === null || action.code === 'INVALID_ARGUMENTS');
};

/** How often this agent's answers went wrong so far, as far as it can know. */
export const badAnswers = (progress: Progress): number => {
  const earlier = new Set<string>();
  let bad = 0;
  for (const answer of progress.answers) {
    if (isBad(answer, earlier)) bad += 1;
    earlier.add(answer.fingerprint);
  }
  const replaced = progress.systemMails('replaced').length * DROPPED_MAX;
  return bad + replaced + progress.nudges + progress.systemMails('remedy').length;
};

/** The name of what is being tried, for the draws. */
export const keyOf = (decision: Decision, progress: Progress): string => {
  if ('calls' in decision) return decision.calls.map((call) => call.key).join(' ');
  // Waiting again is another wait, or one unlucky draw would come back for ever.
  return `text/${progress.answers.length}`;
};

/** The failure drawn for an answer, or null. `attempts`: bad answers so far, and requests that failed on the way. */
export const drawFailure = (
  options: RehearsalOptions,
  agent: string,
  decision: Decision,
  key: string,
  attempts: readonly [number, number],
): FailureKind | null => {
  let left = draw(options.seed, 'failure', agent, key, attempts[0], attempts[1]);
  for (const kind of FAILURE_KINDS) {
    left -= options.failures[kind] ?? 0;
    if (left >= 0) continue;
    const idle = 'text' in decision && decision.waiting;
    return idle && !TRANSPORT.has(kind) ? null : kind;
  }
  return null;
};

/** An answer as it goes out: arguments are text by now, and may be broken. */
export interface SpokenAnswer {
  readonly content: string | null;
  readonly refusal: string | null;
  readonly calls: readonly { readonly tool: string; readonly arguments: string }[];
}

const spokenCalls = (calls: readonly Call[]): SpokenAnswer['calls'] =>
  calls.map((call) => ({ tool: call.tool, arguments: JSON.stringify(call.args) }));

/** `decision` as a good answer. */
export const speak = (decision: Decision): SpokenAnswer =>
  'calls' in decision
    ? { content: decision.after ?? null, refusal: null, calls: spokenCalls(decision.calls) }
    : { content: decision.text, refusal: null, calls: [] };

const text = (content: string | null, refusal: string | null = null): SpokenAnswer => ({ content, refusal, calls: [] });

/** The scenario *chat* has no other output than its one argument. */
const CHAT_STEP = 'step';

/**
 * `calls` with one output that is not what was asked for; null when there is none, or nobody is there to review it.
 * All else is as it was, so that a lead sees by the content alone what it is given.
 */
const spoiled = (calls: readonly Call[], progress: Progress, random: Random): readonly Call[] | null => {
  const { name, level } = progress.persona;
  const at = calls.findIndex(({ tool }) => tool === CHAT_STEP || (tool === 'write_file' && level !== 'Boss'));
  const call = calls[at];
  if (call === undefined) return null;
  const { content } = call.args;
  const args =
    typeof content === 'string' ? { ...call.args, content: spoil(content, name, random) } : { unexpected: true };
  return calls.with(at, { ...call, args });
};

/** `decision` gone wrong in the way of `kind`; null where that way does not apply. */
export const misspeak = (
  decision: Decision,
  kind: FailureKind,
  progress: Progress,
  random: Random,
): SpokenAnswer | null => {
  const good = speak(decision);
  const [first, ...others] = good.calls;
  switch (kind) {
    case 'prose':
      return text(PROSE);
    case 'refusal':
      return text(null, REFUSAL);
    case 'silence':
      return text(null);
    case 'unfinished':
      return text(UNFINISHED);
    case 'badJson':
      if (first === undefined) return null;
      return { ...good, calls: [{ ...first, arguments: first.arguments.slice(0, -1) }, ...others] };
    case 'badOutput': {
      const calls = 'calls' in decision ? spoiled(decision.calls, progress, random) : null;
      return calls === null ? null : { ...good, calls: spokenCalls(calls) };
    }
    case 'repetition': {
      const last = progress.answers.findLast((answer) => answer.rawCalls.length > 0);
      return last === undefined ? null : { content: null, refusal: null, calls: last.rawCalls };
    }
    case 'http429':
    case 'http500':
    case 'timeout':
      return null;
    default:
      return kind satisfies never;
  }
};
