/**
 * Which snapshots fit a cut: of every actor that was there at the start of its shard the latest one that says no more
 * than the log that is kept, and where there is none, one that is ahead of it.
 *
 * Invariants: K1 An actor that stopped, or whose spawn is not kept, has no snapshot. K2 A snapshot that is ahead is said to
 * be so, and `settle.ts` sees to its mail.
 */
import type { StepLogEntry } from '../shard-log.ts';
import { type ActorRow, decodeActorRow, decodeHistory, encodeActorRow, type HistoryChunk } from '../snapshot-codec.ts';
import type { Cut } from './cut.ts';
import type { PageReader } from './pages.ts';
import type { Salvage } from './salvage.ts';
import type { ReadShard, Spawns } from './shards.ts';

export interface KeptActor {
  readonly row: ActorRow;
  readonly bytes: Uint8Array;
  readonly chunks: readonly HistoryChunk[];
  /** Whether it holds steps that are not kept in the log; `maybe`: the log that could say so is lost. */
  readonly ahead: 'no' | 'maybe' | 'yes';
  /** Entries of its history that cannot be read. */
  readonly historyLost: number;
}

/** What the log of a shard says of its actors, before and behind a cut. */
export interface Known {
  /** Ended steps in what is kept, of those who ended or began one there. */
  readonly steps: Map<number, number>;
  readonly stopped: Set<number>;
  /** The first step that is known behind the cut. */
  readonly next: Map<number, number>;
  readonly stoppedBehind: Set<number>;
  /** Who consumed an inbox position behind the cut, or began with it, and in which step. */
  readonly takenBehind: Map<number, { readonly actor: number; readonly step: number }>;
}

const endedBy = (entry: StepLogEntry): number => (entry.kind === 'step' ? entry.step + 1 : 0);

export const knownOf = (shard: ReadShard, cut: Cut): Known => {
  const known: Known = {
    steps: new Map(),
    stopped: new Set(shard.start.stopped),
    next: new Map(),
    stoppedBehind: new Set(),
    takenBehind: new Map(),
  };
  for (const { position, entries } of [...shard.appends, ...shard.stray]) {
    for (const entry of entries) {
      const { actor } = entry;
      const stops = (entry.kind === 'step' || entry.kind === 'drop') && entry.stopped;
      if (position < cut.log) {
        if (stops) known.stopped.add(actor);
        if (entry.kind === 'drop') continue;
        const ended = Math.max(endedBy(entry), entry.step, known.steps.get(actor) ?? 0);
        known.steps.set(actor, ended);
        continue;
      }
      if (stops) known.stoppedBehind.add(actor);
      if (entry.kind !== 'drop' && !known.next.has(actor)) known.next.set(actor, entry.step);
      if (entry.kind === 'effect') continue;
      const step = entry.kind === 'drop' ? (known.next.get(actor) ?? 0) : entry.step;
      for (const seq of entry.taken) known.takenBehind.set(seq, { actor, step });
    }
  }
  return known;
};

interface Version {
  readonly row: ActorRow;
  readonly bytes: Uint8Array;
}

export class ActorChooser {
  readonly #reader: PageReader;
  readonly #salvage: Salvage;

  constructor(reader: PageReader, salvage: Salvage) {
    this.#reader = reader;
    this.#salvage = salvage;
  }

  /** The snapshots to keep of a shard, by id. */
  choose(shard: ReadShard, cut: Cut, known: Known, spawns: Spawns | undefined): Map<number, KeptActor> {
    const kept = new Map<number, KeptActor>();
    const { kind, base } = shard.start;
    // Of a log from its beginning nothing else is needed: the next checkpoint makes snapshots again.
    if (kind === 'beginning') return kept;
    for (const id of this.#salvage.snapshots.ids(shard.shard)) {
      if (known.stopped.has(id)) continue;
      const spawn = spawns?.get(id)?.seq;
      const spawnKept = spawn !== undefined && spawn < cut.inbox;
      if (spawn !== undefined && !spawnKept) continue;
      if (spawn === undefined && kind === 'base' && !base.names.has(id)) continue;
      // One that the compaction saw, and that what is kept does not stop, was there.
      const { snapshots } = this.#salvage;
      const wasThere = kind === 'base' && snapshots.origins(shard.shard).has(id);
      if (!wasThere && !snapshots.isCurrent(shard.shard, id) && !known.stoppedBehind.has(id)) continue;
      const actor = this.#chosen(shard, id, known, spawnKept);
      if (actor !== null) kept.set(id, actor);
    }
    return kept;
  }

  /** The snapshots of the compaction that a shard starts from, as far as their histories are there. */
  *origins(shard: ReadShard): Iterable<KeptActor> {
    if (shard.start.kind !== 'base') return;
    for (const [id, located] of this.#salvage.snapshots.origins(shard.shard)) {
      const bytes = this.#reader.value(located);
      if (bytes === null) continue;
      const origin = this.#withHistory(shard.shard, { row: decodeActorRow(shard.shard, id, bytes), bytes }, 'no');
      if (origin.historyLost === 0) yield origin;
    }
  }

  #chosen(shard: ReadShard, id: number, known: Known, isLogged: boolean): KeptActor | null {
    const versions = this.#versions(shard.shard, id);
    const said = known.steps.get(id) ?? (isLogged ? 0 : this.#originStep(shard, id));
    const limit = said ?? known.next.get(id) ?? Number.POSITIVE_INFINITY;
    const fitting = versions.find(({ row }) => row.step <= limit);
    if (fitting === undefined) {
      const least = versions.at(-1);
      return isLogged || least === undefined ? null : this.#withHistory(shard.shard, least, 'yes');
    }
    return this.#withHistory(shard.shard, fitting, said !== undefined || !shard.mayLack ? 'no' : 'maybe');
  }

  /** Who did nothing in the log that is kept is as the compaction found it. */
  #originStep(shard: ReadShard, id: number): number | undefined {
    const located = shard.start.kind === 'base' ? this.#salvage.snapshots.origins(shard.shard).get(id) : undefined;
    const bytes = located === undefined ? null : this.#reader.value(located);
    return bytes === null ? undefined : decodeActorRow(shard.shard, id, bytes).step;
  }

  /** The newest first; of a step the first. */
  #versions(shard: number, id: number): Version[] {
    const versions = new Map<number, Version>();
    for (const located of this.#salvage.snapshots.actor(shard, id)) {
      try {
        const bytes = this.#reader.value(located) ?? new Uint8Array();
        const row = decodeActorRow(shard, id, bytes);
        if (!versions.has(row.step)) versions.set(row.step, { row, bytes });
      } catch {
        // Not that row after all.
      }
    }
    return [...versions.values()].sort((left, right) => right.row.step - left.row.step);
  }

  #withHistory(shard: number, { row, bytes }: Version, ahead: KeptActor['ahead']): KeptActor {
    const { id } = row.record;
    const found = [...this.#salvage.snapshots.chunks(shard, id)].sort(([left], [right]) => left - right);
    const chunks: HistoryChunk[] = [];
    for (const [first, located] of found) {
      if (first < row.historyLength) chunks.push([first, this.#reader.value(located) ?? new Uint8Array()]);
    }
    try {
      decodeHistory(shard, id, chunks, row.historyLength);
      return { row, bytes, chunks, ahead, historyLost: 0 };
    } catch {
      return this.#withoutHistory(shard, row, ahead);
    }
  }

  /** What the state goes with is the end of a history; without all of it, none of it can be told from another's. */
  #withoutHistory(shard: number, row: ActorRow, ahead: KeptActor['ahead']): KeptActor {
    const bytes = encodeActorRow(shard, { ...row, historyLength: 0 });
    return { row: { ...row, historyLength: 0 }, bytes, chunks: [], ahead, historyLost: row.historyLength };
  }
}
