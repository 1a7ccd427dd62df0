/**
 * Parents and children: who is whose child, and that children stop before their parent, one after the other, the last
 * one that was started first. What it does not do: stop an actor (life.ts), or decide on restarts (supervision.ts).
 *
 * Invariants: A10 A child is told to stop only when those started after it have stopped. Each child bounds its own stop
 * (`stopTimeoutMs`), so the parent keeps no time.
 */
import { plainRef, refOfAddress, type ActorRef } from '../actor/index.ts';
import type { Outgoing } from '../journal/shard-log.ts';
import { isCanary } from '../platform/index.ts';
import { toMegactorError } from '../protocol/errors.ts';
import type { ActorCell, Leaving } from './cell.ts';
import { Children, type Sibling } from './children.ts';
import type { MailboxItem, Signal, SignalEnvelope } from './envelope.ts';
import { isDurable } from './saves.ts';
import { isMain, type ShardCore } from './shard-core.ts';

export class Family {
  readonly #core: ShardCore;

  constructor(core: ShardCore) {
    this.#core = core;
  }

  parentOf(cell: ActorCell): ActorRef | null {
    const { parent } = cell;
    if (parent === null || isMain(parent.shard)) return null;
    return this.#core.cells.get(parent.id)?.ref ?? refOfAddress(parent);
  }

  add(cell: ActorCell, ref: ActorRef, durable: boolean): void {
    const children = this.#of(cell);
    if (durable && isDurable(cell) && !children.has(ref.id)) this.#core.saves.touch(cell);
    children.add(ref, durable);
  }

  /** Adds an ephemeral child of this shard, which is nobody's yet. */
  adopt(cell: ActorCell, child: ActorCell): void {
    this.#of(cell).adopt(child);
  }

  /** False when it was no child. */
  remove(cell: ActorCell, id: number): boolean {
    const child = cell.children?.get(id);
    if (cell.children === null || child === undefined) return false;
    if (!isCanary('kept-child')) cell.children.remove(child);
    if (child.isDurable && isDurable(cell)) this.#core.saves.touch(cell);
    return true;
  }

  /** Stops all children; whoever `remove`s one goes on with it. */
  stopAll(cell: ActorCell): void {
    cell.leaving = { line: [], asked: 0, busy: false };
    this.goOn(cell);
  }

  /** The next child is told to stop, when the one before has. */
  goOn(cell: ActorCell): void {
    const { leaving, children } = cell;
    if (leaving === null || leaving.busy) return;
    leaving.busy = true;
    let next = nextOf(leaving, children);
    // A child of this shard may have stopped before `askToStop` returns.
    while (next !== null && next.ref.id !== leaving.asked && cell.leaving === leaving) {
      leaving.asked = next.ref.id;
      this.askToStop(cell, next.ref, 'parent stopped');
      next = nextOf(leaving, children);
    }
    leaving.busy = false;
    if (cell.leaving === leaving && next === null) cell.leaving = null;
  }

  /** The wish may have died with its thread. */
  askAgain(cell: ActorCell, child: ActorRef): void {
    if (cell.leaving?.asked === child.id) this.askToStop(cell, child, 'parent stopped');
  }

  askToStop(cell: ActorCell, child: ActorRef, reason: string): void {
    const { shard: source } = cell.ref;
    const signal: Signal = { kind: 'stop', reason };
    this.#core.send({ kind: 'signal', shard: child.shard, source, to: child.id, from: cell.ref, signal, seq: -1 });
  }

  /** Somebody who does not exist was told something: a parent that waits for it must not wait any longer. */
  noSuchChild(parent: ActorRef, child: { readonly shard: number; readonly to: number }): void {
    if (isMain(parent.shard) || parent.id === child.to) return;
    const { shard, to: id } = child;
    const ref = refOfAddress({ shard, id });
    this.#core.send({ kind: 'child-stopped', shard: parent.shard, source: shard, to: parent.id, child: ref });
  }

  /** Forgets the durable children, which go on without it. */
  orphan(cell: ActorCell): void {
    for (const child of cell.children?.values() ?? []) if (child.isDurable) cell.children?.remove(child);
  }

  #of(cell: ActorCell): Children {
    cell.children ??= new Children(this.#core.cells);
    return cell.children;
  }

  /** Takes `cell` out of the list that it is a link of. @returns the parent that lost it; null when it was in none */
  leave(cell: ActorCell): ActorCell | null {
    const { family, parent } = cell;
    if (family === null || parent === null) return null;
    if (!isCanary('kept-child')) family.remove(cell);
    return this.#core.cells.get(parent.id) ?? null;
  }

  /** Its parent hears that `cell` has stopped, unless it knows, and how. */
  tellParent(cell: ActorCell, failed: boolean, knows: boolean): void {
    const { parent } = cell;
    if (parent === null || isMain(parent.shard)) return;
    const { shard, id: to } = parent;
    const source = this.#core.shard;
    if (!knows) this.#core.send({ kind: 'child-stopped', shard, source, to, child: cell.ref });
    // The journal carries this for a durable child, in the commit that stops it.
    if (!failed || cell.durable !== null) return;
    const { reason, exceeded = false } = cell.stopRequest ?? { reason: '' };
    const signal: Signal = { kind: 'child-failed', reason, exceeded, up: [] };
    this.#core.send({ kind: 'signal', shard, source, to, from: cell.ref, signal, seq: -1 });
  }

  /** What an ephemeral actor that has ended did not hear of its durable children. @param left what it leaves */
  tellFurtherUp(left: readonly MailboxItem[]): void {
    const { journal } = this.#core.parts;
    const unheard = left.flatMap((item) => (item.kind === 'signal' ? toldFurtherUp(item) : []));
    if (unheard.length === 0 || this.#core.halted) return;
    journal?.deliver(unheard).catch((thrown: unknown) => this.#core.halt(toMegactorError(thrown)));
  }

  /** @param last what the main thread is told of one that failed */
  tellWatcher(watcher: ActorRef | null, about: ActorRef, reason: string, last?: unknown): void {
    const signal: Signal = { kind: 'terminated', reason, ...(last === undefined ? {} : { last }) };
    const source = this.#core.shard;
    const shard = watcher?.shard ?? -1;
    this.#core.send({ kind: 'signal', shard, source, to: watcher?.id ?? about.id, from: about, signal, seq: -1 });
  }
}

/** What the journal tells the parent of a durable actor that failed for good. @param last its committed state */
export const lastWords = (cell: ActorCell, last: unknown): Outgoing[] => {
  const { parent } = cell;
  if (parent === null || isMain(parent.shard)) return [];
  const { reason, exceeded = false } = cell.stopRequest ?? { reason: '' };
  const signal: Signal = { kind: 'child-failed', reason, exceeded, up: cell.options.ancestors ?? [], last };
  return [{ shard: parent.shard, entry: { kind: 'signal', to: parent.id, from: plainRef(cell.ref), signal } }];
};

/** A failure that the parent cannot be told of is told to the next one above, through the journal. */
export const toldFurtherUp = ({ from, signal }: SignalEnvelope): Outgoing[] => {
  if (signal.kind !== 'child-failed') return [];
  const [next, ...up] = signal.up;
  if (next === undefined) return [];
  return [
    { shard: next.shard, entry: { kind: 'signal', to: next.id, from, signal: { ...signal, exceeded: false, up } } },
  ];
};

/** The last child that is still there. */
const nextOf = ({ line }: Leaving, children: Children | null): Sibling | null => {
  if (children === null || children.size === 0) return null;
  for (;;) {
    const last = line.at(-1);
    if (last === undefined) {
      for (const child of children.values()) line.push(child);
    } else if (last.family === children) {
      return last;
    } else {
      line.pop();
    }
  }
};
