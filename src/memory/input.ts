/**
 * What somebody else's program gives a memory. Memories and questions come by thousands a second, so those are looked at by
 * hand; a schema would cost more than the adding.
 */
import { z } from 'zod';
import { MegactorError } from '../protocol/errors.ts';
import { checkInput } from '../protocol/input.ts';
import type { NewMemory, RecallQuery } from './types.ts';

const SCOPE_CHARS_MAX = 200;

const method = z.custom<unknown>((value) => typeof value === 'function', 'must be a function');

const optionsSchema = z.looseObject({
  store: z.looseObject(
    { get: method, range: method, result: method, commit: method },
    'must be a store, such as createMemoryStore()',
  ),
  embedder: z.looseObject({ model: z.string().min(1), embed: method }).nullish(),
  directory: z.string().min(1).optional(),
});

/** @throws USAGE */
export const checkOptions = (options: unknown): void => {
  const hint = 'Memory.open takes a store, and whatever else MemoryOptions names.';
  checkInput(optionsSchema, options, { what: 'options of the memory', code: 'USAGE', hint });
};

const invalid = (message: string): MegactorError =>
  new MegactorError('MESSAGE_INVALID', message, { hint: 'The types NewMemory and RecallQuery say what is expected.' });

const checkScope = (scope: unknown): void => {
  if (typeof scope === 'string' && scope.length > 0 && scope.length <= SCOPE_CHARS_MAX && scope.isWellFormed()) return;
  throw invalid(`a scope of memories has 1–${SCOPE_CHARS_MAX} characters`);
};

type Unknown<Shape> = { readonly [Key in keyof Shape]?: unknown };

/** @throws MESSAGE_INVALID */
export const checkMemories = (memories: unknown): void => {
  if (!Array.isArray(memories)) throw invalid('memories come as an array');
  for (const memory of memories as (Unknown<NewMemory> | null)[]) {
    if (typeof memory !== 'object' || memory === null) throw invalid('a memory is an object');
    checkScope(memory.scope);
    if (typeof memory.text !== 'string') throw invalid('the text of a memory is a string');
    if (typeof memory.when !== 'number') throw invalid('`when` is a number of milliseconds since the epoch');
    if (memory.kind !== 'said' && memory.kind !== 'done') throw invalid('the kind of a memory is `said` or `done`');
    if (typeof memory.agent !== 'string') throw invalid('`agent` says whose memory it is');
  }
};

/** @throws MESSAGE_INVALID */
export const checkRecall = (ask: unknown): void => {
  const { scopes, query } = (ask ?? {}) as Unknown<RecallQuery>;
  if (!Array.isArray(scopes)) throw invalid('a recall names its scopes');
  for (const scope of scopes) checkScope(scope);
  if (typeof query !== 'string') throw invalid('the query of a recall is a string');
};
