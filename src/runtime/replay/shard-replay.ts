/**
 * Replays the log of one shard: every step is run again, by the runtime's own code and the actors' definitions, with the
 * mail, results, time and timers that the log has of it, and what it would append is compared with what was appended.
 * Appends that hold no step (intents, results, mail that nobody took, stops) are what it is given, not what it checks.
 * It reads the journal through the reader alone.
 *
 * Invariants: R3 Steps run one at a time, in the order of the log; a turn of several steps stays suspended between them.
 * R4 The first entry that differs ends the replay. R5 A step that does not end is a difference as well.
 */
import { type JournalReader, type LoggedAppend, ShardHash, type ShardOrigin } from '../../journal/index.ts';
import type { ActorRecord, Outgoing, RecoveredActor, StepEntry, StepLogEntry } from '../../journal/shard-log.ts';
import type { Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { ActorCell } from '../cell.ts';
import { DurableCell } from '../durable-cell.ts';
import { TICKS_KEY } from '../durable-timers.ts';
import { NOW_KEY } from '../effects.ts';
import { itemOf } from '../delivered.ts';
import type { MailboxItem } from '../envelope.ts';
import { type Begun, compareStep, differing, type StepDifference } from './compare.ts';
import { Current, type Outcome } from './current.ts';
import { type RecordedStep, type ReplayOptions, type ReplayParts, replayParts } from './parts.ts';

export interface Divergence extends StepDifference {
  readonly shard: number;
  /** Of the append in the shard's log. */
  readonly position: number;
  /** The actor's name. */
  readonly actor: string;
  readonly step: number;
}

/** A step of an actor does not take longer than this: the outside answers at once. */
const STEP_DEADLINE_MS = 60_000;
/** How long the event loop may wait for its turn. */
const SLICE_MS = 20;

export interface ShardReplayOptions extends ReplayOptions {
  readonly reader: JournalReader;
  /** Real time, to let others run and to give up. */
  readonly clock: Clock;
  /** Told now and then how many entries of this shard are done. */
  readonly onProgress: (entries: number) => void;
  readonly signal: AbortSignal | undefined;
}

export class ShardReplay {
  readonly #options: ShardReplayOptions;
  readonly #parts: ReplayParts;
  readonly #current = new Current();
  readonly #origin: ShardOrigin;
  readonly #hash: ShardHash;
  readonly #names: Map<number, string>;
  /** Where actors begin that have not been needed yet: their spawn, or the snapshot of the compaction. */
  readonly #begin = new Map<number, ActorRecord | RecoveredActor>();
  readonly #begun = new Map<number, Begun>();
  /** The state after the last step of an actor. */
  readonly #last = new Map<number, unknown>();
  #entries = 0;

  constructor(options: ShardReplayOptions) {
    const { reader, shard } = options;
    this.#options = options;
    this.#origin = reader.origin(shard);
    this.#hash = new ShardHash(this.#origin.chains);
    this.#names = new Map(this.#origin.names);
    for (const actor of this.#origin.actors) {
      this.#begin.set(actor.record.id, actor);
      if (actor.state !== undefined) this.#last.set(actor.record.id, actor.state);
    }
    const spawned = new Set<number>();
    for (const record of reader.spawns(shard)) {
      if (spawned.has(record.id)) continue;
      spawned.add(record.id);
      this.#names.set(record.id, record.name);
      if (!this.#begin.has(record.id)) this.#begin.set(record.id, record);
    }
    this.#parts = replayParts(options, this.#current, (id) => this.#names.has(id));
    this.#parts.core.allocator = { next: () => this.#nextSpawn()?.entry.actor.id ?? Number.MAX_SAFE_INTEGER };
    this.#parts.core.spawnShard = () => this.#nextSpawn()?.shard ?? 0;
  }

  /** Entries of the log that were read. */
  get entries(): number {
    return this.#entries;
  }

  /** Of what was replayed. */
  get chains(): ShardHash['chains'] {
    return this.#hash.chains;
  }

  /** @returns where the log differs first, or null @throws JOURNAL_DAMAGED, DEFINITION_INVALID, the signal's reason */
  async run(): Promise<Divergence | null> {
    const { reader, shard, clock, onProgress, signal } = this.#options;
    this.#hash.remember(this.#origin.begun);
    for (const entry of this.#origin.begun) this.#note(entry);
    let until = clock.monotonic() + SLICE_MS;
    for (const append of reader.appends(shard)) {
      const diverged = await this.#append(append);
      if (diverged !== null) return diverged;
      if (clock.monotonic() < until) continue;
      onProgress(this.#entries);
      await new Promise<void>((resolve) => clock.soon(resolve));
      signal?.throwIfAborted();
      until = clock.monotonic() + SLICE_MS;
    }
    return null;
  }

  async #append(append: LoggedAppend): Promise<Divergence | null> {
    const entries: StepLogEntry[] = [];
    let outgoing: readonly Outgoing[] = append.outgoing;
    let sender: StepEntry | null = null;
    for (const entry of append.entries) {
      this.#entries += 1;
      if (entry.kind !== 'step') {
        entries.push(entry);
        const diverged = this.#note(entry, append);
        if (diverged !== null) return diverged;
        continue;
      }
      const effects = this.#effectsOf(entry);
      const outcome = await this.#step({ entry, effects, sent: append.outgoing });
      const begun = this.#begunOf(entry.actor, entry.step);
      const difference = compareStep(entry, outcome, begun, this.#current);
      if (difference !== null) return this.#divergence(append.position, entry, difference);
      const replayed = outcome.entry as StepEntry;
      this.#last.set(entry.actor, replayed.state);
      this.#begun.delete(entry.actor);
      entries.push({ ...replayed, effects: entry.effects });
      outgoing = sender === null ? outcome.outgoing : [...outgoing, ...outcome.outgoing];
      sender = entry;
    }
    if (sender !== null) {
      const difference = differing('sent', append.outgoing, outgoing);
      if (difference !== null) return this.#divergence(append.position, sender, difference);
    }
    this.#hash.add(entries, outgoing, (actor) => this.#names.get(actor) ?? '');
    return null;
  }

  /** What the log says beside steps. @returns a divergence of the last word of an actor that failed */
  #note(entry: StepLogEntry, append?: LoggedAppend): Divergence | null {
    if (entry.kind === 'begin') this.#begunOf(entry.actor, entry.step).keys.add(entry.key);
    if (entry.kind === 'effect') {
      const { keys, effects } = this.#begunOf(entry.actor, entry.step);
      keys.add(entry.key);
      if (!effects.has(entry.key)) effects.set(entry.key, entry.result);
    }
    if (entry.kind !== 'drop' || !entry.stopped) return null;
    const { actor } = entry;
    for (const { entry: sent } of append?.outgoing ?? []) {
      if (sent.kind !== 'signal' || sent.from.id !== actor) continue;
      const signal = sent.signal as { readonly kind: string; readonly last?: unknown };
      if (signal.kind !== 'child-failed') continue;
      const difference = differing('state', signal.last, this.#last.get(actor));
      if (difference === null || append === undefined) continue;
      const step = this.#parts.core.cells.get(actor)?.durable?.step ?? 0;
      return this.#divergence(append.position, { actor, step }, difference);
    }
    this.#parts.core.cells.delete(actor);
    this.#begin.delete(actor);
    this.#begun.delete(actor);
    this.#last.delete(actor);
    this.#current.suspended.delete(actor);
    return null;
  }

  #begunOf(actor: number, step: number): Begun {
    let begun = this.#begun.get(actor);
    if (begun?.step !== step) {
      begun = { step, keys: new Set(), effects: new Map() };
      this.#begun.set(actor, begun);
    }
    return begun;
  }

  #effectsOf({ actor, step, effects }: StepEntry): ReadonlyMap<string, unknown> {
    const known = new Map(this.#begunOf(actor, step).effects);
    for (const [key, result] of effects) if (!known.has(key)) known.set(key, result);
    return known;
  }

  async #step(recorded: RecordedStep): Promise<Outcome> {
    const { entry, effects } = recorded;
    const { clock, steps } = this.#parts;
    const done = this.#current.begin(recorded);
    clock.nowMs = (effects.get(NOW_KEY) as number | undefined) ?? 0;
    const goOn = this.#current.suspended.get(entry.actor);
    if (goOn === undefined) {
      const cell = this.#parts.core.cells.get(entry.actor) ?? (await this.#cell(entry.actor));
      const durable = cell.durable as DurableCell;
      const batch = this.#batch(cell, recorded);
      if (cell.context !== null) {
        // An open turn goes on without any mail.
        durable.retry = durable.open || batch.length === 0 ? null : batch;
        steps.run(cell);
      }
    } else {
      this.#current.suspended.delete(entry.actor);
      goOn();
    }
    const limit = this.#options.clock.after(
      STEP_DEADLINE_MS,
      () => this.#current.failed(new MegactorError('ABORTED', `it did not end within ${STEP_DEADLINE_MS / 1_000} s`)),
      { keepAlive: true },
    );
    try {
      return await done;
    } finally {
      limit.cancel();
    }
  }

  async #cell(id: number): Promise<ActorCell> {
    const begin = this.#begin.get(id);
    if (begin === undefined) {
      const { shard } = this.#options;
      throw new MegactorError(
        'JOURNAL_DAMAGED',
        `the log of shard ${shard} has a step of actor ${id}, who is not there`,
      );
    }
    this.#begin.delete(id);
    const { core, life, steps } = this.#parts;
    const found = 'record' in begin ? begin : null;
    const record = 'record' in begin ? begin.record : begin;
    const definition = await this.#options.loader.load(record.module, record.export);
    const cell = ActorCell.of(this.#options.shard, record, new DurableCell());
    core.cells.set(id, cell);
    if (found !== null && cell.durable !== null) steps.restore(cell.durable, { ...found, begun: null });
    life.start(cell, definition);
    return cell;
  }

  /** The mail of a step, with its ticks where they were. */
  #batch(cell: ActorCell, { entry, effects }: RecordedStep): MailboxItem[] {
    const { reader, shard } = this.#options;
    const { core } = this.#parts;
    const batch: MailboxItem[] = [];
    for (const seq of entry.taken) {
      const arrived = reader.inboxEntry(shard, seq);
      if (arrived.kind === 'spawn') continue;
      batch.push(itemOf(core, seq, arrived));
    }
    const ticks = (effects.get(TICKS_KEY) ?? []) as readonly (readonly [number, string])[];
    for (const [place, key] of ticks) {
      const tick = core.timers.tickOf(cell, key);
      if (tick !== undefined) batch.splice(place, 0, tick);
    }
    return batch;
  }

  /** The recorded spawn whose turn it is in the step that is under way. */
  #nextSpawn(): { readonly shard: number; readonly entry: Extract<Outgoing['entry'], { kind: 'spawn' }> } | undefined {
    const { recorded } = this.#current;
    if (recorded === null) return undefined;
    const made = this.#parts.core.cells.get(recorded.entry.actor)?.durable?.progress.outgoing ?? [];
    let place = made.filter(({ entry }) => entry.kind === 'spawn').length;
    for (const { shard, entry } of recorded.sent) {
      if (entry.kind !== 'spawn') continue;
      if (place === 0) return { shard, entry };
      place -= 1;
    }
    return undefined;
  }

  #divergence(
    position: number,
    { actor, step }: Pick<StepEntry, 'actor' | 'step'>,
    { what, path, expected, actual }: StepDifference,
  ): Divergence {
    const { shard } = this.#options;
    const name = this.#names.get(actor) ?? String(actor);
    return { shard, position, actor: name, step, what, path, expected, actual };
  }
}
