/** The actors of the soak: they send, ask, spawn, watch and wait, and keep nothing. */
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { readHeap, type ThreadHeap } from './heap.ts';

export const sink = defineActor(import.meta.url, 'sink', {
  state: () => ({ seen: 0 }),
  messages: { put: message<number>(), seen: request<void, number>() },
  receive: {
    put: (state) => {
      state.seen += 1;
    },
    seen: (state) => state.seen,
  },
});

type SinkRef = ActorRef<(typeof sink)['messages']>;

/** Sends so many to each, then waits for all of them: what is under way stays far below what a mailbox holds. */
const BATCH = 80;

export const source = defineActor(import.meta.url, 'source', {
  state: () => null,
  messages: { burst: request<{ to: readonly SinkRef[]; count: number }, number>() },
  receive: {
    /** @returns how many asks it took */
    burst: async (_state, { to, count }, ctx) => {
      let asks = 0;
      for (let sent = 0; sent < count; sent += BATCH * to.length) {
        for (const ref of to) for (let n = 0; n < BATCH; n += 1) ctx.tell(ref, 'put', n);
        await Promise.all(to.map((ref) => ctx.ask(ref, 'seen', undefined, { deadlineMs: 120_000 })));
        asks += to.length;
      }
      return asks;
    },
  },
});

/** Lives for one message: stops at once, by a timer, or by failing. */
export const mayfly = defineActor(import.meta.url, 'mayfly', {
  state: (how: number) => ({ how }),
  messages: { live: message(), end: message() },
  receive: {
    live: ({ how }, _body, ctx) => {
      if (how % 10 === 0) ctx.timers.once('end', 1, 'end');
      else if (how % 10 === 1) throw new Error('a short life');
      else ctx.stop();
    },
    end: (_state, _body, ctx) => ctx.stop(),
  },
});

/** At once; the next one is spawned when one has ended. */
const BROOD = 200;

export const nursery = defineActor(import.meta.url, 'nursery', {
  state: () => ({ left: 0, alive: 0, ended: 0, failed: 0, serial: 0 }),
  messages: {
    raise: message<number>(),
    fill: message(),
    progress: request<void, { left: number; ended: number; failed: number }>(),
  },
  receive: {
    raise: (state, count, ctx) => {
      state.left += count;
      ctx.tell(ctx.self as ActorRef<(typeof nursery)['messages']>, 'fill');
    },
    fill: (state, _body, ctx) => {
      while (state.left > 0 && state.alive < BROOD) {
        state.left -= 1;
        state.alive += 1;
        state.serial += 1;
        const { serial } = state;
        // Names come again once their actor has ended, which is long before as many others were spawned.
        const name = serial % 5 === 0 ? { name: `fly ${ctx.self.id} ${serial % (BROOD * 10)}` } : {};
        const place = serial % 2 === 0 ? 'same-shard' : 'round-robin';
        const fly = ctx.spawn(mayfly, serial, { ...name, placement: place });
        ctx.watch(fly);
        ctx.tell(fly, 'live');
      }
    },
    progress: ({ left, alive, ended, failed }) => ({ left: left + alive, ended, failed }),
  },
  onTerminated: (state, _ref, _reason, ctx) => {
    state.alive -= 1;
    state.ended += 1;
    if (state.alive === BROOD / 2 && state.left > 0)
      ctx.tell(ctx.self as ActorRef<(typeof nursery)['messages']>, 'fill');
  },
  onChildFailed: (state) => {
    state.failed += 1;
  },
});

/** Sets timers under few keys: most are replaced or cancelled, a periodic one goes on for a while. */
export const ticker = defineActor(import.meta.url, 'ticker', {
  state: () => ({ waiting: 0, fired: 0, beats: 0 }),
  messages: { tick: message<number>(), fire: message(), beat: message(), left: request<void, number>() },
  receive: {
    tick: (state, count, ctx) => {
      for (let n = 0; n < count; n += 1) {
        const key = `key ${n % 40}`;
        ctx.timers.once(key, 1 + (n % 3), 'fire');
        if (n % 4 === 0) ctx.timers.cancel(key);
      }
      state.waiting = 1;
      ctx.timers.every('beat', 1, 'beat');
    },
    fire: (state) => {
      state.fired += 1;
    },
    beat: (state, _body, ctx) => {
      state.beats += 1;
      if (state.beats % 3 !== 0) return;
      ctx.timers.cancel('beat');
      state.waiting = 0;
    },
    left: (state) => state.waiting,
  },
});

/** Calls a service, and answers late to those who do not wait. */
export const caller = defineActor(import.meta.url, 'caller', {
  state: () => null,
  messages: { call: request<number, number>(), late: request<void, number>() },
  receive: {
    call: async (_state, count, ctx) => {
      for (let n = 0; n < count; n += 1) await ctx.service('echo', 'echo', n, { deadlineMs: 120_000 });
      return count;
    },
    late: () => 1,
  },
});

/** Looks at the heap of its thread. */
export const probe = defineActor(import.meta.url, 'probe', {
  state: () => null,
  messages: { heap: request<boolean, ThreadHeap>() },
  receive: { heap: (_state, maps) => readHeap(maps) },
});
