/**
 * The life of actors: started, restarted after a failure, stopped with their children first, watched.
 * What it does not do: run turns, or write the journal (durable-steps.ts does both for durable actors).
 *
 * Invariants: L1 Every stop ends in `#bury`, which settles the asks, the mail, the watchers and the parent. L2 Watchers
 * are told exactly once. A5 A message that will not be handled any more is answered if it was an ask.
 */
import { decideRestart, refOfAddress, type ActorRef, type Exit } from '../actor/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { ActorCell, Child, StopRequest } from './cell.ts';
import { NO_ITEMS } from './cell.ts';
import { CellContext } from './cell-context.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import type { DurableSteps } from './durable-steps.ts';
import type { MailboxItem, MailEnvelope, Signal, SignalEnvelope } from './envelope.ts';
import { isPromise } from './handling.ts';
import { isDurable } from './saves.ts';
import { isMail, isMain, type ShardCore } from './shard-core.ts';

export class Life {
  readonly #core: ShardCore;
  #steps: DurableSteps;

  constructor(core: ShardCore) {
    this.#core = core;
    // Life and steps need each other; `connect` completes the pair before anything runs.
    this.#steps = undefined as never;
  }

  connect(steps: DurableSteps): void {
    this.#steps = steps;
  }

  /** Gives a loaded actor its state and its first turn. False when its `state` function failed. */
  start(cell: ActorCell, definition: LoadedDefinition): boolean {
    if (cell.status !== 'starting') return true;
    cell.definition = definition;
    try {
      cell.state = this.#stateFor(cell, definition);
    } catch (thrown) {
      this.startFailed(cell, toMegactorError(thrown, 'ACTOR_FAILED'));
      return false;
    }
    cell.context = new CellContext({ core: this.#core, life: this, steps: this.#steps }, cell);
    this.#core.timers.arrived(cell);
    if (cell.stopRequest === null) this.#becomeIdle(cell);
    else this.stopNow(cell);
    return true;
  }

  /** An actor that cannot start: its mail dies, its parent hears of it. */
  startFailed(cell: ActorCell, error: MegactorError): void {
    cell.stopRequest = { reason: `${error.code}: ${error.message}`, by: 'failure' };
    cell.status = 'stopping';
    this.#conclude(cell);
  }

  parentOf(cell: ActorCell): ActorRef | null {
    const { parent } = cell.record;
    if (parent === null || isMain(parent.shard)) return null;
    return this.#core.cells.get(parent.id)?.ref ?? refOfAddress(parent);
  }

  addChild(cell: ActorCell, ref: ActorRef, durable: boolean): void {
    cell.children ??= new Map<number, Child>();
    if (durable && isDurable(cell) && !cell.children.has(ref.id)) this.#core.saves.touch(cell);
    cell.children.set(ref.id, { ref, durable });
  }

  childStopped(cell: ActorCell, id: number): void {
    const child = cell.children?.get(id);
    if (cell.children === null || child === undefined) return;
    cell.children.delete(id);
    if (child.durable && isDurable(cell)) this.#core.saves.touch(cell);
    if (cell.children.size > 0) return;
    if (cell.status === 'stopping') this.#finishStop(cell);
    else if (cell.status === 'restarting') this.#resume(cell);
  }

  /** Mail to self that no sender waits for: from a timer of an ephemeral actor. */
  deliverOwn(cell: ActorCell, mail: MailEnvelope): void {
    if (cell.ended) return;
    if (this.#core.offer(cell, mail) !== 'accepted') {
      this.#core.deadMail(mail, 'mailbox-full', cell.ref.name, 'MAILBOX_FULL');
    }
  }

  unstash(cell: ActorCell): void {
    const { stash } = cell;
    if (stash === null || stash.length === 0) return;
    cell.stash = null;
    cell.mailbox.putBack(stash);
    this.#core.counters.add('mailboxDepth', stash.length);
    this.#core.wake(cell);
  }

  turnWentWell(cell: ActorCell): void {
    if (cell.restarts.inARow > 0) cell.restarts = { ...cell.restarts, inARow: 0 };
  }

  /** A handler threw. @param items what the turn had taken; their asks are answered here */
  failed(cell: ActorCell, thrown: unknown, items: readonly MailboxItem[]): void {
    const error = toMegactorError(thrown, 'ACTOR_FAILED');
    this.#answer(cell, items, error);
    if (this.#core.halted || (this.#core.paused && isAbort(thrown, error))) {
      this.abandon(cell);
      return;
    }
    const type = items.find(isMail)?.type;
    this.#decide(cell, 'failure', `${error.code}: ${error.message}`, type);
  }

  /** The turn of an actor is given up for good, because the system stops. */
  abandon(cell: ActorCell): void {
    cell.turn += 1;
    cell.context?.retire();
    cell.status = 'abandoned';
  }

  /** Somebody else wants `cell` to stop. */
  requestStop(cell: ActorCell, reason: string): void {
    if (cell.ended) return;
    cell.stopRequest ??= { reason, by: 'asked' };
    if (cell.status === 'running') {
      cell.abort?.abort(new MegactorError('ABORTED', `'${cell.ref.name}' was told to stop: ${reason}`));
      cell.pause ??= this.#core.clock.after(this.#core.limits.stopGraceMs, () => this.#giveUp(cell));
    } else if (cell.status !== 'starting') {
      this.stopNow(cell);
    }
  }

  /** Carries out the stop that was requested; no turn of `cell` is under way. */
  stopNow(cell: ActorCell): void {
    cell.endPause();
    const request = cell.stopRequest as StopRequest;
    if (request.by === 'self' && cell.options.supervision.restart === 'permanent') {
      cell.stopRequest = null;
      this.#decide(cell, 'normal', request.reason, undefined);
      return;
    }
    cell.status = 'stopping';
    if (request.by === 'failure' && cell.durable !== null) this.#orphanChildren(cell);
    if ((cell.children?.size ?? 0) === 0) this.#finishStop(cell);
    // The last one that stops goes on with this.
    else this.#stopChildren(cell);
  }

  askToStop(cell: ActorCell, child: ActorRef, reason: string): void {
    const { shard: source } = cell.ref;
    const signal: Signal = { kind: 'stop', reason };
    this.#core.send({ kind: 'signal', shard: child.shard, source, to: child.id, from: cell.ref, signal, seq: -1 });
  }

  /** Somebody who does not exist was told to stop: a parent that waits for it must not wait any longer. */
  noSuchChild({ to, from, shard }: SignalEnvelope): void {
    if (isMain(from.shard) || from.id === to) return;
    const child = refOfAddress({ shard, id: to });
    this.#core.send({ kind: 'child-stopped', shard: from.shard, source: shard, to: from.id, child });
  }

  tellWatcher(watcher: ActorRef | null, about: ActorRef, reason: string): void {
    const signal: Signal = { kind: 'terminated', reason };
    const source = this.#core.shard;
    const shard = watcher?.shard ?? -1;
    this.#core.send({ kind: 'signal', shard, source, to: watcher?.id ?? about.id, from: about, signal, seq: -1 });
  }

  #stateFor(cell: ActorCell, definition: LoadedDefinition): unknown {
    const restored = this.#steps.restoredState(cell);
    return restored === null ? definition.state(cell.record.init) : restored.state;
  }

  #becomeIdle(cell: ActorCell): void {
    cell.status = 'idle';
    this.#core.passivation.rest(cell);
    if (cell.mailbox.length > 0 || this.#steps.mustGoOn(cell)) this.#core.wake(cell);
  }

  #answer(cell: ActorCell, items: readonly MailboxItem[], error: MegactorError): void {
    for (const mail of items.filter(isMail)) {
      if (mail.ask === 0) continue;
      const words = `'${cell.ref.name}' failed on '${mail.type}': ${error.message}`;
      const details = { ...error.details, cause: error.code };
      this.#core.replyError(mail, new MegactorError('ACTOR_FAILED', words, { details }));
    }
  }

  #decide(cell: ActorCell, exit: Exit, reason: string, message: string | undefined): void {
    const { supervision } = cell.options;
    const core = this.#core;
    const asked = cell.stopRequest?.by === 'asked';
    const nowMs = core.clock.monotonic();
    const verdict = decideRestart(supervision, exit, cell.restarts, nowMs, core.parts.random());
    const restarts = !asked && verdict.kind === 'restart';
    core.parts.onEvent({ type: 'restart', agent: cell.ref.name, restarted: restarts, reason, exit, message });
    if (restarts) {
      cell.restarts = verdict.history;
      this.#restart(cell, verdict.delayMs);
      return;
    }
    if (!asked) cell.stopRequest = { reason, by: exit === 'failure' ? 'failure' : 'asked' };
    this.stopNow(cell);
  }

  #restart(cell: ActorCell, delayMs: number): void {
    cell.status = 'restarting';
    cell.restartCount += 1;
    cell.stopRequest = null;
    this.#core.counters.add('restarts');
    this.#silence(cell);
    if (delayMs > 0) {
      cell.pause = this.#core.clock.after(delayMs, () => {
        cell.pause = null;
        this.#resume(cell);
      });
    }
    // The children of an ephemeral actor belong to the state that is lost; those of a durable one are still its own.
    if (cell.durable === null) this.#stopChildren(cell);
    this.#resume(cell);
  }

  /** Goes on with a restart once nothing holds it back. */
  #resume(cell: ActorCell): void {
    if (cell.status !== 'restarting' || cell.pause !== null) return;
    if (cell.durable === null && (cell.children?.size ?? 0) > 0) return;
    cell.status = 'starting';
    const { stash } = cell;
    if (this.start(cell, cell.definition as LoadedDefinition) && stash !== null) this.unstash(cell);
  }

  #stopChildren(cell: ActorCell): void {
    // A copy, because a child of this shard may be gone before the loop is over.
    const children = [...(cell.children?.values() ?? [])];
    for (const child of children) this.askToStop(cell, child.ref, 'parent stopped');
  }

  /**
   * The durable children of a durable actor outlive its failure: whoever is above decides about them. They have work
   * and mail of their own, which a defect of somebody else must not throw away.
   */
  #orphanChildren(cell: ActorCell): void {
    for (const [id, child] of cell.children ?? []) if (child.durable) cell.children?.delete(id);
  }

  #finishStop(cell: ActorCell): void {
    const onStop = cell.stopRequest?.by === 'failure' ? undefined : cell.definition?.onStop;
    if (onStop === undefined || cell.context === null || !this.#steps.mayAct(cell)) {
      this.#conclude(cell);
      return;
    }
    const { turn } = cell;
    const done = (thrown?: unknown): void => {
      if (cell.turn !== turn || cell.status !== 'stopping') return;
      cell.turn += 1;
      cell.endPause();
      if (thrown !== undefined) {
        const reason = `onStop: ${toMegactorError(thrown).message}`;
        this.#core.parts.onEvent({ type: 'restart', agent: cell.ref.name, restarted: false, reason });
      }
      this.#conclude(cell);
    };
    try {
      const result = onStop(cell.state, cell.context) as unknown;
      if (!isPromise(result)) {
        done();
        return;
      }
      cell.pause = this.#core.clock.after(this.#core.limits.stopGraceMs, () => done('onStop took too long'));
      result.then(() => done(), done);
    } catch (thrown) {
      done(thrown);
    }
  }

  #giveUp(cell: ActorCell): void {
    if (cell.status !== 'running') return;
    cell.turn += 1;
    this.#steps.discardOutput(cell);
    this.#core.turnOver();
    this.#answer(cell, cell.batch, new MegactorError('ACTOR_STOPPED', 'its turn was given up'));
    this.stopNow(cell);
  }

  #conclude(cell: ActorCell): void {
    if (cell.durable === null) this.#bury(cell);
    else this.#steps.concludeStop(cell, cell.durable, () => this.#bury(cell));
  }

  /** Timers, late handlers and signals of an incarnation end. */
  #silence(cell: ActorCell): void {
    cell.context?.retire();
    cell.context = null;
    cell.abort = null;
    for (const timer of cell.timers?.values() ?? []) timer.cancel();
    cell.timers = null;
    cell.endPause();
  }

  #bury(cell: ActorCell): void {
    if (cell.status === 'stopped') return;
    const core = this.#core;
    const { reason, by } = cell.stopRequest as StopRequest;
    this.#silence(cell);
    cell.status = 'stopped';
    if (core.cells.delete(cell.ref.id) && cell.durable !== null) core.passivation.left(cell.ref.id);
    if (cell.durable !== null) core.saves.forget(cell.ref.id);
    if (core.names.get(cell.ref.name) === cell) core.names.delete(cell.ref.name);
    core.counters.add('stopped');
    core.counters.add('mailboxDepth', -cell.mailbox.length);
    const left = [...cell.mailbox.drain(), ...(cell.stash ?? []), ...this.#steps.leftOf(cell)];
    cell.batch = NO_ITEMS;
    cell.stash = null;
    for (const mail of left.filter(isMail)) core.deadMail(mail, 'stopped', cell.ref.name, 'ACTOR_STOPPED');
    for (const watcher of cell.watchers?.values() ?? []) this.tellWatcher(watcher, cell.ref, reason);
    this.#tellParent(cell, by === 'failure', reason);
  }

  #tellParent(cell: ActorCell, failed: boolean, reason: string): void {
    const { parent } = cell.record;
    if (parent === null || isMain(parent.shard)) return;
    const { shard, id: to } = parent;
    const source = this.#core.shard;
    this.#core.send({ kind: 'child-stopped', shard, source, to, child: cell.ref });
    // The journal carries this for a durable child, in the commit that stops it.
    if (!failed || cell.durable !== null) return;
    const signal: Signal = { kind: 'child-failed', reason, up: [] };
    this.#core.send({ kind: 'signal', shard, source, to, from: cell.ref, signal, seq: -1 });
  }
}

const isAbort = (thrown: unknown, error: MegactorError): boolean =>
  error.code === 'ABORTED' || (thrown instanceof Error && thrown.name === 'AbortError');
