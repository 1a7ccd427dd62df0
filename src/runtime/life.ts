/**
 * The life of actors: started, restarted after a failure, stopped with their children first, watched.
 * What it does not do: run turns, or write the journal (durable-steps.ts does both for durable actors); decide for the
 * children of a supervisor (supervision.ts), or wait for its decision (supervised.ts).
 *
 * Invariants: L1 Every stop ends in `#bury`, which settles the asks, the mail, the watchers and the parent. L2 Watchers
 * are told exactly once. A5 A message that will not be handled any more is answered if it was an ask.
 */
import { backoffDelayMs, decideRestart, mayRestart, type ActorRef, type Exit } from '../actor/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { ActorCell, StopRequest } from './cell.ts';
import { isPassing, NO_ITEMS } from './cell.ts';
import { CellContext, type ContextParts } from './cell-context.ts';
import { meetCharge } from './charged.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import type { DurableSteps } from './durable-steps.ts';
import type { ChildFailed, ChildReport, MailboxItem, MailEnvelope } from './envelope.ts';
import { Family } from './family.ts';
import { announceEnd, runOnStop } from './on-stop.ts';
import { watchRoutees } from './routing.ts';
import { isMail, type ShardCore } from './shard-core.ts';
import type { Spawning } from './spawning.ts';
import { isGroup, Supervision } from './supervision.ts';
import { Supervised } from './supervised.ts';

export class Life {
  readonly family: Family;
  /** What it decides as a supervisor. */
  readonly supervision: Supervision;
  /** What it does when a supervisor decides. */
  readonly supervised: Supervised;
  readonly #core: ShardCore;
  #steps: DurableSteps;
  #parts: ContextParts;

  constructor(core: ShardCore) {
    this.#core = core;
    this.family = new Family(core);
    this.supervision = new Supervision(core);
    this.supervised = new Supervised(core, this);
    // Life and steps need each other; `connect` completes the pair before anything runs.
    this.#steps = undefined as never;
    this.#parts = undefined as never;
  }

  connect(steps: DurableSteps, spawning: Spawning | null): void {
    this.#steps = steps;
    this.#parts = { core: this.#core, life: this, steps, spawning };
  }

  /** Gives a loaded actor its state and its first turn. False when its `state` function failed. */
  start(cell: ActorCell, definition: LoadedDefinition): boolean {
    if (cell.status !== 'starting') return true;
    cell.definition = definition;
    if (this.#core.charges.size > 0 && meetCharge(this.#core, this, cell)) return true;
    const error = this.#makeState(cell, definition);
    if (error !== null) {
      // A failing start is an end like any other, if it is not the first.
      if (cell.restartCount > 0) this.decide(cell, 'failure', wordsOf(error), undefined, FAILED_START_MS);
      else this.startFailed(cell, error);
      return false;
    }
    cell.context = new CellContext(this.#parts, cell);
    if (cell.durable !== null) this.#core.timers.arrived(cell);
    if (definition.routers !== undefined) watchRoutees(this.#core, cell);
    cell.begins = definition.onStart !== undefined && this.#steps.mayBegin(cell);
    if (!cell.begins && !cell.isPlain) this.supervised.isUp(cell);
    if (cell.stopRequest === null) this.#becomeIdle(cell);
    else this.stopNow(cell);
    return true;
  }

  /** An actor that cannot start: its mail dies, its parent hears of it. */
  startFailed(cell: ActorCell, error: MegactorError): void {
    cell.stopRequest = { reason: wordsOf(error), by: 'failure' };
    cell.status = 'stopping';
    this.#conclude(cell);
  }

  childStopped(cell: ActorCell, id: number): void {
    if (this.family.remove(cell, id)) this.#childLeft(cell, id);
  }

  #childLeft(cell: ActorCell, id: number): void {
    this.supervision.gone(cell, id);
    this.family.goOn(cell);
    if ((cell.children?.size ?? 0) > 0) return;
    if (cell.status === 'stopping') this.#finishStop(cell);
    else if (cell.status === 'restarting') this.resume(cell);
  }

  /** A child says that it is there: it or `cell` was recovered, or the journal started it. */
  childHere(cell: ActorCell, child: ActorRef, durable: boolean): void {
    this.family.add(cell, child, durable);
    this.supervision.recovered(cell, child.id);
  }

  /** A child waits for `cell` to decide. */
  childReported(cell: ActorCell, report: ChildReport): void {
    if (cell.status === 'abandoned') return;
    const known = cell.children?.has(report.child.id) === true;
    if (!cell.ended) {
      if (!known) this.family.add(cell, report.child, report.durable);
      this.supervision.report(cell, report);
    } else if (!known) {
      this.supervised.nobody(report);
    }
  }

  /** A child stopped for good and nobody handles that: if it used up its restarts, its parent fails. */
  childGaveUp(cell: ActorCell, child: ActorRef, { reason, exceeded }: ChildFailed): void {
    if (exceeded !== true || cell.ended || cell.status === 'restarting' || cell.stopRequest !== null) return;
    const name = child.name === '' ? String(child.id) : `'${child.name}'`;
    this.interrupt(cell, { by: 'child', reason: `child ${name} used up its restarts: ${reason}` });
  }

  /** Mail to self that no sender waits for: from a timer of an ephemeral actor. */
  deliverOwn(cell: ActorCell, mail: MailEnvelope): void {
    if (!cell.ended) this.#core.offer(cell, mail);
  }

  unstash(cell: ActorCell): void {
    const { stash } = cell;
    if (stash === null || stash.length === 0) return;
    cell.stash = null;
    cell.mailbox.putBack(stash);
    this.#core.counters.addMailboxDepth(stash.length);
    this.#core.wake(cell);
  }

  turnWentWell(cell: ActorCell): void {
    if (cell.upOrder > 0) this.supervised.isUp(cell);
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
    // It was told to end this turn anyway.
    if (cell.stopRequest?.by === 'halt') this.stopNow(cell);
    else this.decide(cell, 'failure', wordsOf(error), items.find(isMail)?.type);
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
    const request = isPassing(cell.stopRequest) ? { reason, by: 'asked' as const } : cell.stopRequest;
    this.interrupt(cell, request as StopRequest);
  }

  /** Carries out the stop that was requested; no turn of `cell` is under way. */
  stopNow(cell: ActorCell): void {
    cell.endPause();
    const request = cell.stopRequest as StopRequest;
    if (request.by === 'halt') {
      this.supervised.wait(cell, {
        report: 'halted',
        order: request.order ?? 0,
        reason: request.reason,
        delayMs: 0,
        told: false,
      });
      return;
    }
    if (request.by === 'child' || (request.by === 'self' && cell.options.supervision.restart === 'permanent')) {
      cell.stopRequest = null;
      this.decide(cell, request.by === 'child' ? 'failure' : 'normal', request.reason, undefined);
      return;
    }
    cell.status = 'stopping';
    cell.waiting = null;
    this.supervision.end(cell);
    // Children that concern each other do not go on without who supervises them.
    if (request.by === 'failure' && cell.durable !== null && !isGroup(cell.definition)) this.family.orphan(cell);
    if ((cell.children?.size ?? 0) === 0) this.#finishStop(cell);
    // The last one that stops goes on with this.
    else this.family.stopAll(cell);
  }

  #makeState(cell: ActorCell, definition: LoadedDefinition): MegactorError | null {
    const { pulse, shard } = this.#core;
    const restored = cell.durable === null ? null : this.#steps.restoredState(cell);
    pulse.nest(shard, cell.ref.id, cell.durable !== null);
    try {
      cell.state = restored === null ? definition.state(cell.init) : restored.state;
      return null;
    } catch (thrown) {
      return toMegactorError(thrown, 'ACTOR_FAILED');
    } finally {
      pulse.unnest();
    }
  }

  #becomeIdle(cell: ActorCell): void {
    cell.status = 'idle';
    if (cell.durable !== null) this.#core.passivation.rest(cell);
    if (cell.begins || cell.length > 0 || this.#steps.mustGoOn(cell)) this.#core.wake(cell);
  }

  #answer(cell: ActorCell, items: readonly MailboxItem[], error: MegactorError): void {
    for (const mail of items.filter(isMail)) {
      if (mail.ask === 0) continue;
      const words = `'${cell.ref.name}' failed on '${mail.type}': ${error.message}`;
      const details = { ...error.details, cause: error.code };
      this.#core.replyError(mail, new MegactorError('ACTOR_FAILED', words, { details }));
    }
  }

  /** @param leastMs at least so long before the next start */
  decide(cell: ActorCell, exit: Exit, reason: string, message: string | undefined, leastMs = 0): void {
    const { supervision, supervised } = cell.options;
    const { clock, parts } = this.#core;
    const asked = cell.stopRequest?.by === 'asked';
    if (!asked && supervised === true && mayRestart(supervision.restart, exit)) {
      const backoffMs = backoffDelayMs(supervision.backoff, cell.restarts.inARow, parts.random());
      this.supervised.wait(cell, {
        report: 'failed',
        order: 0,
        reason,
        delayMs: Math.max(backoffMs, leastMs),
        told: false,
      });
      return;
    }
    const verdict = decideRestart(supervision, exit, cell.restarts, clock.monotonic(), parts.random());
    const restarts = !asked && verdict.kind === 'restart';
    this.announce(cell, restarts, reason, exit, message);
    if (restarts) {
      cell.restarts = verdict.history;
      this.restart(cell, Math.max(verdict.delayMs, leastMs));
      return;
    }
    const exceeded = verdict.kind === 'stop' && verdict.reason === 'intensity';
    if (!asked) cell.stopRequest = { reason, by: exit === 'failure' || exceeded ? 'failure' : 'asked', exceeded };
    this.stopNow(cell);
  }

  announce(cell: ActorCell, restarted: boolean, reason: string, exit: Exit, message: string | undefined): void {
    announceEnd(this.#core, cell, restarted, reason, exit, message);
  }

  restart(cell: ActorCell, delayMs: number): void {
    cell.status = 'restarting';
    cell.restartCount += 1;
    cell.stopRequest = null;
    cell.waiting = null;
    this.#core.counters.add('restarts');
    this.silence(cell);
    this.pauseFor(cell, delayMs);
    this.stopLost(cell);
    this.resume(cell);
  }

  pauseFor(cell: ActorCell, delayMs: number): void {
    if (delayMs <= 0) return;
    cell.pause = this.#core.clock.after(delayMs, () => {
      cell.pause = null;
      this.resume(cell);
    });
  }

  /** The children of an ephemeral actor belong to the state that is lost; those of a durable one are still its own. */
  stopLost(cell: ActorCell): void {
    if (cell.durable !== null) return;
    this.supervision.end(cell);
    this.family.stopAll(cell);
  }

  /** Goes on with a restart once nothing holds it back. */
  resume(cell: ActorCell): void {
    if (cell.status !== 'restarting' || cell.pause !== null) return;
    if (cell.durable === null && (cell.children?.size ?? 0) > 0) return;
    if (cell.waiting !== null) {
      this.supervised.tell(cell);
      return;
    }
    cell.status = 'starting';
    const { stash } = cell;
    if (!this.start(cell, cell.definition as LoadedDefinition) || stash === null) return;
    if (cell.durable === null) this.unstash(cell);
    else this.#steps.unstashAgain(cell, cell.durable);
  }

  // Ends.

  /** Ends the turn under way, if there is one, with the time that the actor has for it; then `stopNow`. */
  interrupt(cell: ActorCell, request: StopRequest): void {
    cell.stopRequest = request;
    if (cell.status === 'running') {
      const words = request.by === 'halt' || request.by === 'child' ? 'is to start again' : 'was told to stop';
      cell.abort?.abort(new MegactorError('ABORTED', `'${cell.ref.name}' ${words}: ${request.reason}`));
      cell.pause ??= this.#core.clock.after(this.#graceMs(cell), () => void this.#giveUp(cell));
    } else if (cell.status !== 'starting') {
      this.stopNow(cell);
    }
  }

  #graceMs(cell: ActorCell): number {
    return cell.options.stopTimeoutMs ?? this.#core.limits.stopGraceMs;
  }

  #finishStop(cell: ActorCell): void {
    if (cell.stopRequest?.by === 'failure') this.#conclude(cell);
    else this.callOnStop(cell, () => this.#conclude(cell));
  }

  /** Calls `onStop` within its time, then `then`, unless the status of the actor changes meanwhile. */
  callOnStop(cell: ActorCell, then: () => void): void {
    if (this.#steps.mayAct(cell)) runOnStop(this.#core, cell, this.#graceMs(cell), then);
    else then();
  }

  async #giveUp(cell: ActorCell): Promise<void> {
    if (cell.status !== 'running') return;
    cell.turn += 1;
    cell.pause = null;
    const { turn, batch } = cell;
    const goesOn = isPassing(cell.stopRequest);
    if (!goesOn) this.#steps.discardOutput(cell);
    else {
      cell.context?.retire();
      await this.#steps.takeBack(cell);
      if (cell.turn !== turn) return;
    }
    this.#core.turnOver();
    this.#answer(cell, batch, new MegactorError('ACTOR_STOPPED', 'its turn was given up'));
    this.stopNow(cell);
  }

  #conclude(cell: ActorCell): void {
    if (cell.durable === null) this.#bury(cell);
    else this.#steps.concludeStop(cell, cell.durable, () => this.#bury(cell));
  }

  /** Timers, late handlers and signals of an incarnation end. */
  silence(cell: ActorCell): void {
    cell.context?.retire();
    cell.context = null;
    cell.random = null;
    cell.abort = null;
    for (const timer of cell.timers?.values() ?? []) timer.cancel();
    cell.timers = null;
    cell.pollMs = cell.options.pollIntervalMs;
    cell.endPause();
  }

  #bury(cell: ActorCell): void {
    if (cell.status === 'stopped') return;
    const core = this.#core;
    const { reason, by } = cell.stopRequest as StopRequest;
    this.silence(cell);
    cell.status = 'stopped';
    if (core.cells.delete(cell.ref.id) && cell.durable !== null) core.passivation.left(cell.ref.id);
    if (cell.durable !== null) core.saves.forget(cell.ref.id);
    if (core.names.get(cell.ref.name) === cell) core.names.delete(cell.ref.name);
    core.counters.add('stopped');
    core.counters.addMailboxDepth(-cell.mailbox.length);
    const left = [...cell.mailbox.drain(), ...(cell.stash ?? []), ...this.#steps.leftOf(cell)];
    cell.batch = NO_ITEMS;
    cell.stash = null;
    for (const mail of left.filter(isMail)) {
      const isPoison = mail.seq >= 0 && mail.seq === cell.poison;
      core.deadMail(mail, isPoison ? 'poison' : 'stopped', cell.ref.name, 'ACTOR_STOPPED');
    }
    for (const watcher of cell.watchers?.values() ?? []) {
      const last = watcher === null && by === 'failure' ? cell.durable?.committed?.unpack() : undefined;
      this.family.tellWatcher(watcher, cell.ref, reason, last);
    }
    const parent = this.family.leave(cell);
    if (parent !== null) this.#childLeft(parent, cell.ref.id);
    this.family.tellParent(cell, by === 'failure', parent !== null);
    // The commit that stops a durable one has told it.
    if (cell.durable === null && left.length > 0) this.family.tellFurtherUp(left);
  }
}

/** Before the next try of an actor whose `state` function failed, so that it cannot fill a whole slice. */
const FAILED_START_MS = 1;

const wordsOf = (error: MegactorError): string => `${error.code}: ${error.message}`;

const isAbort = (thrown: unknown, error: MegactorError): boolean =>
  error.code === 'ABORTED' || (thrown instanceof Error && thrown.name === 'AbortError');
