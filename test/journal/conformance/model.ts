/**
 * A journal against the plainest model of one: commands are played on both, and after every opening they must agree.
 * Notes (mail with a body that names its sender and a number) go between the actors of all shards; what a crash found
 * under way is either there whole or not at all, and appends of one shard are there from the front on.
 */
import type {
  ActorSnapshot,
  Delivery,
  JournalClient,
  LogAppend,
  RecoveredActor,
  RecoveredShard,
  ShardLog,
  StepEntry,
} from '../../../src/journal/index.ts';
import { codeOf, mail, recordOf, spawn, step } from '../fixtures/harness.ts';
import { type JournalSubject, type RunningJournal, SHARDS } from './subject.ts';

/** Numbers pick among what is there; `wait: false` leaves the write under way. */
export type Command =
  | { readonly kind: 'deliver'; readonly to: readonly number[]; readonly wait: boolean }
  | { readonly kind: 'begin'; readonly actor: number; readonly take: number; readonly answered: boolean }
  | {
      readonly kind: 'step';
      readonly actor: number;
      readonly take: number;
      readonly send: readonly number[];
      readonly open: boolean;
      readonly timer: 'set' | 'cancel' | null;
      readonly wait: boolean;
    }
  | { readonly kind: 'snapshot'; readonly actor: number; readonly mark: boolean; readonly wait: boolean }
  | { readonly kind: 'take-over'; readonly shard: number }
  | { readonly kind: 'crash' };

const ACTORS_PER_SHARD = 2;
export const ACTORS = SHARDS * ACTORS_PER_SHARD;
/** The sender of what comes from no step. */
const GATE = -1;
const DUE_MS = 1_000;

interface Note {
  /** Unique over the run: sender, receiver's shard, number. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly number: number;
}

interface Actor {
  readonly id: number;
  readonly shard: number;
  readonly step: number;
  /** What its last step took. */
  readonly state: readonly string[];
  readonly history: readonly string[];
  readonly open: boolean;
  readonly timer: number | null;
  readonly begun: { readonly taken: readonly number[]; readonly answered: boolean } | null;
}

/** One write that is under way: what the model is after it. */
interface UnderWay {
  readonly apply: () => void;
  /** `unknown`, `done` or the code of the error. */
  outcome: string;
}

class Fault extends Error {}

/** @throws Fault, so that a run ends at the first difference */
const agree = (found: unknown, expected: unknown, what: string): void => {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Fault(`${what}: found ${left}, expected ${right}`);
};

const noteOf = ({ entry }: Delivery): string => {
  if (entry.kind !== 'mail') throw new Fault(`a ${entry.kind} was delivered`);
  return entry.mail.body as string;
};

const idOf = (actor: number): number => (Math.floor(actor / SHARDS) + 1) * 256 + (actor % SHARDS);

/** One opening of a shard, as its owner sees it. */
class Opening {
  readonly seen = new Map<number, string>();
  readonly client: JournalClient;
  readonly log: ShardLog;
  #last = -1;
  fault: Fault | null = null;

  constructor(client: JournalClient, shard: number) {
    this.client = client;
    this.log = client.shard(shard);
  }

  /** J3: inbox order, each position once. */
  readonly deliver = (deliveries: readonly Delivery[]): void => {
    for (const delivery of deliveries) {
      if (delivery.seq <= this.#last) this.fault ??= new Fault(`position ${delivery.seq} was delivered again`);
      this.#last = delivery.seq;
      if (delivery.entry.kind !== 'spawn') this.seen.set(delivery.seq, noteOf(delivery));
    }
  };

  get inboxEnd(): number {
    return this.#last + 1;
  }
}

class ShardModel {
  readonly shard: number;
  readonly actors = new Map<number, Actor>();
  /** Notes for this shard, of writes that are there for certain, and those that such writes consumed. */
  readonly sent = new Set<string>();
  readonly consumed = new Set<string>();
  /** Appends that are there for certain. */
  position = 0;
  /** Appends since the last opening, in order. */
  underWay: UnderWay[] = [];
  opening: Opening | null = null;
  /** What the owner believes: as if everything under way were done. */
  readonly believed = new Map<number, Actor>();
  /** Positions of `opening` that were taken, or are about to be. */
  readonly taken = new Set<number>();
  /** By actor: how much history is saved, and the first append that is in no snapshot. */
  readonly saved = new Map<number, { history: number; unsavedFrom: number | null }>();

  constructor(shard: number) {
    this.shard = shard;
  }

  get unconsumed(): string[] {
    return [...this.sent].filter((text) => !this.consumed.has(text));
  }
}

export class ModelRun {
  readonly #journal: RunningJournal;
  readonly #shards = Array.from({ length: SHARDS }, (_, shard) => new ShardModel(shard));
  readonly #notes = new Map<string, Note>();
  readonly #numbers = new Map<string, number>();
  #delivers: (UnderWay & { readonly notes: readonly Note[] })[] = [];
  #gate: JournalClient;

  constructor(journal: RunningJournal) {
    this.#journal = journal;
    this.#gate = journal.client();
  }

  async start(): Promise<void> {
    const spawns = Array.from({ length: ACTORS }, (_, actor) => ({ shard: actor % SHARDS, entry: spawn(idOf(actor)) }));
    await this.#answered(this.#watch(this.#gate.deliver(spawns), () => undefined, {}));
    for (const { shard, entry } of spawns) {
      if (entry.kind !== 'spawn') continue;
      const { id } = entry.actor;
      const actor: Actor = { id, shard, step: 0, state: [], history: [], open: false, timer: null, begun: null };
      this.#shard(shard).actors.set(id, actor);
      this.#shard(shard).saved.set(id, { history: 0, unsavedFrom: 0 });
    }
    await this.#openAll();
  }

  async play(command: Command): Promise<void> {
    switch (command.kind) {
      case 'deliver':
        return this.#deliver(command.to, command.wait);
      case 'begin':
      case 'step':
        return this.#act(command);
      case 'snapshot':
        return this.#save(command.actor, command.mark, command.wait);
      case 'take-over':
        return this.#takeOver(this.#shard(command.shard));
      case 'crash':
        return this.#crash();
      default:
        return command satisfies never;
    }
  }

  /** Everything under way ends, and every shard is opened once more. */
  async finish(): Promise<void> {
    await this.#settle();
    await this.#openAll();
    const unconsumed = this.#shards.flatMap((shard) => shard.unconsumed).length;
    const open = this.#shards.flatMap(({ actors }) => [...actors.values()]).filter((actor) => actor.open).length;
    agree(await this.#gate.pending(), unconsumed + open, 'pending (J5)');
  }

  #shard(shard: number): ShardModel {
    return this.#shards[shard % SHARDS] as ShardModel;
  }

  #note(from: number, actor: number): Note {
    const pair = `${from}>${actor % SHARDS}`;
    const number = (this.#numbers.get(pair) ?? 0) + 1;
    this.#numbers.set(pair, number);
    const note = { text: `${pair} ${number}`, from, to: idOf(actor), number };
    this.#notes.set(note.text, note);
    return note;
  }

  #send(notes: readonly Note[]): void {
    for (const note of notes) this.#shard(note.to % 256).sent.add(note.text);
  }

  #watch<Extra>(written: Promise<unknown>, apply: () => void, extra: Extra): UnderWay & Extra {
    const write: UnderWay & Extra = { apply, outcome: 'unknown', ...extra };
    void codeOf(written).then((code) => {
      write.outcome = code === 'resolved' ? 'done' : code;
    });
    return write;
  }

  async #deliver(to: readonly number[], wait: boolean): Promise<void> {
    const notes = to.map((actor) => this.#note(GATE, actor));
    const outgoing = notes.map((note) => ({ shard: note.to % 256, entry: mail(note.to, note.text) }));
    const write = this.#watch(this.#gate.deliver(outgoing), () => this.#send(notes), { notes });
    this.#delivers.push(write);
    if (wait) await this.#answered(write);
  }

  async #answered(write: UnderWay): Promise<void> {
    if (!(await this.#journal.waitFor(() => write.outcome !== 'unknown'))) throw new Fault('a write has no answer');
  }

  async #act(command: Extract<Command, { kind: 'begin' | 'step' }>): Promise<void> {
    const shard = this.#shard(command.actor);
    const { opening } = shard;
    const before = shard.believed.get(idOf(command.actor));
    if (opening === null || before === undefined) return;
    if (opening.fault !== null) throw opening.fault;
    const { id } = before;
    const free = [...opening.seen].filter(
      ([seq, text]) => !shard.taken.has(seq) && this.#notes.get(text)?.to === before.id,
    );
    const taken = before.begun?.taken ?? free.slice(0, command.take).map(([seq]) => seq);
    if (command.kind === 'begin') {
      if (before.begun !== null) return;
      const after = { ...before, begun: { taken, answered: command.answered } };
      const begin = { kind: 'begin', actor: id, step: before.step, taken, key: 'k' } as const;
      const effect = { kind: 'effect', actor: id, step: before.step, key: 'k', result: 'r' } as const;
      for (const seq of taken) shard.taken.add(seq);
      this.#append(shard, { entries: command.answered ? [begin, effect] : [begin], outgoing: [] }, after, [], []);
      return;
    }
    const sent = command.send.map((actor) => this.#note(shard.shard, actor));
    const texts = taken.map((seq) => opening.seen.get(seq) as string);
    for (const seq of taken) shard.taken.add(seq);
    const timer = command.timer === null ? before.timer : command.timer === 'set' ? DUE_MS + before.step : null;
    const history = [...before.history, `step ${before.step}`];
    const after: Actor = {
      ...before,
      step: before.step + 1,
      state: texts,
      history,
      open: command.open,
      timer,
      begun: null,
    };
    const entry = step(id, before.step, {
      taken,
      state: texts,
      history: [`step ${before.step}`],
      open: command.open,
      ...this.#timerChange(command.timer, timer),
    });
    const outgoing = sent.map((note) => ({ shard: note.to % 256, entry: mail(note.to, note.text) }));
    const write = this.#append(shard, { entries: [entry], outgoing }, after, texts, sent);
    if (command.wait) await this.#answered(write);
  }

  #timerChange(change: 'set' | 'cancel' | null, dueMs: number | null): Pick<StepEntry, 'timers'> {
    if (change === null) return {};
    const timer = dueMs === null ? null : { key: 't', dueMs, periodMs: null, type: 'note', body: 'tick' };
    return { timers: [{ key: 't', timer }] };
  }

  #append(
    shard: ShardModel,
    group: LogAppend,
    after: Actor,
    consumed: readonly string[],
    sent: readonly Note[],
  ): UnderWay {
    const opening = shard.opening as Opening;
    const saved = shard.saved.get(after.id);
    if (saved !== undefined) saved.unsavedFrom ??= opening.log.position;
    shard.believed.set(after.id, after);
    const apply = (): void => {
      shard.position += 1;
      shard.actors.set(after.id, after);
      for (const text of consumed) {
        if (shard.consumed.has(text)) throw new Fault(`${text} was consumed twice (D2)`);
        shard.consumed.add(text);
      }
      this.#send(sent);
    };
    const write = this.#watch(opening.log.append(group), apply, {});
    shard.underWay.push(write);
    return write;
  }

  async #save(picked: number, mark: boolean, wait: boolean): Promise<void> {
    const shard = this.#shard(picked);
    const { opening } = shard;
    const actor = shard.believed.get(idOf(picked));
    const saved = shard.saved.get(idOf(picked));
    if (opening === null || actor === undefined || saved === undefined || actor.begun !== null) return;
    const snapshot: ActorSnapshot = {
      record: recordOf(spawn(actor.id)),
      step: actor.step,
      state: actor.state,
      open: actor.open,
      timers:
        actor.timer === null ? [] : [{ key: 't', dueMs: actor.timer, periodMs: null, type: 'note', body: 'tick' }],
      children: [],
      history: actor.history.slice(saved.history),
      historyBefore: saved.history,
    };
    saved.history = actor.history.length;
    saved.unsavedFrom = null;
    const unsaved = [...shard.saved.values()].flatMap(({ unsavedFrom }) => unsavedFrom ?? []);
    // Spawns count as unsaved from append 0 on; they came before any mail.
    const allSaved = unsaved.every((position) => position > 0);
    const place = { log: Math.min(opening.log.position, ...unsaved), inbox: allSaved ? opening.inboxEnd : 0 };
    const write = codeOf(opening.log.snapshot([snapshot], mark ? place : undefined));
    if (!wait) return;
    agree(await write, 'resolved', 'a snapshot');
    const [loaded] = await opening.log.load([actor.id]);
    this.#compareActor(loaded, actor, 'loaded (J6)');
    agree(await opening.log.find(`actor-${actor.id}`), actor.id, 'found by name');
  }

  async #takeOver(shard: ShardModel): Promise<void> {
    const old = shard.opening;
    await this.#open(shard);
    if (old !== null) agree(await codeOf(old.log.append({ entries: [], outgoing: [] })), 'JOURNAL_FENCED', 'J4');
  }

  async #crash(): Promise<void> {
    await this.#journal.restart();
    this.#gate = this.#journal.client();
    await this.#openAll();
  }

  async #settle(): Promise<void> {
    for (const write of [...this.#delivers, ...this.#shards.flatMap(({ underWay }) => underWay)]) {
      await this.#answered(write);
    }
  }

  async #openAll(): Promise<void> {
    // Everybody's outgoing mail is known only when every shard's position is.
    const found = await Promise.all(this.#shards.map((shard) => this.#reopen(shard)));
    await this.#journal.arrived();
    this.#resolveDelivers();
    for (const [index, shard] of this.#shards.entries()) await this.#compare(shard, found[index] as RecoveredShard);
  }

  async #open(shard: ShardModel): Promise<void> {
    const found = await this.#reopen(shard);
    await this.#compareActors(shard, found);
  }

  async #reopen(shard: ShardModel): Promise<RecoveredShard> {
    const opening = new Opening(this.#journal.client(), shard.shard);
    const early: Delivery[][] = [];
    let listener = (deliveries: readonly Delivery[]): void => void early.push([...deliveries]);
    const found = await opening.log.open((deliveries) => listener(deliveries));
    opening.deliver(found.deliveries);
    for (const deliveries of early) opening.deliver(deliveries);
    listener = opening.deliver;
    // What was written before is there from the front on; acknowledged writes are there in any case (D1, J1).
    const committed = opening.log.position - shard.position;
    if (committed < 0 || committed > shard.underWay.length) {
      throw new Fault(`shard ${shard.shard} is at ${opening.log.position}, not at ${shard.position} or a little more`);
    }
    for (const [index, { outcome }] of shard.underWay.entries()) {
      if (index >= committed && outcome === 'done') throw new Fault('an acknowledged append is not there (J1)');
      if (outcome === 'done' || outcome === 'unknown') continue;
      if (index < committed || outcome !== 'JOURNAL_FENCED') throw new Fault(`an append was refused: ${outcome}`);
    }
    for (const { apply } of shard.underWay.slice(0, committed)) apply();
    shard.underWay = [];
    shard.opening = opening;
    shard.taken.clear();
    shard.believed.clear();
    for (const [id, actor] of shard.actors) {
      shard.believed.set(id, actor);
      for (const seq of actor.begun?.taken ?? []) shard.taken.add(seq);
    }
    return found;
  }

  /** A delivery under way at a crash is there for all its receivers or for none; an acknowledged one is there. */
  #resolveDelivers(): void {
    for (const write of this.#delivers.splice(0)) {
      if (write.outcome === 'unknown') {
        const there = write.notes.filter(({ to, text }) => {
          const { opening, consumed } = this.#shard(to % 256);
          return consumed.has(text) || [...(opening?.seen.values() ?? [])].includes(text);
        });
        if (there.length === 0) continue;
        agree(there.length, write.notes.length, 'a delivery in one commit (J2)');
      } else if (write.outcome !== 'done') throw new Fault(`a delivery was refused: ${write.outcome}`);
      write.apply();
    }
  }

  async #compare(shard: ShardModel, found: RecoveredShard): Promise<void> {
    const opening = shard.opening as Opening;
    for (const text of shard.consumed) if (!shard.sent.has(text)) throw new Fault(`${text} was never sent (J2)`);
    const expected = shard.unconsumed.sort();
    await this.#journal.waitFor(() => opening.seen.size >= expected.length || opening.fault !== null);
    if (opening.fault !== null) throw opening.fault;
    agree([...opening.seen.values()].sort(), expected, `unconsumed mail of shard ${shard.shard} (D1, D2)`);
    const last = new Map<number, number>();
    for (const text of opening.seen.values()) {
      const { from, number } = this.#notes.get(text) as Note;
      if (number <= (last.get(from) ?? 0)) throw new Fault(`${text} is out of order (A2)`);
      last.set(from, number);
    }
    const seqs = [...opening.seen.keys()];
    const read = await opening.log.read(seqs);
    agree(read.map(noteOf), [...opening.seen.values()], 'mail that is read again');
    await this.#compareActors(shard, found);
  }

  async #compareActors(shard: ShardModel, found: RecoveredShard): Promise<void> {
    const opening = shard.opening as Opening;
    const here = new Map(found.actors.map((actor) => [actor.record.id, actor]));
    const missing = [...shard.actors.keys()].filter((id) => !here.has(id));
    agree(found.passive, missing.length, `passive actors of shard ${shard.shard}`);
    const loaded = missing.length === 0 ? [] : await opening.log.load([...missing, 999_999]);
    agree(loaded.length, missing.length, 'passive actors that load');
    for (const actor of [...found.actors, ...loaded]) {
      const { id } = actor.record;
      const expected = shard.actors.get(id);
      if (expected === undefined) throw new Fault(`an actor ${id} that nobody spawned`);
      this.#compareActor(actor, expected, here.has(id) ? 'recovered' : 'passive');
      // After a crash only the journal knows which snapshots were written. Of an actor that is not passive nobody knows
      // from where on the log has something that its snapshot lacks.
      shard.saved.set(id, { history: actor.historySaved, unsavedFrom: here.has(id) ? 0 : null });
    }
  }

  #compareActor(found: RecoveredActor | undefined, expected: Actor, how: string): void {
    const begun = found?.begun ?? null;
    agree(
      {
        id: found?.record.id,
        step: found?.step,
        state: found?.state ?? [],
        history: found?.history,
        open: found?.open,
        timer: found?.timers[0]?.dueMs ?? null,
        begun: begun && { taken: begun.taken, answered: begun.effects.get('k') === 'r', intents: begun.intents.length },
      },
      {
        id: expected.id,
        step: expected.step,
        state: expected.state,
        history: expected.history,
        open: expected.open,
        timer: expected.timer,
        begun: expected.begun && { ...expected.begun, intents: expected.begun.answered ? 0 : 1 },
      },
      `actor ${expected.id}, ${how}`,
    );
  }
}

/** Plays the commands on a fresh journal. @throws at the first difference */
export const playModel = async (subject: JournalSubject, commands: readonly Command[]): Promise<void> => {
  const journal = await subject.start();
  try {
    const run = new ModelRun(journal);
    await run.start();
    for (const command of commands) await run.play(command);
    await run.finish();
  } finally {
    await journal.close();
  }
};
