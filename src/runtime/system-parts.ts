/**
 * What a system has before its hosts start: the lease of its directory, the service threads, the main thread's ends of
 * both. and the threads
 * that hosts will run on. What it does not do: start hosts; stop what it started (system.ts), unless it cannot start all of it.
 */
import { existsSync } from 'node:fs';
import { createJournalClient, type PeekingJournalClient } from '../journal/client.ts';
import { acquireLease, type Lease } from '../journal/lease.ts';
import { entryUrl, isOwnThread, startThread } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { createCounterMemory, type EventBatch } from '../telemetry/index.ts';
import type { Ground, HostThreads } from './ground.ts';
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
  readonly pool: HostThreads;
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

/** The program of a thread. @throws CONFIG_INVALID when it is not there, as in a bundle without it */
const entryOf = (name: 'host-entry' | 'service-entry', given: URL | undefined): URL => {
  const entry = given ?? entryUrl(`./${name}`, import.meta.url);
  if (entry.protocol === 'file:' && !existsSync(entry)) {
    throw new MegactorError('CONFIG_INVALID', `the program of a thread is not there: ${entry.href}`, {
      hint: 'Leave megactor out of the bundle, or bundle megactor/host-entry and megactor/service-entry to files beside it.',
    });
  }
  return entry;
};

/** A module of actors that starts a system would do so on each of its threads, and those again on theirs. */
const refuseOwnThread = (): void => {
  if (!isOwnThread()) return;
  throw new MegactorError('DEFINITION_INVALID', 'a thread of a system cannot start a system', {
    hint: 'Threads load the modules of actors and services. Start the system in another module, or only `if (isMainThread)`.',
  });
};

const groundOf = ({ ground }: SystemSettings, entry: URL | undefined): Ground =>
  entry === undefined
    ? ground
    : {
        ...ground,
        startService: (task, transfer) => startThread(entry, { name: task.name, data: task, transfer }).worker,
      };

/** @throws DEFINITION_INVALID on a thread of a system; RUN_DIR_IN_USE, JOURNAL_*, SERVICE_FAILED, CONFIG_INVALID, and what a service throws */
export const startParts = async (
  options: SystemOptions,
  settings: SystemSettings,
  onEvents: (batch: EventBatch) => void,
): Promise<SystemParts> => {
  refuseOwnThread();
  const { clock, journal, shards } = settings;
  const hostEntry = entryOf('host-entry', options.hostEntry);
  const { services: specs = [], serviceEntry } = options;
  if (journal !== null || specs.length > 0) entryOf('service-entry', serviceEntry);
  const lease = leaseOf(settings);
  // They load their code while the services start.
  const pool = settings.ground.startHosts({
    threads: settings.hosts,
    entry: hostEntry,
    maxOldGenerationMb: settings.maxOldGenerationMb,
  });
  try {
    const spec = journal === null ? null : { directory: journal.directory, durability: journal.durability, shards };
    const services = await ServiceThreads.start(specs, spec, {
      ground: groundOf(settings, serviceEntry),
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
      journal: port === null ? null : createJournalClient(port, { clock: settings.ground.clock }),
      memory: createCounterMemory(shards),
      pool,
    };
  } catch (thrown) {
    await pool.destroy();
    lease?.release();
    throw thrown;
  }
};
