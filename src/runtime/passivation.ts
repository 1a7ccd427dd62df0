/**
 * Decides which durable actors leave the memory, by idle time and by the resident cap, and lets them go. What it does
 * not do: write snapshots (saves.ts), or bring actors back (activation.ts).
 *
 * Invariants: V1 An actor leaves only when its snapshot is in the journal and says everything about it, and nothing of
 * it lives in memory alone. It stays registered until that moment, so whatever comes meanwhile finds it and keeps it
 * here (A2, D1). V2 The cap is a wish: actors that are busy or attached to something ephemeral stay, and an actor that is
 * needed is loaded all the same; otherwise two actors that wait for each other could wait for ever.
 */
import type { TimerHandle } from '../platform/index.ts';
import type { ActorCell } from './cell.ts';
import { isDurable, type DurableActor } from './saves.ts';
import type { ShardCore } from './shard-core.ts';
import { mayForget } from './supervision.ts';

/** Most actors that leave with one call to the journal. */
const BATCH_MAX = 512;
/** How many actors that cannot leave are passed over at a time. */
const PASSED_MAX = 64;
/** Over the cap with nobody to let go: how long until the next look, unless an actor comes to rest before. */
const LOOK_AGAIN_MS = 1_000;
/** The share of the cap that is freed beyond what is needed, so that actors leave in batches. */
const SLACK_SHARE = 32;
const SLACK_MAX = 256;
const SWEEP_MIN_MS = 10;

const isEmpty = (collection: { readonly size: number } | null): boolean => collection === null || collection.size === 0;

/**
 * True when everything that `cell` is, a snapshot says, and nothing of it is due: it would be brought back at once.
 * @param nowMs monotonic @param wallMs of the wall clock
 */
const mayPassivate = (cell: DurableActor, nowMs: number, wallMs: number): boolean => {
  const { durable, options } = cell;
  const { withinMs } = options.supervision.intensity;
  return (
    cell.status === 'idle' &&
    cell.mailbox.waitingLength === 0 &&
    cell.stopRequest === null &&
    (cell.stash?.length ?? 0) === 0 &&
    isEmpty(cell.watchers) &&
    isEmpty(cell.watching) &&
    isEmpty(cell.timers) &&
    (durable.timers.size === 0 || [...durable.timers.values()].every(({ dueMs }) => dueMs > wallMs)) &&
    // How often it was restarted of late decides whether it will be again.
    cell.restarts.times.every((time) => nowMs - time >= withinMs) &&
    mayForget(cell, nowMs) &&
    !durable.open &&
    durable.retry === null &&
    durable.delivering === 0 &&
    durable.held.length === 0 &&
    durable.stopSeqs.length === 0 &&
    !durable.progress.begun &&
    [...(cell.children?.values() ?? [])].every((child) => child.isDurable)
  );
};

export class Passivation {
  readonly #core: ShardCore;
  /** Durable actors that have rested, the longest rest first. */
  readonly #rested = new Map<number, DurableActor>();
  /** The shortest idle time after which any actor here leaves. */
  #afterMinMs: number;
  #sweepTimer: TimerHandle | null = null;
  #lookTimer: TimerHandle | null = null;
  #evicting = false;
  #closed = false;
  /** Durable actors in memory. */
  #resident = 0;

  constructor(core: ShardCore) {
    this.#core = core;
    this.#afterMinMs = core.limits.passivateAfterMs;
  }

  get resident(): number {
    return this.#resident;
  }

  /** True when more actors are in memory than should be. */
  get over(): boolean {
    return this.#resident > this.#core.limits.residentMax;
  }

  /** A durable actor is in memory now. */
  arrived(cell: ActorCell): void {
    this.#count(1);
    this.#afterMinMs = Math.min(this.#afterMinMs, this.#afterMs(cell));
    this.#evictSoon();
  }

  /** A durable actor has nothing to do at the moment. */
  rest(cell: ActorCell): void {
    if (!isDurable(cell)) return;
    cell.durable.restedMs = this.#core.clock.monotonic();
    const { id } = cell.ref;
    this.#rested.delete(id);
    this.#rested.set(id, cell);
    this.#armSweep();
    this.#evictSoon();
  }

  /** A durable actor is in memory no more. */
  left(id: number): void {
    this.#count(-1);
    this.#rested.delete(id);
  }

  close(): void {
    this.#closed = true;
    this.#sweepTimer?.cancel();
    this.#lookTimer?.cancel();
  }

  #count(change: 1 | -1): void {
    this.#resident += change;
    this.#core.counters.set('resident', this.#resident);
  }

  #afterMs(cell: ActorCell): number {
    const own = cell.options.passivateAfterMs;
    if (own === undefined) return this.#core.limits.passivateAfterMs;
    return own === 0 ? Infinity : own;
  }

  #mayLeave(cell: DurableActor): boolean {
    const { clock } = this.#core;
    return mayPassivate(cell, clock.monotonic(), clock.now());
  }

  // By the cap.

  #evictSoon(): void {
    if (!this.over || this.#evicting || this.#closed) return;
    this.#evicting = true;
    this.#core.clock.soon(() => void this.#evict());
  }

  async #evict(): Promise<void> {
    const { residentMax } = this.#core.limits;
    const slack = Math.min(Math.floor(residentMax / SLACK_SHARE), SLACK_MAX);
    let gone = 1;
    while (this.over && gone > 0 && !this.#stopped) {
      const batch = this.#longestAtRest(Math.min(this.#resident - residentMax + slack, BATCH_MAX));
      gone = await this.#letGo(batch);
    }
    this.#evicting = false;
    if (!this.over || this.#stopped) return;
    this.#lookTimer ??= this.#core.clock.after(LOOK_AGAIN_MS, () => {
      this.#lookTimer = null;
      this.#evictSoon();
    });
  }

  /** Those that cannot leave go to the end of the line, so that the next look does not meet them again. */
  #longestAtRest(count: number): DurableActor[] {
    const batch: DurableActor[] = [];
    const passed: DurableActor[] = [];
    for (const cell of this.#rested.values()) {
      if (this.#mayLeave(cell)) batch.push(cell);
      else passed.push(cell);
      if (batch.length >= count || passed.length >= count + PASSED_MAX) break;
    }
    for (const cell of passed) {
      this.#rested.delete(cell.ref.id);
      this.#rested.set(cell.ref.id, cell);
    }
    return batch;
  }

  // By idle time.

  #armSweep(): void {
    if (this.#sweepTimer !== null || this.#closed || !Number.isFinite(this.#afterMinMs)) return;
    const [first] = this.#rested.values();
    if (first === undefined) return;
    const dueMs = first.durable.restedMs + this.#afterMinMs - this.#core.clock.monotonic();
    const delayMs = Math.max(dueMs, this.#afterMinMs / 4, SWEEP_MIN_MS);
    this.#sweepTimer = this.#core.clock.after(delayMs, () => void this.#sweep());
  }

  async #sweep(): Promise<void> {
    const nowMs = this.#core.clock.monotonic();
    const due: DurableActor[] = [];
    for (const cell of this.#rested.values()) {
      const restMs = nowMs - cell.durable.restedMs;
      if (restMs < this.#afterMinMs || due.length >= BATCH_MAX) break;
      if (restMs >= this.#afterMs(cell) && this.#mayLeave(cell)) due.push(cell);
    }
    await this.#letGo(due);
    this.#sweepTimer = null;
    this.#armSweep();
  }

  // Leaving.

  get #stopped(): boolean {
    return this.#closed || this.#core.halted;
  }

  /** @returns how many have left */
  async #letGo(batch: readonly DurableActor[]): Promise<number> {
    const { saves } = this.#core;
    const before = this.#resident;
    const unsaved = batch.filter((cell) => saves.isDirty(cell));
    for (const cell of batch) if (!saves.isDirty(cell)) this.#drop(cell);
    if (unsaved.length > 0 && !this.#stopped) {
      try {
        await saves.save(unsaved, false);
      } catch {
        // The shard has halted.
        return 0;
      }
      for (const cell of unsaved) if (!saves.isDirty(cell) && this.#mayLeave(cell)) this.#drop(cell);
    }
    return Math.max(before - this.#resident, 0);
  }

  #drop(cell: DurableActor): void {
    const core = this.#core;
    const { id, name } = cell.ref;
    cell.status = 'passive';
    cell.context?.retire();
    core.cells.delete(id);
    if (core.names.get(name) === cell) core.names.delete(name);
    this.left(id);
    core.timers.left(cell);
    core.setPassive(core.passive + 1);
  }
}
