/** Whether a run may go on. Pure. */
import type { RunFile } from './run-directory.ts';

/** Failed runs that may go on, because what failed was around them, or can be repaired. */
const RESUMABLE_FAILURES: readonly string[] = ['model-unreachable', 'disk', 'journal-damaged', 'internal'];

/** True for a run that has ended and keeps its end. */
export const hasEnded = ({ status, reason }: Pick<RunFile, 'status' | 'reason'>): boolean =>
  status === 'completed' || status === 'stopped' || (status === 'failed' && !RESUMABLE_FAILURES.includes(reason ?? ''));

/** A run without a journal has nothing to go on from. */
export const mayResume = (run: Pick<RunFile, 'status' | 'reason' | 'settings'>): boolean =>
  !hasEnded(run) && run.settings.durability !== 'none';
