/**
 * One order for all turns of a host: a turn starts only when nothing else is under way, and which one starts follows from
 * what the journal holds. With a virtual clock this makes a run repeat itself. What it does not do: run turns, or keep
 * anything of its own over a restart.
 *
 * Invariants: O1 No turn starts while another runs or anything that was asked of the journal, a service or the outside is
 * under way; only a turn that waits for an actor's reply lets that actor run. O2 Of the durable actors with mail the one
 * whose first mail lies lowest in its shard's inbox goes first, then the lower shard: a function of the journal, so that
 * a run that was killed goes on in the same order; a step in progress goes before all. Nobody starves, since inboxes only
 * grow. O3 Time passes by a fixed amount per turn, and else only when nothing can happen without it.
 */
import { Ring } from '../actor/index.ts';
import type { VirtualClock } from '../platform/index.ts';
import type { ActorCell } from './cell.ts';
import type { ShardCore } from './shard-core.ts';

/** How long a turn takes. */
const TURN_MS = 1;
/** Turns before the event loop goes round. */
const TURNS_AT_ONCE = 256;

interface Queued {
  readonly core: ShardCore;
  readonly cell: ActorCell;
  readonly seq: number;
}

const isBefore = (left: Queued, right: Queued): boolean =>
  left.seq === right.seq ? left.core.shard < right.core.shard : left.seq < right.seq;

/** The place of a durable actor in the order. */
const firstSeq = ({ durable, mailbox }: ActorCell): number => {
  if (durable === null || durable.open || durable.retry !== null) return -1;
  const mail = mailbox.peekUser() ?? mailbox.peekSpilled();
  const seq = typeof mail === 'number' ? mail : mail?.seq;
  return Math.min(mailbox.peekSystem()?.seq ?? Infinity, seq ?? Infinity);
};

export class SerialOrder {
  readonly clock: VirtualClock;
  readonly #cores: ShardCore[] = [];
  /** Durable actors with something to do, a binary heap by `isBefore`. */
  readonly #heap: Queued[] = [];
  /** Ephemeral ones, in the order in which they were woken. */
  readonly #ephemeral = new Ring<Queued>();
  #ephemeralNext = true;
  #underWay = 0;
  #scheduled = false;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  add(core: ShardCore): void {
    this.#cores.push(core);
  }

  /** No turn starts until `promise` has settled and whatever waited for it has gone on. */
  track<Value>(promise: Promise<Value>): Promise<Value> {
    this.#underWay += 1;
    const done = (): void => {
      this.#underWay -= 1;
      this.kick();
    };
    promise.then(done, done);
    return promise;
  }

  enqueue(core: ShardCore, cell: ActorCell): void {
    if (cell.durable === null) this.#ephemeral.push({ core, cell, seq: -1 });
    else this.#push({ core, cell, seq: firstSeq(cell) });
    this.kick();
  }

  /** Something has changed that may let a turn start. */
  kick(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.clock.soon(() => this.#run());
  }

  /** The host comes to its end: what waits for time gets it. */
  release(): void {
    this.clock.follow();
  }

  #run(): void {
    this.#scheduled = false;
    for (let turns = 0; this.#mayStart(); turns += 1) {
      if (turns >= TURNS_AT_ONCE) {
        this.kick();
        return;
      }
      const next = this.#take();
      if (next === undefined) {
        if (!this.#waitsForTime() || !this.clock.jump()) return;
        continue;
      }
      this.clock.advance(TURN_MS);
      // Stopped after it was queued, or by the time that has passed.
      if (next.cell.status !== 'queued') continue;
      next.core.runQueued(next.cell);
      if (this.#running() === 0) continue;
      // By the time the event loop has gone round it may wait for another actor's reply.
      this.kick();
      return;
    }
  }

  #mayStart(): boolean {
    return this.#underWay === 0 && this.#running() <= this.#asks() && this.#cores.every((core) => !core.paused);
  }

  #running(): number {
    return this.#cores.reduce((sum, core) => sum + core.running, 0);
  }

  #asks(): number {
    return this.#cores.reduce((sum, core) => sum + core.asks.size, 0);
  }

  /** Whether anybody waits for a timer; those of the runtime itself may wait until time passes anyway. */
  #waitsForTime(): boolean {
    if (this.#asks() > 0) return true;
    for (const core of this.#cores) {
      for (const { status, timers } of core.cells.values()) {
        if (status === 'restarting' || status === 'stopping' || (timers?.size ?? 0) > 0) return true;
      }
    }
    return false;
  }

  #take(): Queued | undefined {
    // In turns, so that neither kind keeps the other waiting.
    const ephemeral = this.#ephemeral.length > 0 && (this.#ephemeralNext || this.#heap.length === 0);
    this.#ephemeralNext = !ephemeral;
    return ephemeral ? this.#ephemeral.shift() : this.#pop();
  }

  #push(item: Queued): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(item, heap[above] as Queued)) break;
      heap[at] = heap[above] as Queued;
      at = above;
    }
    heap[at] = item;
  }

  #pop(): Queued | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Queued, heap[below] as Queued)) below += 1;
      if (!isBefore(heap[below] as Queued, last)) break;
      heap[at] = heap[below] as Queued;
      at = below;
    }
    heap[at] = last;
    return top;
  }
}
