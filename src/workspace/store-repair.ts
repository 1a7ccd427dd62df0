/**
 * What follows for a workspace's store when records of it are lost: files of which nobody has the content any more, neither
 * the store nor, as far as the store knows, git. Pure.
 */
import type { StoreChange } from '../journal/shard-log.ts';
import { type FileRecord, KEY, type VersionRecord } from './store-layout.ts';

/** @param rows all of the store that is left @returns changes after which an opening misses no content */
export const repairFiles = (rows: ReadonlyMap<string, unknown>): StoreChange[] => {
  const bases = new Set<string>();
  const changes: StoreChange[] = [];
  for (const [key, value] of [...rows].sort(([left], [right]) => (left < right ? -1 : 1))) {
    if (!key.startsWith('v/')) continue;
    const version = value as VersionRecord;
    if (version.kind === 'gone') continue;
    const isWhole = version.kind === 'whole' || bases.has(version.prior);
    // What an append was added to may also be in git, but only when git holds the version before.
    const fromGit = version.kind === 'append' && isInGit(rows, version.replaced);
    if (isWhole || fromGit) bases.add(version.base);
    else changes.push({ key, value: undefined });
  }
  for (const [key, value] of rows) {
    if (!key.startsWith(KEY.file(''))) continue;
    const { commit, base } = value as FileRecord;
    if (commit === null && !bases.has(base)) changes.push({ key, value: undefined });
  }
  return changes;
};

const isInGit = (rows: ReadonlyMap<string, unknown>, sequence: number | null): boolean => {
  const progress = rows.get(KEY.progress) as { readonly sequence: number } | undefined;
  return sequence !== null && sequence <= (progress?.sequence ?? 0);
};
