/**
 * Parses the bodies of chat completion requests. Agents send the same tools with every request, and they are often
 * most of the body: the end of a body from `"tools"` on is parsed and checked once, and recognised from then on.
 *
 * 1. The result is that of `JSON.parse`, for every text. What comes before `,"tools":[` and what follows is put together
 *    only when each is a whole JSON object on its own, since then the text is exactly the one followed by the other.
 * 2. At most `TAILS_MAX` ends are kept, and no long ones.
 */
import { toolsSchema, type WireBody } from '../rehearsal/transcript.ts';

const TAILS_MAX = 64;
const TAIL_LENGTH_MAX = 256 * 1024;
const MARK = ',"tools":[';

type Tools = WireBody['tools'];

interface Tail {
  readonly tools: Tools;
  /** The fields behind the tools. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface ReadBody {
  readonly raw: unknown;
  /** The tools when they are known and checked already; then `raw` has none. */
  readonly tools?: Tools;
}

const parseObject = (text: string): Record<string, unknown> | null => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
};

export class BodyReader {
  readonly #tails = new Map<string, Tail>();

  /** @throws SyntaxError for what is not JSON */
  read(text: string): ReadBody {
    const at = text.startsWith('{') ? text.lastIndexOf(MARK) : -1;
    const tail = at === -1 || text.length - at > TAIL_LENGTH_MAX ? null : this.#tailOf(text.slice(at + 1));
    const head = tail === null ? null : parseObject(`${text.slice(0, at)}}`);
    // Nothing before the comma would make a text that is not JSON.
    if (tail === null || head === null || Object.keys(head).length === 0) return { raw: JSON.parse(text) as unknown };
    return { raw: { ...head, ...tail.rest, tools: undefined }, tools: tail.tools };
  }

  #tailOf(text: string): Tail | null {
    const known = this.#tails.get(text);
    if (known !== undefined) return known;
    const parsed = parseObject(`{${text}`);
    if (parsed === null) return null;
    const { tools, ...rest } = parsed;
    const checked = toolsSchema.safeParse(tools);
    if (!checked.success) return null;
    const tail = { tools: checked.data, rest };
    if (this.#tails.size >= TAILS_MAX) this.#tails.delete(this.#tails.keys().next().value ?? '');
    this.#tails.set(text, tail);
    return tail;
  }
}
