/**
 * A child whose supervisor decides about it: it says that it waits, and does what it is told. What it does not do: decide
 * (supervision.ts), or the stopping and starting itself (life.ts).
 *
 * Invariants: A3 Whoever waits has told its supervisor, once its own children have stopped, and tells it again when that
 * recovered on another thread; when it is gone for good, the child goes by its own policy. A8 A child that waits keeps its
 * mail, and, if it is durable, its committed state and the mail of the step that was given up.
 */
import { decideRestart } from '../actor/index.ts';
import { isMain, type ShardCore } from './shard-core.ts';
import type { ActorCell, Waiting } from './cell.ts';
import type { ChildReport, SuperviseEnvelope } from './envelope.ts';
import type { Life } from './life.ts';

export class Supervised {
  readonly #core: ShardCore;
  readonly #life: Life;

  constructor(core: ShardCore, life: Life) {
    this.#core = core;
    this.#life = life;
  }

  /** The supervisor of `cell` has decided. */
  order(cell: ActorCell, { wish, order, reason, delayMs }: SuperviseEnvelope): void {
    if (cell.ended) return;
    const waits = cell.status === 'restarting' && cell.waiting?.told === true;
    switch (wish) {
      case 'halt':
        this.#halt(cell, order, reason);
        return;
      case 'start':
        if (waits) this.#start(cell, delayMs, order);
        // It recovered on another thread and was not waiting any more.
        else if (cell.status !== 'restarting') this.#report(cell, 'up', order, '');
        return;
      case 'give-up':
        if (waits) this.#giveUp(cell, reason);
        return;
      case 'alone':
        if (waits) this.#alone(cell);
        return;
      default:
        wish satisfies never;
    }
  }

  /** `cell` goes on when its supervisor says so, who hears of it once the children of `cell` have stopped. */
  wait(cell: ActorCell, waiting: Waiting): void {
    cell.status = 'restarting';
    cell.stopRequest = null;
    cell.upOrder = 0;
    cell.waiting = waiting;
    if (waiting.report === 'failed') this.#life.silence(cell);
    else cell.endPause();
    this.#life.stopLost(cell);
    this.#life.resume(cell);
  }

  /** Tells the supervisor that `cell` waits; one that was healthy may clean up before. */
  tell(cell: ActorCell): void {
    const { waiting } = cell;
    if (waiting === null || waiting.told) return;
    waiting.told = true;
    const tell = (): void => {
      if (cell.waiting !== waiting || cell.status !== 'restarting') return;
      this.#life.silence(cell);
      const { report, order, reason, delayMs } = waiting;
      if (!this.#report(cell, report, order, reason, delayMs)) this.#alone(cell);
    };
    if (waiting.report === 'halted' && cell.durable === null) this.#life.callOnStop(cell, tell);
    else tell();
  }

  /** It runs: whoever starts after it may go on. */
  isUp(cell: ActorCell): void {
    const { upOrder } = cell;
    cell.upOrder = 0;
    if (upOrder > 0) this.#report(cell, 'up', upOrder, '');
  }

  /** Nobody decides for this child any more. */
  nobody({ child, to, shard }: ChildReport): void {
    const order = { kind: 'supervise', wish: 'alone', order: 0, reason: '', delayMs: 0 } as const;
    const from = { shard, id: to, name: '' };
    this.#core.send({ ...order, shard: child.shard, source: this.#core.shard, to: child.id, from });
  }

  /** These shards run again, and know nothing of whom they had told to wait. */
  peersBack(cell: ActorCell, shards: ReadonlySet<number>): void {
    if (cell.waiting?.told !== true || !shards.has(shardOfParent(cell))) return;
    cell.waiting.told = false;
    this.tell(cell);
  }

  /** They will not run again. */
  peersGone(cell: ActorCell, shards: ReadonlySet<number>): void {
    if (cell.waiting?.told === true && shards.has(shardOfParent(cell))) this.#alone(cell);
  }

  /** False when its supervisor can never be told. */
  #report(cell: ActorCell, report: ChildReport['report'], order: number, reason: string, delayMs = 0): boolean {
    const { parent } = cell;
    if (parent === null || isMain(parent.shard)) return false;
    const { intensity } = cell.options.supervision;
    const words = { report, order, reason, delayMs, intensity, durable: cell.durable !== null } as const;
    const { shard, id: to } = parent;
    return this.#core.send({ kind: 'child-report', shard, source: cell.ref.shard, to, child: cell.ref, ...words });
  }

  #halt(cell: ActorCell, order: number, reason: string): void {
    if (cell.options.supervision.restart === 'temporary') {
      this.#life.requestStop(cell, reason);
    } else if (cell.status !== 'restarting') {
      const request = cell.stopRequest;
      if (request === null) this.#life.interrupt(cell, { by: 'halt', reason, order });
      // The order was repeated, and the answer is to the last one.
      else if (request.by === 'halt') cell.stopRequest = { ...request, order };
    } else {
      // It is down already.
      cell.endPause();
      cell.waiting = { report: 'halted', order, reason, delayMs: 0, told: false };
      this.#life.resume(cell);
    }
  }

  #start(cell: ActorCell, delayMs: number, order: number): void {
    const reason = cell.waiting?.reason ?? '';
    cell.upOrder = order;
    this.#life.announce(cell, true, reason, 'failure', undefined);
    cell.restarts = { ...cell.restarts, inARow: cell.restarts.inARow + 1 };
    this.#life.restart(cell, delayMs);
  }

  #giveUp(cell: ActorCell, reason: string): void {
    this.#life.announce(cell, false, reason, 'failure', undefined);
    cell.stopRequest = { reason, by: 'failure', exceeded: true };
    this.#life.stopNow(cell);
  }

  /** Its supervisor is gone. One that only waited for others just goes on. */
  #alone(cell: ActorCell): void {
    const { report, reason, delayMs } = cell.waiting as Waiting;
    if (report === 'failed') {
      const { clock } = this.#core;
      const verdict = decideRestart(cell.options.supervision, 'failure', cell.restarts, clock.monotonic(), 0);
      if (verdict.kind === 'stop') {
        this.#giveUp(cell, reason);
        return;
      }
      cell.restarts = verdict.history;
    }
    this.#life.announce(cell, true, reason, 'failure', undefined);
    this.#life.restart(cell, delayMs);
  }
}

const shardOfParent = (cell: ActorCell): number => cell.parent?.shard ?? -1;
