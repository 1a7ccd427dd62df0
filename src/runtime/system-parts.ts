/**
 * What a system has before its hosts start: the lease of its directory, the service threads, the main thread's ends of
 * both. What it does not do: start hosts; stop what it started (system.ts), unless it cannot start all of it.
 */
import { acquireLease, createJournalClient, type Lease, type PeekingJournalClient } from '../journal/index.ts';
import { toMegactorError } from '../protocol/errors.ts';
import { createCounterMemory, type EventBatch } from '../telemetry/index.ts';
import { ServiceClient } from './service-client.ts';
import { ServiceThreads } from './service-threads.ts';
import type { SystemOptions, SystemSettings } from './system-options.ts';

export interface SystemParts {
  readonly settings: SystemSettings;
  readonly lease: Lease | null;
  readonly services: ServiceThreads;
  readonly client: ServiceClient;
  readonly journal: PeekingJournalClient | null;
  readonly memory: SharedArrayBuffer;
}

/** @throws ABORTED, or the MegactorError that is the signal's reason */
export const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted === true) throw toMegactorError(signal.reason, 'ABORTED');
};

/** Two systems on one directory would take each other's mail. @throws RUN_DIR_IN_USE, DISK */
const leaseOf = ({ journal, clock }: SystemSettings): Lease | null => {
  if (journal === null || journal.directory === null || journal.leased === true) return null;
  return acquireLease(journal.directory, { pid: process.pid, startedAt: new Date(clock.now()).toISOString() });
};

/** @throws RUN_DIR_IN_USE, JOURNAL_*, SERVICE_FAILED, CONFIG_INVALID, and what a service throws */
export const startParts = async (
  options: SystemOptions,
  settings: SystemSettings,
  onEvents: (batch: EventBatch) => void,
): Promise<SystemParts> => {
  const { clock, ground, journal, shards } = settings;
  const lease = leaseOf(settings);
  try {
    const spec = journal === null ? null : { directory: journal.directory, durability: journal.durability, shards };
    const services = await ServiceThreads.start(options.services ?? [], spec, {
      ground,
      clock,
      onEvents,
      onNotify: (service, message) => options.onServiceMessage?.(service, message),
      onFailure: (name, error) => options.onFailure?.({ part: 'service', name, error }),
    });
    const port = services.connectJournal();
    return {
      settings,
      lease,
      services,
      client: new ServiceClient(clock, services.directory, services.mainPorts),
      journal: port === null ? null : createJournalClient(port, { clock: ground.clock }),
      memory: createCounterMemory(shards),
    };
  } catch (thrown) {
    lease?.release();
    throw thrown;
  }
};
