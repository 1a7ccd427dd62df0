/**
 * Answers that cannot be used, and the fresh agent that takes over from one that refuses or says nothing again and again.
 * Such answers stand in the requests that follow, so that the model sees what was wrong; they enter the history with the
 * first answer that is good, and never when the agent is replaced. So the fresh agent reads what the other was told and
 * did, and none of its refusals; those in plain text, which ended turns, stay in the history and are not shown. What it does
 * not do: decide on repairs (`turn.ts`).
 *
 * Invariants: N1 A replacement has the name, the place, the slots, the task, the mail, the checklist and the work of the
 * one before it, and none of its answers that could not be used. N2 An agent is replaced at most
 * `replacementsPerAgentMax` times; after that its supervisor decides.
 */
import { z } from 'zod';
import type { AnswerClass } from '../src/model/types.ts';
import { cut, isRefusal, oneLine, programsOf, renderMail, systemMail, type AgentState } from '../src/society/index.ts';
import type { HistoryEntry, Turn } from './agent-types.ts';
import { SANDBOX } from './run-services.ts';
import { callRoster, callService } from './services.ts';

/** Of an answer that could not be used. */
const SHOWN_CHARS_MAX = 4_000;

type Unusable = NonNullable<NonNullable<AgentState['turn']>['unusable']>[number];

/** Keeps a message about an answer that could not be used, for the next requests. */
export const keepUnusable = ({ state }: Turn, message: Unusable): void => {
  if (state.turn === null) return;
  state.turn.unusable = [
    ...(state.turn.unusable ?? []),
    { ...message, content: cut(message.content, SHOWN_CHARS_MAX) },
  ];
};

/** Puts what was kept into the history: the agent goes on with it. */
export const settleUnusable = ({ state, ctx }: Turn): void => {
  const kept = state.turn?.unusable ?? [];
  if (state.turn === null || kept.length === 0) return;
  state.turn.unusable = [];
  ctx.appendHistory(...kept);
};

/** What is kept of the first answer that could not be used. */
const EXAMPLE_CHARS_MAX = 200;

const WRONG: Partial<Record<AnswerClass, string>> = {
  refusal: 'a refusal',
  empty: 'an empty answer',
  truncated: 'an answer that was cut off',
  filtered: 'an answer that the content filter withheld',
  'bad-json': 'calls that could not be read',
};

const toolResultSchema = z.object({ role: z.literal('tool'), content: z.string() });

/** The words of the last answer when it could not be used; '' when it had none. */
const lastUnusable = ({ state }: Turn): string => {
  const last = state.turn?.unusable?.at(-1);
  return last?.role === 'assistant' ? last.content : '';
};

/** What was wrong with the last answer, in a line. */
const whatWasWrong = (turn: Turn, last: AnswerClass): string => {
  const said = lastUnusable(turn);
  // Calls that could not be read are in the history already, with what was wrong in the result of each.
  const { data } = toolResultSchema.safeParse(said === '' && last === 'bad-json' ? turn.ctx.history.at(-1) : null);
  const words = oneLine(data?.content ?? said, EXAMPLE_CHARS_MAX);
  const what = WRONG[last] ?? 'an answer that could not be used';
  return oneLine(words === '' ? what : `${what}: ${words}`, EXAMPLE_CHARS_MAX);
};

/** An answer that could not be used is repaired: it is counted and told, and the first is kept as an example. */
export const noteRepair = (turn: Turn, last: AnswerClass): void => {
  const { state, ctx } = turn;
  state.counters.repairs += 1;
  state.repaired ??= whatWasWrong(turn, last);
  ctx.event({ type: 'remedy', agent: state.name, why: 'format' });
};

const WHY: Partial<Record<AnswerClass, 'refusal' | 'silence'>> = { refusal: 'refusal', empty: 'silence' };

const replacedText = (why: 'refusal' | 'silence', answers: number): string =>
  [
    `You are new here: the agent that had your name ${why === 'refusal' ? 'refused to go on' : 'said nothing any more'}, and its last ${answers} answers are left out.`,
    'Your name, task, mail, checklist and everything it did are yours. Do the next step that you can do; say with talk what you cannot do and why.',
  ].join(' ');

/** Puts a fresh agent into the place of one whose last answer was of this class. False when that is not the remedy, or was used up. */
export const replaceAgent = async (turn: Turn, last: AnswerClass): Promise<boolean> => {
  const { state } = turn;
  const why = WHY[last];
  if (why === undefined || state.turn === null) return false;
  return replace(turn, why, state.turn.repairs + 1, whatWasWrong(turn, last));
};

/**
 * The same for an agent that has ended its turns with refusals in plain text. They stand in the history already, and are shown
 * no more.
 */
export const replaceRefuser = async (turn: Turn, said: string): Promise<boolean> => {
  const { state, ctx } = turn;
  const omitted = new Set(state.omitted);
  const refusals = (ctx.history as readonly HistoryEntry[]).flatMap((entry, index) =>
    entry.role === 'assistant' &&
    entry.tool_calls === undefined &&
    isRefusal(entry.content ?? '') &&
    !omitted.has(index)
      ? [index]
      : [],
  );
  if (!(await replace(turn, 'refusal', refusals.length, oneLine(said, 300)))) return false;
  state.omitted = [...omitted, ...refusals];
  return true;
};

const replace = async (turn: Turn, why: 'refusal' | 'silence', answers: number, said: string): Promise<boolean> => {
  const { state, ctx } = turn;
  const before = state.replaced ?? 0;
  if (state.turn === null || before >= state.settings.limits.replacementsPerAgentMax) return false;
  const detail = `${answers} answers in a row, the last: ${said}`;
  await callRoster(turn, 'replace', 'remedy', { agent: state.name, why, detail });
  if (state.program !== null) {
    // It ends with the agent that started it; what it wrote is kept.
    await callService(turn, 'replace-program', SANDBOX, 'release', { agent: state.name });
    state.programs = [...programsOf(state)];
    state.program = null;
  }
  ctx.event({ type: 'remedy', agent: state.name, why });
  state.replaced = before + 1;
  state.recentCalls = [];
  state.turn.repairs = 0;
  state.turn.unusable = [];
  const mail = systemMail('replaced', replacedText(why, answers), { agent: state.name, why });
  ctx.appendHistory({ role: 'user', content: renderMail(mail) });
  return true;
};
