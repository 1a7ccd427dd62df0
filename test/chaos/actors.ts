/** Who takes part in a chaos trial: vaults whose sum is to be kept, neighbours that ask and watch, bombs that end threads. */
import { appendFileSync, readFileSync } from 'node:fs';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { end, type Ending } from '../runtime/fixtures/dangerous.ts';

type Vaults = { total: ReturnType<typeof request<void, number>>; add: ReturnType<typeof message<number>> };

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
      await ctx.effect('nothing', () => null);
      s.total -= by;
      ctx.tell(to as ActorRef<Vaults>, 'add', by);
    },
    total: (s) => s.total,
  },
});

/** Ephemeral. Asks others, watches others, and says what it heard of them. */
export const neighbour = defineActor(import.meta.url, 'neighbour', {
  state: () => ({ ended: [] as number[] }),
  messages: {
    askFor: request<{ of: ActorRef; deadlineMs: number }, string>(),
    watch: request<ActorRef>(),
    ended: request<void, number[]>(),
    tellNonsense: request<ActorRef>(),
  },
  receive: {
    askFor: async (_s, { of, deadlineMs }, ctx) => {
      try {
        return String(await ctx.ask(of as ActorRef<Vaults>, 'total', undefined, { deadlineMs }));
      } catch (thrown) {
        return (thrown as { code?: string }).code ?? String(thrown);
      }
    },
    watch: (_s, ref, ctx) => ctx.watch(ref),
    ended: (s) => s.ended,
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
