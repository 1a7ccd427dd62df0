/**
 * What a program prints, between two looks at it: beginning and end are kept, and the middle is counted.
 *
 * Invariants: O1 never more than `bytesMax` are kept. O2 no character is cut in two: what is shown is UTF-8, other bytes
 * are shown as U+FFFD.
 */

export interface Printed {
  readonly text: string;
  /** Whether something was left out. */
  readonly truncated: boolean;
}

/** Where a character begins at or after `index`. */
const characterAfter = (bytes: Uint8Array, index: number): number => {
  let at = index;
  while (at < bytes.length && at < index + 4 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at += 1;
  return at;
};

/** Where the last whole character of `bytes` ends; all of it when what is there is no beginning of one. */
const wholeUntil = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
};

export class Output {
  readonly #headMax: number;
  readonly #tailMax: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #left = 0;
  /** All bytes ever. */
  total = 0;

  constructor(bytesMax: number) {
    this.#headMax = Math.ceil(bytesMax / 2);
    this.#tailMax = bytesMax - this.#headMax;
  }

  /** Whether there is something to take. */
  get isEmpty(): boolean {
    return this.#headBytes === 0;
  }

  push(chunk: Buffer): void {
    this.total += chunk.length;
    let rest = chunk;
    if (this.#headBytes < this.#headMax) {
      const part = rest.subarray(0, this.#headMax - this.#headBytes);
      this.#head.push(part);
      this.#headBytes += part.length;
      rest = rest.subarray(part.length);
    }
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    while (this.#tailBytes > this.#tailMax) {
      const first = this.#tail[0];
      if (first === undefined) return;
      const over = this.#tailBytes - this.#tailMax;
      if (first.length <= over) this.#tail.shift();
      else this.#tail[0] = first.subarray(over);
      const dropped = Math.min(first.length, over);
      this.#tailBytes -= dropped;
      this.#left += dropped;
    }
  }

  /**
   * What came since the last time. @param isOver whether nothing comes any more; else a character whose rest is still on
   * its way is kept for the next time
   */
  take(isOver: boolean): Printed {
    let head = Buffer.concat(this.#head);
    let tail = Buffer.concat(this.#tail);
    let left = this.#left;
    let rest = Buffer.alloc(0);
    if (left > 0) {
      const headEnd = wholeUntil(head);
      const tailStart = characterAfter(tail, 0);
      left += head.length - headEnd + tailStart;
      head = head.subarray(0, headEnd);
      tail = tail.subarray(tailStart);
    } else {
      head = Buffer.concat([head, tail]);
      tail = Buffer.alloc(0);
    }
    if (!isOver) {
      const last = left > 0 ? tail : head;
      const end = wholeUntil(last);
      rest = Buffer.from(last.subarray(end));
      if (left > 0) tail = tail.subarray(0, end);
      else head = head.subarray(0, end);
    }
    this.#head = rest.length > 0 ? [rest] : [];
    this.#headBytes = rest.length;
    this.#tail = [];
    this.#tailBytes = 0;
    this.#left = 0;
    if (left === 0) return { text: head.toString('utf8'), truncated: false };
    const note = `\n[... ${left} bytes left out ...]\n`;
    return { text: `${head.toString('utf8')}${note}${tail.toString('utf8')}`, truncated: true };
  }
}
