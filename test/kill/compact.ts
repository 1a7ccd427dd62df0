/** Compacts the journal of a run directory that no process has, in a process of its own that may be killed on its way. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./compact-process.ts', import.meta.url));

/** A process that takes longer hangs. */
const PROCESS_MAX_MS = 120_000;

/** A compaction passes its kill point as often. */
export const COMPACTION_PASSAGES = 3;

/** Whether a compaction has replaced the journal, wherever it was killed. */
export const replaces = (killAt: number | null): boolean => killAt === null || killAt === COMPACTION_PASSAGES;

/**
 * @param killAt the passage of the point `compaction` that kills it, counted from 1; null: none
 * @returns whether it was killed
 * @throws when it ended otherwise
 */
export const compactOffline = async (runDirectory: string, killAt: number | null): Promise<'done' | 'killed'> => {
  const armed = killAt === null ? undefined : `compaction:${killAt}`;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, runDirectory], {
    env: { ...process.env, NODE_ENV: 'test', MEGACTOR_KILL_AT: armed },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const hanging = setTimeout(() => child.kill('SIGTERM'), PROCESS_MAX_MS);
  const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve(signal ?? exitCode));
  });
  clearTimeout(hanging);
  if (ended === (killAt === null ? 0 : 'SIGKILL')) return killAt === null ? 'done' : 'killed';
  throw new Error(`compacting ended with ${ended}${killAt === null ? '' : `, armed with ${armed}`}: ${errors}`);
};
