/** The journals that the suites are run against, each as the same few operations. */
import {
  drawTravels,
  type DurabilityLevel,
  type JournalClient,
  type OutboxDefect,
  OutboxDisk,
  type OutboxFaults,
  OutboxJournal,
} from '../../../src/journal/index.ts';
import { seededRandom } from '../../../src/platform/index.ts';
import { startJournal, temporaryDirectory, until } from '../fixtures/harness.ts';
import { AutoClock } from './auto-clock.ts';

export const SHARDS = 3;

export interface RunningJournal {
  client(): JournalClient;
  /** A client and the end of its thread. */
  clientWithPort(): { client: JournalClient; disconnect: () => void };
  /** Resolves when everything that was sent is in the inboxes. */
  arrived(): Promise<void>;
  /** Waits for something that this journal does soon. False when it did not. */
  waitFor(condition: () => boolean): Promise<boolean>;
  /** Ends the process, as roughly as the journal allows within a test, and starts it again over what it has kept. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface JournalSubject {
  readonly name: string;
  /** Whether anything is there after a restart. */
  readonly durable: boolean;
  start(): Promise<RunningJournal>;
}

export const lmdbSubject = (durability: DurabilityLevel): JournalSubject => ({
  name: `LMDB, durability ${durability}`,
  durable: durability !== 'none',
  start: async () => {
    const directory = temporaryDirectory();
    const open = (): ReturnType<typeof startJournal> =>
      startJournal({ directory: directory.path, shards: SHARDS, durability });
    let journal = await open();
    const clients: JournalClient[] = [];
    return {
      client: () => {
        const client = journal.client();
        clients.push(client);
        return client;
      },
      clientWithPort: () => journal.clientWithPort(),
      arrived: () => Promise.resolve(),
      waitFor: (condition) =>
        until(condition, 'the journal').then(
          () => true,
          () => false,
        ),
      // A killed process needs one of its own: kill.test.ts. Here everybody knows what became of its writes.
      restart: async () => {
        await Promise.all(clients.splice(0).map((client) => client.close()));
        await journal.close();
        journal = await open();
      },
      close: async () => {
        await journal.close();
        directory.remove();
      },
    };
  },
});

const TURNS_MAX = 5_000;

/** Lets the event loop turn, which is all that an outbox journal on its own clock needs. */
const turns = async (condition: () => boolean): Promise<boolean> => {
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    if (condition()) return true;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return condition();
};

/** A fifth of what travels is lost, a fifth comes twice, much is late and out of order, and commits take their time. */
export const drawFaults = (seed: number): OutboxFaults => {
  const random = seededRandom(seed);
  return {
    travel: drawTravels(random, { lost: 0.2, duplicated: 0.2, delayed: 0.5, delayMaxMs: 8 }),
    commitMs: () => (random() < 0.5 ? 0 : Math.ceil(random() * 6)),
  };
};

/** @param seed of the faults; null: none */
export const outboxSubject = (seed: number | null, defect: OutboxDefect | null = null): JournalSubject => ({
  name: seed === null ? 'outbox' : `outbox, with faults of seed ${seed}`,
  durable: true,
  start: async () => {
    const disk = new OutboxDisk(SHARDS);
    const random = seededRandom(seed ?? 1, 7);
    const clock = new AutoClock();
    const options = seed === null ? { clock } : { clock, faults: drawFaults(seed), batchMax: 3, retryMs: 10, defect };
    let journal = new OutboxJournal(disk, options);
    return {
      client: () => journal.client(),
      clientWithPort: () => {
        const client = journal.client();
        return { client, disconnect: () => client.disconnect() };
      },
      arrived: async () => {
        if (!(await turns(() => disk.inTransit() === 0))) throw new Error(`${disk.inTransit()} entries do not arrive`);
        await journal.settled();
      },
      waitFor: turns,
      restart: async () => {
        journal.crash(random);
        journal = new OutboxJournal(disk, options);
      },
      // With a defect some mail may never arrive, and closing waits for it.
      close: async () => (defect === null ? await journal.close() : journal.crash(random)),
    };
  },
});
