/** The journal room: durable mail, steps and service tables, behind `ShardLog`, `JournalClient` and `ServiceStore`. */
export * from './shard-log.ts';
export { createJournalClient, type JournalClientOptions } from './client.ts';
export { acquireLease, isLeaseHeld, type Lease, readLeaseOwner } from './lease.ts';
export { hasJournal, journalDirectory } from './paths.ts';
export { type JournalCounts, type JournalReader, type LoggedAppend, readJournal, type StoreReader } from './reader.ts';
export { JournalServer, type JournalServerOptions } from './server.ts';
export * from './outbox/index.ts';
