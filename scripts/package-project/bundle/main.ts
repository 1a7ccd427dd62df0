/**
 * A program in one file: its threads import it for what it exports, and do nothing else with it. Arguments: a folder for
 * the journal; a folder with the programs of the threads, unless they are beside it. Prints one line of JSON.
 */
import { isMainThread } from 'node:worker_threads';
import { pathToFileURL } from 'node:url';
import { ActorSystem } from 'megactor';
import { tally } from './parts.ts';

export { createPrices, createTaxes, tally } from './parts.ts';

const main = async (journal: string, entries: string | undefined): Promise<void> => {
  const start = (): Promise<ActorSystem> =>
    ActorSystem.start({
      threads: 2,
      shards: 2,
      journal,
      services: [
        { name: 'prices', module: import.meta.url, export: 'createPrices' },
        { name: 'taxes', module: import.meta.url, export: 'createTaxes' },
      ],
      ...(entries === undefined
        ? {}
        : {
            hostEntry: new URL('host-entry.js', pathToFileURL(`${entries}/`)),
            serviceEntry: new URL('service-entry.js', pathToFileURL(`${entries}/`)),
          }),
    });
  const first = await start();
  const ref = await first.spawn(tally, 1, { name: 'visits', durable: true });
  ref.tell('add', 2);
  await ref.ask('total', undefined, { deadlineMs: 30_000 });
  await first.stop();
  const second = await start();
  const found = await second.lookup<typeof tally.messages>('visits');
  const total = await found?.ask('total', undefined, { deadlineMs: 30_000 });
  const price = await second.callService('prices', 'price', null);
  const tax = await second.callService('taxes', 'tax', null);
  await second.stop();
  console.log(JSON.stringify({ total, price, tax }));
};

const [, , journal = 'out', entries] = process.argv;
if (isMainThread) await main(journal, entries);
