/** Tells within a shard wait in parts; whoever handles them must not notice. */
import { describe, expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { FIXTURES, World } from './one-thread.ts';

type Text = string;

/** Says in order what it was told, and by whom. */
const listener = defineActor(FIXTURES, 'listener', {
  state: () => ({ heard: [] as Text[], open: true }),
  messages: {
    say: message<Text>(),
    sayLater: message<Text>(),
    put: message<Text>(),
    shut: message(),
    unlock: message(),
    fail: message<Text>(),
    heard: request<void, Text[]>(),
  },
  receive: {
    say: ({ heard }, text, ctx) => {
      heard.push(`${text} of ${ctx.sender?.name ?? 'nobody'}`);
    },
    sayLater: async ({ heard }, text, ctx) => {
      const before = ctx.sender?.name ?? 'nobody';
      await Promise.resolve();
      heard.push(`${text} of ${before}, then ${ctx.sender?.name ?? 'nobody'}`);
    },
    put: ({ heard, open }, text, ctx) => {
      if (!open) {
        ctx.stash();
        heard.push(`${text} put away by ${ctx.sender?.name ?? 'nobody'}`);
        return;
      }
      heard.push(`${text} put by ${ctx.sender?.name ?? 'nobody'}`);
    },
    shut: (state) => {
      state.open = false;
    },
    unlock: (state, _, ctx) => {
      state.open = true;
      ctx.unstash();
    },
    fail: (_, text) => {
      throw new Error(text);
    },
    heard: ({ heard }) => heard,
  },
});

const batchListener = defineActor(FIXTURES, 'batchListener', {
  state: () => [] as Text[],
  messages: { say: message<Text>(), fail: message<Text>(), heard: request<void, Text[]>() },
  receiveBatch: (heard, batch) => {
    for (const mail of batch) {
      if (mail.type === 'heard') mail.reply(heard);
      else if (mail.type === 'fail') throw new Error(mail.body);
      else {
        heard.push(`${mail.body} of ${mail.sender?.name ?? 'nobody'}`);
        // Nobody waits for it.
        mail.reply(undefined as never);
      }
    }
  },
});

interface Lines {
  readonly to: ActorRef;
  readonly lines: readonly (readonly [type: string, text: Text])[];
}

const speaker = defineActor(FIXTURES, 'speaker', {
  state: () => ({ refused: 0 }),
  messages: { speak: message<Lines>(), refused: request<void, number>() },
  receive: {
    speak: (state, { to, lines }, ctx) => {
      for (const [type, text] of lines) if (!ctx.tell(to, type, text)) state.refused += 1;
    },
    refused: ({ refused }) => refused,
  },
});

const definitions = { listener, batchListener, speaker };

describe.for([true, false])('tells in parts (through the codec: %s)', (checkMail) => {
  const begin = async (): Promise<World> => {
    const world = new World(definitions, { checkMail });
    await world.start();
    return world;
  };

  test('a handler knows its sender, also after it waited while others were handled', async () => {
    const world = await begin();
    const [a, b] = [await world.spawn(listener, undefined), await world.spawn(listener, undefined)];
    const anna = await world.spawn(speaker, undefined, { name: 'anna', shard: 0 });
    const ben = await world.spawn(speaker, undefined, { name: 'ben', shard: 0 });
    world.tell(anna, 'speak', {
      to: a,
      lines: [
        ['sayLater', 'one'],
        ['say', 'two'],
      ],
    });
    world.tell(ben, 'speak', {
      to: b,
      lines: [
        ['say', 'three'],
        ['say', 'four'],
      ],
    });
    world.tell(a, 'say', 'five');
    await world.clock.settle();
    expect(await world.ask(a, 'heard')).toEqual(['five of nobody', 'one of anna, then anna', 'two of anna']);
    expect(await world.ask(b, 'heard')).toEqual(['three of ben', 'four of ben']);
  });

  test('what was put away comes back in order, with its sender', async () => {
    const world = await begin();
    const a = await world.spawn(listener, undefined);
    const anna = await world.spawn(speaker, undefined, { name: 'anna', shard: 0 });
    const lines = [
      ['shut', ''],
      ['put', 'one'],
      ['put', 'two'],
      ['unlock', ''],
      ['put', 'three'],
    ] as const;
    world.tell(anna, 'speak', { to: a, lines });
    await world.clock.settle();
    expect(await world.ask(a, 'heard')).toEqual([
      'one put away by nobody',
      'two put away by nobody',
      'one put by anna',
      'two put by anna',
      'three put by anna',
    ]);
  });

  test('A4 what does not fit, and what nobody will handle, is a dead letter with its sender', async () => {
    const world = await begin();
    const a = await world.spawn(listener, undefined, { mailbox: { capacity: 2 } });
    const anna = await world.spawn(speaker, undefined, { name: 'anna', shard: 0 });
    const lines = [
      ['fail', 'oh'],
      ['say', 'two'],
      ['say', 'three'],
    ] as const;
    world.tell(anna, 'speak', { to: a, lines });
    await world.clock.settle();
    expect(await world.ask(anna, 'refused')).toBe(1);
    expect(
      world.shards[0]?.deadLetters().map(({ reason, from, type, body }) => [reason, from?.id, type, body]),
    ).toEqual([
      ['mailbox-full', anna.id, 'say', 'three'],
      ['stopped', anna.id, 'say', 'two'],
    ]);
    expect(world.counters[0]?.read()).toMatchObject({ mailboxDepth: 0, deadLetters: 2 });
  });

  test('a batch has tells and asks in their order, and says which message it failed on', async () => {
    const world = await begin();
    const a = await world.spawn(batchListener, undefined);
    const anna = await world.spawn(speaker, undefined, { name: 'anna', shard: 0 });
    world.tell(anna, 'speak', {
      to: a,
      lines: [
        ['say', 'one'],
        ['nonsense', ''],
        ['say', 'two'],
      ],
    });
    await world.clock.settle();
    expect(await world.ask(a, 'heard')).toEqual(['one of anna', 'two of anna']);
    world.tell(anna, 'speak', {
      to: a,
      lines: [
        ['fail', 'oh'],
        ['say', 'three'],
      ],
    });
    await world.clock.settle();
    expect(world.events.findLast(({ type }) => type === 'restart')).toMatchObject({
      message: 'fail',
      restarted: false,
    });
    expect(world.counters[0]?.read()).toMatchObject({ mailboxDepth: 0, deadLetters: 1 });
  });
});
