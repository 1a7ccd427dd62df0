import { beforeEach, describe, expect, test } from 'vitest';
import {
  defineActor,
  message,
  request,
  resolveSpawnOptions,
  type ActorContext,
  type ActorRef,
} from '../../src/actor/index.ts';
import type { TimerRecord } from '../../src/journal/shard-log.ts';
import { LOOK_EVERY_MS, nextDueMs, TIMERS_MAX } from '../../src/runtime/durable-timers.ts';
import { has, once, Worlds } from './crashes.ts';
import { MemoryJournal, type AppendFate } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

type Order =
  | { readonly do: 'once' | 'every'; readonly key: string; readonly ms: number; readonly body?: unknown }
  | { readonly do: 'cancel'; readonly key: string }
  | { readonly do: 'fail' }
  | { readonly do: 'forget' }
  | { readonly do: 'stash' }
  | { readonly do: 'unstash' }
  | { readonly do: 'endStep' }
  | { readonly do: 'effect'; readonly key: string };

/** What the handler is to do when a tick comes; it stays with the world outside. */
let onTick: Order[] = [];
let failures = 0;
/** Effect ids of what happened outside. */
let calls: string[] = [];

const obey = async (orders: readonly Order[], ctx: ActorContext): Promise<void> => {
  for (const order of orders) {
    if (order.do === 'fail') {
      if ((failures -= 1) >= 0) throw new Error('told to fail');
    } else if (order.do === 'forget') onTick = [];
    else if (order.do === 'stash') ctx.stash();
    else if (order.do === 'unstash') ctx.unstash();
    else if (order.do === 'endStep') await ctx.endStep();
    else if (order.do === 'cancel') ctx.timers.cancel(order.key);
    else if (order.do === 'effect') await ctx.effect(order.key, (id) => calls.push(id));
    else ctx.timers[order.do](order.key, order.ms, 'tick', order.body ?? order.key);
  }
};

const clerk = defineActor(FIXTURES, 'clerk', {
  state: () => ({ log: [] as string[] }),
  messages: {
    go: message<Order[]>(),
    tick: message<unknown>(),
    log: request<void, string[]>(),
    say: message<string>(),
  },
  receive: {
    go: async (_s, orders, ctx) => obey(orders, ctx),
    tick: async (s, body, ctx) => {
      s.log.push(`${JSON.stringify(body)}@${ctx.now() - EPOCH}`);
      await obey(onTick, ctx);
    },
    say: (s, words) => {
      s.log.push(words);
    },
    log: (s) => s.log,
  },
});

/** The same with batches. */
const batcher = defineActor(FIXTURES, 'batcher', {
  state: () => ({ log: [] as string[] }),
  messages: { go: message<Order[]>(), tick: message<unknown>(), log: request<void, string[]>() },
  receiveBatch: async (s, batch, ctx) => {
    for (const mail of batch) {
      if (mail.type === 'log') mail.reply([...s.log]);
      else if (mail.type === 'go') await obey(mail.body, ctx);
      else s.log.push(`${String(mail.body)} of ${batch.length}`);
    }
    if (batch.some(({ type }) => type === 'tick')) await obey(onTick, ctx);
  },
});

/** Where the clock of the first world starts. */
const EPOCH = 1_000_000;
/** Everybody stays in memory. */
const STAY = { passivateAfterMs: Infinity };
const OPTIONS = { name: 'c', durable: true, restart: 'transient' } as const;

const fresh = async (definition: unknown = clerk): Promise<{ worlds: Worlds; world: World; ref: ActorRef }> => {
  const worlds = new Worlds({ clerk, batcher }, new MemoryJournal(), STAY);
  const world = await worlds.start();
  return { worlds, world, ref: await world.spawn(definition, undefined, OPTIONS) };
};

const go = async (world: World, ref: ActorRef, ...orders: Order[]): Promise<void> => {
  world.tell(ref, 'go', orders);
  await world.clock.settle();
};

/** Timers that the journal would give the actor after a crash. */
const journaled = ({ journal }: Worlds): readonly TimerRecord[] => journal.books[0]?.recover().actors[0]?.timers ?? [];

beforeEach(() => {
  onTick = [];
  failures = 0;
  calls = [];
});

describe('a timer of a durable actor', () => {
  test('is mail to self, once, and is gone with the step that takes it', async () => {
    const { worlds, world, ref } = await fresh();
    await go(world, ref, { do: 'once', key: 'a', ms: 500, body: { of: 'body' } });
    expect(journaled(worlds)).toEqual([
      { key: 'a', dueMs: EPOCH + 500, periodMs: null, type: 'tick', body: { of: 'body' } },
    ]);
    await world.clock.advance(499);
    expect(await world.ask(ref, 'log')).toEqual([]);
    await world.clock.advance(1);
    expect(await world.ask(ref, 'log')).toEqual(['{"of":"body"}@500']);
    expect(journaled(worlds)).toEqual([]);
    await world.clock.advance(10_000);
    expect(await world.ask(ref, 'log')).toHaveLength(1);
    // Nobody looks at the clock for nothing.
    expect(world.clock.timers).toBe(0);
  });

  test('repeats in its rhythm, whatever the time its handler takes', async () => {
    const { worlds, world, ref } = await fresh();
    await go(world, ref, { do: 'every', key: 'a', ms: 100 });
    await world.clock.advance(350);
    expect(await world.ask(ref, 'log')).toEqual(['"a"@100', '"a"@200', '"a"@300']);
    expect(journaled(worlds)).toMatchObject([{ key: 'a', dueMs: EPOCH + 400, periodMs: 100 }]);
    await go(world, ref, { do: 'cancel', key: 'a' });
    await world.clock.advance(1_000);
    expect(await world.ask(ref, 'log')).toHaveLength(3);
    expect(journaled(worlds)).toEqual([]);
  });

  test('D2 is not set by a step that fails, and only once by its repetition', async () => {
    const { worlds, world, ref } = await fresh();
    failures = 2;
    await go(world, ref, { do: 'once', key: 'a', ms: 100 }, { do: 'cancel', key: 'b' }, { do: 'fail' });
    expect(journaled(worlds)).toHaveLength(1);
    await world.clock.advance(1_000);
    expect(await world.ask(ref, 'log')).toEqual(['"a"@100']);
  });

  test('nothing of a step that fails for good is set', async () => {
    const { worlds, world, ref } = await fresh();
    failures = Infinity;
    await go(world, ref, { do: 'once', key: 'a', ms: 100 }, { do: 'fail' });
    await world.clock.advance(1_000);
    expect(worlds.journal.entries.some((entry) => entry.kind === 'step' && entry.timers !== undefined)).toBe(false);
    expect(world.clock.timers).toBe(0);
  });

  test.each<[AppendFate, string]>([
    ['lost', '"a"@200'],
    ['unanswered', '"a"@100'],
  ])('D1 is there after a crash exactly when its step was committed: %s', async (fate, log) => {
    const { worlds, world, ref } = await fresh();
    worlds.journal.fate = once(fate, has('step'));
    await go(world, ref, { do: 'once', key: 'a', ms: 100 });
    // What is not committed does not fire either.
    await world.clock.advance(100);
    const next = await worlds.restart(world);
    await next.clock.advance(100);
    expect(await next.ask(ref, 'log')).toEqual([log]);
    expect(journaled(worlds)).toEqual([]);
  });

  test.each<[string, number]>([
    ['early', 50],
    ['overdue', 5_000],
  ])('D2 fires exactly once after a restart that finds it %s', async (_when, afterMs) => {
    const { worlds, world, ref } = await fresh();
    await go(world, ref, { do: 'once', key: 'a', ms: 100 });
    const next = await worlds.restart(world, afterMs);
    await next.clock.advance(100);
    expect(await next.ask(ref, 'log')).toEqual([`"a"@${Math.max(afterMs, 100)}`]);
    const third = await worlds.restart(next, 5_000);
    await third.clock.advance(5_000);
    expect(await third.ask(ref, 'log')).toHaveLength(1);
  });

  test.each(['lost', 'unanswered'] as const)(
    'D2 acts once when a crash makes the commit of its tick %s',
    async (fate) => {
      const { worlds, world, ref } = await fresh();
      await go(world, ref, { do: 'once', key: 'a', ms: 100 }, { do: 'every', key: 'b', ms: 150 });
      worlds.journal.fate = once(fate, has('step'));
      await world.clock.advance(100);
      const next = await worlds.restart(world);
      await next.clock.advance(110);
      expect(await next.ask(ref, 'log')).toEqual(['"a"@100', '"b"@150']);
      expect(journaled(worlds)).toMatchObject([{ key: 'b', dueMs: EPOCH + 300 }]);
    },
  );

  test('missed periods come as one, and the rhythm goes on', async () => {
    const { worlds, world, ref } = await fresh();
    await go(world, ref, { do: 'every', key: 'a', ms: 100 });
    await world.clock.advance(100);
    const next = await worlds.restart(world, 1_050);
    await next.clock.advance(150);
    expect(await next.ask(ref, 'log')).toEqual(['"a"@100', '"a"@1150', '"a"@1200', '"a"@1300']);
  });

  test('D3 a step that a tick began is recorded with it: an effect in it happens once', async () => {
    const { worlds, world, ref } = await fresh();
    onTick = [{ do: 'effect', key: 'e' }];
    await go(world, ref, { do: 'once', key: 'a', ms: 100 }, { do: 'once', key: 'b', ms: 100 });
    worlds.journal.fate = once('lost', has('step'));
    await world.clock.advance(100);
    const next = await worlds.restart(world, 1_000);
    await next.clock.advance(1);
    // The moment is the one of the first try; each tick has a step of its own.
    expect(await next.ask(ref, 'log')).toEqual(['"a"@100', '"b"@1100']);
    expect(calls).toEqual(['c/1/e', 'c/2/e']);
  });

  test('D3 ticks keep their place among the mail of a batch that was begun', async () => {
    const { worlds, world } = await fresh();
    const ref = await world.spawn(batcher, undefined, { ...OPTIONS, name: 'd', pollIntervalMs: 50 });
    onTick = [{ do: 'effect', key: 'e' }];
    await go(world, ref, { do: 'once', key: 'a', ms: 100 }, { do: 'once', key: 'b', ms: 110 });
    await world.clock.advance(150);
    world.tell(ref, 'tick', 'x');
    await world.clock.advance(10);
    world.tell(ref, 'tick', 'y');
    worlds.journal.fate = once('lost', has('step'));
    await world.clock.advance(50);
    expect(calls).toEqual(['d/1/e']);
    const next = await worlds.restart(world, 1_000);
    const log = next.askSoon(ref, 'log');
    await next.clock.advance(100);
    expect(await log).toEqual(['a of 4', 'x of 4', 'b of 4', 'y of 4']);
    expect(calls).toEqual(['d/1/e']);
    expect(journaled(worlds)).toEqual([]);
  });

  test('a failed handler gets its tick again', async () => {
    const { world, ref } = await fresh();
    onTick = [{ do: 'fail' }];
    failures = 2;
    await go(world, ref, { do: 'once', key: 'a', ms: 100 });
    await world.clock.advance(100);
    expect(world.counters[0]?.read()).toMatchObject({ restarts: 2 });
    expect(await world.ask(ref, 'log')).toEqual(['"a"@100']);
  });

  test('outlives a restart of its actor', async () => {
    const { world, ref } = await fresh();
    await go(world, ref, { do: 'once', key: 'a', ms: 100 });
    failures = 1;
    await go(world, ref, { do: 'fail' });
    expect(world.counters[0]?.read()).toMatchObject({ restarts: 1 });
    await world.clock.advance(100);
    expect(await world.ask(ref, 'log')).toEqual(['"a"@100']);
  });

  test('ends with its actor, and is no dead letter', async () => {
    const { worlds, world, ref } = await fresh();
    await go(world, ref, { do: 'once', key: 'a', ms: 100 }, { do: 'every', key: 'b', ms: 100 });
    world.stop(ref);
    await world.clock.advance(1_000);
    expect(world.clock.timers).toBe(0);
    expect(world.counters[0]?.read()).toMatchObject({ stopped: 1, deadLetters: 0, mailboxDepth: 0 });
    const next = await worlds.restart(world);
    expect(next.clock.timers).toBe(0);
  });
});

describe('timers of passive actors', () => {
  const leaving = async (): Promise<{ worlds: Worlds; world: World; ref: ActorRef }> => {
    const worlds = new Worlds({ clerk }, new MemoryJournal(), { passivateAfterMs: 50 });
    const world = await worlds.start();
    return { worlds, world, ref: await world.spawn(clerk, undefined, OPTIONS) };
  };
  const resident = (world: World): number => world.counters[0]?.read().resident ?? -1;

  test('D1 an actor that left the memory comes back for its timer, and leaves again', async () => {
    const { world, ref } = await leaving();
    await go(world, ref, { do: 'every', key: 'a', ms: 1_000 }, { do: 'once', key: 'b', ms: 1_500 });
    await world.clock.advance(999);
    expect(resident(world)).toBe(0);
    await world.clock.advance(1_601);
    expect(resident(world)).toBe(0);
    expect(world.counters[0]?.read()).toMatchObject({ activations: 3, deadLetters: 0 });
    expect(await world.ask(ref, 'log')).toEqual(['"a"@1000', '"b"@1500', '"a"@2000']);
  });

  test('D1 an opening that leaves it passive wakes it when the timer is due, or overdue', async () => {
    const { worlds, world, ref } = await leaving();
    await go(world, ref, { do: 'once', key: 'a', ms: 1_000 }, { do: 'once', key: 'b', ms: 9_000 });
    // A clean stop writes snapshots.
    await world.shards[0]?.drain(1_000);
    await world.shards[0]?.close();
    const next = await worlds.restart(world, 5_000);
    expect(next.counters[0]?.read()).toMatchObject({ passive: 1, resident: 0 });
    await next.clock.advance(1);
    expect(await next.ask(ref, 'log')).toEqual(['"a"@5000']);
    await next.clock.advance(4_000);
    expect(await next.ask(ref, 'log')).toEqual(['"a"@5000', '"b"@9000']);
  });
});

describe('a timer that is overdue at an opening', () => {
  test('D1 D7 wakes its passive actor, although the opening still waits for the modules of others', async () => {
    const journal = new MemoryJournal();
    const limits = { passivateAfterMs: 50 };
    const world = await new World({ clerk, batcher }, { journal, limits }).start();
    const sleeper = await world.spawn(clerk, undefined, OPTIONS);
    await go(world, sleeper, { do: 'once', key: 'a', ms: 1_000 });
    // A clean stop writes snapshots; then somebody else gets mail.
    await world.shards[0]?.drain(1_000);
    await world.shards[0]?.close();
    const options = resolveSpawnOptions(OPTIONS);
    const spawn = {
      id: sleeper.id + 256,
      name: 'busy',
      module: FIXTURES,
      export: 'clerk',
      init: null,
      parent: null,
      options,
    };
    await journal.deliver([{ shard: 0, entry: { kind: 'spawn', actor: spawn } }]);
    journal.crash();

    const loading = Promise.withResolvers<void>();
    const later = { journal, limits, incarnation: 1, nowMs: world.clock.now() + 5_000, loading: loading.promise };
    const next = new World({ clerk, batcher }, later);
    const started = next.start();
    await next.clock.advance(10);
    loading.resolve();
    await started;
    await next.clock.advance(10);
    expect(await next.ask(sleeper, 'log')).toEqual([expect.stringContaining('"a"@')]);
  });
});

describe('a tick that waits when its timer changes', () => {
  /** Both are due at the same moment, so the tick of `b` is in the mailbox when that of `a` is handled. */
  const both: Order[] = [
    { do: 'once', key: 'a', ms: 100 },
    { do: 'every', key: 'b', ms: 100 },
  ];

  test.each<[string, Order[], string[]]>([
    ['cancelled in the same step', [{ do: 'cancel', key: 'b' }], []],
    ['cancelled in an earlier step', [{ do: 'cancel', key: 'b' }, { do: 'endStep' }], []],
    ['replaced in the same step', [{ do: 'once', key: 'b', ms: 50, body: 'new' }], ['"new"@150']],
    ['replaced in an earlier step', [{ do: 'once', key: 'b', ms: 50, body: 'new' }, { do: 'endStep' }], ['"new"@150']],
    [
      'set and cancelled',
      [
        { do: 'once', key: 'b', ms: 50 },
        { do: 'cancel', key: 'b' },
      ],
      [],
    ],
  ])('does not fire when %s', async (_how, orders, after) => {
    const { worlds, world, ref } = await fresh();
    onTick = orders;
    await go(world, ref, ...both);
    await world.clock.advance(100);
    onTick = [];
    await world.clock.advance(1_000);
    expect(await world.ask(ref, 'log')).toEqual(['"a"@100', ...after]);
    expect(journaled(worlds)).toEqual([]);
    expect(world.clock.timers).toBe(0);
  });

  test('fires when the step that cancelled it fails', async () => {
    const { world, ref } = await fresh();
    onTick = [{ do: 'cancel', key: 'b' }, { do: 'forget' }, { do: 'fail' }];
    failures = 1;
    await go(world, ref, ...both);
    await world.clock.advance(100);
    expect(world.counters[0]?.read()).toMatchObject({ restarts: 1 });
    expect(await world.ask(ref, 'log')).toEqual(['"a"@100', '"b"@100']);
  });

  test('a timer that its own tick sets again or cancels does as it was told', async () => {
    const { worlds, world, ref } = await fresh();
    onTick = [{ do: 'once', key: 'b', ms: 30, body: 'again' }];
    await go(world, ref, { do: 'every', key: 'b', ms: 100 });
    await world.clock.advance(100);
    onTick = [{ do: 'cancel', key: 'b' }];
    await world.clock.advance(1_000);
    expect(await world.ask(ref, 'log')).toEqual(['"b"@100', '"again"@130']);
    expect(journaled(worlds)).toEqual([]);
  });

  test('a stashed tick waits with its timer, also over a crash', async () => {
    const { worlds, world, ref } = await fresh();
    onTick = [{ do: 'stash' }];
    await go(world, ref, { do: 'once', key: 'a', ms: 100 });
    await world.clock.advance(200);
    expect(journaled(worlds)).toHaveLength(1);
    onTick = [];
    await go(world, ref, { do: 'unstash' });
    expect(journaled(worlds)).toEqual([]);
    const next = await worlds.restart(world);
    // The log of the stashing step, then that of the step that took it.
    expect(await next.ask(ref, 'log')).toEqual(['"a"@100', '"a"@200']);
  });
});

describe('the clock of timers', () => {
  test('the next moment is in the rhythm, or a period away when the clock was set back', () => {
    expect(nextDueMs(100, 10, 100)).toBe(110);
    expect(nextDueMs(100, 10, 109)).toBe(110);
    expect(nextDueMs(100, 10, 110)).toBe(120);
    expect(nextDueMs(100, 10, 1_005)).toBe(1_010);
    expect(nextDueMs(100, 10, 50)).toBe(60);
  });

  test('set forward: what is due then fires soon, missed periods as one', async () => {
    const { world, ref } = await fresh();
    await go(world, ref, { do: 'once', key: 'a', ms: 3_600_000 }, { do: 'every', key: 'b', ms: 60_000 });
    world.clock.setWallClock(3_600_000);
    await world.clock.advance(LOOK_EVERY_MS);
    const log = (await world.ask(ref, 'log')) as string[];
    expect(log).toEqual([`"b"@${3_600_000 + LOOK_EVERY_MS}`, `"a"@${3_600_000 + LOOK_EVERY_MS}`]);
  });

  test('set back: nobody waits longer than he asked to', async () => {
    const { world, ref } = await fresh();
    await go(world, ref, { do: 'once', key: 'a', ms: 30_000 }, { do: 'every', key: 'b', ms: 20_000 });
    await world.clock.advance(10_000);
    world.clock.setWallClock(-3_600_000);
    await world.clock.advance(50_000);
    const log = (await world.ask(ref, 'log')) as string[];
    expect(log.map((line) => line.split('@')[0])).toEqual(['"b"', '"a"', '"b"', '"b"']);
  });

  test('set back while the process was not there: a period is waited for once at most', async () => {
    const { worlds, world, ref } = await fresh();
    await go(world, ref, { do: 'every', key: 'b', ms: 20_000 });
    const next = await worlds.restart(world, -500_000);
    await next.clock.advance(41_000);
    expect(await next.ask(ref, 'log')).toHaveLength(2);
  });

  test('A4 an actor may have many timers, not any number', async () => {
    const { worlds, world, ref } = await fresh();
    const orders = Array.from({ length: TIMERS_MAX }, (_, key): Order => ({ do: 'once', key: String(key), ms: 1e9 }));
    await go(world, ref, ...orders);
    await go(world, ref, ...orders);
    expect(journaled(worlds)).toHaveLength(TIMERS_MAX);
    await go(world, ref, { do: 'once', key: 'one more', ms: 1 });
    expect(world.counters[0]?.read()).toMatchObject({ stopped: 1 });
  });
});
