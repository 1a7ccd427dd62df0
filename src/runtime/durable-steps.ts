/**
 * Durable actors: a turn is one step or several, and a step is one commit of mail consumed, state, history, effects and
 * everything that leaves. What it does not do: the life cycle, the end of an actor (durable-stops.ts), or the journal itself.
 *
 * Invariants: D1 mail is consumed only by the commit of a step or a drop. D2 what a step sends leaves after its commit
 * (output gate), and not at all when the step fails. D3 an effect whose result was recorded is not executed again.
 * A step that is tried again takes exactly the mail it had taken.
 */
import type { ActorRef, EffectOptions } from '../actor/index.ts';
import type { ActorRecord, RecoveredActor, StepEntry, StepLogEntry } from '../journal/shard-log.ts';
import { isPassing, NO_ITEMS, type ActorCell } from './cell.ts';
import type { CellContext } from './cell-context.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import { StepProgress, type DurableCell } from './durable-cell.ts';
import type { MailboxItem, MailEnvelope, Signal } from './envelope.ts';
import { batchFor } from './batch.ts';
import { handleMail, handleSignal, isPromise, turnOf, UNHANDLED } from './handling.ts';
import type { Life } from './life.ts';
import { DurableStops } from './durable-stops.ts';
import { TICKS_KEY } from './durable-timers.ts';
import { beginNext, Effects, keepResult, NOW_KEY, progressOfRetry } from './effects.ts';
import type { DurableActor } from './saves.ts';
import { PackedState } from './packed-state.ts';
import { StepWriter } from './step-writer.ts';
import { positions } from './items.ts';
import { isMail, isSignal, type ShardCore } from './shard-core.ts';

/** Nothing of a turn is under way any more. */
const rest = (cell: ActorCell): void => {
  cell.batch = NO_ITEMS;
  cell.current = null;
  cell.abort = null;
};

export class DurableSteps {
  readonly #core: ShardCore;
  readonly #life: Life;
  readonly #writer: StepWriter;
  readonly #effects: Effects;
  readonly #stops: DurableStops;

  constructor(core: ShardCore, life: Life) {
    this.#core = core;
    this.#life = life;
    this.#writer = new StepWriter(core);
    this.#effects = new Effects(core, this.#writer, (cell, durable) => this.#cutBatch(cell, durable));
    this.#stops = new DurableStops({
      core,
      life,
      writer: this.#writer,
      release: (progress) => this.#release(progress),
    });
  }

  // What the life cycle asks.

  /** The state after the last commit; null when there is none. */
  restoredState(cell: ActorCell): { readonly state: unknown } | null {
    const committed = cell.durable?.committed ?? null;
    return committed === null ? null : { state: committed.unpack() };
  }

  /** True when there is a turn to go on with, whether there is mail or not. */
  mustGoOn(cell: ActorCell): boolean {
    return cell.durable !== null && (cell.durable.retry !== null || cell.durable.open);
  }

  /** True when `onStart` has not become part of a step yet. */
  mayBegin(cell: ActorCell): boolean {
    return cell.durable === null || (cell.durable.committed === null && cell.durable.step === 0);
  }

  /** False while a step that must be tried again stands in the way of any other. */
  mayAct(cell: ActorCell): boolean {
    return !this.#core.halted && (cell.durable === null || !this.mustGoOn(cell));
  }

  /** Mail outside the mailbox. */
  leftOf(cell: ActorCell): readonly MailboxItem[] {
    if (cell.durable === null) return NO_ITEMS;
    const left = [...(cell.durable.retry ?? NO_ITEMS), ...cell.durable.held];
    cell.durable.retry = null;
    cell.durable.held = [];
    return left;
  }

  /** Takes over what the journal knows of an actor. */
  restore(durable: DurableCell, found: RecoveredActor): void {
    durable.step = found.step;
    durable.open = found.open;
    durable.committed = found.state === undefined ? null : new PackedState(found.state);
    // One by one: it may be more than a call takes arguments.
    for (const entry of found.history) durable.history.push(entry);
    durable.historyCommitted = durable.history.length;
    durable.historySaved = found.historySaved;
    for (const timer of found.timers) durable.timers.set(timer.key, timer);
    if (found.begun === null) return;
    const { progress } = durable;
    progress.taken = [...found.begun.taken];
    progress.begun = true;
    for (const [key, result] of found.begun.effects) keepResult(progress, key, result);
    for (const key of found.begun.intents) {
      progress.intents.add(key);
      progress.before.add(key);
    }
    durable.retry = NO_ITEMS;
  }

  /** A turn was given up: what it would have sent must not leave. */
  discardOutput(cell: ActorCell): void {
    if (cell.durable === null) return;
    const { taken, begun } = cell.durable.progress;
    const next = new StepProgress();
    next.taken = taken;
    next.begun = begun;
    cell.durable.progress = next;
  }

  // What handlers ask.

  sendMail(cell: ActorCell, to: ActorRef, type: string, body: unknown): void {
    const { progress } = cell.durable as DurableCell;
    const from = cell.ref;
    if (this.#isEphemeralHere(to)) {
      const { shard, id } = to;
      progress.gated.push({ kind: 'mail', shard, source: this.#core.shard, to: id, from, type, body, ask: 0, seq: -1 });
      return;
    }
    progress.outgoing.push({ shard: to.shard, entry: { kind: 'mail', mail: { to: to.id, from, type, body } } });
  }

  sendSignal(cell: ActorCell, to: ActorRef, signal: Signal): void {
    const { progress } = cell.durable as DurableCell;
    if (this.#isEphemeralHere(to)) {
      const { shard, id } = to;
      progress.gated.push({ kind: 'signal', shard, source: this.#core.shard, to: id, from: cell.ref, signal, seq: -1 });
      return;
    }
    progress.outgoing.push({ shard: to.shard, entry: { kind: 'signal', to: to.id, from: cell.ref, signal } });
  }

  sendSpawn(cell: ActorCell, shard: number, actor: ActorRecord): void {
    cell.durable?.progress.outgoing.push({ shard, entry: { kind: 'spawn', actor } });
  }

  /** The wish to stop is journaled with the step, so that a crash before the stop does not lose it. */
  stopSelf(cell: ActorCell): void {
    if (!isPassing(cell.stopRequest) || cell.options.supervision.restart === 'permanent') return;
    this.sendSignal(cell, cell.ref, { kind: 'stop', reason: 'stopped itself' });
  }

  untake(durable: DurableCell, mail: MailEnvelope): void {
    durable.progress.taken = durable.progress.taken.filter((taken) => taken !== mail.seq);
    this.#core.timers.untake(durable, mail);
  }

  effect(
    cell: ActorCell,
    durable: DurableCell,
    key: string,
    run: () => Promise<unknown>,
    options: EffectOptions | undefined,
  ): Promise<unknown> {
    return this.#effects.run(cell, durable, { key, run, options });
  }

  async endStep(cell: ActorCell, durable: DurableCell, intent?: string): Promise<void> {
    this.#cutBatch(cell, durable);
    // A checkpoint waits for this commit: it needs a moment between two steps.
    await this.#commit(cell, durable, true, durable.saveAtCommit ? undefined : intent);
  }

  run(cell: ActorCell): void {
    cell.status = 'running';
    cell.turn += 1;
    this.#core.turnStarted();
    const turn = (): Promise<void> => this.#turn(cell, cell.durable as DurableCell);
    void this.#core.pulse.within(() => turnOf(this.#core, cell), turn);
  }

  async #turn(cell: ActorCell, durable: DurableCell): Promise<void> {
    const { turn } = cell;
    const again = durable.retry;
    durable.retry = null;
    cell.batch = again === null ? (durable.open ? [] : this.#core.takeBatch(cell)) : [...again];
    if (!durable.progress.begun) durable.progress.taken = positions(cell.batch);
    const goesOn = durable.open || (again !== null && cell.batch.length === 0);
    const items = cell.batch;
    this.#core.parts.onEvent({ type: 'turn', agent: cell.ref.name, mail: items.length });
    try {
      await this.#handle(cell, goesOn);
      if (cell.turn !== turn) return;
      this.#core.pulse.hold();
      await this.#commit(cell, durable, false);
      if (cell.turn !== turn) return;
    } catch (thrown) {
      if (cell.turn === turn) this.#failed(cell, durable, thrown, items);
      return;
    }
    rest(cell);
    this.#life.turnWentWell(cell);
    this.#core.turnOver();
    if (cell.stopRequest !== null) this.#life.stopNow(cell);
    else this.#core.turnEnded(cell, cell.mailbox.length > 0);
  }

  async #handle(cell: ActorCell, goesOn: boolean): Promise<void> {
    const core = this.#core;
    const definition = cell.definition as LoadedDefinition;
    if (cell.begins) await definition.onStart?.(cell.state, cell.context as CellContext);
    if (definition.receiveBatch !== undefined) {
      for (const signal of cell.batch.filter(isSignal)) await handleSignal(core, cell, signal);
      const mails = cell.batch.filter(isMail).filter((mail) => core.timers.begin(cell, mail));
      const batch = batchFor(core, cell, mails, (mail, value) => this.#reply(cell, mail, value));
      cell.current = null;
      if (batch.length === 0 && !goesOn) return;
      await definition.receiveBatch(cell.state, batch, cell.context as CellContext);
      return;
    }
    // The batch may be cut while a handler runs, so its length is asked each time.
    for (let index = 0; index < cell.batch.length; index += 1) {
      const item = cell.batch[index] as MailboxItem;
      (cell.durable as DurableCell).progress.at = index;
      if (!core.timers.begin(cell, item)) continue;
      const result = item.kind === 'mail' ? handleMail(core, cell, item) : handleSignal(core, cell, item);
      const value = isPromise(result) ? await result : result;
      if (item.kind === 'mail' && value !== UNHANDLED && cell.current === item) this.#reply(cell, item, value);
      if (cell.stopRequest !== null) this.#cutBatchAfter(cell, index);
    }
  }

  #reply(cell: ActorCell, mail: MailEnvelope, value: unknown): void {
    if (mail.ask === 0) return;
    const { source, ask } = mail;
    const { shard } = this.#core;
    cell.durable?.progress.gated.push({ kind: 'reply', shard: source, source: shard, ask, value, error: null });
  }

  /**
   * A handler of single messages acts outside: what it has not reached yet goes back, so that the step is recorded with
   * the mail up to this one and a second try meets the same effects.
   */
  #cutBatch(cell: ActorCell, durable: DurableCell): void {
    if (cell.definition?.receiveBatch !== undefined || durable.progress.begun) return;
    const index = cell.current === null ? -1 : cell.batch.indexOf(cell.current);
    if (index >= 0) this.#cutBatchAfter(cell, index);
  }

  /** What was stashed is to be put back: before what the handler has not reached yet (A2). */
  unstash(cell: ActorCell): void {
    const { progress } = cell.durable as DurableCell;
    const cuts = cell.definition?.receiveBatch === undefined && !progress.begun && progress.at >= 0;
    if (cuts && (cell.stash?.length ?? 0) > 0) this.#cutBatchAfter(cell, progress.at);
    this.#life.unstash(cell);
  }

  /** It starts again: what it had stashed is before what its last try took, as after another opening (A2). */
  unstashAgain(cell: ActorCell, durable: DurableCell): void {
    const { retry, progress } = durable;
    // A step that the journal knows of takes what it took.
    if (retry !== null && !progress.begun && (cell.stash?.length ?? 0) > 0) {
      durable.retry = null;
      cell.mailbox.putBack(retry);
      this.#core.counters.addMailboxDepth(retry.length);
    }
    this.#life.unstash(cell);
  }

  #cutBatchAfter(cell: ActorCell, index: number): void {
    const rest = cell.batch.splice(index + 1);
    if (rest.length === 0) return;
    const durable = cell.durable as DurableCell;
    cell.mailbox.putBack(rest);
    this.#core.counters.addMailboxDepth(rest.length);
    const back = new Set(positions(rest));
    durable.progress.taken = durable.progress.taken.filter((seq) => !back.has(seq));
  }

  /**
   * Ends the step: what was collected becomes one entry, and what it held back leaves when that is durable.
   * @param intent key of an effect that the next step begins with
   */
  async #commit(cell: ActorCell, durable: DurableCell, open: boolean, intent?: string): Promise<void> {
    const { progress } = durable;
    const state = new PackedState(cell.state);
    const history = durable.history.slice(durable.historyCommitted);
    if (!open && !durable.open && this.#changedNothing(durable, state, history)) {
      durable.progress = new StepProgress();
      this.#release(progress);
      return;
    }
    if (progress.nowMs !== null && !progress.effects.has(NOW_KEY)) progress.unwritten.push([NOW_KEY, progress.nowMs]);
    const ticks = this.#core.timers.taken(cell);
    // No inbox holds them, so a replay could not tell what the step has seen.
    if (ticks !== undefined && !progress.effects.has(TICKS_KEY)) progress.unwritten.push([TICKS_KEY, ticks]);
    const entry: StepEntry = {
      kind: 'step',
      actor: cell.ref.id,
      step: durable.step,
      taken: progress.taken,
      state: cell.state,
      history,
      effects: progress.unwritten,
      ...(progress.timers.size === 0 ? {} : { timers: [...progress.timers.values()] }),
      open,
      stopped: false,
    };
    const { batch } = cell;
    const next = new StepProgress();
    const entries: StepLogEntry[] = [entry];
    if (intent !== undefined) entries.push(beginNext(entry, next, intent));
    const appended = this.#writer.append({ entries, outgoing: progress.outgoing, packedState: state.bytes });
    durable.committing = appended;
    next.written = appended;
    // From here on whatever the handler does belongs to the next step, also while the commit is under way.
    durable.progress = next;
    durable.step += 1;
    cell.batch = [];
    try {
      await appended;
    } catch (thrown) {
      durable.progress = progress;
      durable.step -= 1;
      cell.batch = batch;
      throw thrown;
    }
    durable.open = open;
    durable.committed = state;
    durable.historyCommitted += history.length;
    cell.begins = false;
    this.#core.timers.committed(cell, progress);
    this.#core.saves.committed(cell as DurableActor);
    this.#core.counters.add('steps');
    this.#core.parts.onEvent({ type: 'step', agent: cell.ref.name, step: entry.step, open });
    this.#release(progress);
  }

  #changedNothing(durable: DurableCell, state: PackedState, history: readonly unknown[]): boolean {
    const { progress, committed } = durable;
    const { taken, begun, unwritten, outgoing, timers } = progress;
    if (taken.length > 0 || begun || unwritten.length > 0 || outgoing.length > 0 || history.length > 0) return false;
    if (timers.size > 0) return false;
    return committed?.equals(state) ?? false;
  }

  #release(progress: StepProgress): void {
    for (const event of progress.events) this.#core.parts.onEvent(event);
    for (const envelope of progress.gated) this.#core.send(envelope);
  }

  #failed(cell: ActorCell, durable: DurableCell, thrown: unknown, items: readonly MailboxItem[]): void {
    this.#takeBack(cell, durable);
    this.#core.turnOver();
    this.#life.failed(cell, thrown, items);
  }

  /** The turn under way was given up, and is to be tried again: what it had taken waits, as after a failure. */
  async takeBack(cell: ActorCell): Promise<void> {
    const { durable, turn } = cell;
    // A commit that is on its way decides what there is to take back; when it fails, so does the shard.
    await durable?.committing?.catch(() => undefined);
    await Promise.resolve();
    if (cell.turn === turn) this.#takeBack(cell, durable);
  }

  #takeBack(cell: ActorCell, durable: DurableCell | null): void {
    if (durable !== null) this.#takeBackStep(cell, durable);
    rest(cell);
  }

  #takeBackStep(cell: ActorCell, durable: DurableCell): void {
    const { progress } = durable;
    durable.history.length = durable.historyCommitted;
    for (const ref of progress.spawned) cell.children?.delete(ref.id);
    const next = progressOfRetry(progress);
    durable.progress = next;
    // What it stashed is there, or in the mailbox again.
    const kept = new Set<MailboxItem>([...(cell.stash ?? []), ...cell.mailbox.held()]);
    // Asks are answered with the failure; journaled mail and ticks are tried again.
    const again = cell.batch.filter((item) => (item.seq >= 0 || this.#core.timers.isTick(item)) && !kept.has(item));
    durable.retry = again.length > 0 || next.begun ? again : null;
  }

  concludeStop(cell: ActorCell, durable: DurableCell, bury: () => void): void {
    this.#stops.conclude(cell, durable, bury);
  }

  #isEphemeralHere(to: ActorRef): boolean {
    return to.shard === this.#core.shard && this.#core.cells.get(to.id)?.durable === null;
  }
}
