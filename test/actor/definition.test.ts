import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineActor, message, request, type ActorContext, type ActorRef } from '../../src/actor/index.ts';

const counter = defineActor(import.meta.url, 'counter', {
  state: (start: number) => ({ total: start }),
  messages: {
    add: message<number>(),
    total: request<void, number>(),
    named: message(z.object({ name: z.string() })),
    slow: request(z.string(), z.number()),
  },
  receive: {
    add: (s, n) => {
      expectTypeOf(s).toEqualTypeOf<{ total: number }>();
      expectTypeOf(n).toEqualTypeOf<number>();
      s.total += n;
    },
    total: (s) => s.total,
    named: async (_s, body) => {
      expectTypeOf(body).toEqualTypeOf<{ name: string }>();
    },
    slow: async (s, text, ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<ActorContext<{ total: number }>>();
      ctx.tell(ctx.self as ActorRef<typeof counterMessages>, 'add', text.length);
      return s.total;
    },
  },
});

const counterMessages = { add: message<number>(), total: request<void, number>() };

const batching = defineActor(import.meta.url, 'batching', {
  state: () => ({ seen: 0 }),
  messages: { add: message<number>(), total: request<void, number>() },
  receiveBatch: async (state, batch) => {
    for (const mail of batch) {
      if (mail.type === 'add') {
        expectTypeOf(mail.body).toEqualTypeOf<number>();
        state.seen += mail.body;
      } else {
        mail.reply(state.seen);
      }
    }
  },
});

describe('defineActor', () => {
  test('keeps the module, the export and the behaviour', () => {
    expect(counter.module).toBe(import.meta.url);
    expect(counter.export).toBe('counter');
    expect(counter.state(3)).toEqual({ total: 3 });
    expect(Object.keys(batching.messages)).toEqual(['add', 'total']);
  });

  test('infers bodies and replies for tell and ask', () => {
    const use = async (ctx: ActorContext, ref: ActorRef<(typeof counter)['messages']>): Promise<void> => {
      ctx.tell(ref, 'add', 5);
      // @ts-expect-error a body of the wrong type
      ctx.tell(ref, 'add', 'five');
      // @ts-expect-error a body is missing
      ctx.tell(ref, 'add');
      // @ts-expect-error no such message
      ctx.tell(ref, 'subtract', 5);
      expectTypeOf(await ctx.ask(ref, 'total', undefined)).toEqualTypeOf<number>();
      expectTypeOf(await ctx.ask(ref, 'slow', 'text')).toEqualTypeOf<number>();
      const child = ctx.spawn(counter, 4);
      expectTypeOf(child).toEqualTypeOf<ActorRef<(typeof counter)['messages']>>();
      // @ts-expect-error an init of the wrong type
      ctx.spawn(counter, 'four');
    };
    expect(use).toBeTypeOf('function');
  });
});
