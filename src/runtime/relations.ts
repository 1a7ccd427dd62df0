/**
 * What actors hear of each other, beside mail: signals, news of children, orders of supervisors, and who watches whom.
 * What it does not do: decide what follows (life.ts, supervision.ts), or carry it.
 *
 * Invariants: A6 Whoever asks about an actor that is not there is answered. L2 A watcher is told once.
 */
import type { ActorRef } from '../actor/index.ts';
import { isCanary } from '../platform/index.ts';
import { toMegactorError } from '../protocol/errors.ts';
import type { Activation } from './activation.ts';
import type { EarlyMail } from './early-mail.ts';
import type {
  ChildReport,
  FamilyEnvelope,
  Signal,
  SignalEnvelope,
  SuperviseEnvelope,
  WatchEnvelope,
} from './envelope.ts';
import { heeds } from './handling.ts';
import type { Life } from './life.ts';
import type { ShardCore } from './shard-core.ts';

export interface RelationsParts {
  readonly core: ShardCore;
  readonly life: Life;
  readonly activation: Activation;
  readonly early: EarlyMail;
}

export class Relations {
  readonly #core: ShardCore;
  readonly #life: Life;
  readonly #activation: Activation;
  readonly #early: EarlyMail;

  constructor({ core, life, activation, early }: RelationsParts) {
    this.#core = core;
    this.#life = life;
    this.#activation = activation;
    this.#early = early;
  }

  onSignal(item: SignalEnvelope): void {
    const { signal, from } = item;
    const cell = this.#core.cells.get(item.to);
    if (cell === undefined) {
      if (this.#activation.hold(item.to, item) !== false) return;
      if (signal.kind === 'stop' && !this.#early.hold(item.to, item)) this.#life.family.noSuchChild(item.from, item);
      return;
    }
    if (cell.ended) return;
    if (signal.kind === 'stop') {
      this.#life.requestStop(cell, signal.reason);
      return;
    }
    if (signal.kind === 'terminated' && cell.watching?.[isCanary('kept-watch') ? 'has' : 'delete'](from.id) !== true)
      return;
    if (!heeds(cell.definition, signal.kind)) {
      if (signal.kind === 'child-failed') this.#life.childGaveUp(cell, from, signal);
      return;
    }
    if (cell.durable === null) {
      this.#core.force(cell, item);
      return;
    }
    const { journal, shard } = this.#core.parts;
    journal?.deliver([{ shard, entry: { kind: 'signal', to: item.to, from, signal } }]).catch((thrown: unknown) => {
      this.#core.halt(toMegactorError(thrown));
    });
  }

  /** A parent hears of a child. */
  onFamily(envelope: FamilyEnvelope): void {
    const { to, child, kind } = envelope;
    const cell = this.#core.cells.get(to);
    if (cell === undefined) {
      if (this.#activation.hold(to, envelope) === false && kind === 'child-here') this.#early.hold(to, envelope);
    } else if (kind === 'child-here') {
      this.#life.childHere(cell, child, envelope.durable === true);
    } else {
      this.#life.childStopped(cell, child.id);
    }
  }

  /** A child waits for its supervisor. */
  onReport(report: ChildReport): void {
    const cell = this.#core.cells.get(report.to);
    if (cell !== undefined) this.#life.childReported(cell, report);
    else if (this.#activation.hold(report.to, report) === false) this.#life.supervised.nobody(report);
  }

  /** A supervisor tells a child what to do. */
  onSupervise(order: SuperviseEnvelope): void {
    const cell = this.#core.cells.get(order.to);
    if (cell !== undefined) this.#life.supervised.order(cell, order);
    else if (this.#activation.hold(order.to, order) === false) this.#life.family.noSuchChild(order.from, order);
  }

  onWatch(watch: WatchEnvelope): void {
    const { to, shard, watcher, as, source } = watch;
    const cell = this.#core.cells.get(to);
    if (cell === undefined && (this.#activation.hold(to, watch) !== false || this.#early.hold(to, watch))) return;
    if (cell !== undefined) {
      if (as === 'parent') return;
      cell.watchers ??= new Map();
      cell.watchers.set(watcher?.id ?? -1, watcher);
      return;
    }
    if (isCanary('unsettled-watch')) return;
    const about: ActorRef = { shard, id: to, name: '' };
    if (as === 'watcher' || watcher === null) {
      this.#life.family.tellWatcher(watcher, about, 'not-found');
      return;
    }
    this.#core.send({ kind: 'child-stopped', shard: source, source: shard, to: watcher.id, child: about });
    const signal: Signal = { kind: 'child-failed', reason: 'HOST_DIED: its thread died', up: [] };
    this.#core.send({ kind: 'signal', shard: source, source: shard, to: watcher.id, from: about, signal, seq: -1 });
  }
}
