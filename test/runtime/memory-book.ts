/**
 * One shard of the journal in memory: inbox, step log, snapshots, mark. It recovers from what a real journal would have
 * kept, no more: the snapshots, the log from the mark on, the spawns of the inbox from the mark on. It throws when a
 * mark has passed something that no snapshot holds.
 */
import { deepCopy } from '../../src/actor/index.ts';
import type {
  ActorRecord,
  ActorSnapshot,
  ChildRecord,
  Delivery,
  InboxEntry,
  Outgoing,
  PassiveTimer,
  RecoveredActor,
  RecoveredShard,
  SnapshotMark,
  StepLogEntry,
  TimerRecord,
} from '../../src/journal/shard-log.ts';

export interface Owner {
  readonly onDelivery: (deliveries: readonly Delivery[]) => void;
}

/** What the snapshots of one actor come to. */
interface Kept extends Omit<ActorSnapshot, 'historyBefore'> {
  readonly history: readonly unknown[];
}

interface Logged {
  readonly entry: StepLogEntry;
  /** Durable children that the actor spawned with it. */
  readonly spawned: readonly ChildRecord[];
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

const newborn = (record: ActorRecord): Mutable<RecoveredActor> => ({
  record,
  step: 0,
  state: undefined,
  history: [],
  historySaved: 0,
  open: false,
  timers: [],
  children: [],
  begun: null,
});

const fromSnapshot = ({ record, step, state, open, timers, children, history }: Kept): Mutable<RecoveredActor> => ({
  record,
  step,
  state,
  history,
  historySaved: history.length,
  open,
  timers,
  children,
  begun: null,
});

const applyTimers = (timers: readonly TimerRecord[], entry: StepLogEntry): readonly TimerRecord[] => {
  if (entry.kind !== 'step' || entry.timers === undefined) return timers;
  const byKey = new Map(timers.map((timer) => [timer.key, timer]));
  for (const { key, timer } of entry.timers) {
    if (timer === null) byKey.delete(key);
    else byKey.set(key, timer);
  }
  return [...byKey.values()];
};

/** An entry of a step that the actor has behind it changes nothing. */
const fold = (actor: Mutable<RecoveredActor>, { entry, spawned }: Logged): void => {
  if (entry.kind === 'drop' || entry.step < actor.step) return;
  if (entry.kind === 'begin') {
    const { effects = new Map<string, unknown>(), intents = [] } = actor.begun ?? {};
    actor.begun = { taken: entry.taken, effects, intents: [...intents, entry.key] };
  } else if (entry.kind === 'effect') {
    const { taken = [], effects = new Map<string, unknown>(), intents = [] } = actor.begun ?? {};
    const known = new Map(effects).set(entry.key, entry.result);
    actor.begun = { taken, effects: known, intents: intents.filter((key) => key !== entry.key) };
  } else {
    actor.step = entry.step + 1;
    actor.state = entry.state;
    actor.history = [...actor.history, ...entry.history];
    actor.open = entry.open;
    actor.timers = applyTimers(actor.timers, entry);
    actor.children = [...actor.children, ...spawned];
    actor.begun = null;
  }
};

export class ShardBook {
  readonly inbox: InboxEntry[] = [];
  readonly log: Logged[] = [];
  readonly consumed = new Set<number>();
  readonly snapshots = new Map<number, Kept>();
  mark: SnapshotMark = { log: 0, inbox: 0 };
  owner: Owner | null = null;

  append(entries: readonly StepLogEntry[], outgoing: readonly Outgoing[]): void {
    for (const entry of entries) {
      const spawned = outgoing.flatMap(({ shard, entry: sent }): ChildRecord[] =>
        sent.kind === 'spawn' && sent.actor.parent?.id === entry.actor
          ? [{ shard, id: sent.actor.id, name: sent.actor.name }]
          : [],
      );
      this.log.push({ entry, spawned });
      if ((entry.kind === 'step' || entry.kind === 'drop') && entry.stopped) this.snapshots.delete(entry.actor);
    }
  }

  save(actors: readonly ActorSnapshot[], mark: SnapshotMark | undefined): void {
    for (const { historyBefore, history, ...rest } of actors) {
      const kept = this.snapshots.get(rest.record.id)?.history ?? [];
      if (historyBefore !== kept.length) {
        throw new Error(`${rest.record.name}: ${kept.length} entries of history are kept, not ${historyBefore}`);
      }
      if (this.#gone().has(rest.record.id)) throw new Error(`${rest.record.name} has stopped`);
      this.snapshots.set(rest.record.id, { ...rest, history: [...kept, ...history] });
    }
    if (mark === undefined) return;
    this.mark = { log: Math.max(this.mark.log, mark.log), inbox: Math.max(this.mark.inbox, mark.inbox) };
    if (this.mark.log > this.log.length || this.mark.inbox > this.inbox.length) throw new Error('a mark in the future');
  }

  load(ids: readonly number[]): RecoveredActor[] {
    return deepCopy(
      ids.flatMap((id): RecoveredActor[] => {
        const kept = this.snapshots.get(id);
        if (kept === undefined) return [];
        const actor = this.#actor(id);
        if (actor === null || actor.step !== kept.step || actor.begun !== null) {
          throw new Error(`the snapshot of '${kept.record.name}' is older than the log`);
        }
        return [actor];
      }),
    );
  }

  find(name: string): number | null {
    for (const [id, { record }] of this.snapshots) if (record.name === name) return id;
    return null;
  }

  read(seqs: readonly number[]): Delivery[] {
    return deepCopy(
      seqs.map((seq) => {
        const entry = this.inbox[seq];
        if (entry === undefined || this.consumed.has(seq)) throw new Error(`nothing unconsumed at ${seq}`);
        return { seq, entry };
      }),
    );
  }

  recover(): RecoveredShard {
    const deliveries = this.inbox
      .map((entry, seq): Delivery => ({ seq, entry }))
      .filter(({ seq, entry }) => entry.kind !== 'spawn' && !this.consumed.has(seq));
    const busy = new Set<number>();
    const spawns = this.inbox.slice(this.mark.inbox).filter((entry) => entry.kind === 'spawn');
    for (const { actor } of spawns) if (!this.snapshots.has(actor.id)) busy.add(actor.id);
    for (const { entry } of this.log.slice(this.mark.log)) busy.add(entry.actor);
    for (const { entry } of deliveries)
      if (entry.kind !== 'spawn') busy.add(entry.kind === 'mail' ? entry.mail.to : entry.to);
    for (const [id, { open }] of this.snapshots) if (open) busy.add(id);
    const actors = [...busy].sort((a, b) => a - b).flatMap((id) => this.#actor(id) ?? []);
    const found = new Set(actors.map(({ record }) => record.id));
    const passive = [...this.snapshots.values()].filter(({ record }) => !found.has(record.id));
    // Throws when a snapshot lacks something that the log beyond the mark does not say either.
    for (const { record } of passive) this.#actor(record.id);
    const passiveTimers = passive.flatMap(({ record, timers }) =>
      timers.map(({ key, dueMs }): PassiveTimer => ({ actor: record.id, key, dueMs })),
    );
    const ids = this.inbox.flatMap((entry) => (entry.kind === 'spawn' ? [entry.actor.id] : []));
    const stopped = [...this.#gone()];
    return deepCopy({
      actors,
      stopped,
      passive: passive.length,
      passiveTimers,
      deliveries,
      idMax: Math.max(0, ...ids),
    });
  }

  #gone(): ReadonlySet<number> {
    const stopped = this.log.filter(({ entry }) => (entry.kind === 'step' || entry.kind === 'drop') && entry.stopped);
    return new Set(stopped.map(({ entry }) => entry.actor));
  }

  #actor(id: number): RecoveredActor | null {
    if (this.#gone().has(id)) return null;
    const kept = this.snapshots.get(id);
    const spawn = this.inbox.slice(this.mark.inbox).find((entry) => entry.kind === 'spawn' && entry.actor.id === id);
    const record = spawn?.kind === 'spawn' ? spawn.actor : undefined;
    const missed = this.log.slice(0, this.mark.log).find(({ entry }) => entry.actor === id && entry.kind !== 'drop');
    if (kept === undefined && missed !== undefined)
      throw new Error(`the mark has passed actor ${id}, without snapshot`);
    if (kept === undefined && record === undefined) {
      const lost = this.inbox.some((entry) => entry.kind === 'spawn' && entry.actor.id === id);
      if (lost) throw new Error(`the mark has passed the spawn of actor ${id}, without snapshot`);
      return null;
    }
    const actor = kept === undefined ? newborn(record as ActorRecord) : fromSnapshot(kept);
    const whole = this.#fromBeginning(id);
    for (const logged of this.log.slice(this.mark.log)) if (logged.entry.actor === id) fold(actor, logged);
    if (whole !== null && (whole.step !== actor.step || whole.history.length !== actor.history.length)) {
      throw new Error(`actor ${id} is at step ${actor.step}, not at ${whole.step}: a mark has passed too much`);
    }
    return actor;
  }

  /** What the whole log says, whatever the mark. */
  #fromBeginning(id: number): RecoveredActor | null {
    const spawn = this.inbox.find((entry) => entry.kind === 'spawn' && entry.actor.id === id);
    if (spawn?.kind !== 'spawn') return null;
    const actor = newborn(spawn.actor);
    for (const logged of this.log) if (logged.entry.actor === id) fold(actor, logged);
    return actor;
  }
}
