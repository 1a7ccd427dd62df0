/** The actors of a simulated trial. They count what they get and say what they do (`observer.ts`). */
import { defineActor, message, request, type ActorContext, type ActorRef } from '../../src/actor/index.ts';
import { observer, type Turn } from './observer.ts';

export interface NodeInit {
  /** Its name in the records of the trial: unique over all processes. */
  readonly key: string;
}

/** Data of a durable or ephemeral actor that everything is done to. */
export interface NodeState {
  readonly key: string;
  /** The last number of each sender, and how many were left out before it. */
  seen: Record<string, number>;
  gaps: Record<string, number>;
  /** What was delivered with an acknowledgement. */
  delivered: number[];
  /** The last number to each receiver. */
  out: Record<string, number>;
  puts: number[];
  armed: string[];
  fired: Record<string, number>;
  acts: Record<string, number>;
  calls: string[];
  kids: { ref: ActorRef; key: string }[];
  pings: number;
  slowMs: number;
  closed: boolean;
}

export interface Item {
  readonly from: string;
  readonly seq: number;
}

type Context = ActorContext<NodeState>;

/** Runs a handler as a turn that the observer sees. */
const seen = <Body, Result>(
  handle: (state: NodeState, body: Body, ctx: Context, turn: Turn) => Result,
): ((state: NodeState, body: Body, ctx: ActorContext) => Result) => {
  return (state, body, ctx) => {
    const turn = observer().begin(state.key, ctx.self);
    const end = (): void => observer().end(turn);
    let result: Result;
    try {
      result = handle(state, body, ctx as Context, turn);
    } catch (thrown) {
      end();
      throw thrown;
    }
    if (result instanceof Promise) return result.finally(end) as Result;
    end();
    return result;
  };
};

const take = (state: NodeState, { from, seq }: Item): void => {
  const last = state.seen[from] ?? 0;
  if (seq <= last) observer().fault(`A2 ${state.key} gets ${seq} of ${from} after ${last}`);
  if (seq > last + 1) state.gaps[from] = (state.gaps[from] ?? 0) + seq - last - 1;
  state.seen[from] = Math.max(seq, last);
  observer().count('messages');
};

const slowly = (state: NodeState, turn: Turn): Promise<void> | undefined =>
  state.slowMs > 0 ? observer().sleep(turn, state.slowMs) : undefined;

export const node = defineActor(import.meta.url, 'node', {
  state: ({ key }: NodeInit): NodeState => ({
    key,
    seen: {},
    gaps: {},
    delivered: [],
    out: {},
    puts: [],
    armed: [],
    fired: {},
    acts: {},
    calls: [],
    kids: [],
    pings: 0,
    slowMs: 0,
    closed: false,
  }),
  messages: {
    item: message<Item>(),
    parcel: message<number>(),
    ping: message<number>(),
    relay: message<{ to: ActorRef; key: string; count: number }>(),
    put: request<number, number>(),
    echo: request<number, number>(),
    question: message<{ to: ActorRef; nonce: number; deadlineMs: number }>(),
    observe: message<ActorRef>(),
    arm: message<{ key: string; delayMs: number }>(),
    fired: message<{ key: string; dueMs: number }>(),
    act: message<{ key: string; ms: number; atMostOnce: boolean }>(),
    call: message<{ key: string }>(),
    poke: message<{ nonce: string; fails: number }>(),
    hire: message<{ key: string; shard: number }>(),
    slow: message<number>(),
    close: message(),
    open: message(),
  },
  receive: {
    item: seen((state, item: Item, ctx, turn) => {
      if (state.closed) {
        ctx.stash();
        observer().count('stashed');
        return undefined;
      }
      const wait = slowly(state, turn);
      if (wait === undefined) return take(state, item);
      return wait.then(() => take(state, item));
    }),
    parcel: seen((state, seq: number) => {
      if (state.delivered.includes(seq)) observer().fault(`D2 ${state.key} gets parcel ${seq} twice`);
      if (seq < (state.delivered.at(-1) ?? 0)) observer().fault(`A2 ${state.key} gets parcel ${seq} late`);
      state.delivered.push(seq);
    }),
    ping: seen((state) => {
      state.pings += 1;
    }),
    relay: seen((state, { to, key, count }: { to: ActorRef; key: string; count: number }, ctx) => {
      for (let sent = 0; sent < count; sent += 1) {
        const seq = (state.out[key] ?? 0) + 1;
        state.out[key] = seq;
        ctx.tell(to, 'item', { from: state.key, seq });
      }
    }),
    put: seen((state, value: number) => {
      if (state.puts.includes(value)) observer().fault(`D2 ${state.key} is given ${value} twice`);
      state.puts.push(value);
      return state.puts.length;
    }),
    echo: seen((state, value: number, _ctx, turn) => slowly(state, turn)?.then(() => value) ?? value),
    question: seen(
      async (state, { to, nonce, deadlineMs }: { to: ActorRef; nonce: number; deadlineMs: number }, ctx, turn) => {
        const id = `${state.key} asks ${to.name} ${nonce}`;
        observer().askOpened(turn, id);
        try {
          const answer = await ctx.ask(to, 'echo', nonce, { deadlineMs });
          if (answer !== nonce) observer().fault(`A5 ${id} and is told ${String(answer)}`);
          observer().count('answers');
        } catch {
          observer().count('failed asks');
        } finally {
          if (turn.alive) observer().askSettled(id);
        }
      },
    ),
    observe: seen((state, to: ActorRef, ctx, turn) => {
      ctx.watch(to);
      if (!ctx.durable) observer().watchOpened(turn, state.key, to);
    }),
    arm: seen((state, { key, delayMs }: { key: string; delayMs: number }, ctx) => {
      state.armed.push(key);
      ctx.timers.once(key, delayMs, 'fired', { key, dueMs: ctx.now() + delayMs });
    }),
    fired: seen((state, { key, dueMs }: { key: string; dueMs: number }, ctx) => {
      state.fired[key] = (state.fired[key] ?? 0) + 1;
      if (state.fired[key] > 1) observer().fault(`D7 timer ${key} of ${state.key} fires again`);
      if (ctx.now() < dueMs) observer().fault(`D7 timer ${key} of ${state.key} fires ${dueMs - ctx.now()} ms early`);
      observer().count('timers');
    }),
    act: seen(async (state, { key, ms, atMostOnce }: { key: string; ms: number; atMostOnce: boolean }, ctx, turn) => {
      const run = async (id: string): Promise<{ id: string; drawn: number }> => {
        observer().effectRuns(id, atMostOnce);
        if (ms > 0) await observer().sleep(turn, ms);
        return { id, drawn: ctx.random() };
      };
      try {
        const { id, drawn } = await ctx.effect(key, run, atMostOnce ? { atMostOnce } : {});
        observer().effectRecorded(id);
        state.acts[key] = drawn;
      } catch (thrown) {
        if ((thrown as { code?: string }).code !== 'UNKNOWN_OUTCOME') throw thrown;
        state.acts[key] = -1;
      }
    }),
    call: seen(async (state, { key }: { key: string }, ctx) => {
      await ctx.effect(key, (effectId) => ctx.service('ledger', 'add', key, { effectId }), { record: 'step' });
      state.calls.push(key);
    }),
    poke: seen((_state, { nonce, fails }: { nonce: string; fails: number }) => {
      if (observer().failsNow(nonce, fails)) throw new Error(`planned: ${nonce}`);
    }),
    hire: seen((state, { key, shard }: { key: string; shard: number }, ctx) => {
      const ref: ActorRef = ctx.spawn(node, { key }, { name: key, shard, ...hardy, durable: ctx.durable });
      state.kids.push({ ref: { ...ref }, key });
    }),
    slow: seen((state, ms: number) => {
      state.slowMs = ms;
    }),
    close: seen((state) => {
      state.closed = true;
    }),
    open: seen((state, _body: void, ctx) => {
      state.closed = false;
      ctx.unstash();
    }),
  },
  onTerminated: (state, ref, reason, ctx) => {
    if (!ctx.durable) observer().watchTold(state.key, ref, reason);
  },
});

/** Failures and deaths of threads never end such an actor. */
export const hardy = { restart: 'transient', intensity: { max: 10_000, withinMs: 1 } } as const;

/** An actor that decides alone about its restarts. */
export const solo = defineActor(import.meta.url, 'solo', {
  state: ({ key, max, withinMs }: { key: string; max: number; withinMs: number }) => {
    observer().soloStarted(key, max, withinMs);
    return { key };
  },
  messages: { fail: message() },
  receive: {
    fail: ({ key }) => {
      observer().soloFails(key);
      throw new Error('planned');
    },
  },
});

/** One of a team. */
export const member = defineActor(import.meta.url, 'member', {
  state: ({ team, place }: { team: string; place: number }) => {
    observer().memberStarted(team, place);
    return { team, place };
  },
  messages: { fail: message(), echo: request<number, number>() },
  receive: {
    fail: () => {
      throw new Error('planned');
    },
    echo: (_state, value) => value,
  },
});

interface LeadState {
  readonly team: string;
  readonly size: number;
  readonly members: ActorRef[];
}

export const TEAM_INTENSITY = { max: 2, withinMs: 1_000 } as const;

const leading = {
  state: ({ team, size }: { team: string; size: number }): LeadState => ({ team, size, members: [] }),
  messages: { fail: message<number>() },
  onStart: (state: LeadState, ctx: ActorContext): void => {
    for (let place = 0; place < state.size; place += 1) {
      state.members.push(ctx.spawn(member, { team: state.team, place }, { restart: 'transient' }));
    }
  },
  receive: {
    fail: (state: LeadState, place: number, ctx: ActorContext): void => {
      const ref = state.members[place % state.members.length];
      if (ref !== undefined) ctx.tell(ref, 'fail');
    },
  },
  intensity: TEAM_INTENSITY,
};

export const leadOne = defineActor(import.meta.url, 'leadOne', { ...leading, strategy: 'one_for_one' });
export const leadAll = defineActor(import.meta.url, 'leadAll', { ...leading, strategy: 'one_for_all' });
export const leadRest = defineActor(import.meta.url, 'leadRest', { ...leading, strategy: 'rest_for_one' });
