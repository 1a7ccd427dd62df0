/**
 * What the compiler infers at the call site. The assertions are types: `npm run typecheck` checks them, and running this
 * file only proves that the expressions exist.
 */
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  broadcast,
  consistentHash,
  defineActor,
  message,
  request,
  roundRobin,
  routeeFor,
  type ActorContext,
  type ActorRef,
  type MailOf,
  type Router,
} from '../../src/actor/index.ts';
import type { ServiceHost, ServiceInstance, ServiceName } from '../../src/protocol/service.ts';
import type { ActorSystem, SystemRef, SystemRouter } from '../../src/runtime/index.ts';

const order = z.strictObject({ id: z.string(), cents: z.number() });

const shop = defineActor('test:types', 'shop', {
  state: (start: number) => ({ total: start, orders: [] as string[] }),
  messages: {
    add: message<number>(),
    clear: message(),
    place: message(order),
    total: request<void, number>(),
    find: request<string, { id: string } | null>(),
    count: request(z.array(z.string()), z.number()),
  },
  receive: {
    add: (state, amount, ctx) => {
      expectTypeOf(state).toEqualTypeOf<{ total: number; orders: string[] }>();
      expectTypeOf(amount).toEqualTypeOf<number>();
      expectTypeOf(ctx).toEqualTypeOf<ActorContext<{ total: number; orders: string[] }>>();
    },
    clear: (_state, body) => {
      expectTypeOf(body).toEqualTypeOf<void>();
    },
    place: (_state, body) => {
      expectTypeOf(body).toEqualTypeOf<{ id: string; cents: number }>();
    },
    total: (state) => state.total,
    find: async (_state, id) => (id === '' ? null : { id }),
    count: (_state, ids) => ids.length,
  },
  onTerminated: (state, ref, reason) => {
    expectTypeOf(state.total).toEqualTypeOf<number>();
    expectTypeOf(ref).toEqualTypeOf<ActorRef>();
    expectTypeOf(reason).toEqualTypeOf<string>();
  },
});

type Messages = (typeof shop)['messages'];
type Behaviour = Parameters<typeof defineActor<{ total: number }, number, Messages>>[2];
type Handlers = NonNullable<Behaviour['receive']>;

/** Nothing of this is called. */
const never = (use: (given: { system: ActorSystem; ctx: ActorContext; ref: ActorRef<Messages> }) => unknown): void =>
  void use;

describe('messages and replies', () => {
  test('of a definition: bodies, replies, state and initial value', () => {
    expectTypeOf<Parameters<Handlers['add']>[1]>().toEqualTypeOf<number>();
    expectTypeOf<ReturnType<Handlers['add']>>().toEqualTypeOf<void | Promise<void>>();
    expectTypeOf<ReturnType<Handlers['total']>>().toEqualTypeOf<number | Promise<number>>();
    expectTypeOf<ReturnType<Handlers['count']>>().toEqualTypeOf<number | Promise<number>>();
    expectTypeOf<Parameters<(typeof shop)['state']>>().toEqualTypeOf<[init: number]>();
  });

  test('of the mail in a batch: one member per type, and the reply of each', () => {
    type Mail = MailOf<Messages>;
    expectTypeOf<Mail['type']>().toEqualTypeOf<'add' | 'clear' | 'place' | 'total' | 'find' | 'count'>();
    expectTypeOf<Extract<Mail, { type: 'place' }>['body']>().toEqualTypeOf<{ id: string; cents: number }>();
    expectTypeOf<Parameters<Extract<Mail, { type: 'total' }>['reply']>>().toEqualTypeOf<[value: number]>();
    expectTypeOf<Parameters<Extract<Mail, { type: 'add' }>['reply']>>().toEqualTypeOf<[value: never]>();
  });

  test('from outside: spawn, tell, ask', () => {
    never(({ system }) => {
      expectTypeOf(system.spawn(shop, 1)).resolves.toEqualTypeOf<SystemRef<Messages>>();
    });
    never(({ system, ref }) => {
      const own = system.ref(ref);
      expectTypeOf(own.tell('place', { id: 'a', cents: 1 })).toEqualTypeOf<boolean>();
      expectTypeOf(own.tell('clear')).toEqualTypeOf<boolean>();
      expectTypeOf(own.ask('total')).resolves.toEqualTypeOf<number>();
      expectTypeOf(own.ask('find', 'a')).toEqualTypeOf<Promise<{ id: string } | null>>();
      expectTypeOf(own.ask('count', ['a'])).resolves.toEqualTypeOf<number>();
      expectTypeOf(own.ask('add', 1)).resolves.toEqualTypeOf<never>();
    });
    expectTypeOf<Parameters<SystemRef<Messages>['tell']>[0]>().toEqualTypeOf<keyof Messages>();
  });

  test('from inside: spawn, tell, ask, lookup', () => {
    never(({ ctx, ref }) => {
      expectTypeOf(ctx.spawn(shop, 1)).toEqualTypeOf<ActorRef<Messages>>();
      expectTypeOf(ctx.ask(ref, 'total', undefined)).resolves.toEqualTypeOf<number>();
      expectTypeOf(ctx.ask(ref, 'find', 'a', { deadlineMs: 1 })).toEqualTypeOf<Promise<{ id: string } | null>>();
      expectTypeOf(ctx.tell(ref, 'add', 1)).toEqualTypeOf<boolean>();
      expectTypeOf(ctx.tell(ref, 'clear')).toEqualTypeOf<boolean>();
      expectTypeOf(ctx.lookup<Messages>('a')).resolves.toEqualTypeOf<ActorRef<Messages> | null>();
    });
  });

  test('what does not fit does not compile: other bodies, other types, other replies', () => {
    never(({ system, ctx, ref }) => {
      const own = system.ref(ref);
      // @ts-expect-error a body of another type
      own.tell('add', 'one');
      // @ts-expect-error no body
      own.tell('add');
      // @ts-expect-error a body where there is none
      own.tell('clear', 1);
      // @ts-expect-error a field is missing
      own.tell('place', { id: 'a' });
      // @ts-expect-error no such message
      own.tell('other');
      // @ts-expect-error a body of another type
      void own.ask('find', 1);
      // @ts-expect-error a body of another type
      ctx.tell(ref, 'add', 'one');
      // @ts-expect-error a body of another type
      ctx.tell(roundRobin([ref]), 'add', 'one');
      // @ts-expect-error an initial value of another type
      void system.spawn(shop, 'one');
      // @ts-expect-error an initial value of another type
      ctx.spawn(shop, 'one');
    });
    expectTypeOf<(state: unknown) => string>().not.toExtend<Handlers['total']>();
    expectTypeOf<(state: unknown) => Promise<number>>().toExtend<Handlers['total']>();
    expectTypeOf<ActorRef<{ other: Messages['add'] }>>().not.toExtend<ActorRef<Messages>>();
  });
});

describe('routers', () => {
  test('are told and asked like their routees', () => {
    never(({ system, ctx, ref }) => {
      const pool = roundRobin([ref]);
      expectTypeOf(pool).toEqualTypeOf<Router<Messages>>();
      expectTypeOf(consistentHash([ref], { by: 'id' })).toEqualTypeOf<Router<Messages>>();
      expectTypeOf(broadcast([system.ref(ref)])).toEqualTypeOf<Router<Messages>>();
      expectTypeOf(routeeFor(pool, 'key')).toEqualTypeOf<ActorRef<Messages> | null>();
      expectTypeOf(ctx.ask(pool, 'total', undefined)).resolves.toEqualTypeOf<number>();
      expectTypeOf(ctx.tell(pool, 'place', { id: 'a', cents: 1 })).toEqualTypeOf<boolean>();
      const own = system.router(pool, { key: (type) => (type === 'add' ? 1 : 'b') });
      expectTypeOf(own).toEqualTypeOf<SystemRouter<Messages>>();
      expectTypeOf(own.ask('find', 'a')).toEqualTypeOf<Promise<{ id: string } | null>>();
      // @ts-expect-error a body of another type
      own.tell('add', 'one');
    });
  });
});

describe('services', () => {
  interface Prices {
    price(article: string): number | null;
    change(prices: { readonly [article: string]: number }): Promise<void>;
  }
  const PRICES: ServiceName<Prices> = 'prices';

  test('of a name that says what its methods are: arguments and answers, from everywhere', () => {
    never(({ system, ctx }) => {
      expectTypeOf(ctx.service(PRICES, 'price', 'pear')).toEqualTypeOf<Promise<number | null>>();
      expectTypeOf(ctx.service(PRICES, 'change', { pear: 1 }, { deadlineMs: 1 })).toEqualTypeOf<Promise<void>>();
      expectTypeOf(system.callService(PRICES, 'price', 'pear')).toEqualTypeOf<Promise<number | null>>();
      const host = {} as ServiceHost;
      expectTypeOf(host.call(PRICES, 'price', 'pear')).toEqualTypeOf<Promise<number | null>>();
      // @ts-expect-error no such method
      void ctx.service(PRICES, 'prices', 'pear');
      // @ts-expect-error an argument of another type
      void ctx.service(PRICES, 'price', 1);
      // @ts-expect-error an argument of another type
      void system.callService(PRICES, 'change', { pear: 'one' });
      // @ts-expect-error an argument of another type
      void host.call(PRICES, 'price', ['pear']);
    });
  });

  test('whoever is the service is held to the same', () => {
    const takes = (instance: ServiceInstance<Prices>): unknown => instance;
    takes({ methods: { price: (article) => article.length, change: () => undefined } });
    takes({ methods: { price: async (_article, { effectId }) => (effectId === null ? null : 1), change: () => {} } });
    // @ts-expect-error a method is missing
    takes({ methods: { price: () => 1 } });
    // @ts-expect-error an answer of another type
    takes({ methods: { price: () => 'one', change: () => {} } });
    // @ts-expect-error an argument of another type
    takes({ methods: { price: (article: number) => article, change: () => {} } });
    expectTypeOf<ServiceInstance<Prices>>().toExtend<ServiceInstance>();
  });

  test('of a plain string nothing is known', () => {
    never(({ system, ctx }) => {
      expectTypeOf(ctx.service('prices', 'price', ['whatever'])).toEqualTypeOf<Promise<unknown>>();
      expectTypeOf(system.callService('a'.repeat(3), 'b'.repeat(2), 1)).toEqualTypeOf<Promise<unknown>>();
    });
  });
});
