/**
 * The window of an agent's history, before each model call: while it fits it stays; otherwise its older half goes, and a
 * summary, which the agent's own model writes, stands in its place. The request for it begins like the agent's last one,
 * so that it costs little where prompts are cached.
 *
 * Invariants: K1 The summary of a step is asked for once, and never again once it was received: it is an effect, recorded
 * before anything acts on it. K2 At most one summary a step. K3 Without a summary (compaction off, a refusal, a failure of
 * the model) the window is cut all the same, and the agent is told how much is not shown. K4 A summary has at most
 * `summaryTokensMax` tokens, and half of the window. K5 A message that is longer than half of the window is shown in part,
 * the arguments of its calls among it. K6 Of an answer no text, and no call's arguments, enter the history with more than
 * `resultCharsMax` characters, nor all together with more than half of the window (`kept-answer.ts`).
 */
import { onWire } from '../src/model/request-wire.ts';
import type { ChatAnswer, ChatRequest, ServedAnswer } from '../src/model/types.ts';
import { MegactorError } from '../src/protocol/errors.ts';
import { clip, type AgentState, type BudgetHold } from '../src/society/index.ts';
import type { HistoryEntry, Turn } from './agent-types.ts';
import { countAnswer } from './answers.ts';
import { MODEL } from './run-services.ts';
import { holdOf } from './services.ts';
import { compactionPrompt } from './prompts/compaction.ts';
import { CHARS_PER_TOKEN, charsMaxOf, estimateTokens, requestOf, shown, summaryOf, windowStartOf } from './request.ts';

export const COMPACTOR = '_compactor';

/** What an overflow leaves of the window when nobody says by how much a request was too long. */
const LEFT_AFTER_OVERFLOW = 0.75;

/** By how much a request was too long, in tokens, as whoever refused it says. */
export interface Overflow {
  readonly tokens: number | null;
  readonly limit: number | null;
}

type Compaction = ServedAnswer | { readonly failed: string } | { readonly spent: BudgetHold };

const summaryTokensMax = ({ windowTokens, settings }: AgentState): number =>
  Math.min(settings.limits.summaryTokensMax, Math.floor(windowTokens / 2));

const compactionRequest = (state: AgentState, history: readonly HistoryEntry[], begin: number): ChatRequest => {
  const messages = [
    ...history.slice(0, 1),
    ...summaryOf(state),
    ...shown(state, history, Math.max(1, state.windowStart), begin),
    { role: 'user' as const, content: compactionPrompt(summaryTokensMax(state), state.settings.prompts) },
  ];
  return { ...requestOf(state, messages), sentAs: COMPACTOR };
};

/** Why this one call is not made, as its model says; everything else concerns more than this call. */
const isRefusal = (error: unknown): error is MegactorError =>
  error instanceof MegactorError && error.code.startsWith('MODEL_');

const ask = async ({ state, ctx }: Turn, request: ChatRequest, effectId: string): Promise<Compaction> => {
  try {
    const options = { effectId, deadlineMs: state.settings.limits.callWaitMs };
    return await ctx.service(MODEL, 'complete', onWire(request), options);
  } catch (error) {
    if (isRefusal(error)) return { failed: error.code };
    if (error instanceof MegactorError && error.code === 'BUDGET_SPENT') return { spent: holdOf(error) };
    throw error;
  }
};

/** The text of a summary; null when the model gave none. One that was cut off is better than none. */
const textOf = (answer: ChatAnswer): string | null => {
  const text = (answer.content ?? '').trim();
  const usable = text !== '' && (answer.class === 'prose' || answer.class === 'truncated');
  return usable ? text : null;
};

/** The summary of everything before `begin`, or why there is none. */
const summarise = async (
  turn: Turn,
  begin: number,
): Promise<{ readonly text: string } | { readonly why: string } | { readonly spent: BudgetHold }> => {
  const { state, ctx } = turn;
  if (state.settings.compaction === false) return { why: 'off' };
  const request = compactionRequest(state, ctx.history as readonly HistoryEntry[], begin);
  // Recorded at once: the step's own answer is the last one that the model service keeps for a process that comes later.
  const result = await ctx.effect('compact', (effectId) => ask(turn, request, effectId), { record: 'now' });
  if ('failed' in result) return { why: result.failed };
  if ('spent' in result) return result;
  countAnswer(turn, result, COMPACTOR);
  const text = textOf(result);
  return text === null ? { why: result.class } : { text: clip(text, summaryTokensMax(state) * CHARS_PER_TOKEN) };
};

/**
 * Moves the window where it has become too long, summing up what falls out.
 * @returns the budget that does not reach for the summary: then the window stays; null when all is well
 */
export const fitWindow = async (turn: Turn): Promise<BudgetHold | null> => {
  const { state, ctx } = turn;
  const history = ctx.history as readonly HistoryEntry[];
  const start = Math.max(1, state.windowStart);
  const room = state.windowTokens - summaryOf(state).reduce((sum, message) => sum + estimateTokens(message), 0);
  const begin = windowStartOf(history, start, room, charsMaxOf(state));
  if (begin > start) {
    const summary = await summarise(turn, begin);
    if ('spent' in summary) return summary.spent;
    if ('text' in summary) state.summary = { text: summary.text, until: begin };
    else ctx.event({ type: 'limit', agent: state.name, limit: 'window', why: summary.why, leftOut: begin - start });
  }
  state.windowStart = begin;
  return null;
};

/** Makes the window as small as `overflow` asks for; the next step sums up what falls out. */
export const shrinkWindow = (turn: Turn, { tokens, limit }: Overflow): void => {
  const { state, ctx } = turn;
  const history = ctx.history as readonly HistoryEntry[];
  const sum = (entries: readonly HistoryEntry[], charsMax?: number): number =>
    entries.reduce((total, entry) => total + estimateTokens(entry, charsMax), 0);
  const entries = history.slice(Math.max(1, state.windowStart));
  const window = sum(entries, charsMaxOf(state)) + sum(summaryOf(state));
  let left = Math.min(state.windowTokens, window) * LEFT_AFTER_OVERFLOW;
  if (tokens !== null && limit !== null && tokens > limit) {
    const { messages, tools } = requestOf(state, history.slice(0, 1));
    const fixed = sum(messages) + Math.ceil(JSON.stringify(tools).length / CHARS_PER_TOKEN);
    // What counts as one by our estimate counts as so many by theirs.
    const scale = tokens / (fixed + window);
    left = Math.min(left, limit / scale - fixed);
  }
  state.windowTokens = Math.max(1, Math.floor(left));
};
