/** The actors that `bench journal` measures. They do as little as an actor can that still shows what it has done. */
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';

/** Takes items and remembers how many, and the sum of them, so that a lost or doubled one is seen. */
export const sink = defineActor(import.meta.url, 'sink', {
  state: () => ({ count: 0, sum: 0 }),
  messages: { item: message<number>(), seen: request<void, { count: number; sum: number }>() },
  receive: {
    item: (state, item) => {
      state.count += 1;
      state.sum += item;
    },
    seen: (state) => ({ ...state }),
  },
});

export interface SourceOrder {
  readonly to: ActorRef;
  /** Items still to be told, numbered from this down to 1. */
  readonly items: number;
  /** Items of one step. */
  readonly burst: number;
}

/** Tells its items burst by burst, one burst a step, and tells itself to go on. */
export const source = defineActor(import.meta.url, 'source', {
  state: () => ({ told: 0 }),
  messages: { go: message<SourceOrder>() },
  receive: {
    go: (state, { to, items, burst }, ctx) => {
      const last = Math.max(0, items - burst);
      for (let item = items; item > last; item -= 1) ctx.tell(to, 'item', item);
      state.told += items - last;
      if (last > 0) ctx.tell(ctx.self, 'go', { to, items: last, burst });
    },
  },
});

/** Tells itself to go on until nothing is left: every step waits for the commit of the one before. */
export const chain = defineActor(import.meta.url, 'chain', {
  state: () => ({ links: 0 }),
  messages: { link: message<number>() },
  receive: {
    link: (state, left, ctx) => {
      state.links += 1;
      if (left > 1) ctx.tell(ctx.self, 'link', left - 1);
    },
  },
});
