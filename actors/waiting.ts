/**
 * Answers that begin with `(waiting)`: the agent only waits for mail from here on. Without a call such an answer goes to
 * nobody; with calls it saves the one that would say no more than that. What it does not do: decide what else ends a turn.
 *
 * Invariant: an agent waits only for what is not in its hands. A call that failed, or whose result it has to read, is
 * answered first.
 */
import type { ChatAnswer } from '../src/model/types.ts';
import type { ToolResult } from '../src/society/index.ts';

const WAITING = '(waiting)';

/** Calls that are made for their results. */
const READ = new Set(['read_file', 'list_files', 'search_files', 'recall', 'run_program', 'send_input']);

/** Whether an answer says that the agent waits. */
export const saysWaiting = (content: string | null): boolean => (content ?? '').trimStart().startsWith(WAITING);

/** Whether nothing is left to do of an answer with calls but to wait for mail. */
export const onlyWaits = (
  { content, toolCalls }: Pick<ChatAnswer, 'content' | 'toolCalls'>,
  results: readonly ToolResult[],
): boolean =>
  saysWaiting(content) && results.every(({ ok }) => ok) && toolCalls.every((call) => !READ.has(call.function.name));
