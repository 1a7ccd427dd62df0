/**
 * Makes the journal of a run that does not run small: writes a new environment beside it that holds the latest snapshot
 * of every actor, the mail that waits and the steps in progress, with what is to be known of all that is left out
 * (`base.ts`), and puts it in the place of the old one by renaming. It takes no lease; the caller does.
 *
 * Invariants: Z1 the old journal is not touched before the new one is on disk and reads the same: log hash, counts,
 * actors. Z2 at any moment of a crash the directory holds one whole journal, the old or the new one. Z3 what is left in
 * the way is cleared by the next writer (`clearCompaction`).
 */
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { armKillPoints, killPoint } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { clearCompaction, syncDirectory } from './compaction-files.ts';
import { journalError } from './journal-error.ts';
import type { LmdbReads } from './lmdb-backend.ts';
import { compactionDirectory, journalDirectory, SWAPPING_FILE } from './paths.ts';
import { logHashOf } from './log-hash.ts';
import { readShard, type ReadShard } from './reader.ts';

export interface Compaction {
  /** Of the journal's data. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Appends of the step logs that are gone. */
  readonly appendsCut: number;
  /** Consumed mail, signals and spawns that are gone. */
  readonly arrivalsCut: number;
}

/** Adds up what the shards hold. */
class Held {
  appends = 0;
  arrivals = 0;

  add({ held }: ReadShard): void {
    this.appends += held.appends;
    this.arrivals += held.inbox;
  }
}

const bytesOf = (directory: string): number => statSync(join(directory, 'data.mdb')).size;

const eachShard = function* (reads: LmdbReads): Iterable<ReadShard> {
  for (let shard = 0; shard < (reads.meta?.shards ?? 0); shard += 1) yield readShard(reads, shard);
};

/** What must be the same before and after; of a passive actor it is not to be seen how much of it was in snapshots. */
const contentOf = ({ found, counts, end }: ReadShard): unknown => ({
  actors: found.actors
    .map((actor) => ({ ...actor, historySaved: 0 }))
    .sort((left, right) => left.record.id - right.record.id),
  deliveries: found.deliveries,
  idMax: found.idMax,
  counts,
  end: { ...end, chains: logHashOf([end.chains]) },
});

/** @throws INTERNAL when the compacted journal reads otherwise than the old one */
const compare = async (
  old: LmdbReads,
  compacted: LmdbReads,
): Promise<Pick<Compaction, 'appendsCut' | 'arrivalsCut'>> => {
  const heldBefore = new Held();
  const heldAfter = new Held();
  try {
    const shards = eachShard(compacted)[Symbol.iterator]();
    let shard = 0;
    for (const before of eachShard(old)) {
      const after = shards.next();
      if (after.done === true || !isDeepStrictEqual(contentOf(before), contentOf(after.value))) {
        throw new MegactorError('INTERNAL', `the compacted journal of shard ${shard} differs; the old one is kept`);
      }
      heldBefore.add(before);
      heldAfter.add(after.value);
      shard += 1;
    }
  } finally {
    await compacted.close();
  }
  return {
    appendsCut: heldBefore.appends - heldAfter.appends,
    arrivalsCut: heldBefore.arrivals - heldAfter.arrivals,
  };
};

/**
 * Compacts the journal of a run directory. Nobody else may write to it, nor begin to, until this is through.
 * @throws RUN_DIR_NOT_FOUND when there is none, RUN_FORMAT, JOURNAL_DAMAGED, DISK
 */
export const compactJournal = async (runDirectory: string): Promise<Compaction> => {
  const journal = journalDirectory(runDirectory);
  const compacting = compactionDirectory(runDirectory);
  try {
    armKillPoints();
  } catch (error) {
    throw toMegactorError(error, 'CONFIG_INVALID');
  }
  // The native store is loaded by those alone who need it.
  const { openLmdbReads, openReadsIn } = await import('./open-reads.ts');
  const { writeCompacted } = await import('./compaction-writer.ts');
  try {
    clearCompaction(runDirectory);
    const reads = await openLmdbReads(runDirectory);
    const bytesBefore = bytesOf(journal);
    let cut;
    try {
      mkdirSync(compacting);
      await writeCompacted(reads, eachShard(reads), compacting);
      killPoint('compaction');
      cut = await compare(reads, await openReadsIn(compacting));
    } finally {
      await reads.close();
    }
    const bytesAfter = bytesOf(compacting);
    writeFileSync(join(compacting, SWAPPING_FILE), '');
    syncDirectory(compacting);
    killPoint('compaction');
    renameSync(join(compacting, 'data.mdb'), join(journal, 'data.mdb'));
    syncDirectory(journal);
    killPoint('compaction');
    clearCompaction(runDirectory);
    return { bytesBefore, bytesAfter, ...cut };
  } catch (error) {
    clearCompaction(runDirectory);
    throw journalError(error, `the journal in ${runDirectory} cannot be compacted`);
  }
};
