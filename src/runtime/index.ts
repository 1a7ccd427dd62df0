/**
 * Many actors: shards on threads, the links between them, services, and the system that holds them together. What runs on
 * the threads, and the replay of a journal, are not here: whoever starts a system has no use for their code.
 */
export { ActorSystem, type SystemStats } from './system.ts';
export type { PlacedRecord } from './system-spawns.ts';
export { SystemRef } from './system-ref.ts';
export { SystemRouter, type SystemRouterOptions } from './system-router.ts';
export type { HostDeath, SystemFailure, SystemOptions } from './system-options.ts';
export type { ActorSnapshot, InspectOptions } from './snapshot.ts';
export type { ActorSurvey } from './survey.ts';
export { unheardIn, type UnheardFailure } from './unheard.ts';
export type { HostState } from './host-record.ts';
export type { CellStatus } from './cell.ts';
export type { Hold } from './hold.ts';
export { fromModuleId, toModuleId } from './module-id.ts';
export type { ServiceCaller, ShardLimits, ShardLinks, ShardParts } from './shard-core.ts';
export type { Envelope } from './envelope.ts';
export type { Divergence, Replayed, ReplayJournalOptions } from './replay/index.ts';
