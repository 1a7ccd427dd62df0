/**
 * A shard: a set of actors, one run queue, one journal. It takes envelopes and deliveries, and runs turns in slices
 * that the injected clock calls back. It knows no threads: everything it needs is in `ShardParts`.
 *
 * Invariants: A1–A5 of the runtime, as the parts say them. Nothing runs before `start` and nothing starts after `quiesce`.
 */
import type { ActorRef, DeadLetter } from '../actor/index.ts';
import type { ActorRecord } from '../journal/shard-log.ts';
import { isCanary } from '../platform/index.ts';
import { errorToWire, MegactorError, toMegactorError } from '../protocol/errors.ts';
import { Activation } from './activation.ts';
import { Arrivals } from './arrivals.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import { DurableMail } from './durable-mail.ts';
import { DurableSteps } from './durable-steps.ts';
import type { Envelope, MailEnvelope } from './envelope.ts';
import { EarlyMail } from './early-mail.ts';
import { Inbox } from './inbox.ts';
import { Life } from './life.ts';
import { Peers } from './peers.ts';
import { Relations } from './relations.ts';
import { ShardCore, type ShardParts } from './shard-core.ts';
import { snapshotOf, snapshotOfPassive, withPart, type ActorSnapshot, type InspectOptions } from './snapshot.ts';
import { Spawning } from './spawning.ts';
import { Turns } from './turns.ts';

/** How long a spawn may take to load its module and reach the journal. */
const SPAWN_DEADLINE_MS = 30_000;

/** What a shard still waits for from elsewhere; all 0 at rest. */
export interface ShardDebts {
  /** Asks without an answer. */
  readonly asks: number;
  /** Envelopes that other shards have not acknowledged (A4). */
  readonly underWay: number;
  /** Turns under way. */
  readonly turns: number;
}

export interface FoundActor {
  readonly ref: ActorRef;
  readonly durable: boolean;
}

export class Shard {
  readonly #core: ShardCore;
  readonly #life: Life;
  readonly #turns: Turns;
  readonly #steps: DurableSteps;
  readonly #inbox: Inbox;
  readonly #durableMail: DurableMail;
  readonly #early: EarlyMail;
  readonly #arrivals: Arrivals;
  readonly #peers: Peers;
  readonly #spawning: Spawning;
  readonly #activation: Activation;
  readonly #relations: Relations;
  /**
   * What shards of the same thread that opened before said meanwhile; null once this one is open, too. Before that it does
   * not know whom it has. Bounded by what openings say: no turn runs.
   */
  #unopened: Envelope[] | null = [];
  /** Until when a clean stop may write snapshots, by the monotonic clock. */
  #stopByMs = 0;

  constructor(parts: ShardParts) {
    this.#core = new ShardCore(parts);
    this.#core.paused = true;
    this.#arrivals = new Arrivals(parts.clock, parts.shard, (credit) => parts.links.send(credit));
    this.#early = new EarlyMail(parts.clock, (envelope) => this.receive(envelope));
    this.#durableMail = new DurableMail(this.#core);
    this.#life = new Life(this.#core);
    this.#steps = new DurableSteps(this.#core, this.#life);
    this.#peers = new Peers(this.#core, this.#life);
    this.#turns = new Turns(this.#core, this.#life);
    this.#spawning = new Spawning({
      core: this.#core,
      life: this.#life,
      steps: this.#steps,
      peers: this.#peers,
      activation: () => this.#activation,
      receiveEarly: (id) => this.#receiveEarly(id),
    });
    this.#life.connect(this.#steps, this.#spawning);
    this.#activation = new Activation({
      core: this.#core,
      prepare: (found) => this.#spawning.prepare(found),
      revive: (found) => this.#spawning.revive(found),
      receive: (envelope) => this.receive(envelope),
      deliver: (deliveries) => this.#inbox.onDelivery(deliveries),
      wasSeen: (id) => this.#early.wasSeen(id),
    });
    this.#inbox = new Inbox({
      core: this.#core,
      life: this.#life,
      startJournaled: (record, seq) => this.#spawning.journaled(record, seq),
      hold: (id, delivery) => this.#activation.hold(id, delivery) === 'held',
    });
    this.#relations = new Relations({
      core: this.#core,
      life: this.#life,
      activation: this.#activation,
      early: this.#early,
    });
    this.#core.activate = (id) => this.#activation.activate(id);
    this.#core.connect(
      (cell) => (cell.durable === null ? this.#turns.run(cell) : this.#steps.run(cell)),
      (envelope) => this.receive(envelope),
    );
  }

  get number(): number {
    return this.#core.shard;
  }

  /** Recovers what the journal holds. Nothing runs yet. @returns the largest id that was ever used here */
  async open(): Promise<{ readonly idMax: number }> {
    const idMax = await this.#recover();
    const unopened = this.#unopened ?? [];
    this.#unopened = null;
    for (const envelope of unopened) this.receive(envelope);
    return { idMax };
  }

  async #recover(): Promise<number> {
    const { log, loader } = this.#core.parts;
    if (log === null) return 0;
    const recovered = await log.open(this.#inbox.onDelivery);
    this.#core.allocator = this.#core.allocatorAbove(recovered.idMax);
    const definitions: LoadedDefinition[] = [];
    // A definition that is gone must not cost an actor its mail, so it fails the opening.
    for (const { record } of recovered.actors) definitions.push(await loader.load(record.module, record.export));
    this.#core.saves.stoppedBefore(recovered.stopped ?? []);
    this.#core.setPassive(recovered.passive);
    this.#activation.opened(recovered.idMax);
    // Not before: what is overdue brings its actor back at once.
    this.#core.timers.passive(recovered.passiveTimers);
    const cells = recovered.actors.map((found) => this.#spawning.found(found));
    for (const { ref } of cells) this.#receiveEarly(ref.id);
    this.#inbox.recover(recovered, cells);
    cells.forEach((cell, index) => this.#life.start(cell, definitions[index] as LoadedDefinition));
    return recovered.idMax;
  }

  start(): void {
    if (this.#core.halted) return;
    for (const cell of this.#core.cells.values()) {
      if (cell.durable !== null) this.#peers.announce(cell, () => true);
    }
    this.#core.paused = false;
    // Whoever has to answer for the end of a thread does so now, also when nothing waits for him.
    for (const id of this.#core.charges.keys()) void this.#core.activate(id);
    this.#core.schedule();
  }

  /** Starts no more turns. A turn that fails with ABORTED from now on is given up instead of restarted. */
  quiesce(): void {
    this.#core.paused = true;
  }

  /** Quiesces, waits for the turns under way until the deadline, then gives them up. */
  async drain(deadlineMs: number): Promise<void> {
    this.quiesce();
    this.#stopByMs = this.#core.clock.monotonic() + deadlineMs;
    if (this.#core.running > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#core.clock.after(deadlineMs, resolve, { keepAlive: true });
        this.#core.onQuiet = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#core.onQuiet = null;
    }
    const stopped = new MegactorError('ABORTED', 'the system stops');
    for (const cell of this.#core.cells.values()) {
      if (cell.status !== 'running') continue;
      cell.abort?.abort(stopped);
      this.#life.abandon(cell);
    }
  }

  /** After `drain`: settles what still waits, writes snapshots until its deadline, and lets the journal go. */
  async close(checkpoint = true): Promise<void> {
    this.#core.passivation.close();
    this.#core.spilling.close();
    this.#activation.close();
    this.#core.asks.rejectWhere(
      () => true,
      () => new MegactorError('SYSTEM_STOPPED', 'the system was stopped'),
    );
    for (const cell of this.#core.cells.values()) {
      for (const timer of cell.timers?.values() ?? []) timer.cancel();
      cell.endPause();
    }
    this.#core.timers.close();
    this.#arrivals.close();
    if (checkpoint) await this.#core.saves.finish(this.#stopByMs - this.#core.clock.monotonic());
    else this.#core.saves.close();
    await this.#core.parts.log?.close();
  }

  /** Takes envelopes that came over a link, and acknowledges them. */
  receiveBatch(envelopes: readonly Envelope[]): void {
    for (const envelope of isCanary('swapped-order') ? envelopes.toReversed() : envelopes) {
      this.receive(envelope);
      if (envelope.kind !== 'credit') this.#arrivals.count(envelope.source);
    }
  }

  /** Takes one envelope. False when it was mail that was refused. */
  receive(envelope: Envelope): boolean {
    if (this.#unopened !== null) {
      this.#unopened.push(envelope);
      return true;
    }
    switch (envelope.kind) {
      case 'mail':
        return this.#onMail(envelope);
      case 'reply':
        this.#core.asks.settle(envelope.ask, envelope.value, envelope.error);
        return true;
      case 'signal':
        this.#relations.onSignal(envelope);
        return true;
      case 'watch':
        this.#relations.onWatch(envelope);
        return true;
      case 'spawn':
        this.#spawning.requested(envelope);
        return true;
      case 'child-stopped':
      case 'child-here':
        this.#relations.onFamily(envelope);
        return true;
      case 'lookup':
        this.lookup(envelope.name).then(
          (found) => this.#core.reply(envelope, found?.ref ?? null),
          (thrown: unknown) => this.#core.replyError(envelope, toMegactorError(thrown)),
        );
        return true;
      case 'child-report':
        this.#relations.onReport(envelope);
        return true;
      case 'supervise':
        this.#relations.onSupervise(envelope);
        return true;
      case 'credit':
        this.#core.credits.credited(envelope.source, envelope.count);
        this.#core.schedule();
        return true;
      default:
        return envelope satisfies never;
    }
  }

  /** Resolves when the actor has its state, and, if it is durable, is in the journal. A known id is ignored. */
  async spawn(record: ActorRecord, durable: boolean): Promise<void> {
    const { shard, asks } = this.#core;
    await asks.open(shard, SPAWN_DEADLINE_MS, `spawn of '${record.name}'`, (ask) =>
      this.#spawning.requested({ kind: 'spawn', shard, source: shard, record, durable, ask }),
    );
  }

  /** The actor of that name, in memory or passive; it stays what it is. */
  async lookup(name: string): Promise<FoundActor | null> {
    const { names, cells, passive, parts, shard } = this.#core;
    const cell = names.get(name);
    if (cell !== undefined) return cell.ended ? null : { ref: cell.ref, durable: cell.durable !== null };
    if (passive === 0 || parts.log === null) return null;
    const id = await parts.log.find(name);
    // One that is in memory under another name, or is about to stop, is not who was looked for.
    if (id === null || cells.get(id)?.ended === true) return null;
    return { ref: { shard, id, name }, durable: true };
  }

  /** The thread that runs these shards died: nothing under way to or from them counts any more (A6). */
  peersDied(shards: ReadonlySet<number>): void {
    this.#arrivals.forget(shards);
    this.#peers.died(shards);
  }

  /** They run again, with their durable actors. */
  peersBack(shards: ReadonlySet<number>): void {
    this.#peers.back(shards);
  }

  /** They will not run again. */
  peersGone(shards: ReadonlySet<number>): void {
    this.#peers.gone(shards);
  }

  /** An envelope could not be packed, or nobody will ever take it: it is settled here, and under way no more. */
  unpackable(envelope: Envelope, error: MegactorError): void {
    this.#core.credits.credited(envelope.shard, 1);
    this.#core.schedule();
    if (envelope.kind === 'mail') {
      if (error.code === 'HOST_DIED') this.#core.refused(envelope);
      else this.#core.deadMail(envelope, 'not-cloneable', '', 'MESSAGE_NOT_CLONEABLE', error.message);
    } else if (envelope.kind === 'reply') {
      this.#core.send({ ...envelope, value: undefined, error: errorToWire(error) });
    } else if (envelope.kind === 'spawn') {
      this.#spawning.unpackable(envelope, error);
    }
  }

  /** All actors in memory. */
  snapshots(): ActorSnapshot[] {
    return [...this.#core.cells.values()].map((cell) => snapshotOf(this.#core, cell));
  }

  /** These actors, in memory or passive; unknown ones are left out. Nobody is loaded for it. */
  async inspect(ids: readonly number[], options: InspectOptions = {}): Promise<ActorSnapshot[]> {
    const cells = ids.map((id) => this.#core.cells.get(id)).filter((cell) => cell !== undefined);
    const snapshots = cells.map((cell) => snapshotOf(this.#core, cell, options));
    const passive = await this.#activation.look(ids.filter((id) => !this.#core.cells.has(id)));
    for (const found of passive) {
      const { record } = found;
      const state = found.state === undefined ? await this.#spawning.firstState(record) : found.state;
      const waiting = this.#activation.waiting(record.id);
      snapshots.push(withPart(snapshotOfPassive(this.#core.shard, { ...found, state }, waiting), options));
    }
    return snapshots;
  }

  /** Loads the actor if it is passive. False when there is none of that id. */
  async activate(id: number): Promise<boolean> {
    return (await this.#core.activate(id)) !== null;
  }

  debts(): ShardDebts {
    const { asks, credits, running } = this.#core;
    return { asks: asks.size, underWay: credits.total, turns: running };
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#core.deadLetters.list();
  }

  #onMail(mail: MailEnvelope): boolean {
    const core = this.#core;
    const cell = core.cells.get(mail.to);
    if (cell !== undefined && cell.durable === null && cell.isOpen) return core.offer(cell, mail);
    if (cell === undefined) {
      const held = this.#activation.hold(mail.to, mail);
      if (held === 'refused') core.deadMail(mail, 'mailbox-full', '', 'MAILBOX_FULL');
      if (held !== false) return held === 'held';
      if (this.#early.hold(mail.to, mail)) return true;
      core.deadMail(mail, 'not-found', '', 'ACTOR_NOT_FOUND');
      return false;
    }
    // What is told to an actor whose turn was given up still goes into the journal, for the next opening.
    const isKept = cell.status === 'abandoned' && cell.durable !== null && mail.ask === 0;
    if (cell.ended && !isKept) {
      core.deadMail(mail, 'stopped', cell.ref.name, 'ACTOR_STOPPED');
      return false;
    }
    return cell.durable === null ? core.offer(cell, mail) : this.#durableMail.take(cell, cell.durable, mail);
  }

  /** The actor is known now, or will never be: what came before it is taken. */
  #receiveEarly(id: number): void {
    this.#inbox.arrived(id);
    for (const envelope of this.#early.arrived(id)) this.receive(envelope);
  }
}
