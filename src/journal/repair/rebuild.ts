/**
 * Writes a new journal from what is kept of a damaged one: records before the cut as they are, the records at the cut
 * shortened, the snapshots that fit, then what is true whatever was dropped: mail from outside, and the results of steps
 * that had begun. It decides nothing about where the cut is (`cut.ts`) and touches nothing of the old journal.
 *
 * Invariants: B1 Positions have no gaps, and what the appends say they sent is there. B2 A step that had begun keeps its
 * beginning, its recorded results and what of its mail is kept, so that it goes on with the same mail and what it began is
 * not begun again.
 */
import { encodeBase } from '../base.ts';
import { nameKey } from '../backend.ts';
import {
  decodeInboxRecord,
  decodeLogRecord,
  encodeInboxRecord,
  encodeLogEntries,
  encodeLogRecord,
  type StoredAppend,
} from '../codec.ts';
import { endKey, historyKey, rowKey } from '../lmdb-tables.ts';
import { SeqSet } from '../seq-set.ts';
import type { StepLogEntry } from '../shard-log.ts';
import { encodeMark, encodeName, timersRecord } from '../snapshot-codec.ts';
import type { NewRow } from '../backend.ts';
import { baseFor, type IsThere } from './bases.ts';
import type { Cut } from './cut.ts';
import { ActorChooser } from './kept-actors.ts';
import type { PageReader } from './pages.ts';
import type { Salvage } from './salvage.ts';
import { hasTaken, type SettledShard } from './settle.ts';
import { inboxEntries, type ReadAppend, type ReadShard, type ReadShards, type Unattributed } from './shards.ts';

export interface RebuiltShard {
  /** Entries that came behind the cut and are kept at the end of the inbox: from outside, or sent by what is kept. */
  readonly fromOutside: readonly Pick<Unattributed, 'kind' | 'payload' | 'entry'>[];
  /** What is added to the log behind the cut: drops, and begins and results of steps in progress. */
  readonly added: readonly StoredAppend[];
  /** Ended steps by actor. */
  readonly steps: ReadonlyMap<number, number>;
  /** Mail before the start of the shard that waited there. */
  readonly waiting: SeqSet;
}

/** Steps that have ended by actor, as far as entries tell; who begins a step has ended those before. */
export const stepsOf = (appends: readonly ReadAppend[]): Map<number, number> => {
  const steps = new Map<number, number>();
  for (const { entries } of appends) {
    for (const entry of entries) {
      const ended = entry.kind === 'drop' ? 0 : entry.kind === 'step' ? entry.step + 1 : entry.step;
      steps.set(entry.actor, Math.max(steps.get(entry.actor) ?? 0, ended));
    }
  }
  return steps;
};

/** What was recorded of steps that the cut left unfinished. */
const progressBehind = (
  shard: ReadShard,
  cut: Cut,
  steps: ReadonlyMap<number, number>,
  available: (seq: number) => boolean,
): StepLogEntry[][] => {
  const stopped = new Set<number>();
  const begun = new Map<number, number>();
  for (const { position, entries } of shard.appends) {
    if (position >= cut.log) break;
    for (const entry of entries) {
      if ((entry.kind === 'step' || entry.kind === 'drop') && entry.stopped) stopped.add(entry.actor);
      if (entry.kind === 'begin') begun.set(entry.actor, entry.step);
    }
  }
  const claimed = new Map<number, number>();
  const kept: StepLogEntry[][] = [];
  for (const { position, entries } of [...shard.appends, ...shard.stray]) {
    if (position < cut.log) continue;
    const going: StepLogEntry[] = [];
    for (const entry of entries) {
      if (entry.kind !== 'begin' && entry.kind !== 'effect') continue;
      const { actor, step } = entry;
      if (step !== (steps.get(actor) ?? 0) || stopped.has(actor)) continue;
      if (entry.kind === 'effect') {
        if (begun.get(actor) === step) going.push(entry);
        continue;
      }
      // What was begun stays begun, also when its mail comes a second time.
      const taken = entry.taken.filter((seq) => available(seq) && (claimed.get(seq) ?? actor) === actor);
      for (const seq of taken) claimed.set(seq, actor);
      begun.set(actor, step);
      going.push({ ...entry, taken });
    }
    if (going.length > 0) kept.push(going);
  }
  return kept;
};

const appendOf = (entries: readonly StepLogEntry[]): StoredAppend => {
  const taken = entries.flatMap((entry) => (entry.kind === 'drop' ? entry.taken : []));
  const stopped = entries.flatMap((entry) => (entry.kind === 'drop' && entry.stopped ? [entry.actor] : []));
  return [taken, [], stopped, encodeLogEntries(entries), [], stopped];
};

/** Inbox positions before the start at which mail waits there: what can be read, and what is taken further on. */
const waitingAt = (reader: PageReader, shard: ReadShard, cut: Cut, readable: (seq: number) => void): SeqSet => {
  const all: number[] = [];
  const { inbox } = shard.start.base;
  for (const { seq } of inboxEntries(reader, shard)) {
    if (seq >= inbox) break;
    all.push(seq);
    readable(seq);
  }
  for (const { position, stored, entries } of shard.appends) {
    if (position >= cut.log) break;
    const begun = entries.flatMap((entry) => (entry.kind === 'begin' ? entry.taken : []));
    for (const seq of [...stored[0], ...begun]) if (seq < inbox) all.push(seq);
  }
  const waiting = new SeqSet();
  for (const seq of all.sort((left, right) => left - right)) waiting.add(seq);
  return waiting;
};

const DROPPED = 'repaired';

export const rebuildShard = (
  reader: PageReader,
  read: ReadShards,
  shard: ReadShard,
  cut: Cut,
  settled: SettledShard,
): RebuiltShard => {
  const steps = stepsOf(shard.appends.filter(({ position }) => position < cut.log));
  for (const [id, { row }] of settled.actors) steps.set(id, Math.max(steps.get(id) ?? 0, row.step));
  const spawned = new Set(settled.actors.keys());
  for (const [id, { seq }] of read.spawns[shard.shard] ?? []) if (seq < cut.inbox) spawned.add(id);
  const outside = (read.unattributed[shard.shard] ?? []).filter(
    ({ seq, isOrphan, entry }) => seq >= cut.inbox && !isOrphan && !hasTaken(settled, entry, seq),
  );
  const fromOutside = [...outside, ...settled.sent]
    .sort((left, right) => left.seq - right.seq)
    .filter(({ entry }) => {
      if (entry.kind !== 'spawn') return true;
      const isNew = !spawned.has(entry.actor.id);
      spawned.add(entry.actor.id);
      return isNew;
    });
  const readable = new Set<number>();
  const waiting = waitingAt(reader, shard, cut, (seq) => readable.add(seq));
  const gone = new Set([...settled.drops.values()].flat());
  const missing: StepLogEntry[] = [];
  const inProgress = new Map<number, readonly number[]>();
  for (const { position, stored, entries } of shard.appends) {
    if (position >= cut.log) break;
    for (const seq of stored[0]) gone.add(seq);
    for (const entry of entries) {
      if (entry.kind === 'begin') inProgress.set(entry.actor, entry.taken);
      if (entry.kind === 'step' || (entry.kind === 'drop' && entry.stopped)) inProgress.delete(entry.actor);
    }
  }
  for (const [actor, taken] of inProgress) {
    const lost = taken.filter((seq) => seq < shard.start.base.inbox && !readable.has(seq) && !gone.has(seq));
    if (lost.length > 0) missing.push({ kind: 'drop', actor, taken: lost, reason: DROPPED, stopped: false });
  }
  const drops = [...settled.drops].map(([actor, taken]): StepLogEntry => ({
    kind: 'drop',
    actor,
    taken,
    reason: DROPPED,
    stopped: false,
  }));
  const stops = shard.start.stopped.map((actor): StepLogEntry => ({
    kind: 'drop',
    actor,
    taken: [],
    reason: DROPPED,
    stopped: true,
  }));
  const available = (seq: number): boolean =>
    seq < cut.inbox && !gone.has(seq) && (seq >= shard.start.base.inbox || readable.has(seq));
  const groups = progressBehind(shard, cut, steps, available)
    .map((entries) => entries.filter(({ actor }) => spawned.has(actor)))
    .concat([[...missing, ...drops, ...stops]])
    .filter(({ length }) => length > 0);
  return { fromOutside, added: groups.map(appendOf), steps, waiting };
};

const inboxOf = function* (reader: PageReader, shard: ReadShard, cut: Cut, rebuilt: RebuiltShard): Iterable<NewRow> {
  const record = (
    firstSeq: number,
    kinds: Uint8Array,
    payloads: readonly Uint8Array[],
    bytes?: Uint8Array,
  ): NewRow => ({
    table: 'inbox',
    key: rowKey(shard.shard, firstSeq),
    value: bytes ?? encodeInboxRecord(shard.shard, { firstSeq, kinds, payloads }),
  });
  const isKept = (seq: number): boolean =>
    seq < cut.inbox && (seq >= shard.start.base.inbox || rebuilt.waiting.has(seq));
  for (const { first, row } of shard.inboxRecords) {
    if (first >= cut.inbox) break;
    const bytes = reader.value(row) ?? new Uint8Array();
    const { kinds, payloads } = decodeInboxRecord(shard.shard, first, bytes);
    for (let from = 0; from < payloads.length; from += 1) {
      let to = from;
      while (to < payloads.length && isKept(first + to)) to += 1;
      if (to === from) continue;
      const whole = to - from === payloads.length ? bytes : undefined;
      yield record(first + from, kinds.slice(from, to), payloads.slice(from, to), whole);
      from = to;
    }
  }
  const outside = rebuilt.fromOutside;
  if (outside.length === 0) return;
  const kinds = Uint8Array.from(outside, ({ kind }) => kind);
  yield record(
    cut.inbox,
    kinds,
    outside.map(({ payload }) => payload),
  );
};

const logOf = function* (
  reader: PageReader,
  salvage: Salvage,
  shard: ReadShard,
  cut: Cut,
  rebuilt: RebuiltShard,
): Iterable<NewRow> {
  const record = (first: number, appends: readonly StoredAppend[], bytes?: Uint8Array): NewRow => ({
    table: 'log',
    key: rowKey(shard.shard, first),
    value: bytes ?? encodeLogRecord(shard.shard, { firstPosition: first, appends }),
  });
  const { base } = shard.start;
  // What was in progress where the shard was compacted is lost, but its place has to be filled.
  if (shard.logFirst > base.log) yield record(base.log, [appendOf([])]);
  const rows = [...(salvage.records.log.get(shard.shard) ?? [])].sort(([left], [right]) => left - right);
  let next = shard.logFirst;
  for (const [first, row] of rows) {
    if (first >= cut.log) break;
    if (first > next) continue;
    const bytes = reader.value(row) ?? new Uint8Array();
    const { appends } = decodeLogRecord(shard.shard, first, bytes);
    const end = Math.min(first + appends.length, cut.log);
    if (end <= next) continue;
    const isWhole = first === next && end === first + appends.length;
    yield record(next, appends.slice(next - first, end - first), isWhole ? bytes : undefined);
    next = end;
  }
  if (rebuilt.added.length > 0) yield record(cut.log, rebuilt.added);
};

const snapshotsOf = function* (shard: ReadShard, settled: SettledShard, rebuilt: RebuiltShard): Iterable<NewRow> {
  const { start } = shard;
  if (start.kind === 'beginning') return;
  const at = shard.shard;
  for (const [id, { row, bytes, chunks }] of settled.actors) {
    const { name } = row.record;
    yield { table: 'actors', key: rowKey(at, id), value: bytes };
    for (const [first, chunk] of chunks) yield { table: 'history', key: historyKey(at, id, first), value: chunk };
    const timers = timersRecord(at, id, row.timers);
    if (timers !== null) yield { table: 'timers', key: rowKey(at, id), value: timers };
    if (name !== '') yield { table: 'names', key: nameKey(at, name), value: encodeName(at, name, id) };
  }
  const { log, position, inbox, idMax, openTurns } = start.base;
  const count = { position, inboxNext: inbox, idMax, openTurns, unconsumed: rebuilt.waiting.runs() };
  yield { table: 'marks', key: at, value: encodeMark(at, { mark: { log, inbox }, count, stops: [] }) };
};

/** What replays begin with. */
const originsOf = function* (shard: ReadShard, chooser: ActorChooser): Iterable<NewRow> {
  for (const { row, bytes, chunks } of chooser.origins(shard)) {
    const { id } = row.record;
    yield { table: 'origins', key: rowKey(shard.shard, id), value: bytes };
    for (const [first, chunk] of chunks) {
      yield { table: 'history', key: historyKey(shard.shard, id, first), value: chunk };
    }
  }
};

/** Which positions of the inboxes are written. */
const isWritten = (read: ReadShards, rebuilt: readonly RebuiltShard[]): IsThere => {
  const early = read.shards.map(({ start, inboxRecords }, shard) => {
    const found = new Set<number>();
    for (const { first, end } of inboxRecords) {
      for (let seq = first; seq < Math.min(end, start.base.inbox); seq += 1) {
        if (rebuilt[shard]?.waiting.has(seq) === true) found.add(seq);
      }
    }
    return found;
  });
  return (shard, seq) => seq >= (read.shards[shard]?.start.base.inbox ?? 0) || early[shard]?.has(seq) === true;
};

/** Where the tables of each shard end. */
export function* endsOf(ends: readonly Cut[]): Iterable<NewRow> {
  for (const [shard, { inbox, log }] of ends.entries()) {
    yield { table: 'ends', key: endKey('inbox', shard), value: inbox };
    yield { table: 'ends', key: endKey('log', shard), value: log };
  }
}

/** Everything that the new journal gets. */
export function* rowsOf(
  reader: PageReader,
  salvage: Salvage,
  read: ReadShards,
  cuts: readonly Cut[],
  settled: readonly SettledShard[],
  rebuilt: readonly RebuiltShard[],
): Iterable<NewRow> {
  const chooser = new ActorChooser(reader, salvage);
  const isThere = isWritten(read, rebuilt);
  for (const [at, shard] of read.shards.entries()) {
    const cut = cuts[at];
    const again = rebuilt[at];
    const kept = settled[at];
    if (cut === undefined || again === undefined || kept === undefined) continue;
    yield* inboxOf(reader, shard, cut, again);
    yield* logOf(reader, salvage, shard, cut, again);
    yield* snapshotsOf(shard, kept, again);
    const base = baseFor(read, shard, cut, kept, isThere);
    if (base !== null) yield { table: 'bases', key: at, value: encodeBase(at, base) };
    if (base?.position === shard.start.base.position) yield* originsOf(shard, chooser);
  }
  yield* endsOf(
    cuts.map(({ inbox, log }, at) => ({
      inbox: inbox + (rebuilt[at]?.fromOutside.length ?? 0),
      log: log + (rebuilt[at]?.added.length ?? 0),
    })),
  );
  for (const table of ['values', 'results'] as const) {
    for (const row of salvage.services[table].values()) {
      const value = reader.value(row);
      if (value !== null) yield { table, key: row.key, value };
    }
  }
}
