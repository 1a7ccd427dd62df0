/**
 * What a durable actor has beyond an ephemeral one: the number of its step, what the journal knows of it, and the
 * progress of the step that is under way. Data only.
 */
import type { ActorRef } from '../actor/index.ts';
import type { Outgoing, TimerChange, TimerRecord } from '../journal/shard-log.ts';
import type { Random } from '../platform/index.ts';
import type { EventInput } from '../telemetry/index.ts';
import type { Envelope, MailboxItem, MailEnvelope } from './envelope.ts';
import { LazyMap, LazySet } from './lazy.ts';
import type { PackedState } from './packed-state.ts';

const WRITTEN = Promise.resolve();

/** One step from its first mail to its commit. */
export class StepProgress {
  /** Positions in the inbox that this step consumes. */
  taken: number[] = [];
  /** True when the journal knows `taken`: a `begin` or an `effect` was written. */
  begun = false;
  /** Results by key, whether they are in the journal yet or not. */
  readonly effects = new LazyMap<string, Promise<unknown>>();
  /** Results that the journal has got; they are durable with `written`. */
  readonly recorded = new LazyMap<string, unknown>();
  /** The last append of an intent or a result: all before it are durable with it. */
  written: Promise<void> = WRITTEN;
  /** Keys whose intent is in the journal. */
  readonly intents = new LazySet<string>();
  /** One of them that the commit of the step before brought along; null once its call is made. */
  foreseen: string | null = null;
  /** Keys that were recorded or begun before a crash or a failed try. */
  readonly before = new LazySet<string>();
  /** Results that go into the step's entry. */
  readonly unwritten: [string, unknown][] = [];
  /** Leaves through the journal, in the step's commit. */
  readonly outgoing: Outgoing[] = [];
  /** Leaves over links after the commit. */
  readonly gated: Envelope[] = [];
  readonly events: EventInput[] = [];
  readonly spawned: ActorRef[] = [];
  /** What the step does to timers, by key. */
  readonly timers = new LazyMap<string, TimerChange>();
  /** Ticks that the step takes, by key of their timers, unless it changed the timer after it. */
  readonly ticks = new LazyMap<string, MailboxItem>();
  /** Place in the batch of the item at hand; −1 before the first. */
  at = -1;
  nowMs: number | null = null;
  random: Random | null = null;
  /** Key of the last effect that gave its outcome: what is drawn after it does not depend on draws within it. */
  drawnAfter = '';
}

export class DurableCell {
  /** Number of the step in progress: steps that have ended. */
  step = 0;
  /** The last commit left the turn open: it goes on, if need be with an empty batch. */
  open = false;
  /** The state after the last commit; null before the first. */
  committed: PackedState | null = null;
  readonly history: unknown[] = [];
  historyCommitted = 0;
  /** A step that has to be tried again takes exactly these. */
  retry: readonly MailboxItem[] | null = null;
  progress = new StepProgress();
  /** The last commit of a step. */
  committing: Promise<unknown> | null = null;
  /**
   * Tells on their way through the journal, and what came after them from an ask on, which must not overtake them (A2): no
   * more than the capacity of the mailbox (A4).
   */
  delivering = 0;
  held: MailEnvelope[] = [];
  /** Positions of journaled wishes that it stops and of what came while it did; consumed when it has stopped. */
  stopSeqs: number[] = [];
  /** What came while it stopped and is for somebody else; leaves with the stop. */
  readonly stopOutgoing: Outgoing[] = [];
  /** The stop is on its way to the journal: what is written from now on comes after it. */
  stopWritten = false;
  /** Timers as the journal knows them after the last commit, by key. */
  readonly timers = new LazyMap<string, TimerRecord>();
  /** Grows with everything that a snapshot would hold. */
  version = 0;
  /** The version that the snapshot in the journal holds; −1: there is none, or it may be older than the log. */
  savedVersion = -1;
  /** How many entries of `history` snapshots hold. */
  historySaved = 0;
  /** A checkpoint found it in a turn: its next commit is followed by a snapshot. */
  saveAtCommit = false;
  /** The end of its last turn, or its start, by the monotonic clock. */
  restedMs = 0;
  /** The shard waits for the timers that the journal knew when the actor came into memory. */
  timersArmed = false;
}
