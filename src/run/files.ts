/**
 * The files of a run, their history and whose lines they hold, while the run is on and after it: current files from the
 * journal, history from git. Reads both without taking part, and changes nothing.
 */
import { systemClock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { checkPath } from '../workspace/path-jail.ts';
import { openHistory, type StoredFiles } from '../workspace/stored-files.ts';
import { journalOf, statusOf } from './inspect.ts';
import { RunDirectory } from './run-directory.ts';
import type { FilesOptions, RunFiles } from './types.ts';

const checkedPath = (given: string): string => {
  const checked = checkPath(given);
  if (checked.ok) return checked.path;
  throw new MegactorError('USAGE', checked.error.message, { hint: checked.error.hint });
};

const noSuchFile = (path: string): MegactorError =>
  new MegactorError('FILE_NOT_FOUND', `the history of this run has no text file ${path}`);

const withHistory = async (
  stored: StoredFiles,
  { log, blame }: FilesOptions,
): Promise<Pick<RunFiles, 'log' | 'blame'>> => {
  if (log !== undefined) {
    const path = checkedPath(log);
    const versions = await stored.history(path);
    if (versions.length === 0) throw noSuchFile(path);
    return { log: { path, versions } };
  }
  if (blame === undefined) return {};
  const path = checkedPath(blame);
  const lines = await stored.blame(path);
  if (lines === undefined) throw noSuchFile(path);
  return { blame: { path, lines } };
};

/**
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_FORMAT, FILE_NOT_FOUND, USAGE, JOURNAL_DAMAGED, WORKSPACE_FOREIGN, DISK
 */
export const runFiles = async (runDir: string, options: FilesOptions = {}): Promise<RunFiles> => {
  const { directory, run } = RunDirectory.open(runDir);
  const { workspace, durability } = run.settings;
  const journal = durability === 'none' ? null : await journalOf(directory);
  try {
    const stored = await openHistory({
      directory: workspace,
      runId: run.runId,
      store: journal?.store('workspace') ?? null,
      clock: systemClock,
    });
    const { branch, files } = stored;
    const more = await withHistory(stored, options);
    return { runId: run.runId, status: statusOf(run, directory), workspace, branch, files, ...more };
  } finally {
    await journal?.close();
  }
};
