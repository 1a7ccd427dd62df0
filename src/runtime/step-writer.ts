/** Appends to the journal for one shard, and tells the journal's failures from the handler's. */
import type { LogAppend, ShardLog } from '../journal/shard-log.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { isDurable } from './saves.ts';
import type { ShardCore } from './shard-core.ts';

/** After these the shard must not act any more; anything else is the fault of what was to be written. */
const JOURNAL_CODES: ReadonlySet<string> = new Set([
  'JOURNAL_DAMAGED',
  'JOURNAL_FENCED',
  'JOURNAL_POSITION',
  'DISK',
  'SYSTEM_STOPPED',
  'HOST_DIED',
]);

export class StepWriter {
  readonly #core: ShardCore;

  constructor(core: ShardCore) {
    this.#core = core;
  }

  readonly #failed = (thrown: unknown): never => {
    const error = toMegactorError(thrown);
    if (JOURNAL_CODES.has(error.code)) this.#core.halt(error);
    throw thrown;
  };

  /**
   * The group is captured before this returns.
   * @throws what the journal throws; its own failures halt the shard
   */
  append(group: LogAppend, level?: 'committed'): Promise<void> {
    const { halted, saves, cells } = this.#core;
    if (halted) return Promise.reject(new MegactorError('ABORTED', 'the journal of this shard failed'));
    for (const { kind, actor } of group.entries) {
      const cell = kind === 'drop' ? undefined : cells.get(actor);
      if (cell !== undefined && isDurable(cell)) saves.touch(cell);
    }
    saves.written(group.entries.length, group.packedState?.length ?? 0);
    return (this.#core.parts.log as ShardLog).append(group, level).catch(this.#failed);
  }
}
