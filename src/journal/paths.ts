/** Where the journal of a run lies. */
import { join } from 'node:path';

/** The directory of the LMDB environment and of the lease in a run directory. */
export const journalDirectory = (runDirectory: string): string => join(runDirectory, 'journal');
