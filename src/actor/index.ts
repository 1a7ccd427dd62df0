/** One actor: what it is, what its handlers may do, where its mail waits and what becomes of it when it fails. */
export * from './codec.ts';
export * from './context.ts';
export * from './dead-letter.ts';
export * from './definition.ts';
export * from './lane.ts';
export * from './mailbox.ts';
export * from './policy.ts';
export * from './ref.ts';
export * from './ring.ts';
export * from './router.ts';
export * from './spawn-options.ts';
export * from './spill-lane.ts';
export * from './strategy.ts';
