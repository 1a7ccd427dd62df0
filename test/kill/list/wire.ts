/** What the two processes of a list trial say to each other. The parent checks what the child says; both are ours. */
import { z } from 'zod';
import type { SystemOptions } from '../../../src/runtime/index.ts';

/** How the child is started: one JSON argument. */
export interface ChildSettings {
  readonly directory: string;
  /** The file of the world outside, in the folder that the process works in. */
  readonly outside: string;
  readonly lists: number;
  readonly balance: number;
  readonly system: Pick<
    SystemOptions,
    'threads' | 'shards' | 'seed' | 'residentMax' | 'passivateAfterMs' | 'checkpoint'
  > & { readonly durability: 'committed' | 'flushed' };
}

/** What a client asks for; `put`, `fetch`, `charge` are mail, answered when it is durable, the others are asks. */
export type Operation =
  | { readonly kind: 'append' | 'read'; readonly list: number; readonly element: string }
  | {
      readonly kind: 'put' | 'fetch' | 'charge';
      /** Each gets the same mail, in one commit. */
      readonly lists: readonly number[];
      readonly element: string;
      readonly level: 'committed' | null;
    }
  | {
      readonly kind: 'transfer';
      readonly list: number;
      readonly to: number;
      readonly element: string;
      readonly amount: number;
    }
  | { readonly kind: 'remind'; readonly list: number; readonly element: string; readonly delayMs: number };

export type ToChild =
  | { readonly kind: 'do'; readonly id: number; readonly operation: Operation }
  /** Answers when all is quiet and the lists have these elements, of which they were to be reminded. */
  | { readonly kind: 'settle'; readonly reminders: readonly (readonly [list: number, element: string])[] }
  | { readonly kind: 'stop' };

const fromChild = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('done'), id: z.int(), result: z.unknown() }),
  z.object({ kind: z.literal('refused'), id: z.int(), code: z.string() }),
  z.object({ kind: z.literal('settled') }),
  /** The system cannot go on. */
  z.object({ kind: z.literal('failed'), code: z.string() }),
]);

export type FromChild = z.infer<typeof fromChild>;

export const parseFromChild = (message: unknown): FromChild => fromChild.parse(message);

export const listName = (index: number): string => `list-${index}`;
