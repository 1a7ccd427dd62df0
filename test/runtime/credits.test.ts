/** A4 credits: nothing of them is lost, whatever is delivered, given back or dies when; nobody waits in a circle. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { Arrivals } from '../../src/runtime/arrivals.ts';
import { CreditBook } from '../../src/runtime/credit-book.ts';
import type { MailEnvelope } from '../../src/runtime/envelope.ts';
import { ManualClock } from './manual-clock.ts';
import { FIXTURES, World } from './one-thread.ts';

const SHARDS = 3;
const LIMIT = 6;
const BURST_MAX = 4;
const SHORT_MS = 5;
const LONG_MS = 30;

type Way = readonly [from: number, to: number];

const ways: readonly Way[] = [0, 1, 2].flatMap((from) =>
  [0, 1, 2].filter((to) => to !== from).map((to): Way => [from, to]),
);

type Step =
  | { readonly kind: 'turn' | 'arrive'; readonly way: Way; readonly count: number }
  | { readonly kind: 'give-back'; readonly way: Way }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'die'; readonly shard: number };

const way = fc.constantFrom(...ways);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('turn' as const), way, count: fc.integer({ min: 1, max: BURST_MAX }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('arrive' as const), way, count: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(SHORT_MS, LONG_MS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('give-back' as const), way }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), shard: fc.nat(SHARDS - 1) }) },
);

/** Shards with nothing but their credits, and the ways between them, each in its order. */
class Model {
  readonly clock = new ManualClock();
  readonly #books = [0, 1, 2].map(() => new CreditBook(LIMIT));
  readonly #arrivals = [0, 1, 2].map((shard) => this.#makeArrivals(shard));
  /** A number is an acknowledgement of so many. */
  readonly #ways = new Map<string, ('mail' | number)[]>(ways.map(([from, to]) => [`${from}>${to}`, []]));
  /** What arrived and was not acknowledged yet. */
  readonly #owed = new Map<string, number>();

  async run(next: Step): Promise<void> {
    switch (next.kind) {
      case 'turn':
        return this.#turn(next.way, next.count);
      case 'arrive':
        for (let count = 0; count < next.count; count += 1) this.#arrive(next.way);
        return undefined;
      case 'give-back':
        return this.#giveBack(next.way);
      case 'time':
        return this.clock.advance(next.ms);
      case 'die':
        return this.#die(next.shard);
      default:
        return next satisfies never;
    }
  }

  /** Nothing new is sent; all that is under way arrives. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      for (const [from, to] of ways) while (this.#on(from, to).length > 0) this.#arrive([from, to]);
      await this.clock.advance(LONG_MS);
    }
  }

  check(): void {
    for (const [from, to] of ways) {
      const mails = this.#on(from, to).filter((item) => item === 'mail').length;
      const credits = this.#on(to, from).reduce<number>((sum, item) => (item === 'mail' ? sum : sum + item), 0);
      const underWay = this.#books[from]?.underWay(to);
      expect(underWay).toBe(mails + credits + (this.#owed.get(`${from}>${to}`) ?? 0));
      expect(underWay).toBeLessThanOrEqual(LIMIT + BURST_MAX);
    }
  }

  get blocked(): boolean {
    return this.#books.some((book) => book.blocked);
  }

  get total(): number {
    return this.#books.reduce((sum, book) => sum + book.total, 0);
  }

  #on(from: number, to: number): ('mail' | number)[] {
    return this.#ways.get(`${from}>${to}`) ?? [];
  }

  #makeArrivals(shard: number): Arrivals {
    return new Arrivals(this.clock, shard, ({ shard: to, count }) => {
      this.#on(shard, to).push(count);
      this.#owed.set(`${to}>${shard}`, (this.#owed.get(`${to}>${shard}`) ?? 0) - count);
    });
  }

  #turn([from, to]: Way, count: number): void {
    const book = this.#books[from] as CreditBook;
    if (book.blocked) return;
    for (let sent = 0; sent < count; sent += 1) {
      book.sent(to);
      this.#on(from, to).push('mail');
    }
  }

  #arrive([from, to]: Way): void {
    const item = this.#on(from, to).shift();
    if (item === undefined) return;
    if (item !== 'mail') {
      this.#books[to]?.credited(from, item);
      return;
    }
    this.#owed.set(`${from}>${to}`, (this.#owed.get(`${from}>${to}`) ?? 0) + 1);
    this.#arrivals[to]?.count(from);
  }

  #giveBack([from, to]: Way): void {
    const on = this.#on(from, to);
    const at = on.lastIndexOf('mail');
    if (at < 0) return;
    on.splice(at, 1);
    this.#books[from]?.credited(to, 1);
  }

  #die(shard: number): void {
    const dead = new Set([shard]);
    this.#arrivals[shard]?.close();
    for (const [from, to] of ways) {
      if (from !== shard && to !== shard) continue;
      this.#on(from, to).length = 0;
      this.#owed.delete(`${from}>${to}`);
    }
    for (let other = 0; other < SHARDS; other += 1) {
      if (other === shard) continue;
      this.#arrivals[other]?.forget(dead);
      this.#books[other]?.forget(shard);
    }
    this.#books[shard] = new CreditBook(LIMIT);
    this.#arrivals[shard] = this.#makeArrivals(shard);
  }
}

test('A4 what a shard has under way is what is on the way, arrived and not acknowledged, or acknowledged on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const model = new Model();
      for (const next of steps) {
        await model.run(next);
        model.check();
      }
      await model.settle();
      // Also where all shards were blocked on each other.
      expect(model.total).toBe(0);
      expect(model.blocked).toBe(false);
    }),
    { numRuns: 150 },
  );
});

const flooder = defineActor(FIXTURES, 'flooder', {
  state: () => ({}),
  messages: { flood: message<{ to: ActorRef; count: number }>() },
  receive: {
    flood: (_, { to, count }, ctx) => {
      for (let n = 0; n < count; n += 1) ctx.tell(to, 'add', 1);
    },
  },
});

const sink = defineActor(FIXTURES, 'sink', {
  state: () => ({ total: 0 }),
  messages: { add: message<number>(), total: request<void, number>() },
  receive: {
    add: (state, n) => {
      state.total += n;
    },
    total: (state) => state.total,
  },
});

const COUNT = 30;
const other = { shard: 1, id: 511, name: 'other' };

/** The first of two shards, with more under way to the second than it may have, and one message that waits for that. */
const blockedWorld = async (): Promise<World> => {
  const world = await new World({ flooder, sink }, { shards: 2, slowLinks: true, limits: { creditLimit: 10 } }).start();
  const source = await world.spawn(flooder, undefined, { shard: 0 });
  world.tell(source, 'flood', { to: other, count: COUNT });
  await world.clock.settle();
  world.tell(source, 'flood', { to: other, count: 1 });
  await world.clock.settle();
  expect(world.shards[0]?.debts().underWay).toBe(COUNT);
  expect(world.shards[0]?.snapshots()).toMatchObject([{ hold: 'credit', mailbox: 1 }]);
  return world;
};

const mail: MailEnvelope = {
  kind: 'mail',
  shard: 1,
  source: 0,
  to: 511,
  from: null,
  type: 'add',
  body: 1,
  ask: 0,
  seq: -1,
};

describe('a blocked shard goes on', () => {
  test.each([
    ['MESSAGE_NOT_CLONEABLE', 'not-cloneable'],
    ['HOST_DIED', 'host-died'],
  ] as const)('A4 A6 when its link gives back what it took: %s', async (code, reason) => {
    const world = await blockedWorld();
    for (let n = 0; n < COUNT; n += 1) world.shards[0]?.unpackable(mail, new MegactorError(code, 'given back'));
    await world.clock.settle();
    expect(world.shards[0]?.debts().underWay).toBe(1);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ hold: null, mailbox: 0 }]);
    const letters = world.shards[0]?.deadLetters() ?? [];
    expect(letters).toHaveLength(COUNT);
    expect(new Set(letters.map((letter) => letter.reason))).toEqual(new Set([reason]));
  });

  test.each(['peersDied', 'peersGone'] as const)('A4 A6 when the receiver dies: %s', async (what) => {
    const world = await blockedWorld();
    world.shards[0]?.[what](new Set([1]));
    await world.clock.settle();
    expect(world.shards[0]?.debts().underWay).toBe(1);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ hold: null, mailbox: 0 }]);
  });
});
