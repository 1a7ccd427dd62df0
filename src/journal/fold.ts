/**
 * Folds the records of one shard into what its actors are: spawns, then steps in order. It runs on the thread that opens
 * the shard (or in a reader's process), so that the journal's thread never decodes states and histories. It reads and
 * writes nothing itself.
 *
 * Invariants: F1 a gap, a record that moved or a wrong checksum ends the fold with JOURNAL_DAMAGED; it never goes on.
 * F2 the first spawn of an id counts, every later one is ignored, also after the actor stopped. F3 state is what the
 * last step wrote, history what all steps appended, in order. F4 entries of an actor that is not there (any more)
 * change only what they took.
 */
import { decodeInboxEntry, decodeInboxRecord, decodeLogEntries, decodeLogRecord, SIGNAL, SPAWN } from './codec.ts';
import type { ActorRecord, Delivery, RecoveredActor, RecoveredShard, StepLogEntry } from './shard-log.ts';
import { gap, isOpen } from './shard-state.ts';

interface Begun {
  readonly step: number;
  taken: readonly number[];
  readonly effects: Map<string, unknown>;
  readonly intents: Set<string>;
}

interface FoldedActor {
  readonly record: ActorRecord;
  step: number;
  state: unknown;
  readonly history: unknown[];
  open: boolean;
  begun: Begun | null;
}

/** An append as it was read back, with what it sent: shard, position and spawned id, three numbers each. */
export interface ReadAppend {
  readonly position: number;
  readonly entries: readonly StepLogEntry[];
  readonly sent: readonly number[];
}

export class ShardFold {
  readonly shard: number;
  readonly #actors = new Map<number, FoldedActor>();
  /** Every id that was ever spawned here, with its name, so that a second spawn is known after a stop. */
  readonly #names = new Map<number, string>();
  /** Unconsumed entries, still packed, since most are consumed further on. */
  readonly #waiting = new Map<number, Uint8Array>();
  /** Of all ids, known here or not: this is how the journal's thread counts. */
  readonly #openTurns = new Set<number>();
  readonly #received = { mail: 0, signals: 0, spawns: 0 };
  #inboxNext = 0;
  #position = 0;
  #idMax = 0;

  constructor(shard: number) {
    this.shard = shard;
  }

  get inboxNext(): number {
    return this.#inboxNext;
  }

  get position(): number {
    return this.#position;
  }

  get openTurns(): number {
    return this.#openTurns.size;
  }

  /** Inbox entries so far, consumed or not. */
  get received(): { readonly mail: number; readonly signals: number; readonly spawns: number } {
    return this.#received;
  }

  /** Names by id of all actors that were ever spawned here. */
  get names(): ReadonlyMap<number, string> {
    return this.#names;
  }

  /** All inbox records come before the log records that consume them. @throws JOURNAL_DAMAGED */
  addInbox(first: number, bytes: Uint8Array): void {
    if (first !== this.#inboxNext) throw gap('inbox', this.shard, this.#inboxNext);
    const { kinds, payloads } = decodeInboxRecord(this.shard, first, bytes);
    for (const [index, payload] of payloads.entries()) {
      if (kinds[index] === SPAWN) {
        this.#received.spawns += 1;
        this.#spawn(payload);
        continue;
      }
      this.#received[kinds[index] === SIGNAL ? 'signals' : 'mail'] += 1;
      this.#waiting.set(first + index, payload);
    }
    this.#inboxNext += payloads.length;
  }

  /** @throws JOURNAL_DAMAGED */
  addLog(first: number, bytes: Uint8Array): ReadAppend[] {
    if (first !== this.#position) throw gap('log', this.shard, this.#position);
    const { appends } = decodeLogRecord(this.shard, first, bytes);
    return appends.map(([, , , packed, sent]) => {
      const entries = decodeLogEntries(packed);
      for (const entry of entries) this.#apply(entry);
      for (let index = 2; index < sent.length; index += 3) this.#idMax = Math.max(this.#idMax, sent[index] ?? 0);
      this.#position += 1;
      return { position: this.#position - 1, entries, sent };
    });
  }

  finish(): RecoveredShard {
    const actors = [...this.#actors.values()].map(recovered);
    const deliveries: Delivery[] = [...this.#waiting].map(([seq, payload]) => ({
      seq,
      entry: decodeInboxEntry(payload),
    }));
    return { actors, passive: 0, passiveTimers: [], deliveries, idMax: this.#idMax };
  }

  #spawn(payload: Uint8Array): void {
    const entry = decodeInboxEntry(payload);
    if (entry.kind !== 'spawn') return;
    const { id, name } = entry.actor;
    if (this.#names.has(id)) return;
    this.#names.set(id, name);
    this.#idMax = Math.max(this.#idMax, id);
    this.#actors.set(id, { record: entry.actor, step: 0, state: undefined, history: [], open: false, begun: null });
  }

  #apply(entry: StepLogEntry): void {
    const actor = this.#actors.get(entry.actor);
    switch (entry.kind) {
      case 'begin':
        if (actor !== undefined) {
          const begun = begunOf(actor, entry.step);
          begun.taken = entry.taken;
          if (!begun.effects.has(entry.key)) begun.intents.add(entry.key);
        }
        return;
      case 'effect':
        if (actor !== undefined) {
          const begun = begunOf(actor, entry.step);
          begun.effects.set(entry.key, entry.result);
          begun.intents.delete(entry.key);
        }
        return;
      case 'step':
        this.#consume(entry.taken);
        if (isOpen(entry)) this.#openTurns.add(entry.actor);
        else this.#openTurns.delete(entry.actor);
        if (actor !== undefined) this.#step(actor, entry);
        return;
      case 'drop':
        this.#consume(entry.taken);
        if (entry.stopped) this.#openTurns.delete(entry.actor);
        if (actor !== undefined) this.#drop(actor, entry);
        return;
      default:
        entry satisfies never;
    }
  }

  #step(actor: FoldedActor, entry: Extract<StepLogEntry, { kind: 'step' }>): void {
    actor.step = entry.step + 1;
    actor.state = entry.state;
    for (const added of entry.history) actor.history.push(added);
    actor.open = isOpen(entry);
    actor.begun = null;
    if (entry.stopped) this.#actors.delete(entry.actor);
  }

  #drop(actor: FoldedActor, entry: Extract<StepLogEntry, { kind: 'drop' }>): void {
    if (entry.stopped) this.#actors.delete(entry.actor);
    // The step in progress goes on without the mail that was dropped from it.
    else if (actor.begun !== null) actor.begun.taken = actor.begun.taken.filter((seq) => !entry.taken.includes(seq));
  }

  #consume(taken: readonly number[]): void {
    for (const seq of taken) this.#waiting.delete(seq);
  }
}

const begunOf = (actor: FoldedActor, step: number): Begun => {
  if (actor.begun?.step !== step) actor.begun = { step, taken: [], effects: new Map(), intents: new Set() };
  return actor.begun;
};

const recovered = (actor: FoldedActor): RecoveredActor => ({
  record: actor.record,
  step: actor.step,
  state: actor.state,
  history: actor.history,
  historySaved: 0,
  open: actor.open,
  timers: [],
  children: [],
  begun:
    actor.begun === null
      ? null
      : { taken: actor.begun.taken, effects: actor.begun.effects, intents: [...actor.begun.intents] },
});
