/**
 * What becomes of a message that nobody will take: it is counted, kept for a while, and readable with its reason. What it
 * does not do: send it again (`ActorSystem.resend`), or answer who asked.
 *
 * Invariants: A13 All are counted; the last ones are kept, their bodies within a bound; the events about them come at a
 * bounded rate, and say how many were left out.
 */
import type { ActorAddress } from '../protocol/ids.ts';
import { isPackable } from './codec.ts';

export const DEAD_LETTER_REASONS = [
  'not-found',
  'no-routee',
  'stopped',
  'mailbox-full',
  'dropped-new',
  'link-full',
  'not-cloneable',
  'invalid',
  'unknown-type',
  'host-died',
  'poison',
  'journal-failed',
  'system-stopped',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetter {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly reason: DeadLetterReason;
  readonly to: ActorAddress;
  /** '' when the name of the receiver is not known where the letter died. */
  readonly toName: string;
  readonly from: ActorAddress | null;
  /** The message type. */
  readonly type: string;
  /** It was an ask; who asked has been told. */
  readonly ask: boolean;
  /** False when the body was too large, no plain data, or had to make room for later ones. */
  readonly kept: boolean;
  /** Only when it was kept. */
  readonly body?: unknown;
}

/** A letter as it died, with whatever it carried. */
export type DeadMail = Omit<DeadLetter, 'kept'>;

export interface DeadLetterLimits {
  /** Most letters. */
  readonly letters: number;
  /** Most bytes, roughly, of one body and of all bodies. */
  readonly bodyBytes: number;
  readonly bodiesBytes: number;
}

export const DEAD_LETTER_LIMITS: DeadLetterLimits = {
  letters: 1_000,
  bodyBytes: 16 * 1_024,
  bodiesBytes: 1_024 * 1_024,
};

/** What one value weighs beside its content. */
const VALUE_BYTES = 8;

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** What a container holds; null when it is none of those that threads may be sent. */
const partsOf = (value: object): Iterable<unknown> | null => {
  if (Array.isArray(value) || value instanceof Set || value instanceof Map) return value;
  return isPlain(value) ? propertiesOf(value) : null;
};

function* propertiesOf(value: object): Iterable<unknown> {
  for (const key in value) {
    yield key;
    yield Reflect.get(value, key);
  }
}

/**
 * Roughly how many bytes `value` takes, looked at no further than `limit`.
 * @returns null when it is more, or something that no thread can be sent
 */
export const sizeUpTo = (value: unknown, limit: number): number | null => {
  const open: unknown[] = [value];
  let bytes = 0;
  while (open.length > 0) {
    const next = open.pop();
    bytes += VALUE_BYTES;
    if (typeof next === 'string') bytes += next.length * 2;
    else if (typeof next === 'function' || typeof next === 'symbol') return null;
    else if (ArrayBuffer.isView(next)) {
      if (!isPackable(next)) return null;
      bytes += next.byteLength;
    } else if (typeof next === 'object' && next !== null && !(next instanceof Date)) {
      const parts = partsOf(next);
      if (parts === null) return null;
      // What is longer than it may be is not listed to its end.
      for (const part of parts) {
        open.push(part);
        if (bytes + open.length * VALUE_BYTES > limit) return null;
      }
    }
    if (bytes > limit) return null;
  }
  return bytes;
};

interface Kept {
  letter: DeadLetter;
  bytes: number;
}

/** The last dead letters and the number of all of them. Bodies make room for later ones; the rest of a letter stays. */
export class DeadLetterBox {
  readonly #limits: DeadLetterLimits;
  readonly #letters: Kept[] = [];
  /** Those before it have no body any more. */
  #oldest = 0;
  #bytes = 0;
  #count = 0;

  constructor(limits: Partial<DeadLetterLimits> = {}) {
    this.#limits = { ...DEAD_LETTER_LIMITS, ...limits };
  }

  get count(): number {
    return this.#count;
  }

  add(mail: DeadMail): void {
    this.#count += 1;
    const { body, ...rest } = mail;
    const bytes = sizeUpTo(body, this.#limits.bodyBytes);
    const letter = bytes === null ? { ...rest, kept: false } : { ...rest, kept: true, body };
    this.#letters.push({ letter, bytes: bytes ?? 0 });
    this.#bytes += bytes ?? 0;
    while (this.#bytes > this.#limits.bodiesBytes) this.#forgetBody();
    // Cut in halves, so that a flood costs a constant per letter.
    const { letters } = this.#limits;
    if (this.#letters.length <= letters * 2) return;
    const gone = this.#letters.splice(0, this.#letters.length - letters);
    for (const each of gone) this.#bytes -= each.bytes;
    this.#oldest = Math.max(0, this.#oldest - gone.length);
  }

  /** Oldest first. */
  list(): readonly DeadLetter[] {
    return this.#letters.slice(-this.#limits.letters).map(({ letter }) => letter);
  }

  #forgetBody(): void {
    const kept = this.#letters[this.#oldest] as Kept;
    this.#oldest += 1;
    this.#bytes -= kept.bytes;
    kept.bytes = 0;
    const { body, ...rest } = kept.letter;
    if (body !== undefined || kept.letter.kept) kept.letter = { ...rest, kept: false };
  }
}

/** So many are let through at once, and so many per second from then on. */
const SAMPLE_BURST = 20;
const SAMPLE_PER_SECOND = 10;

/** Lets a bounded rate of events through, and says how many it held back before each. */
export class Sampler {
  #tokens = SAMPLE_BURST;
  #lastMs: number | null = null;
  #heldBack = 0;

  /** @param nowMs a monotonic moment @returns how many were held back since the last; null: hold this one back too */
  take(nowMs: number): number | null {
    const passedMs = Math.max(0, nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = nowMs;
    this.#tokens = Math.min(SAMPLE_BURST, this.#tokens + (passedMs * SAMPLE_PER_SECOND) / 1_000);
    if (this.#tokens < 1) {
      this.#heldBack += 1;
      return null;
    }
    this.#tokens -= 1;
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    return heldBack;
  }
}
