/** Where the journal of a run lies. */
import { statSync } from 'node:fs';
import { join } from 'node:path';

/** The directory of the LMDB environment and of the lease in a run directory. */
export const journalDirectory = (runDirectory: string): string => join(runDirectory, 'journal');

/** Whether a run directory has a journal with anything in it; one that is lost or emptied is none. */
export const hasJournal = (runDirectory: string): boolean =>
  (statSync(join(journalDirectory(runDirectory), 'data.mdb'), { throwIfNoEntry: false })?.size ?? 0) > 0;
