/**
 * Replays a journal (D5): runs every step of every durable actor again, and compares it with the log entry by entry. The
 * journal may be that of a run that works on: the reader sees one moment of it. Nothing is written.
 */
import { type JournalReader, logHashOf } from '../../journal/index.ts';
import { systemClock, type Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { DefinitionLoader } from '../definition-loader.ts';
import { type Divergence, ShardReplay } from './shard-replay.ts';

export type { Differing } from './compare.ts';
export type { Divergence } from './shard-replay.ts';

export interface Replayed {
  /** Entries of all logs that were read, up to the divergence if there is one. */
  readonly entries: number;
  /** The hash of the log as it was replayed; up to the divergence if there is one. */
  readonly logHash: string;
  /** The first difference, in order of shards and positions; null: there is none. */
  readonly diverged: Divergence | null;
}

export interface ReplayJournalOptions {
  /** Of the system whose journal it is: what `ctx.random` draws depends on it. */
  readonly seed: number;
  readonly loader?: DefinitionLoader;
  readonly clock?: Clock;
  readonly onProgress?: (entries: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a step saw that is in no log is not replayed, and shows as a divergence: asks, replies, and mail of ephemeral
 * actors that changed a durable actor's state.
 * @throws JOURNAL_DAMAGED, DEFINITION_INVALID when the code of an actor is gone, the signal's reason
 */
export const replayJournal = async (reader: JournalReader, options: ReplayJournalOptions): Promise<Replayed> => {
  const { seed, signal, clock = systemClock, loader = new DefinitionLoader(), onProgress = () => undefined } = options;
  const shards = reader.shards.length;
  const chains: ShardReplay['chains'][] = [];
  let entries = 0;
  for (let shard = 0; shard < shards; shard += 1) {
    const before = entries;
    const replay = new ShardReplay({
      shard,
      shards,
      seed,
      loader,
      reader,
      clock,
      signal,
      onProgress: (done) => onProgress(before + done),
    });
    const diverged = await replay.run();
    chains.push(replay.chains);
    entries += replay.entries;
    if (diverged !== null) return { entries, logHash: logHashOf(chains), diverged };
  }
  const logHash = logHashOf(chains);
  if (logHash !== reader.logHash) {
    throw new MegactorError('INTERNAL', `every entry was replayed, and the hash is ${logHash}, not ${reader.logHash}`);
  }
  return { entries, logHash, diverged: null };
};
