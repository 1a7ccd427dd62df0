/**
 * Effects of durable steps: outside calls whose results are recorded, so that a step that is tried again finds them.
 *
 * Invariants: D3 a recorded result is returned without a second call, also when the step failed while the record was on
 * its way. The journal learns what a step has taken before, or together with, the first result of it. A failure is not a
 * result. D6 A call `atMostOnce` is begun at most once per step: its intent is durable first; its failure is recorded
 * like a result; an intent that an earlier try left without an outcome becomes the outcome UNKNOWN_OUTCOME, recorded too.
 */
import type { EffectOptions } from '../actor/index.ts';
import type { LogAppend, StepEntry, StepLogEntry } from '../journal/shard-log.ts';
import { isCanary } from '../platform/index.ts';
import { errorFromWire, errorToWire, MegactorError, toMegactorError, type ErrorWire } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import { StepProgress, type DurableCell } from './durable-cell.ts';
import { TICKS_KEY } from './durable-timers.ts';
import type { ShardCore } from './shard-core.ts';
import type { StepWriter } from './step-writer.ts';

/** Keys of the runtime's own records begin with this; those of handlers may not. */
export const OWN_PREFIX = '@';
/** Key of the recorded moment that `ctx.now()` gave in a step. */
export const NOW_KEY = '@now';
/** Before the key of a call whose recorded outcome is a failure; the result is the failure as `ErrorWire`. */
export const REJECTED_PREFIX = '@rejected:';

export interface EffectCall {
  readonly key: string;
  readonly run: () => Promise<unknown>;
  readonly options: EffectOptions | undefined;
}

/** Takes a recorded result over into the progress of a step that is tried again. */
export const keepResult = (progress: StepProgress, key: string, result: unknown): void => {
  const rejected = key.startsWith(REJECTED_PREFIX);
  const callKey = rejected ? key.slice(REJECTED_PREFIX.length) : key;
  const kept = progress.written.then(() => {
    if (rejected) throw errorFromWire(result as ErrorWire);
    return result;
  });
  // Nobody may ask for it again.
  kept.catch(() => undefined);
  progress.effects.set(callKey, kept);
  progress.recorded.set(key, result);
  if (key === NOW_KEY) progress.nowMs = result as number;
  else progress.before.add(callKey);
};

/** What the next try of a step starts with: what the journal knows of it. */
export const progressOfRetry = (progress: StepProgress): StepProgress => {
  const next = new StepProgress();
  next.begun = progress.begun;
  if (progress.begun) next.taken = progress.taken;
  next.foreseen = progress.foreseen;
  for (const key of progress.intents) {
    next.intents.add(key);
    if (key !== progress.foreseen) next.before.add(key);
  }
  next.written = progress.written;
  for (const [key, result] of progress.recorded) keepResult(next, key, result);
  return next;
};

/** Begins the step after `ended` with the intent of `key`. @param next its progress, which takes no mail */
export const beginNext = ({ actor, step }: StepEntry, next: StepProgress, key: string): StepLogEntry => {
  next.begun = true;
  next.intents.add(key);
  next.foreseen = key;
  return { kind: 'begin', actor, step: step + 1, taken: [], key };
};

/** One call on its way. */
interface Running {
  readonly cell: ActorCell;
  readonly durable: DurableCell;
  readonly progress: StepProgress;
  readonly turn: number;
  readonly step: number;
  readonly key: string;
}

export class Effects {
  readonly #core: ShardCore;
  readonly #writer: StepWriter;
  readonly #cutBatch: (cell: ActorCell, durable: DurableCell) => void;

  /** @param cutBatch makes the step end with the message at hand, before the journal learns what it has taken */
  constructor(core: ShardCore, writer: StepWriter, cutBatch: (cell: ActorCell, durable: DurableCell) => void) {
    this.#core = core;
    this.#writer = writer;
    this.#cutBatch = cutBatch;
  }

  run(cell: ActorCell, durable: DurableCell, call: EffectCall): Promise<unknown> {
    const { progress } = durable;
    const { key } = call;
    const known = progress.effects.get(key);
    if (known !== undefined) return known;
    const { turn } = cell;
    const running = this.#call({ cell, durable, progress, turn, step: durable.step, key }, call);
    progress.effects.set(key, running);
    // The same key may be tried again after a failure that is not an outcome.
    running.catch(() => {
      if (!progress.recorded.has(REJECTED_PREFIX + key)) progress.effects.delete(key);
    });
    return running;
  }

  async #call(running: Running, { run, options }: EffectCall): Promise<unknown> {
    const { cell, durable, progress, key } = running;
    const atMostOnce = options?.atMostOnce === true;
    const now = atMostOnce || options?.record !== 'step';
    const intent = atMostOnce || (options?.intent ?? now);
    if (now || intent) this.#cutBatch(cell, durable);
    const known = progress.intents.has(key);
    const foreseen = progress.foreseen === key;
    if (foreseen) progress.foreseen = null;
    if (atMostOnce && known && !foreseen) return this.#reject(running, unknownOutcome(cell, key));
    if (intent && !known) await this.#intend(running, atMostOnce ? undefined : 'committed');
    else if (foreseen) await this.#complete(running);
    let result: unknown;
    try {
      result = await run();
    } catch (thrown) {
      this.#checkAlive(running);
      if (!atMostOnce) throw thrown;
      return this.#reject(running, toMegactorError(thrown, 'EFFECT_FAILED'));
    }
    this.#checkAlive(running);
    if (!now || isCanary('effect-late')) {
      progress.unwritten.push([key, result]);
      return result;
    }
    try {
      await this.#record(running, key, result);
    } catch (thrown) {
      // It happened, and what it returned is no data: that is what later tries have to see as well.
      const error = toMegactorError(thrown);
      if (!atMostOnce || error.code !== 'MESSAGE_NOT_CLONEABLE') throw thrown;
      return this.#reject(running, error);
    }
    return result;
  }

  async #intend(running: Running, level: 'committed' | undefined): Promise<void> {
    const { progress, key } = running;
    const begin = beginOf(running);
    const { begun } = progress;
    progress.begun = true;
    progress.intents.add(key);
    try {
      await this.#write(progress, { entries: [begin, ...this.#circumstances(running)], outgoing: [] }, level);
    } catch (thrown) {
      // It was refused before it was sent, or the shard has halted.
      progress.intents.delete(key);
      progress.begun = begun;
      throw thrown;
    }
    this.#checkAlive(running);
  }

  /** An intent that was durable before its step had begun: what the step has asked for since has to be so as well. */
  async #complete(running: Running): Promise<void> {
    const entries = this.#circumstances(running);
    if (entries.length === 0) return;
    await this.#write(running.progress, { entries, outgoing: [] }, 'committed');
    this.#checkAlive(running);
  }

  /** The failure becomes the outcome of the call, in this try and in later ones. */
  async #reject(running: Running, error: MegactorError): Promise<never> {
    await this.#record(running, REJECTED_PREFIX + running.key, errorToWire(error));
    throw error;
  }

  async #record(running: Running, key: string, result: unknown): Promise<void> {
    const { cell, progress, step } = running;
    const first = progress.begun ? [] : [beginOf(running)];
    progress.begun = true;
    const record: StepLogEntry = { kind: 'effect', actor: cell.ref.id, step, key, result };
    const entries = [...first, ...this.#circumstances(running), record];
    const written = this.#write(progress, { entries, outgoing: [] });
    // Known from here on: a step that fails before the answer comes waits for it in its next try.
    progress.recorded.set(key, result);
    try {
      await written;
    } catch (thrown) {
      progress.recorded.delete(key);
      throw thrown;
    }
  }

  /** What a later try has to find as it was: the ticks that were taken, and the moment if it was asked for. */
  #circumstances({ cell, progress, step }: Running): StepLogEntry[] {
    const own: [string, unknown][] = [[TICKS_KEY, this.#core.timers.taken(cell)]];
    if (progress.nowMs !== null) own.push([NOW_KEY, progress.nowMs]);
    const entries: StepLogEntry[] = [];
    for (const [key, result] of own) {
      if (result === undefined || progress.recorded.has(key)) continue;
      progress.effects.set(key, Promise.resolve(result));
      progress.recorded.set(key, result);
      entries.push({ kind: 'effect', actor: cell.ref.id, step, key, result });
    }
    return entries;
  }

  #write(progress: StepProgress, group: LogAppend, level?: 'committed'): Promise<void> {
    const written = this.#writer.append(group, level);
    progress.written = written;
    written.catch(() => undefined);
    return written;
  }

  #checkAlive({ cell, durable, progress, turn }: Running): void {
    if (cell.turn === turn && durable.progress === progress && !this.#core.halted) return;
    throw new MegactorError('ABORTED', `the turn of '${cell.ref.name}' was given up`);
  }
}

const beginOf = ({ cell, progress, step, key }: Running): StepLogEntry => {
  return { kind: 'begin', actor: cell.ref.id, step, taken: [...progress.taken], key };
};

const unknownOutcome = (cell: ActorCell, key: string): MegactorError =>
  new MegactorError('UNKNOWN_OUTCOME', `'${key}' of '${cell.ref.name}' was begun and did not report its end`, {
    details: { actor: cell.ref.name, step: cell.durable?.step ?? 0, key },
  });
