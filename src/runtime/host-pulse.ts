/**
 * What a host says of itself in shared memory, so that the main thread can read it when the host cannot answer any more:
 * its heartbeat, whose code runs at this moment and on which message, and whose turns wait for something. One
 * memory per thread. What it does not do: judge (host-watch.ts, blame.ts).
 *
 * Invariants: P1 A memory has one writer, and is never used for a second thread. P2 Whose code runs is written before that code is entered, and taken away before
 * anybody else's is: a mark that stands is right. Code that goes on after waiting for something that the runtime does not
 * know of has no mark; then the turns that wait are what is known.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterMicrotasks } from '../platform/index.ts';

/** Turns that wait, as far as they are named; the others are only counted. */
const SLOTS = 32;
const SLOT_LENGTH = 5;
const HEAD_LENGTH = 16;
const ROW_LENGTH = HEAD_LENGTH + SLOTS * SLOT_LENGTH;

const BEAT = 0;
/** How many turns wait without a slot. */
const UNNAMED = 2;
/** The operating system's number of the thread; 0 when it cannot be told. */
const THREAD = 3;
/** Whose code failed outside of a handler, or ended the thread: the actor, 0 for nobody yet, −1 for somebody unknown. */
const CULPRIT = 5;
const MARK = 10;

/** Where the fields of one turn lie: at `MARK`, at `CULPRIT` and in the slots. */
const ACTOR = 0;
const SHARD = 1;
const DURABLE = 2;
const TYPE = 3;
const SEQ = 4;

const UNKNOWN = -1;

/** Where the slots begin. */
const SLOTS_AT = Array.from({ length: SLOTS }, (_, slot) => HEAD_LENGTH + slot * SLOT_LENGTH);

/** Somebody's code at work on something. */
export interface RunningTurn {
  readonly shard: number;
  readonly actor: number;
  readonly durable: boolean;
  /** Of the message; 0 when there is none. */
  readonly type: number;
  /** Its position in the inbox of the journal; −1: it is not there. */
  readonly seq: number;
}

export interface PulseReading {
  /** Whose code runs. */
  readonly mark: RunningTurn | null;
  /** Turns that are under way, those that wait included. */
  readonly turns: readonly RunningTurn[];
  /** True when there are more of them. */
  readonly more: boolean;
  /** Whose code ended the thread from outside of a handler; `unknown` when somebody's did. */
  readonly culprit: RunningTurn | 'unknown' | null;
}

export const createPulseMemory = (): SharedArrayBuffer =>
  new SharedArrayBuffer(ROW_LENGTH * Float64Array.BYTES_PER_ELEMENT);

const put = (row: Float64Array, at: number, turn: RunningTurn): void => {
  row[at + SHARD] = turn.shard;
  row[at + DURABLE] = turn.durable ? 1 : 0;
  row[at + TYPE] = turn.type;
  row[at + SEQ] = turn.seq;
  row[at + ACTOR] = turn.actor;
};

const get = (row: Float64Array, at: number): RunningTurn | null => {
  const actor = row[at + ACTOR] as number;
  if (actor === 0) return null;
  return {
    actor,
    shard: row[at + SHARD] as number,
    durable: row[at + DURABLE] === 1,
    type: row[at + TYPE] as number,
    seq: row[at + SEQ] as number,
  };
};

interface Whose {
  readonly turn: () => RunningTurn;
  /** Where it waits; undefined: it is only counted. */
  readonly slot: number | undefined;
}

/** The host's end. */
export class PulseWriter {
  readonly #row: Float64Array;
  readonly #free = [...SLOTS_AT];
  /** Whose turn it is, also in whatever it starts and does not wait for. */
  readonly #whose = new AsyncLocalStorage<Whose>();
  #clearing = false;
  /** What `nest` has put aside. */
  readonly #before: number[] = [];

  constructor(memory: SharedArrayBuffer) {
    this.#row = new Float64Array(memory);
  }

  /** @param thread the operating system's number of this thread, 0 for unknown */
  begin(thread: number): void {
    this.#row[THREAD] = thread;
    this.beat();
  }

  beat(): void {
    this.#row[BEAT] = (this.#row[BEAT] as number) + 1;
  }

  /**
   * The code of `actor` is about to run. The caller says when that is over; for a durable actor it is, at the latest,
   * when no microtask is left.
   */
  enter(shard: number, actor: number, durable: boolean, type: number, seq: number): void {
    this.#set(shard, actor, durable, type, seq);
    if (durable) {
      const row = this.#row;
      this.#leaveSoon();
      const slot = this.#whose.getStore()?.slot;
      if (slot !== undefined) row.copyWithin(slot, MARK, MARK + SLOT_LENGTH);
    }
  }

  /** The same code goes on with a message of another type, from no journal. */
  on(type: number): void {
    this.#row[MARK + TYPE] = type;
  }

  leave(): void {
    this.#row[MARK] = 0;
  }

  /** The turn waits for something that the runtime gave it: until `resume` no code of it runs without a mark. */
  hold(): void {
    const slot = this.#whose.getStore()?.slot;
    if (slot !== undefined) this.#row[slot + ACTOR] = 0;
  }

  /** The turn goes on after it waited for something that the runtime gave it. */
  resume(turn: RunningTurn): void {
    put(this.#row, MARK, turn);
    const slot = this.#whose.getStore()?.slot;
    if (slot !== undefined) put(this.#row, slot, turn);
    this.#leaveSoon();
  }

  /** As `nested`, in two calls, for short code that is on no message; `unnest` follows, whatever happens. */
  nest(shard: number, actor: number, durable: boolean): void {
    const row = this.#row;
    const before = this.#before;
    for (let at = MARK; at < MARK + SLOT_LENGTH; at += 1) before.push(row[at] as number);
    this.#set(shard, actor, durable, 0, -1);
  }

  unnest(): void {
    const row = this.#row;
    const before = this.#before;
    for (let at = MARK + SLOT_LENGTH - 1; at > MARK; at -= 1) row[at] = before.pop() as number;
    // The actor last, which says whether there is a mark at all.
    row[MARK + ACTOR] = before.pop() as number;
  }

  /** Runs code of somebody else than whose code runs now, as a part of that. */
  nested<Value>(turn: RunningTurn, run: () => Value): Value {
    const row = this.#row;
    const before = get(row, MARK);
    put(row, MARK, turn);
    try {
      return run();
    } finally {
      if (before === null) this.leave();
      else put(row, MARK, before);
    }
  }

  /** Runs a whole asynchronous turn. @param turn what it is at, whenever that is asked */
  within(turn: () => RunningTurn, run: () => Promise<void>): Promise<void> {
    const slot = this.#take(turn());
    const result = this.#whose.run({ turn, slot }, run);
    this.#untilSettled(slot, result);
    return result;
  }

  /** A turn that has begun goes on until `result` settles. */
  waiting(turn: RunningTurn, result: PromiseLike<unknown>): void {
    this.#untilSettled(this.#take(turn), result);
  }

  /** Something ends this thread from outside of any handler. To be called where it happens. */
  blame(): void {
    // The end of a thread follows from the first of all.
    if (this.#row[CULPRIT] !== 0) return;
    const whose = this.#whose.getStore();
    if (whose !== undefined) put(this.#row, CULPRIT, whose.turn());
    else if (this.#row[MARK] === 0) this.#row[CULPRIT] = UNKNOWN;
  }

  #set(shard: number, actor: number, durable: boolean, type: number, seq: number): void {
    const row = this.#row;
    row[MARK + SHARD] = shard;
    row[MARK + DURABLE] = durable ? 1 : 0;
    row[MARK + TYPE] = type;
    row[MARK + SEQ] = seq;
    row[MARK + ACTOR] = actor;
  }

  #take(turn: RunningTurn): number | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) this.#row[UNNAMED] = (this.#row[UNNAMED] as number) + 1;
    else put(this.#row, slot, turn);
    return slot;
  }

  #untilSettled(slot: number | undefined, result: PromiseLike<unknown>): void {
    const end = (): void => {
      if (slot === undefined) {
        this.#row[UNNAMED] = (this.#row[UNNAMED] as number) - 1;
        return;
      }
      this.#row[slot + ACTOR] = 0;
      this.#free.push(slot);
    };
    result.then(end, end);
  }

  #leaveSoon(): void {
    if (this.#clearing) return;
    this.#clearing = true;
    afterMicrotasks(() => {
      this.#clearing = false;
      this.leave();
    });
  }
}

/** The main thread's end. */
export class PulseReader {
  readonly #row: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#row = new Float64Array(memory);
  }

  get beat(): number {
    return this.#row[BEAT] as number;
  }

  get thread(): number {
    return this.#row[THREAD] as number;
  }

  read(): PulseReading {
    const row = this.#row;
    const turns = SLOTS_AT.map((slot) => get(row, slot));
    return {
      mark: get(row, MARK),
      turns: turns.filter((turn) => turn !== null),
      more: (row[UNNAMED] as number) > 0,
      culprit: row[CULPRIT] === UNKNOWN ? 'unknown' : get(row, CULPRIT),
    };
  }
}
