/** Failures of the file system and of LMDB as entries of the catalogue. */
import { MegactorError } from '../protocol/errors.ts';

const DISK_CODES = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'EFBIG',
  'ENOTDIR',
  'EEXIST',
  'EMFILE',
]);
/** LMDB's own words for a file that is not, or no longer, a sound environment. */
const DAMAGE = /MDB_(CORRUPTED|INVALID|PAGE_NOTFOUND|PANIC|VERSION_MISMATCH|BAD_TXN)/u;
const DISK = /MDB_MAP_FULL|No space left|Read-only file system|File too large|Permission denied|Input\/output error/u;

/** @param doing what was tried, as the start of a sentence */
export const journalError = (thrown: unknown, doing: string): MegactorError => {
  if (thrown instanceof MegactorError) return thrown;
  const { message, code } = thrown as { message: string; code?: unknown };
  const text = `${doing}: ${message}`;
  if (DAMAGE.test(message)) return new MegactorError('JOURNAL_DAMAGED', text, { cause: thrown });
  if (DISK.test(message) || (typeof code === 'string' && DISK_CODES.has(code))) {
    return new MegactorError('DISK', text, { cause: thrown });
  }
  return new MegactorError('INTERNAL', text, { cause: thrown });
};
