/** Actors for the tests of passivation: they count, answer, spawn, and can be attached to something ephemeral. */
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { FIXTURES } from './one-thread.ts';

export interface TallyState {
  total: number;
  seen: number[];
}

/** What handlers wait for; replaced by tests. */
export const mood = {
  wait: null as Promise<void> | null,
  fail: false,
  /** `park` stashes. */
  parks: false,
  /** Values over which somebody has tripped: nobody does so twice. */
  tripped: new Set<number>(),
};

export const tally = defineActor(FIXTURES, 'tally', {
  state: (start: number): TallyState => ({ total: start, seen: [] }),
  messages: {
    add: message<number>(),
    total: request<void, number>(),
    seen: request<void, number[]>(),
    hire: request<{ name?: string; durable: boolean }, ActorRef>(),
    watch: message<ActorRef>(),
    pass: message<{ to: ActorRef; by: number }>(),
    later: message<number>(),
    keep: message(),
    release: message(),
    slow: message<number>(),
    note: message<string>(),
    chronicle: message<number>(),
    notes: request<void, unknown[]>(),
    fail: message(),
    quit: message(),
    fire: message<ActorRef>(),
    step: request<void, number>(),
    trip: message<number>(),
    park: message<number>(),
  },
  receive: {
    add: (s, n) => {
      s.total += n;
      s.seen.push(n);
    },
    total: (s) => s.total,
    seen: (s) => [...s.seen],
    hire: (_s, { name, durable }, ctx): ActorRef =>
      ctx.spawn(tally, 0, { durable, ...(name === undefined ? {} : { name }) }),
    watch: (_s, ref, ctx) => ctx.watch(ref),
    pass: (s, { to, by }, ctx) => {
      s.total -= by;
      ctx.tell(to as ActorRef<{ add: ReturnType<typeof message<number>> }>, 'add', by);
    },
    later: (_s, ms, ctx) => ctx.timers.once('later', ms, 'add', 100),
    keep: (_s, _b, ctx) => ctx.stash(),
    release: (_s, _b, ctx) => ctx.unstash(),
    slow: async (s, n, ctx) => {
      await ctx.effect('slow', () => mood.wait ?? undefined);
      s.total += n;
    },
    note: (_s, words, ctx) => ctx.appendHistory(words),
    chronicle: (_s, count, ctx) => {
      for (let entry = 0; entry < count; entry += 1) ctx.appendHistory(entry);
    },
    notes: (_s, _b, ctx) => [...ctx.history],
    fail: () => {
      if (mood.fail) throw new Error('bad mood');
    },
    quit: (_s, _b, ctx) => ctx.stop(),
    fire: (_s, child, ctx) => ctx.stop(child),
    step: (_s, _b, ctx) => ctx.step,
    trip: (s, n) => {
      s.total += n;
      s.seen.push(n);
      if (mood.tripped.has(n)) return;
      mood.tripped.add(n);
      throw new Error('tripped');
    },
    park: (s, n, ctx) => {
      if (mood.parks) {
        ctx.stash();
        return;
      }
      s.total += n;
      s.seen.push(n);
    },
  },
  batchMax: 1_024,
  onTerminated: (s) => {
    s.total += 1_000;
  },
});

export const passiveActors: Record<string, unknown> = { tally };
