/** A memory over the real journal, and embedders that tests can hold and break. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import { createJournalClient, JournalServer, type ServiceStore } from '../../src/journal/index.ts';
import type { Embedder, NewMemory } from '../../src/memory/index.ts';
import { seededRandom } from '../../src/platform/index.ts';
import { hashString } from '../../src/protocol/ids.ts';

export const temporaryDirectory = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'megactor-memory-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
};

export interface OpenStore {
  readonly store: ServiceStore;
  readonly close: () => Promise<void>;
}

/** The table of a service in a journal on the disk. */
export const openStore = async (directory: string): Promise<OpenStore> => {
  const server = await JournalServer.open({ directory, shards: 1, durability: 'committed' });
  const { port1, port2 } = new MessageChannel();
  server.attach(port1);
  const client = createJournalClient(port2);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await client.close();
    await server.close();
  };
  onTestFinished(close);
  return { store: client.store('memory'), close };
};

let moment = 1_000;

export const memoryOf = (scope: string, text: string, more: Partial<NewMemory> = {}): NewMemory => {
  moment += 1;
  return { scope, text, when: moment, kind: 'said', agent: 'Ada', ...more };
};

/** Directions by words: texts that share words are near, and synonyms of `SAME` count as one word. */
const SAME: Readonly<Record<string, string>> = { harbour: 'port', shuts: 'closes', purchase: 'buy' };

export class WordEmbedder implements Embedder {
  readonly model: string;
  readonly dimensions: number;
  readonly asked: string[] = [];
  /** Set: every call waits for it. */
  gate: Promise<void> | null = null;
  /** Set: thrown instead of an answer; called with the texts. */
  fail: ((texts: readonly string[]) => Error | null) | null = null;

  constructor(model = 'words-a', dimensions = 64) {
    this.model = model;
    this.dimensions = dimensions;
  }

  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    this.asked.push(...texts);
    await this.gate;
    const error = this.fail?.(texts) ?? null;
    if (error !== null) throw error;
    return texts.map((text) => this.vectorOf(text));
  }

  vectorOf(text: string): Float32Array {
    const vector = new Float32Array(this.dimensions).fill(0.001);
    for (const word of text.toLowerCase().match(/[a-z]{4,}|n\d+/gu) ?? []) {
      const random = seededRandom(hashString(SAME[word] ?? word));
      for (let index = 0; index < this.dimensions; index += 1) vector[index] = (vector[index] ?? 0) + random() - 0.5;
    }
    return vector;
  }
}
