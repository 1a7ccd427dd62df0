/**
 * Actors whose history is a list of unique elements, for histories that a checker can judge: every way to add to a list
 * that durable actors have, and a read. An element is in the history, and what it did in its entry.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ActorContext, type ActorRef, defineActor, message, request } from '../../../src/actor/index.ts';

/** What a list holds per element. */
export interface Entry {
  readonly element: string;
  readonly kind: 'append' | 'put' | 'fetch' | 'charge' | 'out' | 'in' | 'remind';
  /** Of `fetch`: what the outside answered. */
  readonly value?: string;
  /** Of a transfer: what it did to the balance. */
  readonly amount?: number;
  /** Of a transfer: the list at its other end. */
  readonly other?: string;
}

export interface ListState {
  /** A file that the outside writes a line to for every call; relative to where the process works. */
  readonly outside: string;
  count: number;
  balance: number;
}

interface Element {
  readonly element: string;
}

type Receiver = { readonly receive: ReturnType<typeof message<Element & { amount: number; from: string }>> };
export type ListRef = ActorRef<Receiver>;

const add = (state: ListState, ctx: ActorContext<ListState>, entry: Entry): number => {
  ctx.appendHistory(entry);
  state.count += 1;
  state.balance += entry.amount ?? 0;
  return state.count;
};

let calls = 0;

/** The world outside: it answers every call differently, and remembers all of them, whoever lives to hear the answer. */
const callOutside = async (state: ListState, what: string, id: string, value?: string): Promise<string> => {
  calls += 1;
  const answer = value ?? `${process.pid}-${calls}-${process.hrtime.bigint()}`;
  appendFileSync(state.outside, `${what} ${id} ${answer}\n`);
  await sleep(1);
  return answer;
};

export const list = defineActor(import.meta.url, 'list', {
  state: (init: { outside: string; balance: number }): ListState => ({ ...init, count: 0 }),
  messages: {
    append: request<Element, number>(),
    put: message<Element>(),
    fetch: message<Element>(),
    charge: message<Element>(),
    transfer: request<Element & { amount: number; to: ListRef }, number>(),
    receive: message<Element & { amount: number; from: string }>(),
    remind: request<Element & { delayMs: number }, number>(),
    reminded: message<Element>(),
    read: request<void, readonly string[]>(),
  },
  receive: {
    append: (state, { element }, ctx) => add(state, ctx, { element, kind: 'append' }),
    put: (state, { element }, ctx) => {
      add(state, ctx, { element, kind: 'put' });
    },
    /** Asks the outside, then acts on the answer outside, then remembers it. */
    fetch: async (state, { element }, ctx) => {
      const value = await ctx.effect('ask', (id) => callOutside(state, 'asked', id));
      await ctx.effect('act', () => callOutside(state, 'acted', element, value), { record: 'step' });
      add(state, ctx, { element, kind: 'fetch', value });
    },
    /** A service changes its table, once per effect. */
    charge: async (state, { element }, ctx) => {
      await ctx.effect(`charge-${element}`, (effectId) => ctx.service('ledger', 'charge', { element }, { effectId }), {
        record: 'step',
      });
      // Time for a kill between the commit of the service and that of the step.
      await sleep(1);
      add(state, ctx, { element, kind: 'charge' });
    },
    transfer: (state, { element, amount, to }, ctx) => {
      ctx.tell(to, 'receive', { element, amount, from: ctx.self.name });
      return add(state, ctx, { element, kind: 'out', amount: -amount, other: to.name });
    },
    receive: (state, { element, amount, from }, ctx) => {
      add(state, ctx, { element, kind: 'in', amount, other: from });
    },
    remind: (_state, { element, delayMs }, ctx) => {
      ctx.timers.once(element, delayMs, 'reminded', { element });
      return delayMs;
    },
    reminded: (state, { element }, ctx) => {
      add(state, ctx, { element, kind: 'remind' });
    },
    read: (_state, _body, ctx) => ctx.history.map((entry) => (entry as Entry).element),
  },
});
