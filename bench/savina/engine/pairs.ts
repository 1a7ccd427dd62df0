/**
 * Programs of few actors and many messages, as a user of the engine writes them: pingpong, counting, fork-join, ring,
 * create.
 */
import { defineActor, message, request, type ActorContext, type ActorRef } from '../../../src/actor/index.ts';
import { heapBytes } from '../heap.ts';
import { BURST, type Size } from '../settings.ts';
import { REPORT, Report } from './report.ts';

export const pong = defineActor(import.meta.url, 'pong', {
  state: () => ({ pings: 0 }),
  messages: { ping: message(), count: message() },
  receive: {
    ping: (state, _, ctx) => {
      state.pings += 1;
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'pong');
    },
    count: (state, _, ctx) => {
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'pings', state.pings);
    },
  },
});

export const pingpong = defineActor(import.meta.url, 'pingpong', {
  state: () => ({ report: new Report(), items: 0, pongs: 0, pong: null as ActorRef | null }),
  messages: { ...REPORT, pong: message(), pings: message<number>() },
  receive: {
    begin: (state, { items }: Size, ctx) => {
      state.report.begin();
      state.items = items;
      state.pong = ctx.spawn(pong, undefined);
      ctx.tell(state.pong, 'ping');
    },
    pong: (state, _, ctx) => {
      state.pongs += 1;
      if (state.pong !== null) ctx.tell(state.pong, state.pongs < state.items ? 'ping' : 'count');
    },
    pings: (state, pings, ctx) => state.report.finish({ pings, pongs: state.pongs }, ctx),
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});

export const counter = defineActor(import.meta.url, 'counter', {
  state: () => ({ count: 0 }),
  messages: { increment: message(), mark: message(), retrieve: message() },
  receive: {
    increment: (state) => {
      state.count += 1;
    },
    mark: (_, __, ctx) => {
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'go');
    },
    retrieve: (state, _, ctx) => {
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'total', state.count);
    },
  },
});

export const batchCounter = defineActor(import.meta.url, 'batchCounter', {
  state: () => ({ count: 0 }),
  messages: { increment: message(), mark: message(), retrieve: message() },
  batchMax: 1_024,
  receiveBatch: (state, batch, ctx) => {
    for (const { type, sender } of batch) {
      if (type === 'increment') state.count += 1;
      else if (sender === null) continue;
      else if (type === 'mark') ctx.tell(sender, 'go');
      else ctx.tell(sender, 'total', state.count);
    }
  },
});

/** `batch`: with the counter that takes whole batches. */
export const counting = defineActor(import.meta.url, 'counting', {
  state: (batch: boolean) => ({ report: new Report(), batch, left: 0, counter: null as ActorRef | null }),
  messages: { ...REPORT, go: message(), total: message<number>() },
  receive: {
    begin: (state, { items }: Size, ctx) => {
      state.report.begin();
      state.left = items;
      state.counter = state.batch ? ctx.spawn(batchCounter, undefined) : ctx.spawn(counter, undefined);
      ctx.tell(ctx.self, 'go');
    },
    go: (state, _, ctx) => {
      const { counter: to } = state;
      if (to === null) return;
      const end = Math.max(0, state.left - BURST);
      for (let left = state.left; left > end; left -= 1) ctx.tell(to, 'increment');
      state.left = end;
      ctx.tell(to, end > 0 ? 'mark' : 'retrieve');
    },
    total: (state, counted, ctx) => state.report.finish({ counted }, ctx),
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});

export const joiner = defineActor(import.meta.url, 'joiner', {
  state: () => ({ received: 0 }),
  messages: { job: message(), mark: message(), end: message() },
  receive: {
    job: (state) => {
      state.received += 1;
    },
    mark: (_, __, ctx) => {
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'marked');
    },
    end: (state, _, ctx) => {
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'joined', state.received);
    },
  },
});

interface Fork {
  readonly workers: readonly ActorRef[];
  left: number;
}

/** A burst for every worker, whose last message asks for an answer. */
const forkOne = (fork: Fork, ctx: Pick<ActorContext, 'tell'>): void => {
  const { workers } = fork;
  const end = Math.max(0, fork.left - BURST);
  for (let left = fork.left; left > end; left -= 1) for (const worker of workers) ctx.tell(worker, 'job');
  fork.left = end;
  for (const worker of workers) ctx.tell(worker, end > 0 ? 'mark' : 'end');
};

export const forkJoin = defineActor(import.meta.url, 'forkJoin', {
  state: () => ({ report: new Report(), fork: { workers: [], left: 0 } as Fork, marked: 0, joined: 0, received: 0 }),
  messages: { ...REPORT, marked: message(), joined: message<number>() },
  receive: {
    begin: (state, { actors, items }: Size, ctx) => {
      state.report.begin();
      state.fork = { workers: Array.from({ length: actors }, () => ctx.spawn(joiner, undefined)), left: items };
      forkOne(state.fork, ctx);
    },
    marked: (state, _, ctx) => {
      state.marked += 1;
      if (state.marked < state.fork.workers.length) return;
      state.marked = 0;
      forkOne(state.fork, ctx);
    },
    joined: (state, received, ctx) => {
      state.joined += 1;
      state.received += received;
      if (state.joined < state.fork.workers.length) return;
      state.report.finish({ workers: state.joined, received: state.received }, ctx);
    },
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});

/** What everybody has counted is gathered in one more round. */
interface Sum {
  readonly hops: number;
  readonly asked: number;
}

export const member = defineActor(import.meta.url, 'member', {
  state: (report: ActorRef) => ({ report, next: null as ActorRef | null, members: 0, hops: 0 }),
  messages: { next: message<{ ref: ActorRef; members: number }>(), token: message<number>(), sum: message<Sum>() },
  receive: {
    next: (state, { ref, members }) => {
      state.next = ref;
      state.members = members;
    },
    token: (state, left, ctx) => {
      state.hops += 1;
      if (state.next === null) return;
      if (left > 1) ctx.tell(state.next, 'token', left - 1);
      else ctx.tell(state.next, 'sum', { hops: 0, asked: 1 });
    },
    sum: (state, { hops, asked }, ctx) => {
      const sum = hops + state.hops;
      if (asked === state.members) ctx.tell(state.report, 'hops', sum);
      else if (state.next !== null) ctx.tell(state.next, 'sum', { hops: sum, asked: asked + 1 });
    },
  },
});

export const ring = defineActor(import.meta.url, 'ring', {
  state: () => ({ report: new Report() }),
  messages: { ...REPORT, hops: message<number>() },
  receive: {
    begin: (state, { actors, items }: Size, ctx) => {
      state.report.begin();
      const all = Array.from({ length: actors }, () => ctx.spawn(member, ctx.self));
      all.forEach((ref, index) => {
        const next = all[(index + 1) % actors];
        if (next !== undefined) ctx.tell(ref, 'next', { ref: next, members: actors });
      });
      const [first] = all;
      if (first !== undefined) ctx.tell(first, 'token', items);
    },
    hops: (state, hops, ctx) => state.report.finish({ hops }, ctx),
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});

/** Shared by the actors of this thread: a million answers would be another program. */
const greetings = { received: 0 };

const greet = (state: { greeted: boolean }): void => {
  if (!state.greeted) greetings.received += 1;
  state.greeted = true;
};

export const created = defineActor(import.meta.url, 'created', {
  state: () => ({ greeted: false }),
  messages: { hello: message(), last: message() },
  receive: {
    hello: greet,
    last: (state, _, ctx) => {
      greet(state);
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'go');
    },
  },
});

export const create = defineActor(import.meta.url, 'create', {
  state: () => ({ report: new Report(), actors: 0, created: 0 }),
  messages: { ...REPORT, go: message(), heap: request<void, number>() },
  receive: {
    heap: () => heapBytes(),
    begin: (state, { actors }: Size, ctx) => {
      state.report.begin();
      state.actors = actors;
      greetings.received = 0;
      ctx.tell(ctx.self, 'go');
    },
    go: (state, _, ctx) => {
      if (state.created === state.actors) {
        state.report.finish({ created: state.created, received: greetings.received }, ctx);
        return;
      }
      const end = Math.min(state.actors, state.created + BURST);
      for (let index = state.created + 1; index < end; index += 1) ctx.tell(ctx.spawn(created, undefined), 'hello');
      ctx.tell(ctx.spawn(created, undefined), 'last');
      state.created = end;
    },
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});
