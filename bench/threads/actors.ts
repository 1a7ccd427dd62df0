/** Actors on two hosts: tells one way, and ping-pong. */
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { BURST } from './settings.ts';

/** Counts, and asks for more where it is told to. */
export const target = defineActor(import.meta.url, 'target', {
  state: () => ({ count: 0, sum: 0 }),
  messages: { item: message<number>(), mark: message(), seen: request<void, { count: number; sum: number }>() },
  receive: {
    item: (state, item) => {
      state.count += 1;
      state.sum += item;
    },
    mark: (_, __, ctx) => {
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'more');
    },
    seen: (state) => ({ ...state }),
  },
});

/** Tells its items, numbered down to 1, some bursts ahead of what was marked. Whoever asks for `told` waits for the end. */
export const origin = defineActor(import.meta.url, 'origin', {
  state: ({ to, items }: { readonly to: ActorRef; readonly items: number }) => ({ to, left: items }),
  messages: { more: message(), told: request<void, number>() },
  receive: {
    more: (state, _, ctx) => {
      const end = Math.max(0, state.left - BURST);
      const { to } = state;
      for (let left = state.left; left > end; left -= 1) ctx.tell(to, 'item', left);
      state.left = end;
      if (end > 0) ctx.tell(to, 'mark');
      else ctx.unstash();
    },
    told: (state, _, ctx) => {
      if (state.left > 0) ctx.stash();
      return state.left;
    },
  },
});

export const echo = defineActor(import.meta.url, 'echo', {
  state: () => ({}),
  messages: { ping: message<number>() },
  receive: {
    ping: (_, trip, ctx) => {
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'pong', trip);
    },
  },
});

/** @returns from `trips` how many came back, after the last */
export const caller = defineActor(import.meta.url, 'caller', {
  state: ({ to, trips }: { readonly to: ActorRef; readonly trips: number }) => ({ to, trips, done: 0, wrong: 0 }),
  messages: { begin: message(), pong: message<number>(), trips: request<void, { done: number; wrong: number }>() },
  receive: {
    begin: (state, _, ctx) => {
      ctx.tell(state.to, 'ping', 1);
    },
    pong: (state, trip, ctx) => {
      state.done += 1;
      if (trip !== state.done) state.wrong += 1;
      if (state.done < state.trips) ctx.tell(state.to, 'ping', state.done + 1);
      else ctx.unstash();
    },
    trips: (state, _, ctx) => {
      if (state.done < state.trips) ctx.stash();
      return { done: state.done, wrong: state.wrong };
    },
  },
});
