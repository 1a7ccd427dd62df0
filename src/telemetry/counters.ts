/**
 * Counters in shared memory: every shard writes its own row, any thread reads without asking, also when the writing
 * thread is blocked or dead. What it does not do: rates or history.
 *
 * Invariant: T1 A row has one writer, so that a plain 64-bit store suffices.
 */

export const COUNTER_NAMES = [
  'turns',
  'steps',
  'messages',
  'deadLetters',
  'restarts',
  'spawned',
  'stopped',
  /** A level, not a count: items in all mailboxes of the shard. */
  'mailboxDepth',
  'eventsDropped',
  /** A level: durable actors in memory. */
  'resident',
  /** A level: durable actors that only the journal holds. */
  'passive',
  /** Passive actors that were loaded. */
  'activations',
  /** Snapshots of actors that were written. */
  'snapshots',
  /** A level: of what waits in mailboxes, how much is behind them, as positions in the journal. */
  'spilled',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];
export type CounterValues = Readonly<Record<CounterName, number>>;

/** A row of its own cache lines, so that neighbours do not slow each other down. */
const ROW_LENGTH = 16;
/** The last cell is no counter: whoever takes over a shard from a thread that died must not hand out its ids again. */
const IDS_RESERVED = ROW_LENGTH - 1;

export const createCounterMemory = (rows: number): SharedArrayBuffer =>
  new SharedArrayBuffer(rows * ROW_LENGTH * Float64Array.BYTES_PER_ELEMENT);

const column = Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, index])) as Record<CounterName, number>;

const TURNS = COUNTER_NAMES.indexOf('turns');
const SPAWNED = COUNTER_NAMES.indexOf('spawned');
const MESSAGES = COUNTER_NAMES.indexOf('messages');
const MAILBOX_DEPTH = COUNTER_NAMES.indexOf('mailboxDepth');

/** One row, for its writer. */
export class CounterRow {
  readonly #cells: Float64Array;

  constructor(memory: SharedArrayBuffer, row: number) {
    this.#cells = new Float64Array(memory, row * ROW_LENGTH * Float64Array.BYTES_PER_ELEMENT, ROW_LENGTH);
  }

  add(name: CounterName, amount = 1): void {
    const index = column[name];
    this.#cells[index] = (this.#cells[index] as number) + amount;
  }

  // Those of every message by a fixed column: a look-up by name costs as much as the rest of sending one.

  addSpawned(): void {
    this.#cells[SPAWNED] = (this.#cells[SPAWNED] as number) + 1;
  }

  addTurn(): void {
    this.#cells[TURNS] = (this.#cells[TURNS] as number) + 1;
  }

  addMessages(amount: number): void {
    this.#cells[MESSAGES] = (this.#cells[MESSAGES] as number) + amount;
  }

  addMailboxDepth(amount: number): void {
    this.#cells[MAILBOX_DEPTH] = (this.#cells[MAILBOX_DEPTH] as number) + amount;
  }

  /** A turn has taken items out of a mailbox, and handled tells among them that are not counted yet. */
  addTaken(items: number, tells: number): void {
    this.#cells[MAILBOX_DEPTH] = (this.#cells[MAILBOX_DEPTH] as number) - items;
    this.#cells[MESSAGES] = (this.#cells[MESSAGES] as number) + tells;
  }

  set(name: CounterName, value: number): void {
    this.#cells[column[name]] = value;
  }

  /** How far the threads that had this row may have handed out ids, as counts of their allocator. */
  get idsReserved(): number {
    return this.#cells[IDS_RESERVED] as number;
  }

  reserveIds(upTo: number): void {
    this.#cells[IDS_RESERVED] = upTo;
  }

  read(): CounterValues {
    const values: Partial<Record<CounterName, number>> = {};
    for (const name of COUNTER_NAMES) values[name] = this.#cells[column[name]] as number;
    return values as CounterValues;
  }
}

export const sumCounters = (rows: readonly CounterValues[]): CounterValues => {
  const sums: Partial<Record<CounterName, number>> = {};
  for (const name of COUNTER_NAMES) sums[name] = rows.reduce((sum, row) => sum + row[name], 0);
  return sums as CounterValues;
};
