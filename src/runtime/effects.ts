/**
 * Effects of durable steps: outside calls whose results are recorded, so that a step that is tried again finds them.
 *
 * Invariants: D3 a recorded result is returned without a second call. The journal learns what a step has taken before,
 * or together with, the first result of it. A failure is not a result.
 */
import type { EffectOptions } from '../actor/index.ts';
import type { StepLogEntry } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import type { DurableCell, StepProgress } from './durable-cell.ts';
import type { ShardCore } from './shard-core.ts';
import type { StepWriter } from './step-writer.ts';

/** Key of the recorded moment that `ctx.now()` gave in a step. */
export const NOW_KEY = '@now';

export interface EffectCall {
  readonly key: string;
  readonly run: () => Promise<unknown>;
  readonly options: EffectOptions | undefined;
}

/** Takes a recorded result over into the progress of a step that is tried again. */
export const keepResult = (progress: StepProgress, key: string, result: unknown): void => {
  progress.effects.set(key, Promise.resolve(result));
  progress.recorded.set(key, result);
  if (key === NOW_KEY) progress.nowMs = result as number;
  else progress.before.add(key);
};

/** The moment of the step, if it was asked for and is not in the journal yet. */
const momentOf = (cell: ActorCell, step: number, progress: StepProgress): StepLogEntry[] => {
  if (progress.nowMs === null || progress.effects.has(NOW_KEY)) return [];
  progress.effects.set(NOW_KEY, Promise.resolve(progress.nowMs));
  return [{ kind: 'effect', actor: cell.ref.id, step, key: NOW_KEY, result: progress.nowMs }];
};

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
    const known = progress.effects.get(call.key);
    if (known !== undefined) return known;
    const running = this.#call(cell, durable, progress, call);
    progress.effects.set(call.key, running);
    // The same key may be tried again after a failure.
    running.catch(() => progress.effects.delete(call.key));
    return running;
  }

  async #call(
    cell: ActorCell,
    durable: DurableCell,
    progress: StepProgress,
    { key, run, options }: EffectCall,
  ): Promise<unknown> {
    const now = options?.record !== 'step';
    const intent = options?.intent ?? now;
    const { turn } = cell;
    const { step } = durable;
    const actor = cell.ref.id;
    if (now || intent) this.#cutBatch(cell, durable);
    const begin: StepLogEntry = { kind: 'begin', actor, step, taken: [...progress.taken], key };
    if (intent && !progress.intents.has(key)) {
      progress.begun = true;
      progress.intents.add(key);
      await this.#writer.append({ entries: [begin, ...momentOf(cell, step, progress)], outgoing: [] }, 'committed');
      this.#checkAlive(cell, turn);
    }
    const result = await run();
    this.#checkAlive(cell, turn);
    if (!now) {
      progress.unwritten.push([key, result]);
      return result;
    }
    const first = progress.begun ? [] : [begin];
    progress.begun = true;
    const record: StepLogEntry = { kind: 'effect', actor, step, key, result };
    await this.#writer.append({ entries: [...first, ...momentOf(cell, step, progress), record], outgoing: [] });
    progress.recorded.set(key, result);
    return result;
  }

  #checkAlive(cell: ActorCell, turn: number): void {
    if (cell.turn === turn && !this.#core.halted) return;
    throw new MegactorError('ABORTED', `the turn of '${cell.ref.name}' was given up`);
  }
}
