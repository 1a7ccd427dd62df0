import { beforeEach, describe, expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import type { LogAppend } from '../../src/journal/shard-log.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { has, once, Worlds } from './crashes.ts';
import { MemoryJournal, type AppendFate } from './memory-journal.ts';
import { FIXTURES, type World } from './one-thread.ts';

/** What really happened outside, over all incarnations. */
let calls: string[] = [];
/** What the tool is to do; it stays with the world outside. */
let tool: { throws?: Error; waits?: Promise<void>; returns?: unknown } = {};
/** How often the handler is to fail after the call. */
let failures = 0;

const outcome = async (call: Promise<unknown>): Promise<string> => {
  try {
    return String(await call);
  } catch (thrown) {
    if (!(thrown instanceof MegactorError)) throw thrown;
    return `${thrown.code}: ${thrown.message}`;
  }
};

const operator = defineActor(FIXTURES, 'operator', {
  state: () => ({ seen: [] as string[] }),
  messages: {
    launch: message<string>(),
    plain: message<string>(),
    both: message<string>(),
    hasty: message<string>(),
    seen: request<void, string[]>(),
    own: request<void, string>(),
  },
  receive: {
    launch: async (s, what, ctx) => {
      const run = async (id: string): Promise<unknown> => {
        calls.push(`${id} ${what}`);
        await tool.waits;
        if (tool.throws !== undefined) throw tool.throws;
        return 'returns' in tool ? tool.returns : `${what} is off`;
      };
      s.seen.push(await outcome(ctx.effect('launch', run, { atMostOnce: true })));
      // The same key again, in the same try.
      s.seen.push(await outcome(ctx.effect('launch', run, { atMostOnce: true })));
      await ctx.effect('after', () => 'noted');
      if ((failures -= 1) >= 0) throw new Error('the handler fails');
    },
    plain: async (s, what, ctx) => {
      s.seen.push(
        await ctx.effect('plain', (id) => {
          calls.push(`${id} ${what}`);
          return what;
        }),
      );
    },
    both: async (s, what, ctx) => {
      const slow = ctx.effect(
        'slow',
        async () => {
          calls.push(what);
          await tool.waits;
          return what;
        },
        { atMostOnce: true },
      );
      const result = outcome(slow);
      if ((failures -= 1) >= 0) {
        await ctx.effect('other', () => null);
        throw new Error('the other one failed');
      }
      s.seen.push(await result);
    },
    hasty: async (s, what, ctx) => {
      const plain = ctx.effect('plain', () => {
        calls.push(what);
        return what;
      });
      // The handler does not wait for it when it fails.
      plain.catch(() => undefined);
      await tool.waits;
      if ((failures -= 1) >= 0) throw new Error('too hasty');
      s.seen.push(await plain);
    },
    seen: (s) => s.seen,
    own: (_s, _b, ctx) => outcome(ctx.effect('@now', () => 1)),
  },
});

/** What every try came to. */
let tries: string[] = [];

const orderly = defineActor(FIXTURES, 'orderly', {
  state: () => ({ order: [] as string[] }),
  messages: { go: message(), order: request<void, string[]>() },
  receive: {
    go: async (s, _b, ctx) => {
      s.order.push('mail');
      await ctx.effect('call', () => calls.push(String(ctx.random())));
      tries.push(`${s.order.join(' ')} ${ctx.random()}`);
    },
    order: (s) => s.order,
  },
  onChildFailed: (s) => {
    s.order.push('signal');
  },
});

const light = defineActor(FIXTURES, 'light', {
  state: () => 0,
  messages: { go: request<void, number>() },
  receive: { go: (_s, _b, ctx) => ctx.effect('go', () => 7, { atMostOnce: true }) },
});

const OPTIONS = { name: 'op', durable: true, restart: 'transient' } as const;
const UNKNOWN = "UNKNOWN_OUTCOME: 'launch' of 'op' was begun and did not report its end";

const fresh = async (): Promise<{ worlds: Worlds; world: World; ref: ActorRef }> => {
  const worlds = new Worlds({ operator, light }, new MemoryJournal());
  const world = await worlds.start();
  return { worlds, world, ref: await world.spawn(operator, undefined, OPTIONS) };
};

const records = (journal: MemoryJournal, key: string): unknown[] =>
  journal.entries.flatMap((entry) => (entry.kind === 'effect' && entry.key === key ? [entry.result] : []));

/** The record of the key. */
const record =
  (key: string) =>
  (group: LogAppend): boolean =>
    group.entries.some((entry) => entry.kind === 'effect' && entry.key === key);

beforeEach(() => {
  calls = [];
  tries = [];
  tool = {};
  failures = 0;
});

test.each(['lost', 'unanswered'] as const)(
  'a try after a crash sees what the first one saw: mail in the order it was taken in, and the same draws (step %s)',
  async (fate) => {
    const worlds = new Worlds({ orderly }, new MemoryJournal());
    const world = await worlds.start();
    const ref = await world.spawn(orderly, undefined, OPTIONS);
    worlds.journal.fate = once(fate, has('step'));
    const signal = { kind: 'child-failed', reason: 'planted', up: [] };
    // Signals go first, wherever they stand in the inbox.
    await worlds.journal.deliver([
      { shard: 0, entry: { kind: 'mail', mail: { to: ref.id, from: null, type: 'go', body: undefined } } },
      { shard: 0, entry: { kind: 'signal', to: ref.id, from: { shard: 0, id: 1 }, signal } },
    ]);
    const next = await worlds.restart(world);
    expect(await next.ask(ref, 'order')).toEqual(['signal', 'mail']);
    expect(calls).toHaveLength(1);
    expect(tries).toHaveLength(fate === 'lost' ? 2 : 1);
    expect(new Set(tries).size).toBe(1);
  },
);

describe('a call at most once', () => {
  test.each<[string, AppendFate, (group: LogAppend) => boolean, number, string]>([
    ['before its intent', 'lost', has('begin'), 1, 'rocket is off'],
    ['after its intent', 'unanswered', has('begin'), 0, UNKNOWN],
    ['after the call', 'lost', record('launch'), 1, UNKNOWN],
    ['after its result', 'unanswered', record('launch'), 1, 'rocket is off'],
    ['before the step', 'lost', has('step'), 1, 'rocket is off'],
    ['after the step', 'unanswered', has('step'), 1, 'rocket is off'],
  ])('D6 a crash %s', async (_when, fate, matches, made, seen) => {
    const { worlds, world, ref } = await fresh();
    worlds.journal.fate = once(fate, matches);
    world.tell(ref, 'launch', 'rocket');
    const next = await worlds.restart(world);
    expect(calls).toHaveLength(made);
    expect(await next.ask(ref, 'seen')).toEqual([seen, seen]);
    expect(worlds.journal.pending).toBe(0);
  });

  test.each<[AppendFate, (group: LogAppend) => boolean]>([
    ['lost', record('@rejected:launch')],
    ['unanswered', record('@rejected:launch')],
    ['lost', has('step')],
  ])('D6 an unknown outcome stays unknown in every later try: %s', async (fate, matches) => {
    const { worlds, world, ref } = await fresh();
    worlds.journal.fate = once('lost', record('launch'));
    world.tell(ref, 'launch', 'rocket');
    await world.clock.settle();
    worlds.journal.crash();
    worlds.journal.fate = once(fate, matches);
    const third = await worlds.restart(await worlds.start());
    expect(await third.ask(ref, 'seen')).toEqual([UNKNOWN, UNKNOWN]);
    expect(calls).toHaveLength(1);
    expect(records(worlds.journal, '@rejected:launch')).toMatchObject([{ code: 'UNKNOWN_OUTCOME' }]);
  });

  test('D6 a failure is an outcome: later tries see it and do not call again', async () => {
    const { worlds, world, ref } = await fresh();
    tool.throws = new TypeError('out of fuel');
    failures = 2;
    worlds.journal.fate = once('lost', has('step'));
    world.tell(ref, 'launch', 'rocket');
    const next = await worlds.restart(world);
    expect(await next.ask(ref, 'seen')).toEqual(['EFFECT_FAILED: out of fuel', 'EFFECT_FAILED: out of fuel']);
    expect(calls).toHaveLength(1);
    expect(failures).toBe(-2);
  });

  test('D6 a failure with a code keeps it', async () => {
    const { world, ref } = await fresh();
    tool.throws = new MegactorError('SERVICE_TIMEOUT', 'no answer from the pad');
    failures = 1;
    world.tell(ref, 'launch', 'rocket');
    await world.clock.settle();
    const seen = 'SERVICE_TIMEOUT: no answer from the pad';
    expect(await world.ask(ref, 'seen')).toEqual([seen, seen]);
    expect(calls).toHaveLength(1);
  });

  test('D6 a result that is no data is a failure, in every try', async () => {
    const { world, ref } = await fresh();
    tool.returns = () => 'a function';
    failures = 1;
    world.tell(ref, 'launch', 'rocket');
    await world.clock.settle();
    const seen = (await world.ask(ref, 'seen')) as string[];
    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatch(/^MESSAGE_NOT_CLONEABLE/u);
    expect(seen[1]).toBe(seen[0]);
    expect(calls).toHaveLength(1);
  });

  test('D6 a handler that fails while the call is under way does not learn its end', async () => {
    const { worlds, world, ref } = await fresh();
    const end = Promise.withResolvers<void>();
    tool.waits = end.promise;
    failures = 1;
    world.tell(ref, 'both', 'rocket');
    await world.clock.settle();
    end.resolve();
    await world.clock.settle();
    expect(await world.ask(ref, 'seen')).toEqual([UNKNOWN.replace('launch', 'slow')]);
    expect(calls).toEqual(['rocket']);
    // The late result is not in the journal either, which would contradict what the step has seen.
    expect(records(worlds.journal, 'slow')).toEqual([]);
  });

  test('D6 another step makes the call again', async () => {
    const { world, ref } = await fresh();
    world.tell(ref, 'launch', 'one');
    await world.clock.settle();
    world.tell(ref, 'launch', 'two');
    await world.clock.settle();
    expect(calls).toEqual(['op/0/launch one', 'op/1/launch two']);
  });

  test('the intent is at the level of the run before the call is made', async () => {
    const { worlds, world, ref } = await fresh();
    const levels: unknown[] = [];
    worlds.journal.onAppend = (group, level) => {
      if (has('begin')(group)) levels.push([level ?? 'run', calls.length]);
    };
    world.tell(ref, 'launch', 'rocket');
    world.tell(ref, 'plain', 'x');
    await world.clock.settle();
    expect(levels).toEqual([
      ['run', 0],
      ['committed', 1],
      ['committed', 1],
    ]);
  });

  test('an ephemeral actor just makes it', async () => {
    const { world } = await fresh();
    expect(await world.ask(await world.spawn(light, undefined), 'go')).toBe(7);
  });
});

describe('effects', () => {
  test('D3 a result on its way to the journal when the handler fails is waited for, not asked for again', async () => {
    const { worlds, world, ref } = await fresh();
    const failing = Promise.withResolvers<void>();
    const recording = Promise.withResolvers<void>();
    tool.waits = failing.promise;
    failures = 1;
    worlds.journal.answer = (group) => (record('plain')(group) ? recording.promise : Promise.resolve());
    world.tell(ref, 'hasty', 'x');
    await world.clock.settle();
    failing.resolve();
    await world.clock.settle();
    expect(records(worlds.journal, 'plain')).toEqual(['x']);
    expect(world.counters[0]?.read()).toMatchObject({ restarts: 1, steps: 0 });
    recording.resolve();
    await world.clock.settle();
    expect(await world.ask(ref, 'seen')).toEqual(['x']);
    expect(calls).toEqual(['x']);
    expect(records(worlds.journal, 'plain')).toEqual(['x']);
  });

  test('keys of the runtime are refused', async () => {
    const { world, ref } = await fresh();
    expect(await world.ask(ref, 'own')).toMatch(/^USAGE/u);
  });
});
