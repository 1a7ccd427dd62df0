/**
 * The memory room: what agents said and did, found again by words and by meaning. Usable alone:
 *
 *     const memory = await Memory.open({ store: createMemoryStore(), embedder: startLocalEmbedder() });
 *     await memory.add([{ scope: 'notes', text: 'The harbour closes at nine.', when: Date.now(), kind: 'said', agent: 'me' }], {
 *       effectId: null,
 *     });
 *     const { memories } = await memory.recall({ scopes: ['notes'], query: 'When does the port shut?', meaningWaitMs: 1_000 });
 *     await memory.close();
 */
export * from './types.ts';
export { createMemoryStore } from '../journal/memory-store.ts';
export { Memory, MEMORY_LIMITS, type MemoryLimits, type MemoryOptions } from './memory.ts';
export { startLocalEmbedder } from './local-embedder.ts';
export { LOCAL_MODEL } from './local-model.ts';
export { MegactorError } from '../protocol/errors.ts';
