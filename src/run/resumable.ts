/** Whether a run may go on, and how that is said. Pure. */
import { MegactorError } from '../protocol/errors.ts';
import type { RunFile } from './run-directory.ts';

/** Failed runs that may go on, because what failed was around them, or can be repaired. */
const RESUMABLE_FAILURES: readonly string[] = ['model-unreachable', 'disk', 'journal-damaged', 'internal'];

/** True for a run that has ended and keeps its end. */
export const hasEnded = ({ status, reason }: Pick<RunFile, 'status' | 'reason'>): boolean =>
  status === 'completed' || status === 'stopped' || (status === 'failed' && !RESUMABLE_FAILURES.includes(reason ?? ''));

interface Resting extends Pick<RunFile, 'status' | 'reason'> {
  readonly settings: Pick<RunFile['settings'], 'durability'>;
}

/** A run without a journal has nothing to go on from. */
export const mayResume = (run: Resting): boolean => !hasEnded(run) && run.settings.durability !== 'none';

/** What a result says of that; nothing of a run with a journal. */
export const keptOf = ({ settings }: Pick<Resting, 'settings'>): { readonly durability?: 'none' } =>
  settings.durability === 'none' ? { durability: 'none' } : {};

export const NOTHING_KEPT = 'Nothing was kept to go on from (--durability none).';

/** What ended or paused a run, without the advice to resume it where that cannot be done. */
export const withoutWayOn = (error: MegactorError, run: Resting): MegactorError => {
  const { code, message, hint, details } = error;
  if (run.settings.durability !== 'none' || !/resume the run/iu.test(hint)) return error;
  const other = hint.replace('resume the run', 'start a new run').replace('Resume the run', 'Start a new run');
  return new MegactorError(code, message, { hint: `${other} ${NOTHING_KEPT}`, details, cause: error });
};

/** A failure that ended a run, with the way on in its hint when there is one. */
export const withWayOn = (error: MegactorError, run: Resting, runDir: string): MegactorError => {
  if (!mayResume(run)) return withoutWayOn(error, run);
  const { code, message, hint, details } = error;
  const way = `\`megactor resume ${runDir}\``;
  const told = hint.includes('resume the run')
    ? hint.replace('resume the run', `resume the run: ${way}`)
    : `${hint} Then go on with ${way}.`;
  return new MegactorError(code, message, { hint: told, details, cause: error });
};
