/**
 * Git's index file, versions 2 and 3: what git last saw of the work tree. Read so that files which did not change need
 * not be looked at, and written when the work tree was brought to a commit. Extensions are dropped: they are caches.
 */
import type { BigIntStats } from 'node:fs';
import { createHash } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';

export interface IndexEntry {
  readonly path: string;
  readonly oid: string;
  /** As a number: 0o100644, 0o100755, 0o120000, 0o160000. */
  readonly mode: number;
  /** Times, device, inode, owner and size as git keeps them, 10 numbers. */
  readonly stat: readonly number[];
}

const SIGNATURE = 'DIRC';
const STAT_FIELDS = 10;
const MODE_FIELD = 6;
const FIXED_BYTES = STAT_FIELDS * 4 + 20 + 2;
const NAME_LENGTH_MASK = 0x0fff;
const STAGE_MASK = 0x3000;
const EXTENDED = 0x4000;

const damaged = (message: string): MegactorError =>
  new MegactorError('WORKSPACE_FOREIGN', `the index of the repository ${message}`, {
    hint: 'Run `git update-index --index-version 2 --no-split-index` in the workspace, or choose another.',
  });

/** The entries of an index; unmerged ones are left out, so that what they stand for counts as changed. */
export const parseIndex = (bytes: Buffer): IndexEntry[] => {
  if (bytes.length < 32 || bytes.toString('latin1', 0, 4) !== SIGNATURE) throw damaged('is damaged');
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw damaged(`has version ${version}`);
  const entries: IndexEntry[] = [];
  let at = 12;
  for (let count = bytes.readUInt32BE(8); count > 0; count -= 1) {
    const stat = Array.from({ length: STAT_FIELDS }, (_, field) => bytes.readUInt32BE(at + field * 4));
    const oid = bytes.toString('hex', at + STAT_FIELDS * 4, at + STAT_FIELDS * 4 + 20);
    const flags = bytes.readUInt16BE(at + FIXED_BYTES - 2);
    const nameAt = at + FIXED_BYTES + ((flags & EXTENDED) === 0 ? 0 : 2);
    const end = bytes.indexOf(0, nameAt);
    if (end === -1) throw damaged('is damaged');
    if ((flags & STAGE_MASK) === 0) {
      entries.push({ path: bytes.toString('utf8', nameAt, end), oid, mode: stat[MODE_FIELD] ?? 0, stat });
    }
    at += Math.floor((end - at) / 8) * 8 + 8;
  }
  // Extensions that begin with a small letter change the meaning of the entries.
  const extension = at < bytes.length - 20 ? bytes.toString('latin1', at, at + 4) : 'A';
  if (!/^[A-Z]/u.test(extension)) throw damaged(`needs the extension ${extension}`);
  return entries;
};

export const formatIndex = (entries: readonly IndexEntry[]): Buffer => {
  const named = entries
    .map((entry) => ({ entry, name: Buffer.from(entry.path, 'utf8') }))
    .sort((left, right) => Buffer.compare(left.name, right.name));
  const header = Buffer.alloc(12);
  header.write(SIGNATURE, 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(named.length, 8);
  const parts = [header];
  for (const { entry, name } of named) {
    const bytes = Buffer.alloc(Math.floor((FIXED_BYTES + name.length) / 8) * 8 + 8);
    entry.stat.forEach((value, field) => bytes.writeUInt32BE(value >>> 0, field * 4));
    bytes.writeUInt32BE(entry.mode, MODE_FIELD * 4);
    bytes.write(entry.oid, STAT_FIELDS * 4, 'hex');
    bytes.writeUInt16BE(Math.min(name.length, NAME_LENGTH_MASK), FIXED_BYTES - 2);
    name.copy(bytes, FIXED_BYTES);
    parts.push(bytes);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
};

const NANOSECONDS = 1_000_000_000n;
const low32 = (value: bigint): number => Number(value & 0xffffffffn);

/** The numbers that git keeps of a file, to see later whether it changed. */
export const statNumbers = (stat: BigIntStats): number[] => [
  low32(stat.ctimeNs / NANOSECONDS),
  low32(stat.ctimeNs % NANOSECONDS),
  low32(stat.mtimeNs / NANOSECONDS),
  low32(stat.mtimeNs % NANOSECONDS),
  low32(stat.dev),
  low32(stat.ino),
  low32(stat.mode),
  low32(stat.uid),
  low32(stat.gid),
  low32(stat.size),
];

/** True when a file looks untouched since the entry was made: same modification time, inode and size. */
export const looksSame = (entry: IndexEntry, stat: BigIntStats): boolean => {
  const now = statNumbers(stat);
  return [2, 3, 5, 9].every((field) => now[field] === entry.stat[field]);
};
