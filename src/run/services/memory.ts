/**
 * Memory as a service: what the agents of a run said and did. Scopes are shared among as many services as there are owners;
 * whichever is asked does its own part and hands the rest to their owners. Methods: `add recall stats`. Main sees an event
 * `limit` when embedding fails, stops or works again, and when a changed model is noticed or caught up with.
 */
import { z } from 'zod';
import { EMBEDDING_MODEL, LOCAL_EMBEDDER, memoryOf, type MemoryMethods } from '../../../actors/run-services.ts';
import { LOCAL_MODEL, Memory, type AddResult, type Embedder, type RecallResult } from '../../memory/index.ts';
import { ownerName, ownerOf, OWNERS_MAX } from '../../memory/owners.ts';
import { systemClock, VIRTUAL_EPOCH_MS } from '../../platform/index.ts';
import type { ServiceHost, ServiceInstance } from '../../protocol/service.ts';
import { checked } from './arguments.ts';
import { vectorsFromWire } from './embedding-wire.ts';

const optionsSchema = z.strictObject({
  owner: z
    .int()
    .min(0)
    .max(OWNERS_MAX - 1)
    .default(0),
  owners: z.int().min(1).max(OWNERS_MAX).default(1),
  /** For index files; null: none are kept. */
  directory: z.string().nullable(),
  embedder: z.string().regex(/^(?:none|local|openai:\S+)$/u),
  /** All memories have the moment at which virtual time begins, so that what is recalled depends on no moment. */
  deterministic: z.boolean().default(false),
});

export type MemoryServiceOptions = z.input<typeof optionsSchema>;

const scope = z.string().min(1).max(200);

const addSchema = z.object({
  memories: z
    .array(
      z.object({
        scope,
        text: z.string(),
        when: z.number().optional(),
        kind: z.enum(['said', 'done']),
        agent: z.string(),
        at: z.number().optional(),
      }),
    )
    .max(10_000),
});

const recallSchema = z.object({
  scopes: z.array(scope).max(16),
  query: z.string(),
  k: z.int().min(1).max(50).optional(),
  before: z.object({ agent: z.string(), at: z.number() }).optional(),
  meaningWaitMs: z.number().min(0).max(60_000).optional(),
});

/** Longest time of one batch of vectors, of a call of another owner. */
const EMBED_DEADLINE_MS = 600_000;
const OWNER_DEADLINE_MS = 30_000;
/** Worst first: what one owner says of its vectors, all say. */
const MEANINGS = ['failed', 'waiting', 'used', 'off'] as const;

/** The embedder on its own thread, or on a server behind a gate; null for `none`. */
const embedderOf = (name: string, host: ServiceHost): Embedder | null => {
  if (name === 'none') return null;
  const [service, model] =
    name === 'local' ? ([LOCAL_EMBEDDER, LOCAL_MODEL] as const) : ([EMBEDDING_MODEL, name] as const);
  return {
    model,
    embed: async (texts, { signal, urgent }) => {
      const args = { texts, urgent };
      return vectorsFromWire(await host.call(service, 'embed', args, { signal, deadlineMs: EMBED_DEADLINE_MS }));
    },
  };
};

/** The lists of several owners as one, by turns: their scores belong to different scopes. */
export const byTurns = (results: readonly RecallResult[], k: number): RecallResult => {
  const lists = results.map(({ memories }) => memories);
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const memories = Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
  const meaning = MEANINGS.find((one) => results.some((result) => result.meaning === one)) ?? 'off';
  return { memories: memories.slice(0, k), meaning };
};

const K_DEFAULT = 5;

export const createService = async (raw: unknown, host: ServiceHost): Promise<ServiceInstance<MemoryMethods>> => {
  const { owner, owners, directory, embedder, deterministic } = optionsSchema.parse(raw);
  const memory = await Memory.open({
    store: host.store(ownerName(owner)),
    embedder: embedderOf(embedder, host),
    ...(directory === null ? {} : { directory }),
    onEmbedding: ({ model, state, error, reembedding, waiting }) =>
      host.event({
        type: 'limit',
        limit: 'embedder',
        model,
        state,
        waiting,
        reembedding,
        ...(error === null ? {} : { error }),
      }),
  });
  /** What belongs to each owner; this one first. */
  const shared = <Value>(values: readonly Value[], scopeOf: (value: Value) => string): Map<number, Value[]> => {
    const parts = new Map<number, Value[]>([[owner, []]]);
    for (const value of values) {
      const whose = ownerOf(scopeOf(value), owners);
      const part = parts.get(whose) ?? [];
      parts.set(whose, part);
      part.push(value);
    }
    return parts;
  };

  return {
    methods: {
      add: async (args, call) => {
        const now = deterministic ? VIRTUAL_EPOCH_MS : systemClock.now();
        const memories = checked(addSchema, args).memories.map((one) => ({ ...one, when: one.when ?? now }));
        const parts = shared(memories, (one) => one.scope);
        const added = [...parts].map(([whose, part]): Promise<unknown> => {
          if (part.length === 0) return Promise.resolve();
          if (whose === owner) return memory.add(part, { effectId: call.effectId }) satisfies Promise<AddResult>;
          const effectId = call.effectId === null ? null : `${call.effectId}/${whose}`;
          const options = { effectId, deadlineMs: OWNER_DEADLINE_MS, signal: call.signal };
          return host.call(memoryOf(whose), 'add', { memories: part }, options);
        });
        await Promise.all(added);
        return { ok: true };
      },
      recall: async (args, call) => {
        const ask = checked(recallSchema, args);
        const parts = shared(ask.scopes, (one) => one);
        const found = [...parts].flatMap(([whose, scopes]): Promise<RecallResult>[] => {
          if (scopes.length === 0) return [];
          if (whose === owner) return [memory.recall({ ...ask, scopes })];
          const options = { deadlineMs: OWNER_DEADLINE_MS, signal: call.signal };
          return [host.call(memoryOf(whose), 'recall', { ...ask, scopes }, options)];
        });
        return byTurns(await Promise.all(found), ask.k ?? K_DEFAULT);
      },
      stats: () => memory.stats(),
    },
    close: () => memory.close(),
  };
};
