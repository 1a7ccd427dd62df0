/**
 * Keeps the snapshots of a shard's durable actors behind the log by a bounded distance: knows which actors the log says
 * more about than their snapshots do, writes snapshots, and moves the shard's mark. What it does not do: choose who
 * leaves the memory (passivation.ts).
 *
 * Invariants: S1 A snapshot is built between two steps of its actor, from what the last commit wrote. S2 The mark never
 * passes an entry that its actor's snapshot lacks: `dirty` and `newborn` are ordered by where that begins, so the first
 * of each is the oldest. S3 One slice of a checkpoint keeps the thread for at most `sliceMs`, and the next one begins
 * when the journal has answered.
 */
import type { ActorSnapshot, ChildRecord, SnapshotMark } from '../journal/shard-log.ts';
import { isCanary } from '../platform/index.ts';
import { toMegactorError } from '../protocol/errors.ts';
import type { ActorCell, CellStatus } from './cell.ts';
import type { DurableCell } from './durable-cell.ts';
import type { ShardCore } from './shard-core.ts';

/** Most actors of one call to the journal, and about the most bytes of state. */
const SLICE_ACTORS = 256;
const SLICE_BYTES = 512 * 1024;
/** A checkpoint moves the mark after so many slices, so that one that a crash ends was not for nothing. */
const SLICES_PER_MARK = 8;

/** A cell that is known to be durable. */
export type DurableActor = ActorCell & { readonly durable: DurableCell };

export const isDurable = (cell: ActorCell): cell is DurableActor => cell.durable !== null;

const durableChildren = (cell: DurableActor): ChildRecord[] => {
  const uncommitted = new Set(cell.durable.progress.spawned.map(({ id }) => id));
  const children: ChildRecord[] = [];
  for (const { ref, isDurable: isKnown } of cell.children?.values() ?? []) {
    if (isKnown && !uncommitted.has(ref.id)) children.push({ shard: ref.shard, id: ref.id, name: ref.name });
  }
  return children;
};

/** Everything durable about `cell` after its last commit. */
const snapshotOf = (cell: DurableActor): ActorSnapshot => {
  const { durable } = cell;
  const { committed, historySaved, historyCommitted } = durable;
  return {
    record: cell.record,
    step: durable.step,
    get state() {
      return committed?.unpack();
    },
    packedState: committed?.bytes,
    open: durable.open,
    timers: isCanary('timer-lost') ? [] : [...durable.timers.values()],
    children: durableChildren(cell),
    history: durable.history.slice(historySaved, historyCommitted),
    historyBefore: historySaved,
  };
};

/** What an actor does that may have a snapshot: it is in the journal, and no append about it is under way. */
const RESTING: ReadonlySet<CellStatus> = new Set(['idle', 'polling', 'queued', 'restarting']);

const isBetweenSteps = (cell: DurableActor): boolean => RESTING.has(cell.status) && !cell.durable.progress.begun;

export class Saves {
  readonly #core: ShardCore;
  /** What the log says about these from the position on, no snapshot holds. */
  readonly #dirty = new Map<number, { readonly cell: DurableActor; readonly log: number }>();
  /** Actors without a snapshot, with an inbox position that their spawns are not before. */
  readonly #newborn = new Map<number, number>();
  /** Actors that the checkpoint found in a turn. */
  readonly #awaited = new Set<number>();
  /** Actors that stopped, with an inbox position that their spawns are before: as long as the journal knows of them. */
  readonly #stopped = new Map<number, number>();
  /** The next position of the inbox that may hold a spawn not seen here. */
  #inboxNext = 0;
  #entries = 0;
  #bytes = 0;
  #checkpoint: Promise<void> | null = null;
  #closed = false;

  constructor(core: ShardCore) {
    this.#core = core;
  }

  /** Something about `cell` is about to be appended, or changed that only snapshots hold. */
  touch(cell: DurableActor): void {
    cell.durable.version += 1;
    if (this.#dirty.has(cell.ref.id)) return;
    this.#dirty.set(cell.ref.id, { cell, log: this.#core.parts.log?.position ?? 0 });
  }

  /** A new actor: the inbox holds its spawn at `seq`, or will hold it somewhere behind what was delivered. */
  born(id: number, seq = this.#inboxNext): void {
    if (!this.#newborn.has(id)) this.#newborn.set(id, seq);
  }

  /** What was taken for a birth is none if the actor was there: its snapshot has it. */
  notBorn(cell: DurableActor): void {
    if (cell.durable.savedVersion >= 0) this.#newborn.delete(cell.ref.id);
  }

  /** An actor that the opening found: what its snapshot lacks may begin anywhere. */
  recovered(cell: DurableActor): void {
    this.#newborn.set(cell.ref.id, 0);
    this.#dirty.set(cell.ref.id, { cell, log: 0 });
  }

  /** The actor has stopped, or was never there. */
  forget(id: number): void {
    this.#dirty.delete(id);
    this.#newborn.delete(id);
    this.#awaited.delete(id);
    this.#stopped.set(id, this.#inboxNext);
  }

  /** The opening found that these had stopped. */
  stoppedBefore(ids: readonly number[]): void {
    for (const id of ids) this.#stopped.set(id, Infinity);
  }

  /** True for an actor that a second spawn must not start again. */
  hasStopped(id: number): boolean {
    return this.#stopped.has(id);
  }

  /** Deliveries up to `seq` are here. */
  delivered(seq: number): void {
    if (seq >= this.#inboxNext) this.#inboxNext = seq + 1;
  }

  isDirty(cell: DurableActor): boolean {
    return cell.durable.version !== cell.durable.savedVersion;
  }

  /** Counts what was written since the last checkpoint, and begins one when it is due. */
  written(entries: number, bytes = 0): void {
    this.#entries += entries;
    this.#bytes += bytes;
    const { checkpointEntries, checkpointBytes } = this.#core.limits;
    if (this.#entries < checkpointEntries && this.#bytes < checkpointBytes) return;
    if (this.#checkpoint !== null || this.#closed) return;
    this.#entries = 0;
    this.#bytes = 0;
    this.#checkpoint = this.#run().finally(() => {
      this.#checkpoint = null;
    });
  }

  /** A step of `cell` was committed. */
  committed(cell: DurableActor): void {
    if (!cell.durable.saveAtCommit) return;
    // The next step has begun already: what the journal knows of it no snapshot would hold.
    if (cell.durable.progress.begun) return;
    cell.durable.saveAtCommit = false;
    if (!this.#awaited.delete(cell.ref.id) || this.#closed) return;
    const last = this.#awaited.size === 0 && this.#checkpoint === null;
    this.save([cell], last).catch(() => undefined);
  }

  /**
   * Writes snapshots of actors that are between two steps. Afterwards an actor is clean unless something came meanwhile.
   * @throws what the journal throws; the shard has halted then
   */
  async save(cells: readonly DurableActor[], moveMark: boolean): Promise<void> {
    const { log } = this.#core.parts;
    if (log === null || this.#core.halted) return;
    const taken = cells.map((cell) => {
      const { version, historyCommitted } = cell.durable;
      const snapshot = snapshotOf(cell);
      this.#dirty.delete(cell.ref.id);
      this.#newborn.delete(cell.ref.id);
      this.#awaited.delete(cell.ref.id);
      return { cell, snapshot, version, historyCommitted };
    });
    try {
      const mark = moveMark ? this.#mark() : undefined;
      if (mark !== undefined) this.#forgetStopped(mark.inbox);
      // A second snapshot may be asked for before this one is answered: it goes on where this one ends.
      for (const { cell, historyCommitted } of taken) cell.durable.historySaved = historyCommitted;
      const snapshots = taken.map(({ snapshot }) => snapshot);
      await (mark === undefined ? log.snapshot(snapshots) : log.snapshot(snapshots, mark));
    } catch (thrown) {
      if (!this.#closed) this.#core.halt(toMegactorError(thrown));
      throw thrown;
    }
    this.#core.counters.add('snapshots', taken.length);
    for (const { cell, version } of taken) cell.durable.savedVersion = version;
  }

  /** The last checkpoint, at a clean stop. Gives up at the deadline: what has no snapshot is in the log. */
  async finish(deadlineMs: number): Promise<void> {
    const { clock, halted } = this.#core;
    if (!halted && deadlineMs > 0 && this.#dirty.size + this.#newborn.size > 0) {
      const limit = Promise.withResolvers<void>();
      const timer = clock.after(deadlineMs, limit.resolve, { keepAlive: true });
      const last = (this.#checkpoint ?? Promise.resolve()).then(() => this.#run());
      await Promise.race([last, limit.promise]);
      timer.cancel();
    }
    this.#closed = true;
  }

  /** Stops writing. */
  close(): void {
    this.#closed = true;
  }

  /** Snapshots whoever is dirty now or has no snapshot, in slices, and moves the mark. Failures have halted the shard. */
  async #run(): Promise<void> {
    try {
      const ids = [...new Set([...this.#dirty.keys(), ...this.#newborn.keys()])];
      let saved = 0;
      for (let next = 0; next < ids.length && !this.#closed;) {
        const { cells, index } = this.#slice(ids, next);
        next = index;
        if (cells.length > 0) saved += 1;
        if (cells.length > 0) await this.save(cells, saved % SLICES_PER_MARK === 0);
        else await new Promise<void>((resolve) => this.#core.clock.soon(resolve));
      }
      if (!this.#closed) await this.save([], true);
    } catch {
      // `save` has halted the shard.
    }
  }

  #slice(ids: readonly number[], from: number): { readonly cells: DurableActor[]; readonly index: number } {
    const { clock, limits } = this.#core;
    const until = clock.monotonic() + limits.sliceMs / 2;
    const cells: DurableActor[] = [];
    let bytes = 0;
    let index = from;
    while (index < ids.length && cells.length < SLICE_ACTORS && bytes < SLICE_BYTES) {
      const cell = this.#unsaved(ids[index] as number);
      index += 1;
      if (cell === undefined) continue;
      if (isBetweenSteps(cell)) {
        cells.push(cell);
        bytes += cell.durable.committed?.bytes.length ?? 0;
      } else if (cell.status === 'running') {
        cell.durable.saveAtCommit = true;
        this.#awaited.add(cell.ref.id);
      }
      if (clock.monotonic() >= until) break;
    }
    return { cells, index };
  }

  /** They are in the order of their ends: those in front are the oldest, behind what the opening found. */
  #forgetStopped(inbox: number): void {
    for (const [id, before] of this.#stopped) {
      if (before === Infinity) continue;
      if (before > inbox) return;
      this.#stopped.delete(id);
    }
  }

  #unsaved(id: number): DurableActor | undefined {
    const dirty = this.#dirty.get(id);
    if (dirty !== undefined) return dirty.cell;
    const cell = this.#newborn.has(id) ? this.#core.cells.get(id) : undefined;
    return cell !== undefined && isDurable(cell) ? cell : undefined;
  }

  #mark(): SnapshotMark {
    const { log } = this.#core.parts;
    if (isCanary('mark-too-far')) return { log: log?.position ?? 0, inbox: this.#inboxNext };
    const [oldest] = this.#dirty.values();
    const [unsaved] = this.#newborn.values();
    return { log: oldest?.log ?? log?.position ?? 0, inbox: unsaved ?? this.#inboxNext };
  }
}
