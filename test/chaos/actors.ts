/** Who takes part in a chaos trial: vaults whose sum is to be kept, a dispatcher with
 * a router in its state, neighbours that ask and watch, bombs that end threads. */
import { appendFileSync, readFileSync } from 'node:fs';
import { consistentHash, defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { end, type Ending } from '../runtime/fixtures/dangerous.ts';

type Vaults = { total: ReturnType<typeof request<void, number>>; add: ReturnType<typeof message<number>> };

type Bombs = { goOff: ReturnType<typeof message<Ending>>; askToGoOff: ReturnType<typeof request<Ending>> };

const outcome = async (answer: Promise<unknown>): Promise<string> => {
  try {
    return String(await answer);
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? String(thrown);
  }
};

export const vault = defineActor(import.meta.url, 'vault', {
  state: (start: number) => ({ total: start }),
  messages: {
    add: message<number>(),
    pay: message<{ to: ActorRef; by: number }>(),
    total: request<void, number>(),
  },
  receive: {
    add: (s, by) => {
      s.total += by;
    },
    pay: async (s, { to, by }, ctx) => {
      // A turn that waits while bombs go off beside it.
      await ctx.effect('count', (effectId) => ctx.service('tally', 'count', null, { effectId }));
      s.total -= by;
      ctx.tell(to as ActorRef<Vaults>, 'add', by);
    },
    total: (s) => s.total,
  },
});

/** Adds to the vault that the amount itself chooses. */
export const dispatcher = defineActor(import.meta.url, 'dispatcher', {
  state: (vaults: readonly ActorRef[]) => ({ router: consistentHash(vaults as readonly ActorRef<Vaults>[]) }),
  messages: { spread: message<number>() },
  routers: (s) => [s.router],
  receive: {
    spread: (s, by, ctx) => void ctx.tell(s.router, 'add', by),
  },
});

/** Ephemeral. Asks others, watches others, and says what it heard of them. */
export const neighbour = defineActor(import.meta.url, 'neighbour', {
  state: () => ({ ended: [] as number[] }),
  messages: {
    askFor: request<{ of: ActorRef; deadlineMs: number }, string>(),
    askToGoOff: request<{ of: ActorRef; how: Ending; deadlineMs: number }, string>(),
    watch: request<ActorRef>(),
    ended: request<void, number[]>(),
    callSlowly: request<void, string>(),
    tellNonsense: request<ActorRef>(),
  },
  receive: {
    askFor: (_s, { of, deadlineMs }, ctx) =>
      outcome(ctx.ask(of as ActorRef<Vaults>, 'total', undefined, { deadlineMs })),
    askToGoOff: (_s, { of, how, deadlineMs }, ctx) =>
      outcome(ctx.ask(of as ActorRef<Bombs>, 'askToGoOff', how, { deadlineMs })),
    watch: (_s, ref, ctx) => ctx.watch(ref),
    ended: (s) => s.ended,
    callSlowly: async (_s, _body, ctx) => String(await ctx.service('tally', 'slow', 'served')),
    tellNonsense: (_s, to, ctx) => void ctx.tell(to as ActorRef<Vaults>, 'add', (() => 1) as unknown as number),
  },
  onTerminated: (s, ref) => void s.ended.push(ref.id),
});

export interface BombInit {
  /** Gets a line for each time that it went off. */
  readonly file: string;
  /** How many of its first starts end their threads. */
  readonly badStarts: number;
}

export const bomb = defineActor(import.meta.url, 'bomb', {
  state: ({ file, badStarts }: BombInit) => {
    const starts = readFileSync(file, 'utf8').length;
    if (starts < badStarts) {
      appendFileSync(file, '.');
      process.exit(4);
    }
    return { file };
  },
  messages: { goOff: message<Ending>(), askToGoOff: request<Ending>() },
  receive: {
    goOff: (_s, how) => end(how),
    askToGoOff: (_s, how) => end(how),
  },
});
