/**
 * The clock of one simulated thread: all timers of it are one lane, all that it wants to be called back for soon another.
 * Wall and monotonic clock go alike, from a fixed moment.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterMicrotasks, sleepOf, VIRTUAL_EPOCH_MS, type Clock, type TimerHandle } from '../platform/index.ts';
import type { Item, Lane, Scheduler, Thread } from './scheduler.ts';

export class SimulatedClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #thread: Thread;
  readonly #soon: Lane;
  readonly #timers: Lane;

  constructor(scheduler: Scheduler, thread: Thread) {
    this.#scheduler = scheduler;
    this.#thread = thread;
    this.#soon = scheduler.lane(`${thread.name}.soon`, thread);
    this.#timers = scheduler.lane(`${thread.name}.timer`, thread);
  }

  readonly now = (): number => VIRTUAL_EPOCH_MS + this.#scheduler.nowMs;

  readonly monotonic = (): number => this.#scheduler.nowMs;

  readonly soon = (callback: () => void): void => {
    // As Node's own callbacks do, it keeps whose code has asked for it.
    const within = AsyncLocalStorage.snapshot();
    const dueMs = this.#scheduler.nowMs;
    this.#scheduler.push(this.#soon, { dueMs, label: 'goes on', kind: 'work', run: () => within(callback) });
  };

  readonly next = (callback: () => void): void => {
    const thread = this.#thread;
    // It may die in what comes before.
    afterMicrotasks(() => {
      if (thread.alive) callback();
    });
  };

  readonly after = (delayMs: number, callback: () => void): TimerHandle => {
    const within = AsyncLocalStorage.snapshot();
    return this.#push(delayMs, 'timer', () => within(callback));
  };

  readonly every = (periodMs: number, callback: () => void): TimerHandle => {
    const within = AsyncLocalStorage.snapshot();
    let timer: TimerHandle;
    const arm = (): void => {
      timer = this.#push(periodMs, 'upkeep', fire);
    };
    const fire = (): void => {
      arm();
      within(callback);
    };
    arm();
    return { cancel: () => timer.cancel() };
  };

  readonly sleep = sleepOf(this.after);

  #push(delayMs: number, kind: 'timer' | 'upkeep', run: () => void): TimerHandle {
    // Node fires no timer before its time, and in whole milliseconds.
    const dueMs = this.#scheduler.nowMs + Math.max(1, Math.ceil(delayMs));
    const item: Item = { dueMs, label: kind === 'upkeep' ? 'beat' : 'fires', kind, run };
    this.#scheduler.push(this.#timers, item);
    return { cancel: () => this.#scheduler.remove(this.#timers, item) };
  }
}
