/**
 * How good recall is on a set: the memories of each line go into a scope of their own, then every query is asked of each
 * ranker alone, of both, and of the last ten messages, which is what an agent without a memory sees.
 *
 * hit@k: the part of the queries with a relevant memory among the first k. MRR: the mean of one by its rank, within the
 * first ten.
 */
import { createMemoryStore, Memory, type Embedder } from '../../src/memory/index.ts';
import type { QualityLine } from './quality-set.ts';

export const RANKERS = ['words', 'vectors', 'fused', 'last-10'] as const;
export type Ranker = (typeof RANKERS)[number];

export interface Scores {
  readonly queries: number;
  readonly hit1: number;
  readonly hit3: number;
  readonly mrr: number;
}

/** By kind, `all` among them, and by ranker; without an embedder nothing of `vectors` and `fused`. */
export type Quality = ReadonlyMap<string, ReadonlyMap<Ranker, Scores>>;

const ASKED = { words: 'words', vectors: 'meaning', fused: 'both' } as const;
const K = 10;
const WAIT_MS = 120_000;

/** The rank of the first relevant one, from 1; 0: none. */
export const rankOf = (found: readonly string[], relevant: readonly string[]): number =>
  found.findIndex((id) => relevant.includes(id)) + 1;

export const scoresOf = (ranks: readonly number[]): Scores => {
  const part = (limit: number): number => ranks.filter((rank) => rank > 0 && rank <= limit).length / ranks.length;
  const mrr = ranks.reduce((sum, rank) => sum + (rank === 0 ? 0 : 1 / rank), 0) / ranks.length;
  return { queries: ranks.length, hit1: part(1), hit3: part(3), mrr };
};

const askLine = async (
  memory: Memory,
  line: QualityLine,
  rankers: readonly Ranker[],
  note: (kind: string, ranker: Ranker, rank: number) => void,
): Promise<void> => {
  const { scope, memories, queries } = line;
  const { ids } = await memory.add(
    memories.map(({ text }, at) => ({ scope, text, when: at, kind: 'said', agent: 'set' })),
    { effectId: null },
  );
  await memory.embedded();
  const byId = new Map(ids.map((id, at) => [id, memories[at]?.id ?? '']));
  const last = memories
    .slice(-K)
    .map(({ id }) => id)
    .reverse();
  for (const { text, relevant, kind = 'given' } of queries) {
    for (const ranker of rankers) {
      let found: readonly string[] = last;
      if (ranker !== 'last-10') {
        const recalled = await memory.recall({
          scopes: [scope],
          query: text,
          k: K,
          rankers: ASKED[ranker],
          meaningWaitMs: WAIT_MS,
        });
        if (ranker !== 'words' && recalled.meaning !== 'used') throw new Error(`vectors are ${recalled.meaning}`);
        found = recalled.memories.map(({ id }) => byId.get(id) ?? '');
      }
      note(kind, ranker, rankOf(found, relevant));
    }
  }
};

/** @param embedder null: words and the last ten messages only */
export const measureQuality = async (lines: readonly QualityLine[], embedder: Embedder | null): Promise<Quality> => {
  const rankers = RANKERS.filter((ranker) => embedder !== null || ranker === 'words' || ranker === 'last-10');
  const ranks = new Map<string, Map<Ranker, number[]>>();
  const note = (kind: string, ranker: Ranker, rank: number): void => {
    for (const name of [kind, 'all']) {
      const ofKind = ranks.get(name) ?? new Map<Ranker, number[]>();
      ranks.set(name, ofKind);
      const known = ofKind.get(ranker) ?? [];
      ofKind.set(ranker, known);
      known.push(rank);
    }
  };
  const memory = await Memory.open({ store: createMemoryStore(), embedder });
  try {
    for (const line of lines) await askLine(memory, line, rankers, note);
  } finally {
    await memory.close();
  }
  return new Map(
    [...ranks].map(([kind, ofKind]) => [kind, new Map([...ofKind].map(([ranker, all]) => [ranker, scoresOf(all)]))]),
  );
};
