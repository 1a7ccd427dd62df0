/**
 * What a program must have seen when it is over, and how long it took. A subject whose outcome differs has lost, doubled
 * or made up a message, and gives no figure.
 */
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { threadMicros } from '../harness/proc.ts';
import { OPENING_BALANCE, WRITE_EVERY, type Program, type Size } from './settings.ts';

export const outcomeSchema = z.strictObject({
  /** By name; compared with `expectedOf`. */
  seen: z.record(z.string(), z.number()),
  /** Of the thread that ran the program: its processor time, or wall time where Node cannot tell it. */
  seconds: z.number().nonnegative(),
  wallSeconds: z.number().nonnegative(),
});

export type Outcome = z.infer<typeof outcomeSchema>;
export type Seen = Outcome['seen'];

/** Items of a whole program: what its rate counts. */
export const itemsOf = (program: Program, { actors, items }: Size): number => {
  switch (program) {
    case 'fork-join':
    case 'big':
    case 'dictionary':
    case 'philosophers':
      return actors * items;
    case 'create':
      return actors;
    case 'pingpong':
    case 'counting':
    case 'ring':
    case 'chameneos':
    case 'bank':
      return items;
    default:
      return program satisfies never;
  }
};

export const expectedOf = (program: Program, size: Size): Seen => {
  const { actors } = size;
  const items = itemsOf(program, size);
  switch (program) {
    case 'pingpong':
      return { pings: items, pongs: items };
    case 'counting':
      return { counted: items };
    case 'create':
      return { created: items, received: items };
    case 'fork-join':
      return { workers: actors, received: items };
    case 'ring':
      return { hops: items };
    case 'chameneos':
      return { meetings: items, met: 2 * items };
    case 'big':
      return { actors, pings: items, pongs: items };
    case 'bank':
      return { transactions: items, balance: actors * OPENING_BALANCE };
    case 'dictionary': {
      const writes = actors * Math.floor(size.items / WRITE_EVERY);
      return { workers: actors, reads: items - writes, writes, wrong: 0 };
    }
    case 'philosophers':
      return { meals: items, philosophers: actors, clashes: 0 };
    default:
      return program satisfies never;
  }
};

/** @throws Error that names what differs */
export const checkSeen = (program: Program, size: Size, seen: Seen): void => {
  const expected = expectedOf(program, size);
  const names = new Set([...Object.keys(expected), ...Object.keys(seen)]);
  const wrong = [...names].filter((name) => expected[name] !== seen[name]);
  if (wrong.length === 0) return;
  const words = wrong.map((name) => `${name} ${seen[name] ?? 'missing'} instead of ${expected[name] ?? 'none'}`);
  throw new Error(`${program} has a wrong result: ${words.join(', ')}`);
};

interface Moment {
  readonly wallMs: number;
  readonly processorMicros: number | null;
}

/** The time of the thread that asks, from here on. */
export class Stopwatch {
  readonly #from: Moment = { wallMs: systemClock.monotonic(), processorMicros: threadMicros() };

  outcome(seen: Seen): Outcome {
    const wallSeconds = (systemClock.monotonic() - this.#from.wallMs) / 1_000;
    const micros = threadMicros();
    const { processorMicros } = this.#from;
    const seconds = micros === null || processorMicros === null ? wallSeconds : (micros - processorMicros) / 1e6;
    return { seen, seconds, wallSeconds };
  }
}

/** The same numbers in every subject: a linear congruential generator. */
export class Lcg {
  #value: number;

  constructor(seed: number) {
    this.#value = seed >>> 0;
  }

  /** A whole number from 0 to `below` − 1. */
  below(below: number): number {
    this.#value = (Math.imul(this.#value, 1_664_525) + 1_013_904_223) >>> 0;
    return (this.#value >>> 8) % below;
  }
}
