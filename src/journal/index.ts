/** The journal room: durable mail, steps and service tables, behind `ShardLog`, `JournalClient` and `ServiceStore`. */
export * from './shard-log.ts';
export { compactJournal, type Compaction } from './compact.ts';
export { packState, unpackState } from './codec.ts';
export { asStored } from './origin.ts';
export { canonicalBytes, logHashOf, ShardHash } from './log-hash.ts';
export type { ShardOrigin } from './origin.ts';
export { createJournalClient, type JournalClientOptions, type PeekingJournalClient } from './client.ts';
export { acquireLease, isLeaseHeld, type Lease, readLeaseOwner } from './lease.ts';
export { damagedDirectory, hasJournal, journalDirectory } from './paths.ts';
export { type JournalReader, type LoggedAppend, readJournal, type StoreReader } from './reader.ts';
export type { RepairOptions, RepairView } from './repair/repair.ts';
export type { RepairReport } from './repair/report.ts';
export { JournalServer, type JournalServerOptions } from './server.ts';
export * from './outbox/index.ts';
export type { JournalCounts } from './tally.ts';
