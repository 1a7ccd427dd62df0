/** A process that compacts the journal of the run directory it is given, as `MEGACTOR_KILL_AT` may end it. */
import { acquireLease, compactJournal } from '../../src/journal/index.ts';

const runDirectory = process.argv[2] ?? '';
const lease = acquireLease(runDirectory, { pid: process.pid });
try {
  await compactJournal(runDirectory);
} finally {
  lease.release();
}
