/**
 * Reads what was salvaged of the shards: records into appends and inbox entries, up to the first damage and beyond it.
 * It finds out who sent what, and leaves the conclusions to `cut.ts`. Contents of mail are read only where nobody is
 * known to have sent it.
 */
import {
  decodeInboxEntry,
  decodeInboxRecord,
  decodeLogEntries,
  decodeLogRecord,
  SENT_FIELDS,
  SPAWN,
} from '../codec.ts';
import type { StoredAppend } from '../codec.ts';
import { endKey } from '../lmdb-tables.ts';
import type { ActorRecord, InboxEntry, StepLogEntry } from '../shard-log.ts';
import type { CutShard } from './cut.ts';
import type { Located, PageReader } from './pages.ts';
import type { Salvage } from './salvage.ts';
import type { Start } from './starts.ts';

export interface ReadAppend {
  readonly position: number;
  readonly stored: StoredAppend;
  readonly entries: readonly StepLogEntry[];
}

export interface ReadShard {
  readonly shard: number;
  readonly start: Start;
  /** The position of the first append that is kept. */
  readonly logFirst: number;
  /** Appends before the start that can be read: what they say is in snapshots. */
  readonly prior: readonly ReadAppend[];
  /** Appends without a gap from the start, and what can be read behind the first damage. */
  readonly appends: readonly ReadAppend[];
  readonly stray: readonly ReadAppend[];
  /** Where the inbox without a gap from the start ends. */
  readonly inbox: number;
  /** Where both should end, as far as anything says so. */
  readonly inboxEnd: number;
  readonly logEnd: number;
  /** Intact records of the inbox by position, with the position behind each. */
  readonly inboxRecords: readonly { readonly first: number; readonly end: number; readonly row: Located }[];
  readonly firstDamage: string | null;
  /** Whether appends may be missing. Without both heads of the file nothing says where a log really ended. */
  readonly mayLack: boolean;
  readonly mayLackSpawns: boolean;
}

const readLog = (reader: PageReader, shard: number, first: number, row: Located): ReadAppend[] | null => {
  try {
    const { appends } = decodeLogRecord(shard, first, reader.value(row) ?? new Uint8Array());
    return appends.map((stored, index) => ({
      position: first + index,
      stored,
      entries: decodeLogEntries(stored[3]),
    }));
  } catch {
    return null;
  }
};

const countInbox = (reader: PageReader, shard: number, first: number, row: Located): number | null => {
  try {
    const { kinds, payloads } = decodeInboxRecord(shard, first, reader.value(row) ?? new Uint8Array());
    return kinds.length === payloads.length ? payloads.length : null;
  } catch {
    return null;
  }
};

const ordered = (rows: ReadonlyMap<number, Located> | undefined): [number, Located][] =>
  [...(rows ?? [])].sort(([left], [right]) => left - right);

/** An append that takes mail a second time is where a log stops making sense. */
const upToRepeats = (appends: readonly ReadAppend[]): number => {
  const taken = new Set<number>();
  for (const [index, { stored }] of appends.entries()) {
    for (const seq of stored[0]) {
      if (taken.has(seq)) return index;
      taken.add(seq);
    }
  }
  return appends.length;
};

/** Reads a shard as from `start`. */
export const readShard = (reader: PageReader, salvage: Salvage, shard: number, start: Start): ReadShard => {
  const { inbox: inboxStart, position } = start.base;
  const all: ReadAppend[] = [];
  const prior: ReadAppend[] = [];
  for (const [first, row] of ordered(salvage.records.log.get(shard))) {
    const last = all.at(-1) ?? prior.at(-1);
    // Of a position that was written twice, as after a power loss, the first that was found counts.
    if (last !== undefined && first <= last.position) continue;
    for (const append of readLog(reader, shard, first, row) ?? [])
      (append.position < start.base.log ? prior : all).push(append);
  }
  // The append before the position of a compacted shard only tells of steps in progress.
  const log = all[0]?.position === start.base.log ? start.base.log : position;
  while ((all[0]?.position ?? log) < log) all.shift();
  let whole = 0;
  while (all[whole]?.position === log + whole) whole += 1;
  whole = upToRepeats(all.slice(0, whole));
  const inboxRecords: { first: number; end: number; row: Located }[] = [];
  for (const [first, row] of ordered(salvage.records.inbox.get(shard))) {
    const count = countInbox(reader, shard, first, row);
    if (count !== null && first >= (inboxRecords.at(-1)?.end ?? 0))
      inboxRecords.push({ first, end: first + count, row });
  }
  let inbox = inboxStart;
  for (const { first, end } of inboxRecords) if (first <= inbox && end > inbox) inbox = end;
  const ends = { log: salvage.ends.get(endKey('log', shard)), inbox: salvage.ends.get(endKey('inbox', shard)) };
  const logEnd = Math.max(ends.log ?? 0, (all.at(-1)?.position ?? -1) + 1, position);
  const inboxEnd = Math.max(ends.inbox ?? 0, inboxRecords.at(-1)?.end ?? 0, inboxStart);
  const damage = [
    ...(log > start.base.log ? [`log at position ${start.base.log}`] : []),
    ...(log + whole < logEnd ? [`log at position ${log + whole}`] : []),
    ...(inbox < inboxEnd ? [`inbox at position ${inbox}`] : []),
  ];
  const ended = salvage.endsKnown && ends.log === logEnd && log + whole === logEnd;
  return {
    shard,
    start,
    logFirst: log,
    prior,
    appends: all.slice(0, whole),
    stray: all.slice(whole),
    inbox,
    inboxEnd,
    logEnd,
    inboxRecords,
    mayLack: !ended,
    mayLackSpawns: inbox < inboxEnd || ends.inbox !== inboxEnd,
    firstDamage: damage[0] === undefined ? null : damage.join(', '),
  };
};

/** Whether an entry was still to be kept where the shard starts. */
const isThere = ({ start }: ReadShard, seq: number, kind: number): boolean =>
  seq >= start.base.inbox || (kind !== SPAWN && (start.unconsumed?.has(seq) ?? true));

/** Every intact entry of an inbox with its position, but for those that were consumed before the start. */
export function* inboxEntries(
  reader: PageReader,
  shard: ReadShard,
): Iterable<{ readonly seq: number; readonly kind: number; readonly payload: Uint8Array }> {
  for (const { first, row } of shard.inboxRecords) {
    const { kinds, payloads } = decodeInboxRecord(shard.shard, first, reader.value(row) ?? new Uint8Array());
    for (const [index, payload] of payloads.entries()) {
      const entry = { seq: first + index, kind: kinds[index] ?? 0, payload };
      if (isThere(shard, entry.seq, entry.kind)) yield entry;
    }
  }
}

/** The shard of the actor that caused an entry; null when nobody is named. */
export const senderOf = (entry: InboxEntry): { readonly shard: number; readonly id: number } | null => {
  switch (entry.kind) {
    case 'mail':
      return entry.mail.from;
    case 'spawn':
      return entry.actor.parent;
    case 'signal':
      return entry.from;
    default:
      return entry satisfies never;
  }
};

/** What nobody is known to have sent. */
export interface Unattributed {
  readonly seq: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  readonly entry: InboxEntry;
  /** Whether an actor may have sent it in an append that cannot be read. */
  readonly isOrphan: boolean;
}

export interface ReadShards {
  readonly shards: readonly ReadShard[];
  readonly cutting: readonly CutShard[];
  readonly unattributed: readonly (readonly Unattributed[])[];
  /** By shard and id: the first spawn of every actor whose spawn can be read. */
  readonly spawns: readonly Spawns[];
}

export type Spawns = ReadonlyMap<number, { readonly seq: number; readonly record: ActorRecord }>;

const decoded = (payload: Uint8Array): InboxEntry | null => {
  try {
    return decodeInboxEntry(payload);
  } catch {
    return null;
  }
};

/** Calls back for everything that an append sent. */
const eachSent = ({ stored }: ReadAppend, found: (shard: number, seq: number) => void): void => {
  const sent = stored[4];
  for (let at = 0; at < sent.length; at += SENT_FIELDS) found(sent[at] ?? 0, sent[at + 1] ?? 0);
};

/** Finds out who sent what. */
export const connectShards = (reader: PageReader, shards: readonly ReadShard[]): ReadShards => {
  const sent = shards.map(() => new Set<number>());
  /** By sender's and receiver's shard: up to here nothing was sent by an append that cannot be read and is not kept. */
  const surely = shards.map(() => new Map<number, number>());
  for (const [from, { prior, appends, stray }] of shards.entries()) {
    for (const append of [...prior, ...appends, ...stray]) eachSent(append, (shard, seq) => sent[shard]?.add(seq));
    // A shard's appends send in their order, so what lies before these and is not theirs came before them.
    for (const append of appends) {
      eachSent(append, (shard, seq) => surely[from]?.set(shard, Math.max(seq, surely[from]?.get(shard) ?? 0)));
    }
  }
  const spawns = shards.map(() => new Map<number, { seq: number; record: ActorRecord }>());
  const unknown = shards.map((shard) => {
    const found: Omit<Unattributed, 'isOrphan'>[] = [];
    for (const { seq, kind, payload } of inboxEntries(reader, shard)) {
      const known = sent[shard.shard]?.has(seq) === true;
      if (known && kind !== SPAWN) continue;
      const entry = decoded(payload);
      if (entry === null) continue;
      if (entry.kind === 'spawn' && spawns[shard.shard]?.has(entry.actor.id) === false) {
        spawns[shard.shard]?.set(entry.actor.id, { seq, record: entry.actor });
      }
      // What a shard has at its start was sent by what is kept, or by nobody who could send it again.
      if (!known && seq >= shard.start.base.inbox) found.push({ seq, kind, payload, entry });
    }
    return found;
  });
  const unattributed = unknown.map((entries, shard) =>
    entries.map((found): Unattributed => {
      const from = mayBeOrphan(found.entry, shards, spawns);
      return { ...found, isOrphan: from !== null && found.seq >= (surely[from]?.get(shard) ?? 0) };
    }),
  );
  const cutting = shards.map((shard, index) => cutShard(shard, spawns, unattributed[index] ?? []));
  return { shards, cutting, unattributed, spawns };
};

/** The shard of an actor that may have sent an entry in an append that cannot be read; null when nobody has. */
const mayBeOrphan = (entry: InboxEntry, shards: readonly ReadShard[], spawns: readonly Spawns[]): number | null => {
  const from = senderOf(entry);
  const shard = from === null ? undefined : shards[from.shard];
  if (from === null || shard === undefined || !shard.mayLack) return null;
  // The spawn of a durable actor may be lost as well, or lie before the start; then nobody can tell.
  const { kind } = shard.start;
  const known = spawns[from.shard]?.has(from.id) === true || shard.mayLackSpawns || kind !== 'beginning';
  return known ? from.shard : null;
};

/** A step that has begun has taken its mail, although it has not consumed it yet. */
const marksOf = ({ stored, entries }: ReadAppend): CutShard['appends'][number] => ({
  taken: [...stored[0], ...entries.flatMap((entry) => (entry.kind === 'begin' ? entry.taken : []))],
  sent: stored[4],
});

const cutShard = (shard: ReadShard, spawns: readonly Spawns[], unattributed: readonly Unattributed[]): CutShard => {
  const users = new Map<number, number>();
  for (const { position, entries } of shard.appends) {
    for (const { actor } of entries) if (!users.has(actor)) users.set(actor, position);
  }
  const isCut = shard.inbox < shard.inboxEnd && shard.start.kind === 'beginning';
  return {
    inboxFirst: shard.start.base.inbox,
    logFirst: shard.logFirst,
    logFloor: shard.start.base.position,
    inbox: shard.inbox,
    appends: shard.appends.map(marksOf),
    stray: shard.stray.map(marksOf),
    orphans: unattributed.flatMap(({ seq, isOrphan }) => (isOrphan ? [seq] : [])),
    users: [...users].flatMap(([actor, append]) => {
      // Of an actor without a readable spawn nothing can be kept, unless it never had one or it was spawned before the start.
      const seq = spawns[shard.shard]?.get(actor)?.seq ?? (isCut ? shard.inboxEnd : null);
      return seq === null ? [] : [{ seq, append }];
    }),
  };
};
