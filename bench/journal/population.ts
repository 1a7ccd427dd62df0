/**
 * A run directory with many durable actors: spawned, each with one step behind it, all of them idle, the system stopped
 * or as good as killed; and then mail for some of them, put into the journal while nobody runs. Started with its settings as one JSON
 * argument; the last line is `{"seconds","bytes"}`.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { z } from 'zod';
import { createJournalClient, JournalServer, journalDirectory, type Outgoing } from '../../src/journal/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';
import { sink } from './actors.ts';
import { Quiet } from './quiet.ts';

export const populationSettingsSchema = z.strictObject({
  directory: z.string(),
  actors: z.int().positive(),
  /** How many of them have mail, evenly spread. */
  mail: z.int().positive(),
  /** How many of the others are written down for `activate.ts`, evenly spread. */
  idle: z.int().nonnegative(),
  shards: z.int().positive(),
  /** `killed`: without the snapshots that a stop writes, so that the log says what it says after a kill. */
  end: z.enum(['stopped', 'killed']).default('stopped'),
});

export const populationResultSchema = z.strictObject({ seconds: z.number(), bytes: z.number() });

export type PopulationSettings = z.input<typeof populationSettingsSchema>;
export type PopulationResult = z.infer<typeof populationResultSchema>;

/** Spawned and served together; bounds what is under way. */
const CHUNK = 5_000;
/** Long enough for all snapshots on any machine: a stop that gives up is a kill. */
const STOP_DEADLINE_MS = 300_000;

const addressSchema = z.strictObject({ shard: z.int(), id: z.int() });

export type Address = z.infer<typeof addressSchema>;

const addressFile = (directory: string): string => join(directory, 'idle-actors.json');

/** Actors of a population that had no mail. */
export const readAddresses = (directory: string): Address[] =>
  z.array(addressSchema).parse(JSON.parse(readFileSync(addressFile(directory), 'utf8')));

export const mailFor = ({ shard, id: to }: Address): Outgoing => ({
  shard,
  entry: { kind: 'mail', mail: { to, from: null, type: 'item', body: 1 } },
});

interface Chosen {
  readonly withMail: Address[];
  readonly idle: Address[];
}

/** Spawns all of them, and returns those that are to have mail, and some of the others. */
const populate = async (system: ActorSystem, { actors, mail, idle }: PopulationSettings): Promise<Chosen> => {
  const quiet = await Quiet.of(system.journal);
  const chosen: Chosen = { withMail: [], idle: [] };
  for (let first = 0; first < actors; first += CHUNK) {
    const outgoing: Outgoing[] = [];
    for (let index = first; index < Math.min(actors, first + CHUNK); index += 1) {
      const { shard, record } = system.actorRecord(sink, undefined, { durable: true });
      const address = { shard, id: record.id };
      outgoing.push({ shard, entry: { kind: 'spawn', actor: record } }, mailFor(address));
      const { withMail, idle: others } = chosen;
      if (Math.floor((index * mail) / actors) === withMail.length) withMail.push(address);
      else if (Math.floor((index * idle) / actors) >= others.length && others.length < idle) others.push(address);
    }
    await quiet.after(() => system.deliver(outgoing));
  }
  return chosen;
};

const leaveMail = async ({ directory, shards }: PopulationSettings, chosen: readonly Address[]): Promise<void> => {
  const server = await JournalServer.open({ directory, shards, durability: 'flushed' });
  const { port1, port2 } = new MessageChannel();
  server.attach(port1);
  const client = createJournalClient(port2);
  await client.deliver(chosen.map(mailFor));
  await client.close();
  await server.close();
};

export const makePopulation = async (settings: PopulationSettings): Promise<PopulationResult> => {
  const { directory, shards, mail, end } = settings;
  const startedAt = systemClock.monotonic();
  const system = await ActorSystem.start({ shards, seed: 1, journal: { directory, durability: 'committed' } });
  let chosen: Chosen;
  try {
    chosen = await populate(system, settings);
  } finally {
    await system.stop(end === 'killed' ? { deadlineMs: 0 } : { deadlineMs: STOP_DEADLINE_MS });
  }
  const { withMail, idle } = chosen;
  if (withMail.length !== mail) throw new Error(`${withMail.length} actors were chosen for mail, not ${mail}`);
  writeFileSync(addressFile(directory), JSON.stringify(idle));
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  await leaveMail(settings, withMail);
  return { seconds, bytes: statSync(join(journalDirectory(directory), 'data.mdb')).size };
};

if (import.meta.main) await runSubject(populationSettingsSchema, makePopulation);
