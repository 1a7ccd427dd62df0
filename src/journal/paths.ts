/** Where the journal of a run lies. */
import { statSync } from 'node:fs';
import { join } from 'node:path';

/** The directory of the LMDB environment and of the lease in a run directory. */
export const journalDirectory = (runDirectory: string): string => join(runDirectory, 'journal');

/** Whether a run directory has a journal with anything in it; one that is lost or emptied is none. */
export const hasJournal = (runDirectory: string): boolean =>
  (statSync(join(journalDirectory(runDirectory), 'data.mdb'), { throwIfNoEntry: false })?.size ?? 0) > 0;

/** Where a compaction writes; there only while one is under way or after one was interrupted. */
export const compactionDirectory = (runDirectory: string): string => join(journalDirectory(runDirectory), 'compacting');

/** In the directory of a compaction when its data are whole and about to take the place of the old ones. */
export const SWAPPING_FILE = 'swapping';

/** Where repair number `number` puts the damaged data file. */
export const damagedDirectory = (runDirectory: string, number: number): string =>
  join(runDirectory, `journal.damaged-${number}`);

/** Where a new journal is made before it takes its place; there only meanwhile, and after that was interrupted. */
export const makingDirectory = (runDirectory: string): string => join(journalDirectory(runDirectory), 'making');

/** Where those who read a journal beside its writer say so (`visitors.ts`). */
export const visitorsDirectory = (runDirectory: string): string => join(journalDirectory(runDirectory), 'visitors');
