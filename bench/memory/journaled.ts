/** A memory over a journal of its own on the disk, served by this thread: what is measured includes the journal's work. */
import { MessageChannel } from 'node:worker_threads';
import { createJournalClient, JournalServer } from '../../src/journal/index.ts';
import { Memory, type Embedder } from '../../src/memory/index.ts';

export interface Journaled {
  readonly memory: Memory;
  close(): Promise<void>;
}

export const openJournaled = async (directory: string, embedder: Embedder | null): Promise<Journaled> => {
  const server = await JournalServer.open({ directory, shards: 1, durability: 'flushed' });
  const { port1, port2 } = new MessageChannel();
  server.attach(port1);
  const client = createJournalClient(port2);
  const memory = await Memory.open({
    store: client.store('memory'),
    embedder,
    directory: `${directory}/indexes`,
    // All that is measured stays in memory; what leaves it is measured as a first recall.
    limits: { residentBytesMax: 4 * 1024 * 1024 * 1024 },
  });
  return {
    memory,
    close: async () => {
      await memory.close();
      await client.close();
      await server.close();
    },
  };
};
