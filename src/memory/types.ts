/**
 * What a memory is, and what is asked of it. Everything is plain data, so that it can cross threads and become the JSON
 * result of a tool.
 */

/** `said`: a text that somebody wrote; `done`: what somebody did, with what came of it. */
export type MemoryKind = 'said' | 'done';

/** A memory on its way in. */
export interface NewMemory {
  /** Whose it is: `agent/NAME`, `group/NAME`, `run`, or any other name of 1–200 characters. */
  readonly scope: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly when: number;
  readonly kind: MemoryKind;
  /** Who said or did it. */
  readonly agent: string;
  /** Where it stands in the agent's own history: what `before` of a recall compares with. */
  readonly at?: number | undefined;
}

export interface Memory {
  /** Unique in the store: the scope, `#`, and a counter. */
  readonly id: string;
  readonly scope: string;
  readonly text: string;
  readonly when: number;
  readonly kind: MemoryKind;
  readonly agent: string;
  /** How many near-duplicates it stands for, itself included. */
  readonly count: number;
}

export interface Recency {
  /** Part of the weight of a ranker, 0…1. 0.3 moves what is new ahead of what matches as well. */
  readonly weight: number;
}

export interface RecallQuery {
  readonly scopes: readonly string[];
  readonly query: string;
  /** Most memories of the answer. Default 5, at most 50. */
  readonly k?: number | undefined;
  /** Ids that are not to be given. */
  readonly exclude?: readonly string[] | undefined;
  /** Nothing of this agent that stands at or behind this place of its history: it sees that anyway. */
  readonly before?: { readonly agent: string; readonly at: number } | undefined;
  /** Which rankers are asked. Default: all that there are. */
  readonly rankers?: 'words' | 'meaning' | 'both' | undefined;
  /** Default: what is new and what is old are equal. */
  readonly recency?: Recency | undefined;
  /** How long to wait for the meaning of a query that was not embedded before. Default 0: then words alone answer. */
  readonly meaningWaitMs?: number | undefined;
}

export interface Recalled extends Memory {
  /** What the rankers say of it: the weight of the query's words that it has, 1 for all; cosine; null: not among the best. */
  readonly words: number | null;
  readonly meaning: number | null;
}

export interface RecallResult {
  /** Best first. */
  readonly memories: readonly Recalled[];
  /**
   * `used`: vectors took part. `off`: there is no embedder, or nothing of these scopes has a vector. `waiting`: the query is
   * being embedded, and the same recall later has its meaning too. `failed`: the embedder does not work at present.
   */
  readonly meaning: 'used' | 'off' | 'waiting' | 'failed';
}

export interface AddResult {
  readonly ok: true;
  /** Ids in the order of the memories; null for one without a word. */
  readonly ids: readonly (string | null)[];
}

/** Texts to vectors. */
export interface Embedder {
  /** Names the model: vectors of different models are never compared. */
  readonly model: string;
  /**
   * One vector a text, all of the same length, in order.
   * @throws MegactorError; `retryable` says whether trying again may help
   */
  embed(
    texts: readonly string[],
    options: { readonly signal: AbortSignal; readonly urgent: boolean },
  ): Promise<Float32Array[]>;
  close?(): Promise<void> | void;
}

export interface EmbeddingStats {
  /** Null without an embedder. */
  readonly model: string | null;
  readonly dimensions: number | null;
  /** Vectors made by this process. */
  readonly embedded: number;
  /** Memories that still wait for a vector. */
  readonly waiting: number;
  /** Texts that the embedder refused: words find them. */
  readonly refused: number;
  /** What exists has vectors of another model or length, and is being embedded again: words alone find it meanwhile. */
  readonly reembedding: boolean;
  /** `backoff`, then `failing`: it is tried again and again. `stopped`: not before the next opening. */
  readonly state: 'off' | 'idle' | 'working' | 'backoff' | 'failing' | 'stopped';
  /** Of the last failure; null after a success. */
  readonly error: string | null;
}

export interface MemoryStats {
  /** Memories and scopes of this store that were used by this process. */
  readonly scopes: number;
  readonly added: number;
  readonly merged: number;
  /** Left their full scope. */
  readonly dropped: number;
  readonly recalls: number;
  /** Scopes whose words are in memory, with their memories. */
  readonly loadedScopes: number;
  readonly loadedMemories: number;
  /** Of the vectors in memory, about. */
  readonly vectorBytes: number;
  /** Indexes that were made anew because their file was missing, damaged or of another model. */
  readonly rebuilt: number;
  readonly embedding: EmbeddingStats;
}
