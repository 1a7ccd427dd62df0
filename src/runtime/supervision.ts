/**
 * A supervisor whose children concern each other (one_for_all, rest_for_one), or whose restarts it counts itself. Such a
 * child that is to be started again says so and waits. The supervisor counts, halts whoever is concerned, the last one
 * first, waits for the backoff, and has them started in order, each when the one before runs. What it does not do: stop
 * and start actors (life.ts), keep what they hold, or act for children that decide alone.
 *
 * Invariants: A8 Nobody is started before all who are concerned wait. A8 A round ends: every order is answered by the
 * child, by its end, or asked again when its thread is back. A3 Whoever waits for a supervisor that is gone is told.
 */
import { mayCountOneMore, recentOf, restartedWith, type ActorRef } from '../actor/index.ts';
import type { TimerHandle } from '../platform/index.ts';
import type { ActorCell } from './cell.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import type { ChildReport, SuperviseEnvelope } from './envelope.ts';
import type { ShardCore } from './shard-core.ts';

/** `running`: is to be halted. `leaving`: will not be started again. */
type MemberState = 'running' | 'halting' | 'down' | 'starting' | 'up' | 'leaving';

interface Member {
  readonly ref: ActorRef;
  state: MemberState;
  /** The number of the last order. */
  order: number;
}

interface Round {
  /** In the order of their start. */
  members: Map<number, Member>;
  reason: string;
  /** What is left of the backoff. */
  delayMs: number;
  pause: TimerHandle | null;
}

/** What a supervisor remembers. It is lost with its thread. */
export interface Supervising {
  /** Moments of restarts. */
  times: readonly number[];
  /** The longest period that was asked about. */
  withinMs: number;
  round: Round | null;
  orders: number;
  busy: boolean;
}

type Order = Pick<SuperviseEnvelope, 'wish' | 'order' | 'reason' | 'delayMs'>;

/** Numbers of orders of different starts of a shard lie this far apart. */
const ORDER_STRIDE = 2 ** 32;

/** True when the children of such an actor ask it before they start again. */
export const decidesForChildren = (definition: Pick<LoadedDefinition, 'strategy' | 'intensity'> | null): boolean =>
  (definition?.strategy ?? 'one_for_one') !== 'one_for_one' || definition?.intensity !== undefined;

/** True when the children of such an actor make sense only together. */
export const isGroup = (definition: Pick<LoadedDefinition, 'strategy'> | null): boolean =>
  (definition?.strategy ?? 'one_for_one') !== 'one_for_one';

/** True when nothing of what the supervisor remembers matters any more. */
export const mayForget = ({ supervising }: ActorCell, nowMs: number): boolean =>
  supervising === null ||
  (supervising.round === null && recentOf(supervising.times, supervising.withinMs, nowMs).length === 0);

export class Supervision {
  readonly #core: ShardCore;

  constructor(core: ShardCore) {
    this.#core = core;
  }

  /** A child of `cell` says how it is. */
  report(cell: ActorCell, report: ChildReport): void {
    const member = cell.supervising?.round?.members.get(report.child.id);
    if (report.report === 'failed') {
      this.#failed(cell, report, member);
      return;
    }
    const expected = report.report === 'halted' ? 'halting' : 'starting';
    if (member?.state === expected && member.order === report.order) {
      member.state = report.report === 'halted' ? 'down' : 'up';
      this.#advance(cell);
    } else if (report.report === 'halted' && (member === undefined || member.state === 'up')) {
      // It was told to wait by an earlier life of this supervisor, which died with its thread.
      this.#order(cell, report.child, 'start', '');
    }
  }

  /** A child of `cell` has stopped for good. */
  gone(cell: ActorCell, id: number): void {
    if (cell.supervising?.round?.members.delete(id) === true) this.#advance(cell);
  }

  /** A child of `cell` recovered on another thread: what it was told is forgotten there. */
  recovered(cell: ActorCell, id: number): void {
    const member = cell.supervising?.round?.members.get(id);
    if (member?.state === 'down' || member?.state === 'halting') member.state = 'running';
    else if (member?.state === 'starting') member.state = 'up';
    else return;
    this.#advance(cell);
  }

  /** These shards run again: orders to children there may be lost. */
  back(cell: ActorCell, shards: ReadonlySet<number>): void {
    for (const member of cell.supervising?.round?.members.values() ?? []) {
      const { ref, state, order } = member;
      if (!shards.has(ref.shard) || (state !== 'halting' && state !== 'starting')) continue;
      this.#send(cell, ref, { wish: wishFor(state), order, reason: cell.supervising?.round?.reason ?? '', delayMs: 0 });
    }
  }

  /** `cell` stops: its children do too, so nobody is started any more. */
  end(cell: ActorCell): void {
    cell.supervising?.round?.pause?.cancel();
    if (cell.supervising !== null) cell.supervising.round = null;
  }

  #failed(cell: ActorCell, report: ChildReport, member: Member | undefined): void {
    const { child, reason } = report;
    // It ended by itself before its turn to be halted came: it waits like the others, and is not counted.
    if (member?.state === 'running' || member?.state === 'halting') {
      member.state = 'down';
      this.#advance(cell);
      return;
    }
    if (member?.state === 'down' || member?.state === 'leaving') return;
    const supervising = this.#supervising(cell);
    const nowMs = this.#core.clock.monotonic();
    const intensity = cell.definition?.intensity ?? report.intensity;
    supervising.withinMs = Math.max(supervising.withinMs, intensity.withinMs);
    supervising.times = recentOf(supervising.times, supervising.withinMs, nowMs);
    if (!mayCountOneMore(intensity, supervising.times, nowMs)) {
      if (member !== undefined) member.state = 'leaving';
      this.#order(cell, child, 'give-up', reason);
      return;
    }
    supervising.times = [...supervising.times, nowMs];
    if (!isGroup(cell.definition)) {
      // It concerns nobody else, so it waits out its backoff by itself.
      this.#order(cell, child, 'start', reason, report.delayMs);
      return;
    }
    this.#begin(cell, supervising, report);
    this.#advance(cell);
  }

  /** A round for everybody concerned, or the round under way for more of them. */
  #begin(cell: ActorCell, supervising: Supervising, { child, reason, delayMs }: ChildReport): void {
    const old = supervising.round;
    old?.pause?.cancel();
    const children = [...(cell.children?.values() ?? [])].map(({ ref }) => ref);
    const failed = children.find(({ id }) => id === child.id) ?? child;
    const concerned = new Set(restartedWith(cell.definition?.strategy ?? 'one_for_one', children, failed));
    const members = new Map<number, Member>();
    for (const ref of children) {
      const before = old?.members.get(ref.id);
      if (ref === failed) members.set(ref.id, { ref, state: 'down', order: 0 });
      else if (concerned.has(ref)) members.set(ref.id, { ref, order: 0, ...before, state: againState(before?.state) });
      else if (before !== undefined) members.set(ref.id, before);
    }
    supervising.round = { members, reason, delayMs: Math.max(delayMs, old?.delayMs ?? 0), pause: null };
  }

  #advance(cell: ActorCell): void {
    const { supervising } = cell;
    // An order to a child of this shard may be answered before it returns.
    if (supervising === null || supervising.busy) return;
    supervising.busy = true;
    while (supervising.round !== null && this.#step(cell, supervising, supervising.round));
    supervising.busy = false;
  }

  /** @returns true when there may be more to do at once */
  #step(cell: ActorCell, supervising: Supervising, round: Round): boolean {
    const members = [...round.members.values()];
    const is = (state: MemberState) => (member: Member) => member.state === state;
    if (members.some(is('halting')) || round.pause !== null) return false;
    const last = members.findLast(is('running'));
    if (last !== undefined) {
      this.#tell(cell, last, 'halting', round.reason);
      return true;
    }
    if (round.delayMs > 0) {
      round.pause = this.#core.clock.after(round.delayMs, () => {
        round.pause = null;
        round.delayMs = 0;
        this.#advance(cell);
      });
      return false;
    }
    if (members.some(is('starting'))) return false;
    const first = members.find(is('down'));
    if (first === undefined) {
      supervising.round = null;
      return false;
    }
    this.#tell(cell, first, 'starting', round.reason);
    return true;
  }

  #tell(cell: ActorCell, member: Member, state: 'halting' | 'starting', reason: string): void {
    member.state = state;
    member.order = this.#nextOrder(cell);
    this.#send(cell, member.ref, { wish: wishFor(state), order: member.order, reason, delayMs: 0 });
  }

  #order(cell: ActorCell, child: ActorRef, wish: SuperviseEnvelope['wish'], reason: string, delayMs = 0): void {
    this.#send(cell, child, { wish, order: this.#nextOrder(cell), reason, delayMs });
  }

  #send({ ref }: ActorCell, child: ActorRef, order: Order): void {
    const { shard, id: to } = child;
    this.#core.send({ kind: 'supervise', shard, source: ref.shard, to, from: ref, ...order });
  }

  #nextOrder(cell: ActorCell): number {
    const supervising = this.#supervising(cell);
    supervising.orders += 1;
    return supervising.orders;
  }

  #supervising(cell: ActorCell): Supervising {
    const orders = this.#core.parts.incarnation * ORDER_STRIDE;
    cell.supervising ??= { times: [], withinMs: 0, round: null, orders, busy: false };
    return cell.supervising;
  }
}

const wishFor = (state: 'halting' | 'starting'): 'halt' | 'start' => (state === 'halting' ? 'halt' : 'start');

/** What becomes of a member when somebody fails again. */
const againState = (state: MemberState | undefined): MemberState => {
  switch (state) {
    case 'halting':
    case 'down':
    case 'leaving':
      return state;
    case 'running':
    case 'starting':
    case 'up':
    case undefined:
      return 'running';
    default:
      return state satisfies never;
  }
};
