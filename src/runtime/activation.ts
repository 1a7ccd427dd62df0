/**
 * Brings passive actors back. Whatever is addressed to an id that is not in memory, and may be that of a passive actor,
 * waits here while the journal is asked; then it goes where it was going, as if the actor had been there. What it does
 * not do: make cells (spawning.ts).
 *
 * Invariants: A2 What is sent to one id waits in one line, and nothing overtakes it: an actor is registered in the same
 * moment in which its line is read out. A4 Loads under way are bounded; so are the bodies that wait: of journaled mail
 * beyond the bound only the position is kept, which is all that a mailbox needs of it (spilling.ts); other mail is refused.
 * V2 Loading goes on, slowly, when the resident cap is reached.
 */
import type { Delivery, RecoveredActor } from '../journal/shard-log.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import type { Envelope } from './envelope.ts';
import type { ShardCore } from './shard-core.ts';

/** Most ids of one request, and of all requests under way. */
const LOAD_BATCH = 256;
const LOADS_MAX = 1_024;
/** The same while more actors are in memory than should be. */
const LOADS_MAX_OVER = 64;
/** Most deliveries that wait with their bodies. */
const BODIES_MAX = 16_384;
/** Most envelopes that wait; they are nowhere else. */
const ENVELOPES_MAX = 131_072;
/** Most deliveries that are read again with one request. */
const READ_BATCH = 1_024;

/** What waits: an envelope, a delivery, or the position of one. */
type Item = Envelope | Delivery | number;

const NO_ITEMS: readonly Item[] = [];

interface Line {
  items: Item[];
  /** How many of `items` are positions alone. */
  positions: number;
  readonly callers: ((cell: ActorCell | null) => void)[];
}

export interface ActivationParts {
  readonly core: ShardCore;
  /** Makes a cell of a loaded actor, and starts it. @throws DEFINITION_INVALID */
  readonly revive: (found: RecoveredActor) => ActorCell;
  /** Loads what `revive` needs, if it is not there. @returns undefined when it is */
  readonly prepare: (found: RecoveredActor) => Promise<unknown> | undefined;
  readonly receive: (envelope: Envelope) => boolean;
  /** Takes what the journal delivered, in one batch. */
  readonly deliver: (deliveries: readonly Delivery[]) => void;
  /** True when an actor of this id was seen here. */
  readonly wasSeen: (id: number) => boolean;
}

/** Whether `cell` takes mail that is a position alone. */
const keepsPositions = (cell: ActorCell | null): cell is ActorCell =>
  cell !== null && cell.durable !== null && !cell.ended;

const isDelivery = (item: Envelope | Delivery): item is Delivery => 'entry' in item;

export class Activation {
  readonly #parts: ActivationParts;
  readonly #core: ShardCore;
  readonly #lines = new Map<number, Line>();
  /** Ids to ask the journal for. */
  #wanted: number[] = [];
  #loading = 0;
  #scheduled = false;
  #bodies = 0;
  #envelopes = 0;
  /** The id that the journal does not know, while its line is read out. */
  #absent = 0;
  #idMax = 0;
  #closed = false;

  constructor(parts: ActivationParts) {
    this.#parts = parts;
    this.#core = parts.core;
  }

  /** @param idMax the largest id that the journal knows of at the opening */
  opened(idMax: number): void {
    this.#idMax = idMax;
  }

  /** What waits stays in the journal, as far as it came from there. */
  close(): void {
    this.#closed = true;
    for (const { callers } of this.#lines.values()) for (const caller of callers) caller(null);
    this.#lines.clear();
  }

  /** True when `id` may be that of a passive actor; only the journal knows. Not asked of those in memory. */
  isPossible(id: number): boolean {
    return this.#core.passive > 0 && id !== this.#absent && (id <= this.#idMax || this.#parts.wasSeen(id));
  }

  /**
   * Keeps `item` in line for the actor `id`, which is not in memory. False when no such actor can be passive: the caller
   * goes on with it. `refused`: it is mail and too much waits.
   */
  hold(id: number, item: Envelope | Delivery): 'held' | 'refused' | false {
    let line = this.#lines.get(id);
    if (line === undefined) {
      if (!this.isPossible(id)) return false;
      line = this.#want(id);
    }
    if (isDelivery(item)) this.#keepDelivery(line, item);
    else {
      if (item.kind === 'mail' && this.#envelopes >= ENVELOPES_MAX) return 'refused';
      this.#envelopes += 1;
      line.items.push(item);
    }
    return 'held';
  }

  /** The actor, loaded if it was passive; null when there is none. */
  activate(id: number): Promise<ActorCell | null> {
    const cell = this.#core.cells.get(id);
    if (cell !== undefined) return Promise.resolve(cell);
    let line = this.#lines.get(id);
    if (line === undefined) {
      if (!this.isPossible(id)) return Promise.resolve(null);
      line = this.#want(id);
    }
    const { callers } = line;
    return new Promise((resolve) => callers.push(resolve));
  }

  /** Everything for `id` waits until `after` is called: something else has to be known before. */
  pause(id: number): { readonly resume: () => void } {
    const line: Line = { items: [], positions: 0, callers: [] };
    this.#lines.set(id, line);
    return { resume: () => void this.#finish(id, this.#core.cells.get(id) ?? null) };
  }

  /** Passive actors as the journal holds them; they stay passive. */
  async look(ids: readonly number[]): Promise<readonly RecoveredActor[]> {
    const { log } = this.#core.parts;
    const found: RecoveredActor[] = [];
    if (log === null) return found;
    const asked = ids.filter((id) => this.isPossible(id));
    for (let from = 0; from < asked.length; from += LOAD_BATCH) {
      found.push(...(await log.load(asked.slice(from, from + LOAD_BATCH))));
    }
    return found;
  }

  /** How many items wait for `id`, and how many of them as positions. */
  waiting(id: number): { readonly items: number; readonly positions: number } {
    const { items = NO_ITEMS, positions = 0 } = this.#lines.get(id) ?? {};
    return { items: items.length, positions };
  }

  #want(id: number): Line {
    const line: Line = { items: [], positions: 0, callers: [] };
    this.#lines.set(id, line);
    this.#wanted.push(id);
    this.#schedule();
    return line;
  }

  #keepDelivery(line: Line, delivery: Delivery): void {
    if (this.#bodies >= BODIES_MAX && delivery.entry.kind === 'mail') {
      line.items.push(delivery.seq);
      line.positions += 1;
      return;
    }
    this.#bodies += 1;
    line.items.push(delivery);
  }

  #schedule(): void {
    if (this.#scheduled || this.#wanted.length === 0) return;
    this.#scheduled = true;
    this.#core.clock.soon(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const most = this.#core.passivation.over ? LOADS_MAX_OVER : LOADS_MAX;
    let next = 0;
    while (next < this.#wanted.length && this.#loading < most) {
      const batch = this.#wanted.slice(next, next + Math.min(LOAD_BATCH, most - this.#loading));
      next += batch.length;
      this.#loading += batch.length;
      void this.#load(batch);
    }
    // A long line is cut once per pump, not once per batch.
    if (next > 0) this.#wanted = this.#wanted.slice(next);
  }

  async #load(ids: readonly number[]): Promise<void> {
    const { log } = this.#core.parts;
    try {
      const found = new Map((await log?.load(ids))?.map((actor) => [actor.record.id, actor]));
      for (const id of ids) {
        const actor = found.get(id);
        if (actor === undefined) void this.#finish(id, null);
        else void this.#revive(id, actor);
      }
    } catch (thrown) {
      this.#failed(thrown);
    }
    this.#loading -= ids.length;
    this.#schedule();
  }

  async #revive(id: number, actor: RecoveredActor): Promise<void> {
    const { prepare, revive } = this.#parts;
    try {
      const preparing = prepare(actor);
      if (preparing !== undefined) await preparing;
      if (this.#closed || this.#core.halted) return;
      this.#core.setPassive(this.#core.passive - 1);
      this.#core.counters.add('activations');
      void this.#finish(id, revive(actor));
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** Reads out the line of `id`, into the cell or into nothing. */
  async #finish(id: number, cell: ActorCell | null): Promise<void> {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    let reader = cell;
    // A dead letter needs more than its position.
    while (line.positions > 0 && !keepsPositions(reader)) {
      const some = await this.#takeSome(id, line);
      if (some === null) return;
      this.#lines.delete(id);
      this.#readOut(id, some, reader);
      const paused = this.#lines.get(id);
      if (paused !== undefined) {
        // Its spawn was among them, and waits for its name: the rest of the line stands behind what waits with it.
        for (const item of line.items) paused.items.push(item);
        for (const caller of line.callers) paused.callers.push(caller);
        paused.positions += line.positions;
        return;
      }
      this.#lines.set(id, line);
      reader = this.#core.cells.get(id) ?? null;
    }
    this.#lines.delete(id);
    this.#readOut(id, line.items, reader);
    for (const caller of line.callers) caller(reader);
  }

  /** The first of a line, with their bodies; null when nothing waits any more. What comes meanwhile goes to its end. */
  async #takeSome(id: number, line: Line): Promise<Item[] | null> {
    const some = line.items.slice(0, READ_BATCH);
    const seqs = some.filter((item) => typeof item === 'number');
    try {
      const bySeq = await this.#read(id, seqs);
      if (this.#lines.get(id) !== line) return null;
      line.items = line.items.slice(some.length);
      line.positions -= seqs.length;
      this.#bodies += seqs.length;
      return some.map((item) => (typeof item === 'number' ? (bySeq.get(item) ?? item) : item));
    } catch (thrown) {
      this.#failed(thrown);
      return null;
    }
  }

  async #read(id: number, seqs: readonly number[]): Promise<ReadonlyMap<number, Delivery>> {
    const read = seqs.length === 0 ? [] : ((await this.#core.parts.log?.read(seqs)) ?? []);
    const bySeq = new Map(read.map((delivery) => [delivery.seq, delivery]));
    if (bySeq.size === seqs.length) return bySeq;
    throw new MegactorError('JOURNAL_DAMAGED', `mail for actor ${id} is not there`);
  }

  #readOut(id: number, items: readonly Item[], cell: ActorCell | null): void {
    if (!this.#core.cells.has(id)) this.#absent = id;
    const late: number[] = [];
    let deliveries: Delivery[] = [];
    const flush = (): void => {
      if (deliveries.length > 0) this.#parts.deliver(deliveries);
      deliveries = [];
    };
    for (const item of items) {
      if (typeof item !== 'number' && isDelivery(item)) {
        this.#bodies -= 1;
        deliveries.push(item);
        continue;
      }
      flush();
      if (typeof item !== 'number') {
        this.#envelopes -= 1;
        this.#parts.receive(item);
      } else if (keepsPositions(cell)) this.#core.spilling.putPosition(cell, item);
      else late.push(item);
    }
    flush();
    this.#absent = 0;
    if (late.length > 0) void this.#deliverLate(id, late);
  }

  /** What stood in line behind something that has ended the actor. */
  async #deliverLate(id: number, seqs: readonly number[]): Promise<void> {
    try {
      for (let from = 0; from < seqs.length; from += READ_BATCH) {
        const read = await this.#read(id, seqs.slice(from, from + READ_BATCH));
        this.#parts.deliver([...read.values()]);
      }
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** An actor that cannot be read must not cost it its mail, so the shard stops as it would at an opening. */
  #failed(thrown: unknown): void {
    if (!this.#closed) this.#core.halt(toMegactorError(thrown));
  }
}
