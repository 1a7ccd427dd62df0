/**
 * The index of a large scope as a file: a cache of what the store holds, so that an opening need not make it anew. Reading
 * a damaged file would end the process, so none is read whose bytes are not the ones that were written.
 *
 * Invariants: X4 An index file is loaded only when its length, its checksum, its model and its dimensions are those in the
 * store. X5 It stands under its name whole or not at all, and the store speaks of it only once it is on the disk.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from '../platform/index.ts';
import { hashString } from '../protocol/ids.ts';
import { indexRecordSchema, type IndexRecord } from './store-layout.ts';
import { newIndex, type Index, type Usearch } from './usearch.ts';

const TEMPORARY = '.tmp';

const digestOf = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(part as Buffer);
  return hash.digest('hex');
};

/** Puts a file or a directory on the disk. */
const sync = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const hex = (value: number): string => value.toString(16).padStart(8, '0');

const stemOf = (scope: string): string => `${hex(hashString(scope))}${hex(hashString(scope, 1))}`;

export interface SavedIndex {
  readonly model: string;
  readonly dimensions: number;
  /** The first memory whose vector is not in it. */
  readonly next: number;
}

/** Writes the index of a scope. The caller puts the record into the store, then calls `removeOthers`. */
export const saveIndex = async (
  directory: string,
  scope: string,
  index: Index,
  about: SavedIndex,
): Promise<IndexRecord> => {
  await mkdir(directory, { recursive: true });
  const file = `${stemOf(scope)}-${about.next.toString(16)}.usearch`;
  const temporary = join(directory, `${file}${TEMPORARY}`);
  const count = index.size();
  index.save(temporary);
  await sync(temporary);
  const { size } = await stat(temporary);
  const sha256 = await digestOf(temporary);
  await rename(temporary, join(directory, file));
  await sync(directory);
  return { file, bytes: size, sha256, count, ...about };
};

/** Removes files of the scope but the one that its record names. */
export const removeOthers = async (directory: string, scope: string, kept: string | null): Promise<void> => {
  const stem = stemOf(scope);
  for (const name of await readdir(directory).catch(() => [])) {
    if (name.startsWith(stem) && name !== kept) await rm(join(directory, name), { force: true });
  }
};

export type LoadedIndex =
  | { readonly index: Index; readonly record: IndexRecord }
  /** Why there is none. */
  | { readonly index: null; readonly why: 'none' | 'damaged' | 'other-model' };

/** The index that a record speaks of, if the file is what it was. */
export const loadIndex = async (
  usearch: Usearch,
  directory: string,
  raw: unknown,
  { model, dimensions }: { readonly model: string; readonly dimensions: number },
): Promise<LoadedIndex> => {
  if (raw === undefined) return { index: null, why: 'none' };
  const parsed = indexRecordSchema.safeParse(raw);
  if (!parsed.success) return { index: null, why: 'damaged' };
  const record = parsed.data;
  if (record.model !== model || record.dimensions !== dimensions) return { index: null, why: 'other-model' };
  const file = join(directory, record.file);
  try {
    const { size } = await stat(file);
    if (size !== record.bytes || (await digestOf(file)) !== record.sha256) return { index: null, why: 'damaged' };
  } catch {
    return { index: null, why: 'damaged' };
  }
  const index = newIndex(usearch, dimensions);
  index.load(file);
  const isWhole = index.dimensions() === dimensions && index.size() === record.count;
  return isWhole ? { index, record } : { index: null, why: 'damaged' };
};
