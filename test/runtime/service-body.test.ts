/** The end of a service thread that is still starting: native code that is under way is waited for. */
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { JournalServer } from '../../src/journal/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { ServiceBody } from '../../src/runtime/service-body.ts';

const turns = async (): Promise<void> => {
  for (let count = 0; count < 20; count += 1) await turn();
};

test('a stop during the start waits for the journal and for what is being loaded, and makes nothing more', async () => {
  const opening = Promise.withResolvers<void>();
  const loading = Promise.withResolvers<unknown>();
  const posted: string[] = [];
  let made = 0;
  const body = new ServiceBody({
    task: {
      name: 'journal',
      services: [{ name: 'service', module: 'file:///service.ts', options: {} }],
      directory: { service: 'journal' },
      calls: [],
      callers: [],
      journal: { directory: null, durability: 'none', shards: 1 },
    },
    clock: systemClock,
    post: ({ kind }) => void posted.push(kind),
    channel: () => new MessageChannel(),
    importModule: () => loading.promise,
    openJournal: async (spec) => {
      await opening.promise;
      return JournalServer.open(spec);
    },
  });
  body.start();
  body.receive({ kind: 'stop' });
  await turns();
  expect(posted).toEqual([]);
  opening.resolve();
  await turns();
  expect(posted).toEqual([]);
  loading.resolve({
    createService: () => {
      made += 1;
      return {};
    },
  });
  await expect.poll(() => posted).toEqual(['stopped']);
  expect(made).toBe(0);
});

test('a thread that waits for the journal of another stops at once', async () => {
  const posted: string[] = [];
  const body = new ServiceBody({
    task: { name: 'other', services: [], directory: {}, calls: [], callers: [], journal: null },
    clock: systemClock,
    post: ({ kind }) => void posted.push(kind),
    channel: () => new MessageChannel(),
    importModule: () => Promise.resolve({}),
    openJournal: () => Promise.reject(new Error('it holds no journal')),
  });
  body.start();
  await turns();
  body.receive({ kind: 'stop' });
  await expect.poll(() => posted).toEqual(['stopped']);
});
