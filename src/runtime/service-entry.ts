/** Entry of a service thread. */
import { MessageChannel, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../platform/index.ts';
import { ServiceBody } from './service-body.ts';
import type { ServiceThreadTask, ToServiceThread } from './service-thread-wire.ts';

const main = parentPort as MessagePort;

const body = new ServiceBody({
  task: workerData as ServiceThreadTask,
  clock: systemClock,
  post: (message) => main.postMessage(message),
  channel: () => new MessageChannel(),
  importModule: (url) => import(url),
  // Only one of the threads holds a journal.
  openJournal: async (spec) => (await import('../journal/server.ts')).JournalServer.open(spec),
});
main.on('message', (message: ToServiceThread) => body.receive(message));
body.start();
