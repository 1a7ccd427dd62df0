/**
 * Group commit: what arrives while a transaction is under way is gathered and written as the next one. It knows
 * nothing of what the entries mean; it gathers records, and calls back when a group has reached a level.
 *
 * Invariants: G1 groups reach each level in the order in which they were gathered. G2 one append is in one group, one
 * group is one transaction. G3 a backend that failed is not written to again: every waiter gets the error, and so does
 * everybody who comes later. G4 at most `GROUPS_UNFLUSHED_MAX` groups are unflushed, and the next is handed to the
 * backend when the one before it is committed: acknowledgements at level `committed` do not wait for a slow disk.
 */
import type { Clock } from '../platform/clock.ts';
import { killPoint } from '../platform/kill-point.ts';
import type { Backend, EndedRecord, ShardWrite, SnapshotWrite, StoreWrite } from './backend.ts';
import { encodeInboxRecord, encodeLogRecord, type StoredAppend } from './codec.ts';
import type { SnapshotWire } from './snapshot-codec.ts';

const GROUPS_UNFLUSHED_MAX = 2;
/** A group is closed at this size, so that one transaction stays short; a single larger append is a group of its own. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** A record of an inbox is closed at this size: mail that is read again costs the record that it is in. */
const INBOX_RECORD_BYTES = 64 * 1024;

/** Inbox entries of one shard in one group. */
export interface InboxDraft {
  readonly firstSeq: number;
  readonly kinds: number[];
  readonly payloads: Uint8Array[];
}

interface LogDraft {
  readonly firstPosition: number;
  readonly appends: StoredAppend[];
}

type Level = 'committed' | 'flushed';
/** Called once, with null at the level or with the error. */
type Waiter = (error: unknown) => void;

export class Group {
  readonly inbox = new Map<number, InboxDraft>();
  readonly log = new Map<number, LogDraft>();
  readonly values: StoreWrite[] = [];
  readonly results: StoreWrite[] = [];
  readonly snapshots: SnapshotWrite[] = [];
  readonly marks: ShardWrite[] = [];
  readonly stopped: (readonly [shard: number, id: number])[] = [];
  readonly waiters: Readonly<Record<Level, Waiter[]>> = { committed: [], flushed: [] };
  bytes = 0;
  /** Nothing joins it any more. */
  closed = false;
  reached: 'none' | Level = 'none';

  addInbox(shard: number, seq: number, kind: number, payload: Uint8Array): void {
    let draft = this.inbox.get(shard);
    if (draft === undefined) {
      draft = { firstSeq: seq, kinds: [], payloads: [] };
      this.inbox.set(shard, draft);
    }
    draft.kinds.push(kind);
    draft.payloads.push(payload);
    this.bytes += payload.length;
  }

  addAppend(shard: number, position: number, append: StoredAppend): void {
    const draft = this.log.get(shard);
    if (draft === undefined) this.log.set(shard, { firstPosition: position, appends: [append] });
    else draft.appends.push(append);
    for (const id of append[5]) this.stopped.push([shard, id]);
    this.bytes += append[3].length;
  }

  addSnapshot(shard: number, snapshot: SnapshotWire): void {
    this.snapshots.push({ shard, snapshot });
    this.bytes += snapshot[2].length + (snapshot[4]?.length ?? 0);
  }
}

/** Without those of actors that stopped in the same group. */
const livingSnapshots = ({ snapshots, stopped }: Group): readonly SnapshotWrite[] => {
  if (snapshots.length === 0 || stopped.length === 0) return snapshots;
  const gone = new Set(stopped.map(([shard, id]) => `${shard}/${id}`));
  return snapshots.filter(({ shard, snapshot }) => !gone.has(`${shard}/${snapshot[0]}`));
};

/** The records of what one group put into one inbox, in order. */
const inboxRecords = (shard: number, { firstSeq, kinds, payloads }: InboxDraft): EndedRecord[] => {
  const records: EndedRecord[] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, payload] of payloads.entries()) {
    bytes += payload.length;
    const to = index + 1;
    if (bytes < INBOX_RECORD_BYTES && to < payloads.length) continue;
    const first = firstSeq + from;
    const part = { firstSeq: first, kinds: Uint8Array.from(kinds.slice(from, to)), payloads: payloads.slice(from, to) };
    records.push({ shard, first, end: firstSeq + to, bytes: encodeInboxRecord(shard, part) });
    from = to;
    bytes = 0;
  }
  return records;
};

const sealed = (group: Group): Parameters<Backend['write']>[0] => ({
  inbox: [...group.inbox].flatMap(([shard, draft]) => inboxRecords(shard, draft)),
  log: [...group.log].map(([shard, draft]) => ({
    shard,
    first: draft.firstPosition,
    end: draft.firstPosition + draft.appends.length,
    bytes: encodeLogRecord(shard, draft),
  })),
  values: group.values,
  results: group.results,
  snapshots: livingSnapshots(group),
  marks: group.marks,
  stopped: group.stopped,
});

export interface GroupCommitListener {
  reached(group: Group, level: Level): void;
  failed(error: unknown): void;
}

export class GroupCommit {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #listener: GroupCommitListener;
  /** Closed groups that wait for their turn, oldest first, then the one that is gathered. */
  #gathered: Group[] = [];
  /** Groups handed to the backend and not flushed, oldest first. */
  #underWay: Group[] = [];
  #scheduled = false;
  #submitting = false;
  #failure: unknown = null;

  constructor(backend: Backend, clock: Clock, listener: GroupCommitListener) {
    this.#backend = backend;
    this.#clock = clock;
    this.#listener = listener;
  }

  get failure(): unknown {
    return this.#failure;
  }

  /** The group that what comes now belongs to; ask once per append, since the next call may give another. */
  current(): Group {
    const last = this.#gathered.at(-1);
    if (last !== undefined && last.bytes < GROUP_BYTES_MAX && !last.closed) return last;
    const group = new Group();
    this.#gathered.push(group);
    this.#schedule();
    return group;
  }

  /** What comes from here on is in another group. */
  close(): void {
    const last = this.#gathered.at(-1);
    if (last !== undefined) last.closed = true;
  }

  /** Calls back when everything gathered so far has reached `level`; at once when it has. */
  after(level: Level, waiter: Waiter): void {
    if (this.#failure !== null) {
      waiter(this.#failure);
      return;
    }
    const last = this.#gathered.at(-1) ?? this.#underWay.at(-1);
    if (last === undefined || last.reached === level || last.reached === 'flushed') waiter(null);
    else last.waiters[level].push(waiter);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the messages of all ports that are there now were read, so that they share a transaction.
    this.#clock.soon(() => {
      this.#scheduled = false;
      this.#submit();
    });
  }

  #submit(): void {
    // A backend in memory calls back before `write` returns; the loop that runs goes on then.
    if (this.#submitting) return;
    this.#submitting = true;
    try {
      this.#submitGathered();
    } finally {
      this.#submitting = false;
    }
  }

  #submitGathered(): void {
    while (this.#failure === null && this.#gathered.length > 0) {
      const newest = this.#underWay.at(-1);
      if (newest?.reached === 'none' || this.#underWay.length >= GROUPS_UNFLUSHED_MAX) return;
      const group = this.#gathered.shift() as Group;
      this.#underWay.push(group);
      this.#backend.write(
        sealed(group),
        () => this.#reach(group, 'committed'),
        () => this.#reach(group, 'flushed'),
        (error) => this.#fail(error),
      );
      if (group.snapshots.length > 0 || group.marks.length > 0) killPoint('snapshot');
    }
  }

  #reach(group: Group, level: Level): void {
    if (this.#failure !== null) return;
    const index = this.#underWay.indexOf(group);
    // What is on disk at a level has everything older on disk at that level; callbacks may overtake each other.
    for (const older of this.#underWay.slice(0, index + 1)) this.#reachOne(older, level);
    if (level === 'flushed') this.#underWay.splice(0, index + 1);
    this.#submit();
  }

  #reachOne(group: Group, level: Level): void {
    const due: Level[] = [];
    if (group.reached === 'none') due.push('committed');
    if (level === 'flushed' && group.reached !== 'flushed') due.push('flushed');
    for (const step of due) {
      group.reached = step;
      this.#listener.reached(group, step);
      for (const waiter of group.waiters[step].splice(0)) waiter(null);
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    const groups = [...this.#underWay, ...this.#gathered];
    this.#underWay = [];
    this.#gathered = [];
    for (const group of groups) {
      for (const waiter of [...group.waiters.committed.splice(0), ...group.waiters.flushed.splice(0)]) waiter(error);
    }
    this.#listener.failed(error);
  }
}
