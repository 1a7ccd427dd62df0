/**
 * Makes the journal of a run that nobody works on small, under the lease of its directory. What it takes away is the way
 * that the agents went; where they are stays, and the run goes on from there as it would have.
 */
import { acquireLease, compactJournal, hasJournal } from '../journal/index.ts';
import { systemClock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { inspectRun } from './inspect.ts';
import { RunDirectory } from './run-directory.ts';
import type { Compacted } from './types.ts';

/**
 * @throws RUN_DIR_NOT_FOUND (also when the run has no journal), RUN_DIR_FOREIGN, RUN_DIR_IN_USE while a process works on
 * the run, RUN_FORMAT, JOURNAL_DAMAGED, DISK; whatever it throws, the journal is whole
 */
export const compactRun = async (runDir: string): Promise<Compacted> => {
  const { directory, run } = RunDirectory.open(runDir);
  // Taking a lease makes the directory of a journal, and there is none to be made here.
  if (!hasJournal(directory.path)) {
    const kept = run.settings.durability === 'none' ? 'kept no journal (--durability none)' : 'has no journal';
    throw new MegactorError('RUN_DIR_NOT_FOUND', `run ${run.runId} ${kept}`, { hint: 'There is nothing to compact.' });
  }
  const lease = acquireLease(directory.path, {
    pid: process.pid,
    startedAt: new Date(systemClock.now()).toISOString(),
    compacts: true,
  });
  try {
    const { bytesBefore, bytesAfter, appendsCut, arrivalsCut } = await compactJournal(directory.path);
    const { logHash } = await inspectRun(directory.path);
    return { runId: run.runId, bytesBefore, bytesAfter, cut: { appends: appendsCut, arrivals: arrivalsCut }, logHash };
  } finally {
    lease.release();
  }
};
