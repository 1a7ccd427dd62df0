/**
 * Requests on their way from an agent's thread to the model's. Their tools go as one text: a list of a dozen tools is a
 * tree of hundreds of objects, which costs fifty times as much to copy from thread to thread. What it does not do: change
 * a request otherwise, or check it.
 *
 * 1. Requests with the same tools in the same words get the same list.
 */
import type { ChatRequest, ToolSpec } from './types.ts';

/** Sets of tools that are remembered; all are forgotten beyond that. */
const SETS_MAX = 1_000;

/** `tools` as JSON, or as they are. */
export interface RequestOnWire extends Omit<ChatRequest, 'tools'> {
  readonly tools: string | readonly ToolSpec[];
}

/** The JSON texts of lists that many requests share. */
const texts = new WeakMap<readonly ToolSpec[], string>();

/** A list of tools as JSON. The list is not to change any more. */
export const toolText = (tools: readonly ToolSpec[]): string => {
  let text = texts.get(tools);
  if (text === undefined) {
    text = JSON.stringify(tools);
    texts.set(tools, text);
  }
  return text;
};

export const onWire = (request: ChatRequest): RequestOnWire => ({ ...request, tools: toolText(request.tools) });

/** The receiving end. */
export class ArrivingRequests {
  readonly #sets = new Map<string, readonly ToolSpec[]>();

  receive(request: RequestOnWire): ChatRequest {
    const { tools } = request;
    const text = typeof tools === 'string' ? tools : JSON.stringify(tools);
    const known = this.#sets.get(text);
    if (known !== undefined) return { ...request, tools: known };
    if (this.#sets.size >= SETS_MAX) this.#sets.clear();
    const list = typeof tools === 'string' ? (JSON.parse(tools) as readonly ToolSpec[]) : tools;
    this.#sets.set(text, list);
    texts.set(list, text);
    return { ...request, tools: list };
  }
}
