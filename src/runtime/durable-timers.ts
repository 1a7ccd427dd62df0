/**
 * The timers of a shard's durable actors. A timer is set, moved or cancelled by the commit of a step; when it is due, a
 * *tick* (mail to self that no inbox holds) goes into the mailbox, and the step that takes the tick carries the change
 * that removes the timer or moves it on. What it does not do: write steps (durable-steps.ts), or keep the timers of
 * ephemeral actors, which are the clock's own.
 *
 * Invariants: T1 a timer has at most one tick at a time, so that missed periods come as one. T2 a tick counts only while
 * its timer stands as it did when the tick was made: cancelled or replaced, by an earlier step or earlier in the same one,
 * it is left out. T3 a timer that fired without a committed step is due again after a crash: it acts on the state exactly
 * once (D2). T4 A step that was begun with a tick takes that tick again (D3). T5 a passive actor is waited for once, until
 * the first of its timers is due. A4 Ticks per look, timers per actor, and actors that are brought back at a time, are
 * bounded.
 */
import { deepCopy, Ring } from '../actor/index.ts';
import type { PassiveTimer, TimerRecord } from '../journal/shard-log.ts';
import { isCanary, type TimerHandle } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import type { DurableCell, StepProgress } from './durable-cell.ts';
import type { MailboxItem, MailEnvelope } from './envelope.ts';
import { ownMail, type ShardCore } from './shard-core.ts';
import { ShardTime } from './shard-time.ts';
import { TimerHeap } from './timer-heap.ts';

/** Most timers of one actor: they are part of its snapshot. */
export const TIMERS_MAX = 1_024;
/** Most timers that fire before the event loop goes round. */
const TICKS_MAX = 1_024;
/** Most passive actors that are asked for at a time because a timer of theirs is due. */
const LOADING_MAX = 1_024;
/** A clock that was set forward is noticed after this time at the latest. */
export const LOOK_EVERY_MS = 5_000;
/** Key of the record of the ticks that a begun step took: [place among what it took, key of the timer]. */
export const TICKS_KEY = '@timers';

/** When a timer that fired at `nowMs` fires next: in its rhythm, or from now on when the clock was set back. */
export const nextDueMs = (dueMs: number, periodMs: number, nowMs: number): number =>
  nowMs < dueMs ? nowMs + periodMs : dueMs + (Math.floor((nowMs - dueMs) / periodMs) + 1) * periodMs;

const isStashed = (cell: ActorCell, item: MailboxItem): boolean =>
  item.kind === 'mail' && cell.stash?.includes(item) === true;

export class DurableTimers {
  readonly #core: ShardCore;
  readonly #time: ShardTime;
  /** By actor: a timer of one in memory, or the number of the sleep of one that is passive. */
  readonly #heap = new TimerHeap<TimerRecord | number>((actor, what) => this.#isCurrent(actor, what));
  /** Passive actors with timers, each with the number of its sleep: the entry that counts is for the first of its timers. */
  readonly #asleep = new Map<number, number>();
  #sleeps = 0;
  /** Passive actors with a timer that is due, and how many of them the journal is asked for. */
  readonly #due = new Ring<number>();
  #loading = 0;
  readonly #ticks = new WeakMap<MailboxItem, TimerRecord>();
  #wake: TimerHandle | null = null;
  #wakeMs = Infinity;
  #closed = false;

  constructor(core: ShardCore) {
    this.#core = core;
    this.#time = new ShardTime(core.clock);
  }

  /** Entries of the heap, for tests that count. */
  get waiting(): number {
    return this.#heap.length;
  }

  /** An actor is in memory, with the timers that the journal knows of. Once per cell. */
  arrived(cell: ActorCell): void {
    const { durable } = cell;
    if (durable === null || durable.timersArmed) return;
    this.#asleep.delete(cell.ref.id);
    durable.timersArmed = true;
    if (durable.timers.size === 0) return;
    const taken = this.#takeAgain(cell, durable);
    for (const timer of durable.timers.values()) if (!taken.has(timer)) this.#arm(cell, timer);
  }

  /** An actor leaves the memory; `core.activate` brings it back when one of its timers is due. */
  left(cell: ActorCell): void {
    let firstMs = Infinity;
    for (const { dueMs } of cell.durable?.timers.values() ?? []) firstMs = Math.min(firstMs, dueMs);
    if (firstMs < Infinity) this.#sleep(cell.ref.id, firstMs);
  }

  /** Timers of actors that an opening did not bring into memory. */
  passive(timers: readonly PassiveTimer[]): void {
    const first = new Map<number, number>();
    for (const { actor, dueMs } of timers) first.set(actor, Math.min(dueMs, first.get(actor) ?? Infinity));
    for (const [actor, dueMs] of first) this.#sleep(actor, dueMs);
  }

  close(): void {
    this.#closed = true;
    this.#wake?.cancel();
    this.#wake = null;
  }

  // What handlers do: it belongs to the step in progress.

  /** @throws USAGE, MESSAGE_NOT_CLONEABLE */
  set(
    cell: ActorCell,
    key: string,
    delayMs: number,
    periodMs: number | null,
    mail: Pick<TimerRecord, 'type' | 'body'>,
  ): void {
    const { timers, progress } = cell.durable as DurableCell;
    if (!Number.isFinite(delayMs) || delayMs < 0 || periodMs === 0) {
      throw new MegactorError(
        'USAGE',
        `a timer needs a time of 0 ms or more, a repeated one more than 0, not ${delayMs}`,
      );
    }
    const isNew = !timers.has(key) && !progress.timers.has(key);
    if (isNew && new Set([...timers.keys(), ...progress.timers.keys()]).size >= TIMERS_MAX) {
      throw new MegactorError('USAGE', `'${cell.ref.name}' has ${TIMERS_MAX} timers, and may not have more`);
    }
    const dueMs = this.#now(progress) + delayMs;
    const timer = { key, dueMs, periodMs, type: mail.type, body: deepCopy(mail.body) };
    progress.timers.set(key, { key, timer });
    progress.ticks.delete(key);
  }

  cancel(cell: ActorCell, key: string): void {
    const { timers, progress } = cell.durable as DurableCell;
    progress.ticks.delete(key);
    if (timers.has(key)) progress.timers.set(key, { key, timer: null });
    else progress.timers.delete(key);
  }

  // What steps ask.

  isTick(item: MailboxItem): boolean {
    return this.#ticks.has(item);
  }

  /** `item` is about to be handled. False when it is a tick that means nothing any more. */
  begin(cell: ActorCell, item: MailboxItem): boolean {
    // Whatever else is not journaled is an ask.
    if (item.seq >= 0 || item.kind !== 'mail' || item.ask !== 0) return true;
    const timer = this.#ticks.get(item);
    if (timer === undefined) return true;
    const { timers, progress } = cell.durable as DurableCell;
    const { key, dueMs, periodMs } = timer;
    if (timers.get(key) !== timer || progress.timers.has(key)) return false;
    if (isCanary('timer-twice')) return true;
    const next = periodMs === null ? null : { ...timer, dueMs: nextDueMs(dueMs, periodMs, this.#now(progress)) };
    progress.timers.set(key, { key, timer: next });
    progress.ticks.set(key, item);
    return true;
  }

  /** A tick was stashed: it is handled later, and its timer stands until then. */
  untake(durable: DurableCell, item: MailEnvelope): void {
    const key = this.#ticks.get(item)?.key;
    if (key === undefined || durable.progress.ticks.get(key) !== item) return;
    durable.progress.ticks.delete(key);
    durable.progress.timers.delete(key);
  }

  /** A tick of the timer `key` as it stands, for a step that has taken it before; undefined when there is none. */
  tickOf(cell: ActorCell, key: string): MailEnvelope | undefined {
    const timer = cell.durable?.timers.get(key);
    return timer === undefined ? undefined : this.#tick(cell, timer);
  }

  /** What the record of a begun step has to say of its ticks; undefined when it took none. */
  taken(cell: ActorCell): readonly (readonly [number, string])[] | undefined {
    if (cell.durable?.timers.size === 0) return undefined;
    const { timers } = cell.durable as DurableCell;
    const again = cell.batch.filter((item) => (item.seq >= 0 || this.isTick(item)) && !isStashed(cell, item));
    const ticks = again.flatMap((item, place) => {
      const timer = this.#ticks.get(item);
      return timer !== undefined && timers.get(timer.key) === timer ? [[place, timer.key] as const] : [];
    });
    return ticks.length === 0 ? undefined : ticks;
  }

  /** The step of `progress` is in the journal. */
  committed(cell: ActorCell, { timers: changes }: StepProgress): void {
    const { timers } = cell.durable as DurableCell;
    for (const { key, timer } of changes.values()) {
      timers.delete(key);
      if (timer === null) continue;
      timers.set(key, timer);
      this.#arm(cell, timer);
    }
  }

  // Time.

  #now(progress: StepProgress): number {
    progress.nowMs ??= this.#core.clock.now();
    return progress.nowMs;
  }

  #arm(cell: ActorCell, timer: TimerRecord): void {
    const { dueMs, periodMs } = timer;
    // A period is never waited for longer than it lasts, wherever the clock was set while nobody looked.
    const atMs = periodMs === null ? dueMs : Math.min(dueMs, this.#core.clock.now() + periodMs);
    this.#push(atMs, cell.ref.id, timer);
  }

  #sleep(actor: number, dueMs: number): void {
    this.#sleeps += 1;
    this.#asleep.set(actor, this.#sleeps);
    this.#push(dueMs, actor, this.#sleeps);
  }

  #push(dueMs: number, actor: number, what: TimerRecord | number): void {
    if (this.#closed) return;
    const nowMs = this.#time.read();
    this.#heap.push(this.#time.of(dueMs), actor, what);
    this.#schedule(nowMs);
  }

  #schedule(nowMs: number): void {
    const { nextMs } = this.#heap;
    if (nextMs === Infinity) return;
    const atMs = Math.min(Math.max(nextMs, nowMs), nowMs + LOOK_EVERY_MS);
    if (this.#wake !== null) {
      if (this.#wakeMs <= atMs) return;
      this.#wake.cancel();
    }
    this.#wakeMs = atMs;
    this.#wake = this.#core.clock.after(Math.ceil(atMs - nowMs), () => this.#look());
  }

  #look(): void {
    this.#wake = null;
    if (this.#closed || this.#core.halted) return;
    const nowMs = this.#time.read();
    for (let count = 0; count < TICKS_MAX && this.#heap.nextMs <= nowMs; count += 1) this.#fire();
    this.#schedule(nowMs);
  }

  #fire(): void {
    const entry = this.#heap.pop();
    if (entry === undefined || !this.#isCurrent(entry.actor, entry.what)) return;
    const { actor, what } = entry;
    if (typeof what === 'number') {
      // Its timers come with it; those that are due fire then.
      this.#asleep.delete(actor);
      this.#due.push(actor);
      this.#load();
      return;
    }
    const cell = this.#core.cells.get(actor) as ActorCell;
    this.#core.force(cell, this.#tick(cell, what));
  }

  /** Brings passive actors back, so many at a time. */
  #load(): void {
    while (this.#loading < LOADING_MAX && this.#due.length > 0 && !this.#closed) {
      this.#loading += 1;
      const loaded = (): void => {
        this.#loading -= 1;
        this.#load();
      };
      this.#core.activate(this.#due.shift() as number).then(loaded, loaded);
    }
  }

  #tick(cell: ActorCell, timer: TimerRecord): MailEnvelope {
    const tick = ownMail(cell, timer.type, deepCopy(timer.body));
    this.#ticks.set(tick, timer);
    return tick;
  }

  #isCurrent(actor: number, what: TimerRecord | number): boolean {
    if (typeof what === 'number') return this.#asleep.get(actor) === what;
    const cell = this.#core.cells.get(actor);
    return cell !== undefined && !cell.ended && cell.durable?.timers.get(what.key) === what;
  }

  /** Puts the ticks of a step that was begun back among the mail that it takes again. */
  #takeAgain(cell: ActorCell, durable: DurableCell): ReadonlySet<TimerRecord> {
    const { progress, timers } = durable;
    const recorded = (progress.recorded.get(TICKS_KEY) ?? []) as readonly (readonly [number, string])[];
    const taken = new Set<TimerRecord>();
    if (recorded.length === 0) return taken;
    const retry = [...(durable.retry ?? [])];
    for (const [place, key] of recorded) {
      const timer = timers.get(key);
      if (timer === undefined) continue;
      retry.splice(place, 0, this.#tick(cell, timer));
      taken.add(timer);
    }
    durable.retry = retry;
    return taken;
  }
}
