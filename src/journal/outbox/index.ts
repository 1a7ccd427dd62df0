/** A journal in memory in which every shard is a store of its own; for tests of whatever runs on a journal. */
export type { OutboxClient } from './client.ts';
export {
  type CommitAttempt,
  type CommitFate,
  drawTravels,
  OUTBOX_DEFECTS,
  type OutboxDefect,
  type OutboxFaults,
  type Travel,
  type TravelRates,
  type TransferFate,
} from './faults.ts';
export { OutboxDisk, OutboxJournal, type OutboxJournalOptions } from './journal.ts';
