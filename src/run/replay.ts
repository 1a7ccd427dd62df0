/**
 * Replays the log of a run: live, at rest or killed. It reads `run.json` and one moment of the journal, asks no model,
 * touches no file, and needs no lease.
 */
import { readJournal } from '../journal/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { replayJournal } from '../runtime/replay/index.ts';
import { RunDirectory } from './run-directory.ts';
import type { Replay, ReplayOptions } from './types.ts';

/**
 * @throws RUN_DIR_NOT_FOUND (also when the run has no journal), RUN_DIR_FOREIGN, RUN_FORMAT, JOURNAL_DAMAGED,
 * DEFINITION_INVALID, DISK, and the reason of `options.signal`
 */
export const replayRun = async (runDir: string, options: ReplayOptions = {}): Promise<Replay> => {
  const { directory, run } = RunDirectory.open(runDir);
  const { seed, durability } = run.settings;
  if (durability === 'none') {
    throw new MegactorError('RUN_DIR_NOT_FOUND', `run ${run.runId} kept no journal (--durability none)`, {
      hint: 'There is nothing to replay.',
    });
  }
  const journal = await readJournal(directory.path);
  try {
    return await replayJournal(journal, { ...options, seed });
  } finally {
    await journal.close();
  }
};
