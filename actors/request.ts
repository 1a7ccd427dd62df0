/**
 * The request of an agent's next model call: stable prompt, summary of what is not shown any more, recent window of the
 * history, situation. Laid out for caching by prefix: what changes comes last, and the window is cut rarely and by much
 * instead of a little every time. What it does not do: move the window (`compaction.ts`).
 *
 * Invariants: Q1 The window never begins inside an answer and its tool results. Q2 The system prompt is always there. P2 A
 * request begins with all messages of the one before it but the situation, except when the window has moved or the agent was
 * replaced.
 */
import type { ChatMessage, ChatRequest, ToolCall } from '../src/model/types.ts';
import { clip, type AgentState, type GroupView } from '../src/society/index.ts';
import { shortened } from './kept-answer.ts';
import { situation } from './prompts/situation.ts';
import { summaryMessage } from './prompts/summary.ts';
import { offerOf, toolsFor } from './tools/index.ts';
import type { HistoryEntry } from './agent-types.ts';

export const CHARS_PER_TOKEN = 4;
/** What every message costs beyond its text. */
const MESSAGE_TOKENS = 6;

/**
 * A rough count that needs no tokenizer: four characters a token.
 * @param charsMax what is shown of a message
 */
export const estimateTokens = (message: ChatMessage, charsMax = Number.POSITIVE_INFINITY): number => {
  let chars = message.content?.length ?? 0;
  let more = 0;
  if (message.role === 'assistant') {
    for (const call of message.tool_calls ?? []) {
      chars += call.function.arguments.length;
      more += call.function.name.length + 20;
    }
  }
  return MESSAGE_TOKENS + Math.ceil((Math.min(charsMax, chars) + more) / CHARS_PER_TOKEN);
};

/** Where the window may begin: at mail and at answers, never at a tool result. */
const mayBegin = (entry: HistoryEntry): boolean => entry.role === 'user' || entry.role === 'assistant';

/** Characters of one message that are shown: no message takes more than half of the window. */
export const charsMaxOf = ({ windowTokens }: AgentState): number => Math.floor((windowTokens * CHARS_PER_TOKEN) / 2);

/** A part of the history as it is sent: without what an agent that was replaced has said, see `replacement.ts`. */
export const shown = (
  state: AgentState,
  history: readonly HistoryEntry[],
  begin: number,
  end = history.length,
): readonly HistoryEntry[] => {
  const charsMax = charsMaxOf(state);
  const omitted = new Set(state.omitted);
  const entries = history.slice(begin, end).filter((_, index) => !omitted.has(begin + index));
  return entries.map((entry) => {
    if (entry.role === 'assistant') return shortened(entry, { each: charsMax, all: charsMax });
    return entry.content.length > charsMax ? { ...entry, content: clip(entry.content, charsMax) } : entry;
  });
};

/** An answer as it enters the history: no more of it than a model is shown of a file, nor than is ever shown of a message. */
export const keptOf = (state: AgentState, answer: HistoryEntry): HistoryEntry =>
  shortened(answer, { each: state.settings.limits.resultCharsMax, all: charsMaxOf(state) });

/**
 * The index at which the window begins: `start` while everything from there fits into `tokensMax`, else so far behind
 * that half of it is used. The last entry that may begin a window is always in it.
 */
export const windowStartOf = (
  history: readonly HistoryEntry[],
  start: number,
  tokensMax: number,
  charsMax?: number,
): number => {
  let tokens = 0;
  for (let index = history.length - 1; index >= start; index -= 1)
    tokens += estimateTokens(history[index] as HistoryEntry, charsMax);
  if (tokens <= tokensMax) return start;
  let begin = history.length;
  let kept = 0;
  for (let index = history.length - 1; index >= start; index -= 1) {
    const entry = history[index] as HistoryEntry;
    kept += estimateTokens(entry, charsMax);
    if (kept > tokensMax / 2 && begin < history.length) break;
    if (mayBegin(entry)) begin = index;
  }
  return begin === history.length ? start : begin;
};

const isJsonObject = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};

/** Ids of servers are much shorter. */
const ID_CHARS_MAX = 256;

/** What servers take for the name of a tool, also in an answer that they gave themselves. */
const presentableName = (name: string): string => name.replaceAll(/[^\w-]/gu, '_').slice(0, 64) || 'unnamed';

/**
 * Calls as they go into the history: with ids that differ, names that look like those of tools, and arguments that are JSON
 * objects, since servers refuse requests that repeat what a model got wrong. The model finds its own text in the tool result.
 */
export const presentableCalls = (calls: readonly ToolCall[], step: number): readonly ToolCall[] => {
  const ids = new Set<string>();
  return calls.map((call, index) => {
    const id = call.id === '' || call.id.length > ID_CHARS_MAX || ids.has(call.id) ? `call_${step}_${index}` : call.id;
    ids.add(id);
    const text = call.function.arguments;
    const shown = isJsonObject(text) ? text : JSON.stringify(text.trim() === '' ? {} : { invalid_json: text });
    return { id, type: 'function', function: { name: presentableName(call.function.name), arguments: shown } };
  });
};

/** Levels in the gate: Boss and Admins by depth, everybody else after them. */
const gateLevel = (state: AgentState): number =>
  state.level === 'ordinary' ? state.settings.limits.depthMax + 1 : state.depth;

/** The request of `state`'s agent with these messages. */
export const requestOf = (state: AgentState, messages: readonly ChatMessage[]): ChatRequest => {
  const { settings } = state;
  return {
    agent: state.name,
    run: settings.run,
    level: gateLevel(state),
    role: state.level,
    above: state.above,
    messages,
    tools: toolsFor(offerOf(state)),
    deadlineMs: settings.limits.callDeadlineMs,
    ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
    ...(settings.maxTokens === undefined ? {} : { maxTokens: settings.maxTokens }),
  };
};

/** What stands for the history before the window, if there is a summary of it. */
export const summaryOf = ({ summary, settings }: AgentState): readonly ChatMessage[] =>
  summary === null ? [] : [{ role: 'user', content: summaryMessage(summary.text, settings.prompts) }];

/** The next request: prompt, summary, window, situation. @param history the system prompt first */
export const buildRequest = (
  state: AgentState,
  history: readonly HistoryEntry[],
  group: GroupView | null,
): ChatRequest => {
  const start = Math.max(1, state.windowStart);
  const tail = situation(state, group, start - (state.summary?.until ?? 1));
  return requestOf(state, [
    ...history.slice(0, 1),
    ...summaryOf(state),
    ...shown(state, history, start),
    ...(state.turn?.unusable ?? []),
    ...(tail === null ? [] : [{ role: 'user' as const, content: tail }]),
  ]);
};
