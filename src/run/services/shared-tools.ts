/**
 * Tools that many requests have in common: each request brings its own copy from the thread of its agent, and thousands of
 * requests stay for as long as the model takes. What it does not do: change a request otherwise.
 *
 * 1. Requests with the same tools in the same words get the same array.
 */
import type { ChatRequest, ToolSpec } from '../../model/index.ts';

/** Sets of tools that are remembered; all are forgotten beyond that. */
const SETS_MAX = 1_000;

export class SharedTools {
  readonly #sets = new Map<string, readonly ToolSpec[]>();

  share(request: ChatRequest): ChatRequest {
    const text = JSON.stringify(request.tools);
    const known = this.#sets.get(text);
    if (known !== undefined) return { ...request, tools: known };
    if (this.#sets.size >= SETS_MAX) this.#sets.clear();
    this.#sets.set(text, request.tools);
    return request;
  }
}
