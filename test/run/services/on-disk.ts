/** A journal on disk in this process, for a service's table. */
import { MessageChannel } from 'node:worker_threads';
import { createJournalClient, JournalServer, type ServiceStore } from '../../../src/journal/index.ts';

export const openOnDisk = async (directory: string): Promise<{ store: ServiceStore; close: () => Promise<void> }> => {
  const server = await JournalServer.open({ directory, shards: 1, durability: 'committed' });
  const { port1, port2 } = new MessageChannel();
  server.attach(port1);
  const client = createJournalClient(port2);
  return {
    store: client.store('service'),
    close: async () => {
      await client.close();
      await server.close();
    },
  };
};
