/**
 * The request of an agent's next model call: stable prompt, recent window of the history, situation. Laid out for
 * caching by prefix: what changes comes last, and the window is cut rarely and by much instead of a little every time.
 *
 * Invariants: Q1 The window never begins inside an answer and its tool results. Q2 The system prompt is always there. P2 A
 * request begins with all messages of the one before it but the situation, except when the window has moved.
 */
import type { ChatMessage, ChatRequest, ToolCall } from '../src/model/types.ts';
import type { AgentState, GroupView } from '../src/society/index.ts';
import { situation } from './prompts/situation.ts';
import { toolsFor } from './tools/index.ts';
import type { HistoryEntry } from './agent-types.ts';

const CHARS_PER_TOKEN = 4;
/** What every message costs beyond its text. */
const MESSAGE_TOKENS = 6;

/** A rough count that needs no tokenizer: four characters a token. */
export const estimateTokens = (message: ChatMessage): number => {
  let chars = message.content?.length ?? 0;
  if (message.role === 'assistant') {
    for (const call of message.tool_calls ?? [])
      chars += call.function.name.length + call.function.arguments.length + 20;
  }
  return MESSAGE_TOKENS + Math.ceil(chars / CHARS_PER_TOKEN);
};

/** Where the window may begin: at mail and at answers, never at a tool result. */
const mayBegin = (entry: HistoryEntry): boolean => entry.role === 'user' || entry.role === 'assistant';

/**
 * The index at which the window begins: `start` while everything from there fits into `tokensMax`, else so far behind
 * that half of it is used. The last entry that may begin a window is always in it.
 */
export const windowStartOf = (history: readonly HistoryEntry[], start: number, tokensMax: number): number => {
  let tokens = 0;
  for (let index = history.length - 1; index >= start; index -= 1)
    tokens += estimateTokens(history[index] as HistoryEntry);
  if (tokens <= tokensMax) return start;
  let begin = history.length;
  let kept = 0;
  for (let index = history.length - 1; index >= start; index -= 1) {
    const entry = history[index] as HistoryEntry;
    kept += estimateTokens(entry);
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

/**
 * Calls as they go into the history: with ids that differ, and with arguments that are JSON objects, since servers
 * refuse requests that repeat a model's broken JSON. The model finds its own text in the tool result.
 */
export const presentableCalls = (calls: readonly ToolCall[], step: number): readonly ToolCall[] => {
  const ids = new Set<string>();
  return calls.map((call, index) => {
    const id = call.id === '' || ids.has(call.id) ? `call_${step}_${index}` : call.id;
    ids.add(id);
    const text = call.function.arguments;
    const shown = isJsonObject(text) ? text : JSON.stringify(text.trim() === '' ? {} : { invalid_json: text });
    return { id, type: 'function', function: { name: call.function.name, arguments: shown } };
  });
};

/** Levels in the gate: Boss and Admins by depth, everybody else after them. */
const gateLevel = (state: AgentState): number =>
  state.level === 'ordinary' ? state.settings.limits.depthMax + 1 : state.depth;

/**
 * @param history the system prompt first
 * @param shrink how often the model has refused this request as too long; each time the window is halved
 */
export const buildRequest = (
  state: AgentState,
  history: readonly HistoryEntry[],
  group: GroupView | null,
  shrink = 0,
): ChatRequest => {
  const { settings } = state;
  const tokensMax = state.windowTokens / 2 ** shrink;
  const start = windowStartOf(history, Math.max(1, state.windowStart), tokensMax);
  const tail = situation(state, group, start - 1);
  return {
    agent: state.name,
    run: settings.run,
    level: gateLevel(state),
    role: state.level,
    above: state.above,
    messages: [
      ...history.slice(0, 1),
      ...history.slice(start),
      ...(tail === null ? [] : [{ role: 'user' as const, content: tail }]),
    ],
    tools: toolsFor(state.level),
    deadlineMs: settings.limits.callDeadlineMs,
    ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
    ...(settings.maxTokens === undefined ? {} : { maxTokens: settings.maxTokens }),
  };
};
