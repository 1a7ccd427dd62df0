/**
 * What of an answer is kept for the requests that follow: its text and the arguments of its calls up to a length, with a
 * note of how much is left out. What was done with them was done with all of them. What it does not do: say how long they
 * may be (`request.ts`).
 *
 * Invariants: Every call stays, with its id, its name and one JSON object as its arguments. What is short enough stays to
 * the letter, and of the others the longest lose first. The same answer and lengths give the same.
 */
import type { ChatMessage } from '../src/model/types.ts';

/** In characters. */
export interface KeptLengths {
  /** Of the text, and of the arguments of one call. */
  readonly each: number;
  /** Of all of them together. */
  readonly all: number;
}

const note = (left: number): string => `… (${left} more characters were sent and are left out here)`;
/** No note is longer. */
const NOTE_CHARS = 80;
/** Nothing is made shorter than that: it would say nothing. */
const LEAST = 2 * NOTE_CHARS;

/** Not between the halves of a character. */
const cutAt = (text: string, end: number): number => ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800 ? end - 1 : end);

const shortText = (text: string, most: number): string => {
  if (text.length <= most) return text;
  const end = cutAt(text, Math.max(0, most - NOTE_CHARS));
  return text.slice(0, end) + note(text.length - end);
};

/** What each may have, so that all together have no more than `sum`, and those that need less leave the rest to others. */
const shareOf = (lengths: readonly number[], sum: number): number => {
  let left = sum;
  const sorted = lengths.toSorted((one, other) => one - other);
  for (const [index, length] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - index));
    if (length > share) return share;
    left -= length;
  }
  return Number.POSITIVE_INFINITY;
};

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** The strings of a JSON text, keys among them: where each begins and ends within its quotes. */
const stringsOf = (json: string): readonly (readonly [number, number])[] => {
  const found: (readonly [number, number])[] = [];
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at + 1)) {
    const begin = at + 1;
    at = begin;
    while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
    found.push([begin, at]);
  }
  return found;
};

/** The beginning of what stands between quotes, not within an escape. */
const beginningOf = (quoted: string, most: number): string => {
  let end = 0;
  for (let next = 0; next <= most; next += quoted[next] === '\\' ? (quoted[next + 1] === 'u' ? 6 : 2) : 1) end = next;
  return quoted.slice(0, cutAt(quoted, end));
};

/** A JSON object as short as that: with shorter strings where that is enough, else its beginning as a text. */
const shortJson = (json: string, most: number): string => {
  if (json.length <= most) return json;
  const strings = stringsOf(json);
  const lengths = strings.map(([begin, end]) => end - begin);
  const share = shareOf(lengths, most - (json.length - lengths.reduce((sum, length) => sum + length, 0)));
  // Quotes are escaped.
  if (share < LEAST) return JSON.stringify({ beginning: shortText(json, Math.max(LEAST, Math.floor(most / 2))) });
  const parts: string[] = [];
  let done = 0;
  for (const [begin, end] of strings) {
    if (end - begin <= share) continue;
    const kept = beginningOf(json.slice(begin, end), share - NOTE_CHARS);
    parts.push(json.slice(done, begin), kept, note(end - begin - kept.length));
    done = end;
  }
  return [...parts, json.slice(done)].join('');
};

/** The message with no more of an answer than that; others as they are. */
export const shortened = (message: ChatMessage, { each, all }: KeptLengths): ChatMessage => {
  if (message.role !== 'assistant') return message;
  const { content, tool_calls: calls = [] } = message;
  const lengths = [content?.length ?? 0, ...calls.map((call) => call.function.arguments.length)];
  const sum = lengths.reduce((total, length) => total + length, 0);
  if (sum <= all && lengths.every((length) => length <= each)) return message;
  const own = lengths.map((length) => Math.min(each, length));
  const length = Math.max(LEAST, Math.min(each, shareOf(own, all)));
  return {
    ...message,
    content: content === null ? null : shortText(content, length),
    ...(message.tool_calls === undefined
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            ...call,
            function: { ...call.function, arguments: shortJson(call.function.arguments, length) },
          })),
        }),
  };
};
