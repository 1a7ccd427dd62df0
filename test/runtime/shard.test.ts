import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineActor, message, request, type ActorContext, type ActorRef } from '../../src/actor/index.ts';
import { EARLY_MAIL_MS } from '../../src/runtime/early-mail.ts';
import { FIXTURES, World } from './one-thread.ts';

const counter = defineActor(FIXTURES, 'counter', {
  state: (start: number) => ({ total: start }),
  messages: {
    add: message<number>(),
    total: request<void, number>(),
    checked: message(z.number()),
    fail: message<string>(),
    failAsk: request<string>(),
    stop: message(),
    slowAdd: request<{ ms: number; by: number }, number>(),
  },
  receive: {
    add: (s, n) => {
      s.total += n;
    },
    total: (s) => s.total,
    checked: (s, n) => {
      s.total += n;
    },
    fail: (_s, words) => {
      throw new Error(words);
    },
    failAsk: (_s, words) => {
      throw new Error(words);
    },
    stop: (_s, _b, ctx) => ctx.stop(),
    slowAdd: async (s, { by }, ctx) => {
      const before = s.total;
      await ctx.effect('wait', async () => {
        for (let round = 0; round < 5; round += 1) await Promise.resolve();
      });
      s.total = before + by;
      return s.total;
    },
  },
});

const hireParent = (ctx: ActorContext): ActorRef => ctx.spawn(parent, undefined, { shard: 0 });

const parent = defineActor(FIXTURES, 'parent', {
  state: () => ({ log: [] as string[], child: null as ActorRef | null }),
  messages: {
    hire: request<{ restart?: 'transient' | 'permanent'; max?: number }, ActorRef>(),
    hireAndKeep: request<void, ActorRef>(),
    hireGatekeeper: request<void, ActorRef>(),
    log: request<void, string[]>(),
    watch: message<ActorRef>(),
  },
  receive: {
    hire: (_s, options, ctx) =>
      ctx.spawn(counter, 0, {
        ...(options.restart === undefined ? {} : { restart: options.restart }),
        intensity: { max: options.max ?? 3, withinMs: 5_000 },
        shard: ctx.self.shard,
      }),
    hireAndKeep: (_s, _b, ctx) => hireParent(ctx),
    hireGatekeeper: (_s, _b, ctx): ActorRef => ctx.spawn(gatekeeper, undefined, { shard: 0 }),
    log: (s) => s.log,
    watch: (_s, ref, ctx) => ctx.watch(ref),
  },
  onChildFailed: (s, child, reason) => {
    s.log.push(`failed ${child.id} ${reason}`);
  },
  onTerminated: (s, ref, reason) => {
    s.log.push(`terminated ${ref.id} ${reason}`);
  },
  onStop: (s) => {
    s.log.push('stopped');
  },
});

/** Remembers its batches. */
const thinking = { ends: (): void => {} };
const batcher = defineActor(FIXTURES, 'batcher', {
  state: () => ({ batches: [] as unknown[][] }),
  messages: {
    item: message<number>(),
    wait: message<number>(),
    think: message<string>(),
    urgent: request<unknown, unknown[][]>(),
  },
  receiveBatch: async (state, batch, ctx) => {
    state.batches.push(batch.map((mail) => mail.body));
    if (batch.some((mail) => mail.type === 'think')) await new Promise<void>((resolve) => (thinking.ends = resolve));
    for (const mail of batch) if (mail.type === 'wait') ctx.setPollInterval(mail.body);
    for (const mail of batch) if (mail.type === 'urgent') mail.reply(state.batches);
  },
  urgent: (mail) => mail.type === 'urgent' || mail.type === 'think',
  batchMax: 4,
});

/** Stashes until it is opened. */
const gatekeeper = defineActor(FIXTURES, 'gatekeeper', {
  state: () => ({ open: false, passed: [] as number[] }),
  messages: { pass: request<number, number[]>(), open: message(), hang: request(), failAndGoOn: message() },
  receive: {
    pass: (state, n, ctx) => {
      if (!state.open) ctx.stash();
      else state.passed.push(n);
      return [...state.passed];
    },
    open: (state, _body, ctx) => {
      state.open = true;
      ctx.unstash();
    },
    hang: () => new Promise<void>(() => undefined),
    failAndGoOn: (_s, _b, ctx) => {
      queueMicrotask(() => {
        try {
          ctx.tell(ctx.self, 'open');
        } catch (thrown) {
          late.push((thrown as { code: string }).code);
        }
      });
      throw new Error('failed, but goes on');
    },
  },
});

/** Codes of what late handlers were refused with. */
const late: string[] = [];

/** Answers with the largest number of its turns that ran at once. */
const slowBatcher = defineActor(FIXTURES, 'slowBatcher', {
  state: () => ({ running: 0, most: 0 }),
  messages: { item: request<number, number>() },
  receiveBatch: async (state, batch) => {
    state.running += 1;
    state.most = Math.max(state.most, state.running);
    for (let round = 0; round < 3; round += 1) await new Promise((resolve) => setImmediate(resolve));
    for (const mail of batch) mail.reply(state.most);
    state.running -= 1;
  },
  batchMax: 1,
});

const flooder = defineActor(FIXTURES, 'flooder', {
  state: () => ({}),
  messages: { flood: message<{ to: ActorRef; count: number }>(), sendFunction: message<ActorRef>() },
  receive: {
    flood: (_s, { to, count }, ctx) => {
      const sink = to as ActorRef<(typeof counter)['messages']>;
      for (let n = 0; n < count; n += 1) ctx.tell(sink, 'add', 1);
    },
    sendFunction: (_s, to, ctx) => {
      expect(ctx.tell(to, 'pass', () => 1)).toBe(false);
    },
  },
});

const timed = defineActor(FIXTURES, 'timed', {
  state: () => ({ ticks: [] as string[] }),
  messages: { start: message(), tick: message<string>(), ticks: request<void, string[]>(), stopTimers: message() },
  receive: {
    start: (_s, _b, ctx) => {
      ctx.timers.once('a', 10, 'tick', 'replaced');
      ctx.timers.once('a', 20, 'tick', 'once');
      ctx.timers.every('b', 30, 'tick', 'tick');
    },
    tick: (s, words) => {
      s.ticks.push(words);
    },
    ticks: (s) => s.ticks,
    stopTimers: (_s, _b, ctx) => ctx.timers.cancel('b'),
  },
});

const definitions: Record<string, unknown> = { counter, parent, batcher, gatekeeper, flooder, timed, slowBatcher };

describe('turns', () => {
  test('A2 messages of one sender are handled in order, asks among them', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(counter, 10);
    world.tell(ref, 'add', 1);
    world.tell(ref, 'add', 2);
    expect(await world.ask(ref, 'total')).toBe(13);
    expect(world.counters[0]?.read()).toMatchObject({ spawned: 1, messages: 3, mailboxDepth: 0 });
  });

  test('A1 one turn at a time: an asynchronous handler is not overlapped', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(counter, 0);
    const answers = [1, 2, 3].map((by) => world.askSoon(ref, 'slowAdd', { ms: 0, by }));
    await world.clock.settle();
    expect(await Promise.all(answers)).toEqual([1, 3, 6]);
  });

  test('A5 every ask settles: a reply, a failure, a deadline, an unknown actor, an unknown message', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(counter, 0, { restart: 'permanent' });
    await expect(world.ask(ref, 'failAsk', 'oh')).rejects.toMatchObject({ code: 'ACTOR_FAILED' });
    await expect(world.ask(ref, 'constructor')).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    const nobody = world.askSoon({ ...ref, id: 999 }, 'total');
    await world.clock.advance(EARLY_MAIL_MS + 1);
    await expect(nobody).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    const late = world.askSoon(ref, 'total', undefined, 100);
    world.shards[0]?.quiesce();
    await world.clock.advance(101);
    await expect(late).rejects.toMatchObject({ code: 'ASK_TIMEOUT' });
  });

  test('what comes from outside is checked by the schema of its message', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(counter, 0);
    world.tell(ref, 'checked', 'no number');
    world.tell(ref, 'checked', 4);
    expect(await world.ask(ref, 'total')).toBe(4);
    expect(world.shards[0]?.deadLetters()).toMatchObject([{ reason: 'invalid', type: 'checked' }]);
  });

  test('A4 a full mailbox refuses, or drops, as its policy says', async () => {
    const world = await new World(definitions).start();
    const strict = await world.spawn(counter, 0, { mailbox: { capacity: 2 } });
    const lossy = await world.spawn(counter, 0, { mailbox: { capacity: 2, overflow: 'drop-new' } });
    const open = await world.spawn(counter, 0, { mailbox: { capacity: 2, overflow: 'unbounded' } });
    const results = [strict, lossy, open].map((ref) => [1, 1, 1].map((n) => world.tell(ref, 'add', n)));
    expect(results).toEqual([
      [true, true, false],
      [true, true, true],
      [true, true, true],
    ]);
    const refused = world.askSoon(strict, 'total');
    await world.clock.settle();
    await expect(refused).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
    const totals = [await world.ask(strict, 'total'), await world.ask(lossy, 'total'), await world.ask(open, 'total')];
    expect(totals).toEqual([2, 2, 3]);
    const reasons = world.shards[0]?.deadLetters().map((letter) => letter.reason);
    expect(reasons).toEqual(['mailbox-full', 'dropped-new', 'mailbox-full']);
  });

  test('A3 mail that overtakes the spawn of its receiver waits for it, and not for ever', async () => {
    const world = await new World(definitions).start();
    const coming = { shard: 0, id: 256 + 255, name: '' };
    expect(world.tell(coming, 'add', 3)).toBe(true);
    const ref = await world.spawn(counter, 1);
    expect(ref.id).toBe(coming.id);
    expect(await world.ask(ref, 'total')).toBe(4);
    world.tell({ ...coming, id: 5 * 256 + 255 }, 'add', 3);
    await world.clock.advance(EARLY_MAIL_MS + 1);
    expect(world.shards[0]?.deadLetters()).toMatchObject([{ reason: 'not-found' }]);
    expect(world.tell({ ...coming, id: 3 * 256 + 255 }, 'add', 3)).toBe(false);
  });
});

describe('what holds an actor back', () => {
  test('A3 poll interval: an idle actor waits a little after each mail, but not for urgent mail', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(batcher, undefined, { pollIntervalMs: 20 });
    world.tell(ref, 'item', 1);
    await world.clock.advance(15);
    world.tell(ref, 'item', 2);
    await world.clock.advance(15);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'polling', hold: 'poll', mailbox: 2 }]);
    await world.clock.advance(5);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'idle', mailbox: 0 }]);
    world.tell(ref, 'item', 3);
    await world.clock.settle();
    world.tell(ref, 'urgent', 4);
    await world.clock.settle();
    expect(await world.ask(ref, 'urgent', 'batches')).toEqual([[1, 2], [3, 4], ['batches']]);
  });

  test('A3 poll interval: what comes during a turn waits from its end on, unless something urgent is among it', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(batcher, undefined, { pollIntervalMs: 20 });
    const during = async (...mail: (readonly ['item' | 'think', unknown])[]): Promise<void> => {
      for (const [type, body] of mail) world.tell(ref, type, body);
      await world.clock.advance(50);
      thinking.ends();
      await world.clock.settle();
    };
    world.tell(ref, 'think', 'a');
    await world.clock.settle();
    await during(['item', 1], ['item', 2]);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'polling', hold: 'poll', mailbox: 2 }]);
    await world.clock.advance(19);
    world.tell(ref, 'item', 3);
    await world.clock.advance(19);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'polling', mailbox: 3 }]);
    await world.clock.advance(1);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'idle', mailbox: 0 }]);
    world.tell(ref, 'think', 'b');
    await world.clock.settle();
    await during(['item', 4], ['think', 'c'], ['item', 5]);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'running', mailbox: 0 }]);
    await during(['item', 6]);
    await world.clock.advance(20);
    expect(await world.ask(ref, 'urgent', 'x')).toEqual([['a'], [1, 2, 3], ['b'], [4, 'c', 5], [6], ['x']]);
  });

  test('A3 however much comes, no wait for more is longer than three intervals', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(batcher, undefined, { pollIntervalMs: 30 });
    for (const at of [0, 25, 50, 75]) {
      world.tell(ref, 'item', at);
      await world.clock.advance(25);
    }
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'idle', mailbox: 0 }]);
    expect(await world.ask(ref, 'urgent', 'batches')).toEqual([[0, 25, 50, 75], ['batches']]);
  });

  test('A3 an actor sets how long it waits from then on; whoever starts again begins with its option', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(batcher, undefined, { pollIntervalMs: 20, restart: 'permanent' });
    const statusAfter = async (ms: number): Promise<string | undefined> => {
      await world.clock.advance(ms);
      return world.shards[0]?.snapshots()[0]?.status;
    };
    world.tell(ref, 'wait', 100);
    expect(await statusAfter(20)).toBe('idle');
    world.tell(ref, 'item', 1);
    expect(await statusAfter(99)).toBe('polling');
    expect(await statusAfter(1)).toBe('idle');
    world.tell(ref, 'wait', 0);
    await world.clock.advance(100);
    world.tell(ref, 'item', 2);
    expect(await statusAfter(0)).toBe('idle');
    world.tell(ref, 'wait', Number.NaN);
    expect(await statusAfter(0)).toBe('idle');
    world.tell(ref, 'item', 3);
    expect(await statusAfter(19)).toBe('polling');
    expect(await statusAfter(1)).toBe('idle');
  });

  test('A3 a full batch does not wait for its poll interval', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(batcher, undefined, { pollIntervalMs: 1_000 });
    for (const n of [1, 2, 3, 4, 5]) world.tell(ref, 'item', n);
    await world.clock.settle();
    // The rest of it waits as what comes alone.
    expect(await world.ask(ref, 'urgent', 'x')).toEqual([
      [1, 2, 3, 4],
      [5, 'x'],
    ]);
  });

  test('A3 stashed mail comes back in front, in order, and its asks are answered then', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(gatekeeper, undefined);
    const asked = world.askSoon(ref, 'pass', 1);
    world.tell(ref, 'pass', 2);
    await world.clock.settle();
    expect(world.shards[0]?.snapshots()).toMatchObject([{ hold: 'stash', stashed: 2, mailbox: 0 }]);
    world.tell(ref, 'open');
    world.tell(ref, 'pass', 3);
    expect(await world.ask(ref, 'pass', 4)).toEqual([1, 2, 3, 4]);
    expect(await asked).toEqual([1]);
  });

  test('A4 a shard that has sent more than its credit starts no turn until some of it has arrived', async () => {
    const world = await new World(definitions, { shards: 2, slowLinks: true, limits: { creditLimit: 10 } }).start();
    const source = await world.spawn(flooder, undefined, { shard: 0 });
    const sink = await world.spawn(counter, 0, { shard: 1 });
    for (let round = 0; round < 5; round += 1) world.tell(source, 'flood', { to: sink, count: 6 });
    await world.clock.settle();
    // All five were there for one turn; the next does not start.
    expect(world.inFlight).toBe(30);
    world.tell(source, 'flood', { to: sink, count: 1 });
    await world.clock.settle();
    expect(world.inFlight).toBe(30);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ hold: 'credit', mailbox: 1 }]);
    await world.flush();
    expect(world.inFlight).toBe(1);
    await world.flush();
    expect(await world.ask(sink, 'total')).toBe(31);
  });

  test('a turn ends at its cap of messages, so that others come in between', async () => {
    const world = await new World(definitions).start();
    const greedy = await world.spawn(batcher, undefined);
    const modest = await world.spawn(counter, 0);
    for (let n = 0; n < 12; n += 1) world.tell(greedy, 'item', n);
    world.tell(modest, 'add', 1);
    await world.clock.settle();
    expect(world.counters[0]?.read()).toMatchObject({ turns: 4, messages: 13, mailboxDepth: 0 });
  });

  test('timers: once, every, replaced and cancelled', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(timed, undefined);
    world.tell(ref, 'start');
    await world.clock.advance(100);
    expect(await world.ask(ref, 'ticks')).toEqual(['once', 'tick', 'tick', 'tick']);
    world.tell(ref, 'stopTimers');
    await world.clock.advance(100);
    expect(await world.ask(ref, 'ticks')).toHaveLength(4);
  });

  test('a forced stop gives a hanging turn up, and its asks are settled', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(gatekeeper, undefined);
    const asked = world.askSoon(ref, 'hang', undefined, 60_000);
    await world.clock.settle();
    world.watch(ref);
    world.stop(ref);
    await world.clock.settle();
    expect(world.mainSignals).toHaveLength(0);
    await world.clock.advance(5_001);
    await expect(asked).rejects.toMatchObject({ code: 'ACTOR_FAILED', details: { cause: 'ACTOR_STOPPED' } });
    expect(world.mainSignals).toHaveLength(1);
  });

  test('A1 an asynchronous batch is not overlapped either', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(slowBatcher, undefined);
    const answers = [1, 2, 3].map((n) => world.askSoon(ref, 'item', n));
    await world.clock.settle();
    world.tell(ref, 'item', 4);
    await world.clock.settle();
    expect(await Promise.all(answers)).toEqual([1, 1, 1]);
  });

  test('a parent waits for a child whose turn does not end', async () => {
    const world = await new World(definitions).start();
    const boss = await world.spawn(parent, undefined);
    const child = (await world.ask(boss, 'hireGatekeeper')) as ActorRef;
    void world.askSoon(child, 'hang', undefined, 60_000);
    await world.clock.settle();
    for (const ref of [boss, child]) world.watch(ref);
    world.stop(boss);
    await world.clock.settle();
    expect(world.mainSignals).toHaveLength(0);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'stopping' }, { status: 'running' }]);
    await world.clock.advance(5_001);
    expect(world.mainSignals.map((signal) => (signal as { from: ActorRef }).from.id)).toEqual([child.id, boss.id]);
  });

  test('a handler that goes on after its incarnation ended cannot act', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(gatekeeper, undefined, { restart: 'transient' });
    late.length = 0;
    world.tell(ref, 'failAndGoOn');
    await world.clock.settle();
    expect(late).toEqual(['ABORTED']);
  });

  test('what is sent within a shard cannot be changed by its receiver in tests, and must be sendable', async () => {
    const world = await new World(definitions).start();
    const source = await world.spawn(flooder, undefined);
    const sink = await world.spawn(gatekeeper, undefined);
    world.tell(source, 'sendFunction', sink);
    await world.clock.settle();
    expect(world.shards[0]?.deadLetters()).toMatchObject([{ reason: 'not-cloneable', type: 'pass' }]);
  });
});

describe('supervision', () => {
  test('a temporary actor stops on its first failure, and watchers and parent are told once', async () => {
    const world = await new World(definitions).start();
    const boss = await world.spawn(parent, undefined);
    const child = (await world.ask(boss, 'hire', {})) as ActorRef;
    world.tell(boss, 'watch', child);
    world.watch(child);
    await world.clock.settle();
    world.tell(child, 'fail', 'broken');
    await world.clock.settle();
    const log = (await world.ask(boss, 'log')) as string[];
    expect(log.toSorted()).toEqual([
      `failed ${child.id} ACTOR_FAILED: broken`,
      `terminated ${child.id} ACTOR_FAILED: broken`,
    ]);
    expect(world.mainSignals).toHaveLength(1);
    await expect(world.ask(child, 'total')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  });

  test('a transient actor starts again with fresh state and its mail, until its intensity is used up', async () => {
    const world = await new World(definitions).start();
    const boss = await world.spawn(parent, undefined);
    const child = (await world.ask(boss, 'hire', { restart: 'transient', max: 2 })) as ActorRef;
    world.tell(child, 'add', 5);
    world.tell(child, 'fail', 'one');
    world.tell(child, 'add', 7);
    expect(await world.ask(child, 'total')).toBe(7);
    world.tell(child, 'fail', 'two');
    expect(await world.ask(child, 'total')).toBe(0);
    world.tell(child, 'fail', 'three');
    await world.clock.settle();
    expect(await world.ask(boss, 'log')).toEqual([`failed ${child.id} ACTOR_FAILED: three`]);
    expect(world.counters[0]?.read().restarts).toBe(2);
  });

  test('restarts outside of the period do not count', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(counter, 0, { restart: 'transient', intensity: { max: 1, withinMs: 1_000 } });
    for (let round = 0; round < 4; round += 1) {
      world.tell(ref, 'fail', 'again');
      await world.clock.advance(1_001);
    }
    expect(await world.ask(ref, 'total')).toBe(0);
  });

  test('A3 an actor held by its backoff goes on with its mail afterwards', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(counter, 0, { restart: 'transient', backoff: { minMs: 100, maxMs: 1_000 } });
    world.tell(ref, 'fail', 'oh');
    world.tell(ref, 'add', 3);
    await world.clock.settle();
    expect(world.shards[0]?.snapshots()).toMatchObject([{ status: 'restarting', hold: 'backoff', mailbox: 1 }]);
    await world.clock.advance(51);
    expect(await world.ask(ref, 'total')).toBe(3);
  });

  test('a permanent actor that stops itself is started again; a stop from outside is final', async () => {
    const world = await new World(definitions).start();
    const ref = await world.spawn(counter, 1, { restart: 'permanent' });
    world.tell(ref, 'add', 1);
    world.tell(ref, 'stop');
    expect(await world.ask(ref, 'total')).toBe(1);
    world.stop(ref);
    await expect(world.ask(ref, 'total')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  });

  test('children stop before their parent, and the mail of a stopped actor becomes dead letters', async () => {
    const world = await new World(definitions, { shards: 2 }).start();
    const boss = await world.spawn(parent, undefined, { shard: 0 });
    const middle = (await world.ask(boss, 'hireAndKeep')) as ActorRef;
    const leaf = (await world.ask(middle, 'hire', {})) as ActorRef;
    for (const ref of [boss, middle, leaf]) world.watch(ref);
    world.stop(boss);
    await world.clock.settle();
    const order = world.mainSignals.map((signal) => (signal as { from: ActorRef }).from.id);
    expect(order).toEqual([leaf.id, middle.id, boss.id]);
    world.tell(leaf, 'add', 1);
    expect(world.shards[0]?.deadLetters().at(-1)).toMatchObject({ reason: 'not-found' });
    expect(world.counters[0]?.read()).toMatchObject({ spawned: 3, stopped: 3 });
  });

  test('watching an actor that never was tells so', async () => {
    const world = await new World(definitions).start();
    const boss = await world.spawn(parent, undefined);
    world.tell(boss, 'watch', { shard: 0, id: 4711, name: '' });
    await world.clock.advance(EARLY_MAIL_MS + 1);
    expect(await world.ask(boss, 'log')).toEqual(['terminated 4711 not-found']);
  });
});
