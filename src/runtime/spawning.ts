/**
 * How actors come to be on a shard: spawned over a link, by the journal, found at its opening, or loaded again. What it
 * does not do: run them (life.ts), or hold what is sent to those that are not there (activation.ts, early-mail.ts).
 *
 * Invariants: N1 An id is one actor: a second spawn of it is ignored, also while it is passive, and after it has
 * stopped for as long as the journal remembers that. N2 A name of a shard is
 * taken by one actor, in memory or passive; whoever is sent something waits until that is settled (A2).
 */
import type { ActorOptions, ActorRef } from '../actor/index.ts';
import type { ActorRecord, RecoveredActor } from '../journal/shard-log.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { Activation } from './activation.ts';
import { ActorCell } from './cell.ts';
import { Children } from './children.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import { DurableCell } from './durable-cell.ts';
import type { DurableSteps } from './durable-steps.ts';
import type { SpawnEnvelope } from './envelope.ts';
import type { Life } from './life.ts';
import { Origins, type DefinitionName } from './origins.ts';
import type { Peers } from './peers.ts';
import { isDurable } from './saves.ts';
import { isMain, type ShardCore } from './shard-core.ts';

export interface SpawningParts {
  readonly core: ShardCore;
  readonly life: Life;
  readonly steps: DurableSteps;
  readonly peers: Peers;
  readonly activation: () => Activation;
  /** The actor is known now, or will never be: what came before it is taken. */
  readonly receiveEarly: (id: number) => void;
}

/** Unnamed actors are called by their id and found by it. */
const isNamed = (record: ActorRecord): boolean => record.name !== String(record.id);

const nameTaken = (name: string): MegactorError =>
  new MegactorError('ACTOR_NAME_TAKEN', `an actor called '${name}' exists`);

export class Spawning {
  readonly #parts: SpawningParts;
  readonly #core: ShardCore;
  /** Names that the journal is being asked about. */
  readonly #claimed = new Set<string>();
  readonly #origins = new Origins();

  constructor(parts: SpawningParts) {
    this.#parts = parts;
    this.#core = parts.core;
  }

  /** Somebody outside of any step spawns. */
  requested(spawn: SpawnEnvelope): void {
    const { record, durable } = spawn;
    const core = this.#core;
    if (core.cells.has(record.id) || core.saves.hasStopped(record.id)) {
      core.reply(spawn, null);
      return;
    }
    const held = this.#parts.activation().hold(record.id, spawn);
    if (held !== false) return;
    if (durable && core.parts.journal === null) {
      this.#refuse(spawn, new MegactorError('DURABLE_WITHOUT_JOURNAL', `'${record.name}' has no journal`));
      return;
    }
    this.#ifFree(record, (free) => {
      if (free) this.#begin(spawn);
      else this.#refuse(spawn, nameTaken(record.name));
    });
  }

  /** An ephemeral actor spawns another one on its shard, under an id that nobody knows yet and without a name. */
  beside(parent: ActorCell, definition: DefinitionName, options: ActorOptions, init: unknown): ActorRef {
    const { core, life, receiveEarly } = this.#parts;
    const origin = this.#origins.ofDefinition(definition, options);
    const id = core.allocator.next();
    const ref = { shard: core.shard, id, name: String(id) };
    const cell = new ActorCell(ref, origin, init, parent.ref, null);
    core.cells.set(id, cell);
    core.counters.addSpawned();
    life.family.adopt(parent, cell);
    receiveEarly(id);
    origin.loaded ??= core.parts.loader.peek(origin.module, origin.export) ?? null;
    if (origin.loaded === null) this.#load(cell, undefined, null);
    else life.start(cell, origin.loaded);
    return ref;
  }

  /** The journal holds this spawn at `seq`. */
  journaled(record: ActorRecord, seq: number): void {
    const core = this.#core;
    core.saves.written(1);
    const known = core.cells.get(record.id);
    if (known !== undefined) {
      if (isDurable(known)) core.saves.notBorn(known);
      return;
    }
    if (core.saves.hasStopped(record.id)) return;
    // Before it waits: no mark may pass it meanwhile.
    core.saves.born(record.id, seq);
    const held = this.#parts.activation().hold(record.id, { seq, entry: { kind: 'spawn', actor: record } });
    if (held !== false) return;
    this.#ifFree(record, (free) => {
      if (!free) {
        this.#parts.life.startFailed(ActorCell.of(core.shard, record, new DurableCell()), nameTaken(record.name));
        return;
      }
      const cell = this.#register(record, true);
      this.#load(cell, undefined, null);
      // Its parent has not spawned it if the main thread put it into the journal.
      this.#parts.peers.announce(cell, () => true);
    });
  }

  /** An actor that the opening found; its definition is loaded. It does not run yet. */
  found(actor: RecoveredActor): ActorCell {
    const cell = this.#register(actor.record, true);
    this.#restore(cell, actor);
    if (isDurable(cell)) this.#core.saves.recovered(cell);
    return cell;
  }

  /** Loads what `revive` needs. @returns undefined when that is here */
  prepare(actor: RecoveredActor): Promise<unknown> | undefined {
    const { module, export: name } = actor.record;
    const { loader } = this.#core.parts;
    return loader.peek(module, name) === undefined ? loader.load(module, name) : undefined;
  }

  /** A passive actor is in memory again, as it was. */
  revive(actor: RecoveredActor): ActorCell {
    const { module, export: name } = actor.record;
    const definition = this.#core.parts.loader.peek(module, name);
    if (definition === undefined) throw new MegactorError('INTERNAL', `'${name}' of ${module} was not loaded before`);
    const cell = this.#put(actor.record, true);
    this.#restore(cell, actor);
    // What the journal gave is what its snapshot says.
    if (cell.durable !== null) cell.durable.savedVersion = cell.durable.version;
    this.#parts.life.start(cell, definition);
    return cell;
  }

  /** The state with which an actor that has not ended a step would start; undefined when it cannot. */
  async firstState(record: ActorRecord): Promise<unknown> {
    try {
      return (await this.#core.parts.loader.load(record.module, record.export)).state(record.init);
    } catch {
      return undefined;
    }
  }

  #restore(cell: ActorCell, actor: RecoveredActor): void {
    if (cell.durable === null) return;
    this.#parts.steps.restore(cell.durable, actor);
    if (actor.children.length === 0) return;
    cell.children = new Children(this.#core.cells);
    for (const child of actor.children) cell.children.add({ ...child }, true);
  }

  /** Calls back with whether the name is free, at once where the shard knows, else when the journal has answered. */
  #ifFree(record: ActorRecord, then: (free: boolean) => void): void {
    const core = this.#core;
    const { name, id } = record;
    const { log } = core.parts;
    if (core.names.has(name) || this.#claimed.has(name)) {
      then(false);
      return;
    }
    if (!isNamed(record) || core.passive === 0 || log === null) {
      then(true);
      return;
    }
    this.#claimed.add(name);
    const paused = this.#parts.activation().pause(id);
    log.find(name).then(
      (owner) => {
        this.#claimed.delete(name);
        then(owner === null || owner === id);
        paused.resume();
      },
      (thrown: unknown) => core.halt(toMegactorError(thrown)),
    );
  }

  #begin(spawn: SpawnEnvelope): void {
    const { record, durable } = spawn;
    const { journal, shard } = this.#core.parts;
    const cell = this.#register(record, durable);
    if (durable) this.#core.saves.born(record.id);
    const journaled = durable ? journal?.deliver([{ shard, entry: { kind: 'spawn', actor: record } }]) : undefined;
    this.#load(cell, journaled, spawn);
  }

  /** Settles a spawn that cannot be. */
  #refuse({ record, source, ask }: SpawnEnvelope, error: MegactorError): void {
    this.#core.replyError({ source, ask }, error);
    this.#parts.receiveEarly(record.id);
    if (record.parent === null || isMain(record.parent.shard)) return;
    // The cell was never registered; it only carries the news to the parent.
    this.#parts.life.startFailed(ActorCell.of(this.#core.shard, record, null), error);
  }

  /** A spawn envelope that could not be packed. */
  unpackable(spawn: SpawnEnvelope, error: MegactorError): void {
    this.#refuse(spawn, error);
  }

  #put(record: ActorRecord, durable: boolean): ActorCell {
    const core = this.#core;
    const cell = durable ? ActorCell.of(core.shard, record, new DurableCell()) : this.#ephemeral(record);
    core.cells.set(record.id, cell);
    if (isNamed(record)) core.names.set(record.name, cell);
    if (durable) core.passivation.arrived(cell);
    return cell;
  }

  #ephemeral({ id, name, module, export: exportName, init, parent, options }: ActorRecord): ActorCell {
    const origin = this.#origins.of(module, exportName, options as ActorOptions);
    return new ActorCell({ shard: this.#core.shard, id, name }, origin, init, parent, null);
  }

  #register(record: ActorRecord, durable: boolean): ActorCell {
    const cell = this.#put(record, durable);
    this.#core.counters.add('spawned');
    if (durable) {
      this.#core.parts.onEvent({ type: 'spawned', agent: record.name, id: record.id, shard: cell.ref.shard });
    }
    return cell;
  }

  #load(cell: ActorCell, journaled: Promise<void> | undefined, spawn: SpawnEnvelope | null): void {
    const { loader } = this.#core.parts;
    const { module, export: name } = cell.origin;
    this.#parts.receiveEarly(cell.ref.id);
    const loaded = loader.peek(module, name);
    if (loaded !== undefined && journaled === undefined) {
      this.#started(cell, loaded, spawn);
      return;
    }
    Promise.all([loader.load(module, name), journaled]).then(
      ([definition]) => this.#started(cell, definition, spawn),
      (thrown: unknown) => {
        const error = toMegactorError(thrown);
        if (spawn !== null) this.#core.replyError(spawn, error);
        this.#parts.life.startFailed(cell, error);
      },
    );
  }

  #started(cell: ActorCell, definition: LoadedDefinition, spawn: SpawnEnvelope | null): void {
    const started = this.#parts.life.start(cell, definition);
    if (spawn === null) return;
    if (started) this.#core.reply(spawn, null);
    else this.#core.replyError(spawn, new MegactorError('ACTOR_FAILED', cell.stopRequest?.reason ?? ''));
  }
}
