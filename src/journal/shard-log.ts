/**
 * The journal as its users see it. `ShardLog` is the durable log of one shard; `JournalClient` opens logs and stores.
 * It says nothing about LMDB, threads or files, so that a second implementation over a broker fits it.
 *
 * Two sequences per shard. The *inbox* holds what others send to actors of the shard (mail, spawns); anybody's step
 * may add to it, in the same commit as that step where the store can. The *step log* holds what only the owner of the
 * shard writes (begin, effect, step, drop); it is appended at the expected position under a fencing epoch, so that an
 * owner who was replaced cannot write any more.
 *
 * Invariants: J1 An append resolves only when it has reached its level. J2 The entries of one append become durable
 * together or not at all. J3 Deliveries come in inbox order, each exactly once per opening, and only after they have
 * reached the run's level. J4 A fenced or mispositioned append changes nothing and rejects. J5 `pending` is exact:
 * unconsumed mail plus open turns, over all shards. J6 A snapshot and the entries beyond it give the same actor as all
 * entries from the beginning; applying an entry that a snapshot already holds changes nothing.
 */
import type { ActorAddress } from '../protocol/ids.ts';

/** `none`: kept in memory only. `committed`: survives a killed process. `flushed`: survives power loss. */
export type DurabilityLevel = 'none' | 'committed' | 'flushed';

/** Everything needed to start an actor again. Plain data. */
export interface ActorRecord {
  readonly id: number;
  readonly name: string;
  /** URL of the module and the export that hold the definition; relative to the package for our own actors. */
  readonly module: string;
  readonly export: string;
  /** The argument of the definition's `state` function. */
  readonly init: unknown;
  readonly parent: ActorAddress | null;
  /** Spawn options that outlive the spawn: restart policy, intensity, mailbox, poll interval. */
  readonly options: unknown;
}

/** One message in a shard's inbox. `body` is plain data (packed by the implementation). */
export interface MailRecord {
  readonly to: number;
  readonly from: ActorAddress | null;
  readonly type: string;
  readonly body: unknown;
}

/** What arrives in an inbox. */
export type InboxEntry =
  | { readonly kind: 'mail'; readonly mail: MailRecord }
  | { readonly kind: 'spawn'; readonly actor: ActorRecord }
  | { readonly kind: 'signal'; readonly to: number; readonly from: ActorAddress; readonly signal: unknown };

/** An inbox entry with its position; `seq` grows by one per entry of the shard and is how a step names what it took. */
export interface Delivery {
  readonly seq: number;
  readonly entry: InboxEntry;
}

/** Something for the inbox of `shard`. */
export interface Outgoing {
  readonly shard: number;
  readonly entry: InboxEntry;
}

/** A timer of a durable actor. */
export interface TimerRecord {
  /** One timer per key and actor. */
  readonly key: string;
  /** When it fires next, milliseconds since the epoch. */
  readonly dueMs: number;
  /** null: it fires once. */
  readonly periodMs: number | null;
  readonly type: string;
  readonly body: unknown;
}

/** What a step does to a timer: `timer: null` cancels, or says that it fired for the last time. */
export interface TimerChange {
  readonly key: string;
  readonly timer: TimerRecord | null;
}

/** What the owner of a shard writes about its actors. */
export type StepLogEntry =
  /**
   * An actor began a step with this mail and is about to act outside (call a model). Survives as an intent. `taken`
   * everywhere names mail and signals, never spawns. A step's first `begin` comes before or with its first `effect`.
   */
  | {
      readonly kind: 'begin';
      readonly actor: number;
      readonly step: number;
      readonly taken: readonly number[];
      readonly key: string;
    }
  /** The result of an outside call of the step in progress. */
  | {
      readonly kind: 'effect';
      readonly actor: number;
      readonly step: number;
      readonly key: string;
      readonly result: unknown;
    }
  /** The end of a step: mail consumed, state, history added, mail and spawns out, in one commit. */
  | StepEntry
  /**
   * Mail that nobody will take (its actor stopped or never was, or does not want it), or an actor that stopped without a
   * step. With `stopped` it ends the actor and its open turn; without, a turn or a step in progress goes on.
   */
  | {
      readonly kind: 'drop';
      readonly actor: number;
      readonly taken: readonly number[];
      readonly reason: string;
      readonly stopped: boolean;
    };

export interface StepEntry {
  readonly kind: 'step';
  readonly actor: number;
  /** Counts the steps of the actor from 0. */
  readonly step: number;
  /** Inbox positions consumed by this step. */
  readonly taken: readonly number[];
  /** The whole (small) state after the step. */
  readonly state: unknown;
  /** Entries appended to the actor's history by this step. */
  readonly history: readonly unknown[];
  /** Results of effects that were not appended on their own, for replay: [key, result]. */
  readonly effects: readonly (readonly [string, unknown])[];
  /** Timers set, moved on or cancelled by this step; absent: none. */
  readonly timers?: readonly TimerChange[];
  /** True when the turn goes on with another step; after a crash the actor is run again with an empty batch. */
  readonly open: boolean;
  /** True when the actor stopped with this step. */
  readonly stopped: boolean;
}

/** One atomic group: entries of this shard's step log plus what they send to inboxes of any shard. */
export interface LogAppend {
  readonly entries: readonly StepLogEntry[];
  readonly outgoing: readonly Outgoing[];
  /** The state of the step that `entries` begin with, as `packState` packed it: a log may take it instead. */
  readonly packedState?: Uint8Array;
}

/** A durable child, as its parent's snapshot keeps it. */
export interface ChildRecord {
  readonly shard: number;
  readonly id: number;
  readonly name: string;
}

/** Everything durable about an actor after its last step, but for its earlier history. Never taken within a step. */
export interface ActorSnapshot {
  readonly record: ActorRecord;
  /** Steps that have ended. */
  readonly step: number;
  /** undefined before the first step. */
  readonly state: unknown;
  /** The same, as `packState` packed it: a log may take it instead, and leave `state` unread, which may be unpacked by that. */
  readonly packedState?: Uint8Array | undefined;
  readonly open: boolean;
  readonly timers: readonly TimerRecord[];
  readonly children: readonly ChildRecord[];
  /** What was appended to the history since the snapshot before, and how many entries came before it. */
  readonly history: readonly unknown[];
  readonly historyBefore: number;
}

/**
 * How far the snapshots of a shard reach: what the step log says before `log`, and the spawns that the inbox holds
 * before `inbox`, is in the snapshot of the actor concerned, or the actor has stopped.
 */
export interface SnapshotMark {
  readonly log: number;
  readonly inbox: number;
}

/** An actor of an opened shard: the snapshot, if there is one, with everything that the log says beyond it. */
export interface RecoveredActor {
  readonly record: ActorRecord;
  readonly step: number;
  /** undefined before the first step. */
  readonly state: unknown;
  readonly history: readonly unknown[];
  /** How much of `history` is in snapshots. */
  readonly historySaved: number;
  readonly open: boolean;
  readonly timers: readonly TimerRecord[];
  /** Durable children that it had at its snapshot or spawned since; some may have stopped. */
  readonly children: readonly ChildRecord[];
  /** The step in progress at the crash, if it had begun. */
  readonly begun: {
    readonly taken: readonly number[];
    readonly effects: ReadonlyMap<string, unknown>;
    /** Keys that were begun and have no result. */
    readonly intents: readonly string[];
  } | null;
}

/** A timer of an actor that is not among those that an opening found. */
export interface PassiveTimer {
  readonly actor: number;
  readonly key: string;
  readonly dueMs: number;
}

export interface RecoveredShard {
  /**
   * The actors with something to do or something that their snapshots lack: mail, an open turn, a step in progress,
   * entries beyond the mark. All others are *passive*: `load` reads them.
   */
  readonly actors: readonly RecoveredActor[];
  /** Actors that have stopped since the mark, if any: a spawn of one of them that comes again starts nobody. */
  readonly stopped?: readonly number[];
  /** Number of passive actors. */
  readonly passive: number;
  readonly passiveTimers: readonly PassiveTimer[];
  /** Inbox entries not yet consumed, in order: mail, signals, and spawns are already folded into `actors`. */
  readonly deliveries: readonly Delivery[];
  /**
   * The largest actor id this shard has seen, spawned here or by its own steps elsewhere, of any allocator: its own
   * allocator goes on above `idMax / ALLOCATORS_MAX`, rounded up.
   */
  readonly idMax: number;
}

export interface ShardLog {
  readonly shard: number;
  /** Takes the shard over: fences every earlier owner, reads what is there, then delivers what comes after. */
  open(onDelivery: (deliveries: readonly Delivery[]) => void): Promise<RecoveredShard>;
  /**
   * Appends one atomic group and resolves when it has reached `level` (default: the run's level; `none` means
   * `committed` in a journal on disk). Appends of one owner become durable in the order of the calls, which need not be
   * awaited one by one. What the journal refuses changes nothing, and neither do the appends behind it, which are
   * refused with it until the shard is opened again.
   * @throws JOURNAL_FENCED, JOURNAL_POSITION (also for mail in `taken` that is not there to be consumed),
   * MESSAGE_INVALID (a shard that does not exist), DISK, SYSTEM_STOPPED; and before anything was sent, so that the log
   * goes on: MESSAGE_NOT_CLONEABLE, MAILBOX_FULL (far too many appends without an answer)
   */
  append(group: LogAppend, level?: DurabilityLevel): Promise<void>;
  /** The position of the next append. */
  readonly position: number;
  /**
   * Writes snapshots, after every append made before this call and in one transaction, at level `committed`: a snapshot
   * that is lost costs nothing, since the log still has what it says. `mark` moves the shard's mark, never backwards.
   * @throws as `append`, and the log is refused afterwards in the same way
   */
  snapshot(actors: readonly ActorSnapshot[], mark?: SnapshotMark): Promise<void>;
  /**
   * Reads passive actors: those whose snapshot is up to date and that are not held in memory. Unknown ids are left out.
   * @throws JOURNAL_FENCED, JOURNAL_DAMAGED, SYSTEM_STOPPED
   */
  load(ids: readonly number[]): Promise<readonly RecoveredActor[]>;
  /** The id of the actor of that name that has a snapshot, or null. */
  find(name: string): Promise<number | null>;
  /** Reads unconsumed deliveries again, in the order of `seqs`. @throws JOURNAL_DAMAGED when one is not there */
  read(seqs: readonly number[]): Promise<readonly Delivery[]>;
  close(): Promise<void>;
}

/** The journal as a thread that is not the journal's sees it. */
export interface JournalClient {
  shard(shard: number): ShardLog;
  store(name: string): ServiceStore;
  /** Puts entries into inboxes in one commit: how mail from outside any durable actor gets in. */
  deliver(outgoing: readonly Outgoing[], level?: DurabilityLevel): Promise<void>;
  /**
   * Calls back whenever `pending` (unconsumed mail + open turns over all shards) falls to 0, with a number that grows;
   * and once soon after the call when it is 0 then. It is told when the commit that made it 0 has reached the run's level
   * and it still is 0; mail that somebody delivers at that moment ends the quiet, and the next fall is told again.
   */
  onQuiet(listener: (epoch: number) => void): void;
  /** Unconsumed mail plus open turns over all shards. */
  pending(): Promise<number>;
  /** Stops taking appends, flushes, closes. */
  close(): Promise<void>;
}

/** A change to a service's own table; `value: undefined` removes. */
export interface StoreChange {
  readonly key: string;
  readonly value: unknown;
}

/**
 * The table of one service, in the same store as the journal. `commit` keeps the result under the effect id in the
 * same transaction as the changes; a repeat of the effect id changes nothing and returns the kept result.
 */
export interface ServiceStore {
  get(key: string): Promise<unknown>;
  /** Entries with `from <= key < to`, in key order. */
  range(from: string, to: string): Promise<readonly (readonly [string, unknown])[]>;
  /** The kept result of an effect, or undefined. */
  result(effectId: string): Promise<{ readonly result: unknown } | undefined>;
  /** Resolves at level `committed`; a later step of the same run cannot become durable before it. */
  commit(group: {
    readonly effectId: string | null;
    readonly result: unknown;
    readonly changes: readonly StoreChange[];
  }): Promise<unknown>;
}
