/**
 * The runtime over a journal in which every shard is a store of its own: mail is lost, doubled, late and out of order on
 * its way between the shards, hosts and the whole process die, and what the actors end with is the same (D1, D2, D4, A2).
 */
import { expect, test } from 'vitest';
import { defineActor, message, type ActorRef } from '../../src/actor/index.ts';
import { drawTravels, type InboxEntry, OutboxDisk, OutboxJournal } from '../../src/journal/index.ts';
import { type Random, seededRandom } from '../../src/platform/index.ts';
import { AutoClock } from '../journal/conformance/auto-clock.ts';
import { FIXTURES, World } from './one-thread.ts';

const SHARDS = 3;
const ACTORS = 6;
const ROUNDS = 5;

/** Effects by id, over all incarnations: how often each was carried out. */
let effects = new Map<string, number>();

interface Walk {
  readonly text: string;
  readonly path: readonly ActorRef[];
}

type Walker = ActorRef<{ walk: ReturnType<typeof message<Walk>> }>;

const walker = defineActor(FIXTURES, 'walker', {
  state: () => ({ got: [] as string[], sent: 0 }),
  messages: {
    walk: message<Walk>(),
    /** Hires a child, tells it something, and has `friend`, who is elsewhere, tell it something too. */
    hire: message<{ name: string; friend: ActorRef }>(),
    meet: message<{ child: ActorRef }>(),
    buy: message<string>(),
  },
  receive: {
    walk: (state, { text, path }, ctx) => {
      state.got.push(text);
      const [next, ...rest] = path;
      if (next === undefined) return;
      state.sent += 1;
      ctx.tell(next as Walker, 'walk', { text: `${text} ${ctx.self.name}#${state.sent}`, path: rest });
    },
    hire: (_state, { name, friend }, ctx) => {
      const child = ctx.spawn(walker, undefined, { name, durable: true });
      ctx.tell(child, 'walk', { text: 'from its parent', path: [] });
      ctx.tell(friend as ActorRef<{ meet: ReturnType<typeof message<{ child: ActorRef }>> }>, 'meet', { child });
    },
    meet: (_state, { child }, ctx) => {
      ctx.tell(child as Walker, 'walk', { text: 'from a friend', path: [] });
    },
    buy: async (state, text, ctx) => {
      const bought = await ctx.effect('buy', (id) => {
        effects.set(id, (effects.get(id) ?? 0) + 1);
        return `bought ${text}`;
      });
      state.got.push(bought);
    },
  },
});

const mailTo = (to: ActorRef, type: string, body: unknown): { shard: number; entry: InboxEntry } => ({
  shard: to.shard,
  entry: { kind: 'mail', mail: { to: to.id, from: null, type, body } },
});

/** A run: worlds that follow each other over one disk. */
class Town {
  readonly disk = new OutboxDisk(SHARDS);
  readonly #random: Random;
  readonly #faulty: boolean;
  readonly clock = new AutoClock();
  #incarnation = 0;
  crashes = 0;
  journal: OutboxJournal;
  client: ReturnType<OutboxJournal['client']>;
  world: World;

  constructor(seed: number | null) {
    this.#random = seededRandom(seed ?? 1);
    this.#faulty = seed !== null;
    this.journal = this.#newJournal();
    this.client = this.journal.client();
    this.world = this.#newWorld();
  }

  #newJournal(): OutboxJournal {
    const { clock } = this;
    if (!this.#faulty) return new OutboxJournal(this.disk, { clock });
    const rates = { lost: 0.2, duplicated: 0.2, delayed: 0.5, delayMaxMs: 8 };
    const commitMs = (): number => (this.#random() < 0.5 ? 0 : Math.ceil(this.#random() * 6));
    const faults = { travel: drawTravels(this.#random, rates), commitMs };
    return new OutboxJournal(this.disk, { clock, faults, batchMax: 3, retryMs: 10 });
  }

  #newWorld(): World {
    const definitions = { walker } as Record<string, unknown>;
    return new World(definitions, { journal: this.client, shards: SHARDS, incarnation: this.#incarnation });
  }

  /** Somebody may die here. */
  async turn(): Promise<void> {
    for (let rounds = Math.floor(this.#random() * 12); rounds > 0; rounds -= 1) await this.world.clock.round();
    const draw = this.#random();
    if (!this.#faulty || draw > 0.4) return;
    this.crashes += 1;
    if (draw < 0.2) {
      this.journal.crash(this.#random);
      this.journal = this.#newJournal();
    } else this.client.disconnect();
    this.#incarnation += 1;
    this.client = this.journal.client();
    this.world = this.#newWorld();
    await this.world.start();
  }

  async rest(): Promise<void> {
    for (let turns = 0; turns < 2_000; turns += 1) {
      await this.world.clock.settle();
      if (this.journal.pending === 0 && this.disk.inTransit() === 0) return;
    }
    throw new Error(`${this.journal.pending} mails are pending`);
  }

  close(): void {
    this.journal.crash(() => 0);
  }
}

interface Ending {
  readonly got: Record<string, readonly string[]>;
  readonly crashes: number;
}

const live = async (seed: number | null): Promise<Ending> => {
  effects = new Map();
  const town = new Town(seed);
  await town.world.start();
  const walkers = await Promise.all(
    Array.from({ length: ACTORS }, async (_, index) => {
      // Where somebody dies mailboxes are so small that most mail is read again.
      const mailbox = seed === null ? {} : { capacity: 1 + (seed % 3) };
      const options = { name: `w${index}`, durable: true, shard: index % SHARDS, mailbox };
      return await town.world.spawn(walker, undefined, options);
    }),
  );
  const at = (index: number): ActorRef => walkers[index % ACTORS] as ActorRef;
  for (let round = 0; round < ROUNDS; round += 1) {
    // Acknowledged before anybody dies: what comes from outside has nobody else to repeat it.
    const outgoing = walkers.flatMap((ref, index) => [
      mailTo(ref, 'walk', { text: `${round}:`, path: [at(index + 1), at(index + 3), at(index + 5)] }),
      mailTo(ref, 'buy', `${round}`),
    ]);
    if (round < 2) outgoing.push(mailTo(at(round), 'hire', { name: `child-${round}`, friend: at(round + 2) }));
    await town.client.deliver(outgoing);
    for (let turns = 0; turns < 3; turns += 1) await town.turn();
  }
  await town.rest();
  expect(town.world.failures).toEqual([]);
  expect(town.world.shards.flatMap((shard) => shard.deadLetters())).toEqual([]);
  const got: Record<string, readonly string[]> = {};
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const log = town.journal.client().shard(shard);
    const found = await log.open(() => {});
    for (const { record, state } of found.actors) got[record.name] = (state as { got: string[] }).got;
  }
  town.close();
  return { got, crashes: town.crashes };
};

/** What does not depend on which of two senders comes first. */
const sorted = (got: Ending['got']): Ending['got'] =>
  Object.fromEntries(
    Object.entries(got)
      .map(([name, texts]) => [name, texts.map((text) => text.replace(/#\d+/gu, '')).sort()] as const)
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1);

test('whatever is lost on the way and whoever dies, all actors get what they would have got, once (D1, D2, D4)', async () => {
  const undisturbed = await live(null);
  expect(Object.keys(undisturbed.got)).toHaveLength(ACTORS + 2);
  let crashes = 0;
  let repeated = 0;
  for (const seed of SEEDS) {
    const ending = await live(seed);
    expect(sorted(ending.got), `seed ${seed}`).toEqual(sorted(undisturbed.got));
    for (const [name, texts] of Object.entries(ending.got)) {
      // A2: of each sender the numbers grow.
      const last = new Map<string, number>();
      for (const text of texts) {
        const [, sender = '', number = ''] = /(w\d)#(\d+)$/u.exec(text) ?? [];
        if (sender === '') continue;
        expect(Number(number), `seed ${seed}, ${name} from ${sender}`).toBeGreaterThan(last.get(sender) ?? 0);
        last.set(sender, Number(number));
      }
    }
    crashes += ending.crashes;
    repeated += [...effects.values()].filter((times) => times > 1).length;
  }
  expect(crashes).toBeGreaterThan(SEEDS.length);
  // An effect whose result was not recorded before the crash is carried out again: that it happens shows the test's reach.
  expect(repeated).toBeGreaterThan(0);
});
