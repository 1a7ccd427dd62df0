/**
 * Watches the heartbeats of the hosts and says who has been silent for how long. What it does not do: judge whose fault
 * it is, or end threads.
 *
 * Invariant: Q1 Silence counts only as far as the watcher itself was on time and the thread had a processor (a quarter
 * of it if not): a process that was suspended, a machine that slept or is busy with others makes nobody silent.
 */
import { isCanary, type Clock, type TimerHandle } from '../platform/index.ts';
import type { PulseReader } from './host-pulse.ts';

/** Looks per limit, and the bounds of the time between them. */
const LOOKS = 10;
const LOOK_MIN_MS = 25;
const LOOK_MAX_MS = 1_000;
/** Beats per look, so that a look finds one. */
const BEATS_PER_LOOK = 2;

/** Of the time in which a thread waits for a processor so much counts, so that an endless loop on a busy machine ends. */
const WAITING_COUNTS = 0.25;

/** Silence after which a host is not waited for by anybody who can do without. */
export const SILENT_MS = 5_000;

/** How often a host beats. @param blockedAfterMs 0: it is watched, but not ended */
export const beatPeriodMs = (blockedAfterMs: number): number => lookPeriodMs(blockedAfterMs) / BEATS_PER_LOOK;

const lookPeriodMs = (blockedAfterMs: number): number => {
  if (blockedAfterMs === 0) return LOOK_MAX_MS;
  return Math.min(Math.max(blockedAfterMs / LOOKS, LOOK_MIN_MS), LOOK_MAX_MS);
};

export interface HostWatchParts {
  /** The process's own time. */
  readonly clock: Clock;
  /** Silence after which a host is blocked; 0: never. */
  readonly blockedAfterMs: number;
  /** How long a thread has waited for a processor in all. */
  readonly threadDelayMs: (thread: number) => number;
  /** Called at every look from then on, until the host is not watched any more. */
  readonly onBlocked: (host: number, silentMs: number) => void;
}

interface Watched {
  readonly pulse: PulseReader;
  beat: number;
  silentMs: number;
  /** At the look before; −1 when it was not asked yet. */
  delayMs: number;
}

interface Waiter {
  readonly host: number;
  readonly afterMs: number;
  readonly silent: () => void;
}

export class HostWatch {
  readonly #parts: HostWatchParts;
  readonly #periodMs: number;
  readonly #watched = new Map<number, Watched>();
  readonly #waiters = new Set<Waiter>();
  readonly #timer: TimerHandle;
  #lastMs: number;

  constructor(parts: HostWatchParts) {
    this.#parts = parts;
    this.#periodMs = lookPeriodMs(parts.blockedAfterMs);
    this.#lastMs = parts.clock.monotonic();
    this.#timer = parts.clock.every(this.#periodMs, () => this.#look());
  }

  /** Another thread runs as `host` from now on. */
  watch(host: number, pulse: PulseReader): void {
    this.#watched.set(host, { pulse, beat: pulse.beat, silentMs: 0, delayMs: -1 });
  }

  /** Its thread has ended. */
  unwatch(host: number): void {
    this.#watched.delete(host);
    this.#wake(host, Infinity);
  }

  /** How long `host` has given no sign of life; 0 for one that is not watched. */
  silentMs(host: number): number {
    return this.#watched.get(host)?.silentMs ?? 0;
  }

  /** Resolves once `host` has been silent for `afterMs`, or has ended. @param signal ends the wait */
  untilSilent(host: number, signal: AbortSignal, afterMs = SILENT_MS): Promise<void> {
    const watched = this.#watched.get(host);
    if (watched === undefined || watched.silentMs >= afterMs) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = { host, afterMs, silent: resolve };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', () => this.#waiters.delete(waiter), { once: true });
    });
  }

  close(): void {
    this.#timer.cancel();
    for (const host of this.#watched.keys()) this.unwatch(host);
  }

  #look(): void {
    const nowMs = this.#parts.clock.monotonic();
    // A look that is late counts as one that is not: the hosts may have been held up by the same.
    const passedMs = Math.min(nowMs - this.#lastMs, this.#periodMs);
    this.#lastMs = nowMs;
    for (const [host, watched] of this.#watched) this.#lookAt(host, watched, passedMs);
  }

  #lookAt(host: number, watched: Watched, passedMs: number): void {
    const { beat } = watched.pulse;
    if (beat !== watched.beat) {
      Object.assign(watched, { beat, silentMs: 0, delayMs: -1 });
      return;
    }
    const delayMs = this.#parts.threadDelayMs(watched.pulse.thread);
    const waitedMs = watched.delayMs < 0 ? 0 : delayMs - watched.delayMs;
    watched.delayMs = delayMs;
    watched.silentMs += Math.max(passedMs - waitedMs, passedMs * WAITING_COUNTS);
    this.#wake(host, watched.silentMs);
    const { blockedAfterMs, onBlocked } = this.#parts;
    if (isCanary('blocked-unnoticed')) return;
    if (blockedAfterMs > 0 && watched.silentMs >= blockedAfterMs) onBlocked(host, Math.round(watched.silentMs));
  }

  #wake(host: number, silentMs: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.host !== host || silentMs < waiter.afterMs) continue;
      this.#waiters.delete(waiter);
      waiter.silent();
    }
  }
}
