/** Appends to the journal for one shard, and tells the journal's failures from the handler's. */
import type { LogAppend, ShardLog } from '../journal/shard-log.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
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

  /** The group is captured before this returns. @throws what the journal throws; its own failures halt the shard */
  async append(group: LogAppend, level?: 'committed'): Promise<void> {
    if (this.#core.halted) throw new MegactorError('ABORTED', 'the journal of this shard failed');
    try {
      await (this.#core.parts.log as ShardLog).append(group, level);
    } catch (thrown) {
      const error = toMegactorError(thrown);
      if (JOURNAL_CODES.has(error.code)) this.#core.halt(error);
      throw thrown;
    }
  }
}
