/**
 * The disk under a simulated journal: transactions are committed and flushed after drawn delays, fail when they are told
 * to, and survive a crash as far as a disk would let them. What it does not do: anything that journals on real disks need
 * beside (`faulty-backend.ts` does).
 *
 * Invariants: W7 What was reported as flushed survives the loss of power, what was reported as committed the death of the
 * process. W8 Of what was under way at a crash a part survives, from the front on (transactions are whole, in order).
 */
import type { Backend, BackendWrite } from '../journal/backend.ts';
import { MemoryBackend } from '../journal/memory-backend.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { Lane, Scheduler, Thread } from './scheduler.ts';

export interface DiskDelays {
  readonly commitMs: () => number;
  /** After the commit. */
  readonly flushMs: () => number;
}

export type CrashKind = 'process' | 'power';

export class SimulatedDisk {
  readonly #scheduler: Scheduler;
  readonly #delays: DiskDelays;
  /** All that is there, oldest first. */
  #groups: BackendWrite[] = [];
  /** Handed over since the last opening and not committed. */
  #underWay: BackendWrite[] = [];
  #committed = 0;
  #flushed = 0;
  #fails = 0;

  constructor(scheduler: Scheduler, delays: DiskDelays) {
    this.#scheduler = scheduler;
    this.#delays = delays;
  }

  /** Transactions that are committed. */
  get committed(): number {
    return this.#committed;
  }

  /** The next `count` transactions fail. */
  failCommits(count: number): void {
    this.#fails = count;
  }

  /** What is there after the process died, or the machine lost its power. */
  crash(kind: CrashKind): void {
    const all = [...this.#groups, ...this.#underWay];
    const safe = kind === 'power' ? this.#flushed : this.#committed;
    const kept = safe + Math.floor(this.#scheduler.random() * (all.length - safe + 1));
    this.#groups = all.slice(0, kept);
    this.#underWay = [];
    this.#committed = kept;
    this.#flushed = kept;
    this.#fails = 0;
    this.#scheduler.note(`disk after a loss of ${kind}: ${kept} of ${all.length} transactions, ${safe} were promised`);
  }

  /** The journal's view, on the journal's thread. */
  open(thread: Thread): Backend {
    const memory = new MemoryBackend();
    const nothing = (): void => undefined;
    for (const group of this.#groups) memory.write(group, nothing, nothing);
    const lane = this.#scheduler.lane('disk', thread);
    const write: Backend['write'] = (group, onCommitted, onFlushed, onFailed) => {
      if (this.#fails > 0) {
        this.#fails -= 1;
        const error = new MegactorError('DISK', 'the journal could not be written: a planted fault');
        this.#later(lane, 'fails', 0, () => onFailed(error));
        return;
      }
      this.#underWay.push(group);
      const { commitMs, flushMs } = this.#delays;
      const flush = (): void => {
        this.#flushed += 1;
        onFlushed();
      };
      this.#later(lane, 'commits', commitMs(), () => {
        this.#underWay.shift();
        this.#groups.push(group);
        this.#committed += 1;
        memory.write(group, nothing, nothing);
        this.#later(lane, 'flushes', flushMs(), flush);
        onCommitted();
      });
    };
    return new Proxy<Backend>(memory, {
      get: (target, key): unknown => {
        if (key === 'write') return write;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  #later(lane: Lane, label: string, delayMs: number, run: () => void): void {
    // One transaction after the other.
    const dueMs = Math.max(this.#scheduler.nowMs + delayMs, lane.items.at(-1)?.dueMs ?? 0);
    this.#scheduler.push(lane, { dueMs, label, kind: 'work', run });
  }
}
