/**
 * Folds the records of one shard, from some positions on, into what its actors are: snapshots, spawns, then steps in
 * order. It runs on the thread that opens the shard (or in a reader's process), so that the journal's thread never decodes
 * states and histories. It reads and writes nothing itself: snapshots are asked for by id (`wanted`) and given later.
 *
 * Invariants: F1 a gap, a record that moved or a wrong checksum ends the fold with JOURNAL_DAMAGED; it never goes on.
 * F2 the first spawn of an id counts, every later one is ignored, also after the actor stopped. F3 state is what the
 * last step wrote, history what all steps appended, in order. F4 entries of an actor that is not there (any more)
 * change only what they took.
 */
import { ActorFold } from './actor-fold.ts';
import {
  decodeInboxEntry,
  decodeInboxRecord,
  decodeLogEntries,
  decodeLogRecord,
  SENT_FIELDS,
  SIGNAL,
  SPAWN,
} from './codec.ts';
import type { SeqSet } from './seq-set.ts';
import type {
  ActorRecord,
  ChildRecord,
  Delivery,
  InboxEntry,
  PassiveTimer,
  RecoveredActor,
  RecoveredShard,
  StepLogEntry,
} from './shard-log.ts';
import { gap, isOpen } from './shard-state.ts';
import { type ActorRow, decodeActorRow, decodeHistory, decodeTimers } from './snapshot-codec.ts';
import type { WireActor, WireRecord } from './wire.ts';

/** An append as it was read back, with what it sent (`StoredAppend`). */
export interface ReadAppend {
  readonly position: number;
  readonly entries: readonly StepLogEntry[];
  readonly sent: readonly number[];
}

/** Where a fold begins, and what was so at that place. */
export interface FoldStart {
  readonly log: number;
  readonly inbox: number;
  readonly idMax: number;
  readonly openTurns: readonly number[];
  /** Actors that stopped before `log` and may have been spawned at or after `inbox`. */
  readonly stopped: readonly number[];
  /** The mail that is unconsumed at the end; null: what the records say. */
  readonly unconsumed: SeqSet | null;
}

export const FROM_THE_BEGINNING: FoldStart = {
  log: 0,
  inbox: 0,
  idMax: 0,
  openTurns: [],
  stopped: [],
  unconsumed: null,
};

const NO_CHILDREN: readonly ChildRecord[] = [];

/** An actor that has been spawned and has done nothing. */
export const unborn = (record: ActorRecord): ActorRow => ({
  record,
  step: 0,
  state: undefined,
  open: false,
  timers: [],
  children: [],
  historyLength: 0,
});

/** What a row and its chunks say when no log says more. @throws JOURNAL_DAMAGED */
export const recoveredFrom = (shard: number, [id, row, chunks]: WireActor, log = new ActorFold()): RecoveredActor => {
  const decoded = decodeActorRow(shard, id, row);
  return log.onto(decoded, decodeHistory(shard, id, chunks, decoded.historyLength));
};

const receiverOf = (entry: InboxEntry): number => {
  switch (entry.kind) {
    case 'mail':
      return entry.mail.to;
    case 'signal':
      return entry.to;
    case 'spawn':
      return entry.actor.id;
    default:
      return entry satisfies never;
  }
};

export class ShardFold {
  readonly shard: number;
  readonly #start: FoldStart;
  /** Spawned from the start on, in order, and not stopped. */
  readonly #spawned = new Map<number, ActorRecord>();
  /** What the log says from the start on of actors that did not stop in it, known or not. */
  readonly #logged = new Map<number, ActorFold>();
  readonly #stopped: Set<number>;
  /** Every id that was spawned here from the start on, with its name. */
  readonly #names = new Map<number, string>();
  /** Unconsumed entries, still packed, since most are consumed further on. */
  readonly #waiting = new Map<number, Uint8Array>();
  /** Of all ids, known here or not: this is how the journal's thread counts. */
  readonly #openTurns: Set<number>;
  readonly #received = { mail: 0, signals: 0, spawns: 0 };
  #inboxRead = 0;
  #deliveries: Delivery[] | null = null;
  #inboxNext: number;
  #position: number;
  #idMax: number;

  constructor(shard: number, start: FoldStart = FROM_THE_BEGINNING) {
    this.shard = shard;
    this.#start = start;
    this.#stopped = new Set(start.stopped);
    this.#openTurns = new Set(start.openTurns);
    this.#inboxNext = start.inbox;
    this.#position = start.log;
    this.#idMax = start.idMax;
  }

  get inboxNext(): number {
    return this.#inboxNext;
  }

  get position(): number {
    return this.#position;
  }

  get openTurns(): ReadonlySet<number> {
    return this.#openTurns;
  }

  /** Unconsumed mail and signals. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Inbox entries that the records held, consumed or not, also those before the start. */
  get inboxRead(): number {
    return this.#inboxRead;
  }

  /** Inbox entries from the start on, consumed or not. */
  get received(): { readonly mail: number; readonly signals: number; readonly spawns: number } {
    return this.#received;
  }

  /** Names by id of all actors that were spawned here from the start on. */
  get names(): ReadonlyMap<number, string> {
    return this.#names;
  }

  /** All inbox records come before the log records that consume them. @throws JOURNAL_DAMAGED */
  addInbox(first: number, bytes: Uint8Array): void {
    const { kinds, payloads } = decodeInboxRecord(this.shard, first, bytes);
    const end = first + payloads.length;
    this.#inboxRead += payloads.length;
    // Before the start there are only records that hold unconsumed mail, and no two of them hold the same.
    const known = first < this.#start.inbox;
    if (end > this.#start.inbox && first !== this.#inboxNext && !(known && this.#inboxNext === this.#start.inbox)) {
      throw gap('inbox', this.shard, this.#inboxNext);
    }
    for (const [index, payload] of payloads.entries()) {
      const seq = first + index;
      this.#receive(seq, kinds[index] ?? SPAWN, payload);
    }
    this.#inboxNext = Math.max(this.#inboxNext, end);
  }

  /** @throws JOURNAL_DAMAGED @returns the appends from the start on */
  addLog(first: number, bytes: Uint8Array): ReadAppend[] {
    const { appends } = decodeLogRecord(this.shard, first, bytes);
    const holdsStart = first < this.#start.log && this.#position === this.#start.log;
    if (first !== this.#position && !holdsStart) throw gap('log', this.shard, this.#position);
    return appends.slice(this.#position - first).map(([, , , packed, sent]) => {
      const entries = decodeLogEntries(packed);
      for (const entry of entries) this.#apply(entry, sent);
      for (let index = 2; index < sent.length; index += SENT_FIELDS) this.#observe(sent[index] ?? 0);
      this.#position += 1;
      return { position: this.#position - 1, entries, sent };
    });
  }

  /** Actors about which the records say something: their snapshots, if there are any, are to be given to `finish`. */
  wanted(): ReadonlySet<number> {
    const wanted = new Set([...this.#spawned.keys(), ...this.#concerned()]);
    for (const id of this.#stopped) wanted.delete(id);
    return wanted;
  }

  /**
   * @param snapshots of those that were wanted
   * @param all how many actors have snapshots, and the timers of those that have some
   * @throws JOURNAL_DAMAGED
   */
  finish(
    snapshots: readonly WireActor[] = [],
    all: { actors: number; timers: readonly WireRecord[] } | null = null,
  ): RecoveredShard {
    const concerned = this.#concerned();
    const actors: RecoveredActor[] = [];
    const known = new Set<number>();
    let passive = all?.actors ?? snapshots.length;
    for (const snapshot of snapshots) {
      const id = snapshot[0];
      known.add(id);
      // Without the number of all, what is given is all there is, and none of them is passive.
      if (all !== null && !concerned.has(id)) continue;
      passive -= 1;
      actors.push(recoveredFrom(this.shard, snapshot, this.#logged.get(id)));
    }
    for (const [id, record] of this.#spawned) {
      if (!known.has(id)) actors.push((this.#logged.get(id) ?? new ActorFold()).onto(unborn(record), []));
    }
    const active = new Set(actors.map(({ record }) => record.id));
    const passiveTimers = (all?.timers ?? []).flatMap(([id, bytes]): PassiveTimer[] =>
      active.has(id) ? [] : decodeTimers(this.shard, id, bytes).map(([key, dueMs]) => ({ actor: id, key, dueMs })),
    );
    const found = { actors, passive, passiveTimers, deliveries: this.#unconsumed(), idMax: this.#idMax };
    return this.#stopped.size === 0 ? found : { ...found, stopped: [...this.#stopped] };
  }

  /** Actors with mail, an open turn or something in the log: none of them is passive. */
  #concerned(): Set<number> {
    const concerned = new Set<number>([...this.#logged.keys(), ...this.#openTurns]);
    for (const { entry } of this.#unconsumed()) concerned.add(receiverOf(entry));
    return concerned;
  }

  #unconsumed(): Delivery[] {
    this.#deliveries ??= [...this.#waiting].map(([seq, payload]) => ({ seq, entry: decodeInboxEntry(payload) }));
    return this.#deliveries;
  }

  #receive(seq: number, kind: number, payload: Uint8Array): void {
    const fresh = seq >= this.#start.inbox;
    if (kind === SPAWN) {
      if (!fresh) return;
      this.#received.spawns += 1;
      this.#spawn(payload);
      return;
    }
    if (fresh) this.#received[kind === SIGNAL ? 'signals' : 'mail'] += 1;
    if (this.#start.unconsumed?.has(seq) ?? true) this.#waiting.set(seq, payload);
  }

  #spawn(payload: Uint8Array): void {
    const entry = decodeInboxEntry(payload);
    if (entry.kind !== 'spawn') return;
    const { id, name } = entry.actor;
    if (this.#names.has(id)) return;
    this.#names.set(id, name);
    this.#observe(id);
    if (!this.#stopped.has(id)) this.#spawned.set(id, entry.actor);
  }

  #apply(entry: StepLogEntry, sent: readonly number[]): void {
    if (entry.kind === 'step' || entry.kind === 'drop') for (const seq of entry.taken) this.#waiting.delete(seq);
    if (entry.kind === 'step' && isOpen(entry)) this.#openTurns.add(entry.actor);
    else if (entry.kind === 'step' || (entry.kind === 'drop' && entry.stopped)) this.#openTurns.delete(entry.actor);
    if (this.#stopped.has(entry.actor)) return;
    if ((entry.kind === 'step' || entry.kind === 'drop') && entry.stopped) {
      this.#stopped.add(entry.actor);
      this.#spawned.delete(entry.actor);
      this.#logged.delete(entry.actor);
      return;
    }
    let logged = this.#logged.get(entry.actor);
    if (logged === undefined) {
      logged = new ActorFold();
      this.#logged.set(entry.actor, logged);
    }
    logged.apply(entry, entry.kind === 'step' ? this.#childrenOf(entry.actor, sent) : NO_CHILDREN);
  }

  /** What an append spawned for `parent`. */
  #childrenOf(parent: number, sent: readonly number[]): readonly ChildRecord[] {
    if (sent.length === 0) return NO_CHILDREN;
    const children: ChildRecord[] = [];
    for (let index = 0; index < sent.length; index += SENT_FIELDS) {
      if (sent[index + 3] !== parent) continue;
      const [shard = 0, , id = 0] = sent.slice(index, index + SENT_FIELDS);
      // Names of other shards' actors are in their inboxes.
      children.push({ shard, id, name: shard === this.shard ? (this.#names.get(id) ?? '') : '' });
    }
    return children;
  }

  #observe(id: number): void {
    this.#idMax = Math.max(this.#idMax, id);
  }
}
