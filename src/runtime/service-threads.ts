/**
 * All service threads of a system: which service lives where, and the mesh of ports between them.
 * What it does not do: load services (service-entry.ts) or call them (service-client.ts).
 */
import type { MessagePort } from 'node:worker_threads';
import { MegactorError } from '../protocol/errors.ts';
import type { ServiceSpec } from '../protocol/service.ts';
import type { ServiceDirectory, ServicePorts } from './service-client.ts';
import { ServiceThread, type ServiceThreadEvents } from './service-thread.ts';
import type { JournalSpec } from './service-thread-wire.ts';

/** The thread that holds the journal. */
export const JOURNAL_THREAD = 'journal';

const threadOf = (spec: ServiceSpec): string => spec.thread ?? spec.name;

/** Threads in the order in which they start: the journal's first. */
const threadNames = (specs: readonly ServiceSpec[], journal: boolean): string[] => [
  ...new Set([...(journal ? [JOURNAL_THREAD] : []), ...specs.map(threadOf)]),
];

export class ServiceThreads {
  readonly directory: ServiceDirectory;
  readonly #threads: readonly ServiceThread[];
  readonly #journal: ServiceThread | null;
  /** For the main thread's own calls. */
  readonly mainPorts: ServicePorts;

  private constructor(
    directory: ServiceDirectory,
    threads: readonly ServiceThread[],
    mainPorts: ServicePorts,
    hasJournal: boolean,
  ) {
    this.directory = directory;
    this.#threads = threads;
    this.mainPorts = mainPorts;
    this.#journal = hasJournal ? (threads[0] ?? null) : null;
  }

  /** Starts all threads and waits until the journal is open; services are being made then. @throws what the journal throws */
  static async start(
    specs: readonly ServiceSpec[],
    journal: JournalSpec | null,
    events: ServiceThreadEvents,
  ): Promise<ServiceThreads> {
    const directory: Record<string, string> = {};
    for (const spec of specs) {
      if (Object.hasOwn(directory, spec.name)) {
        throw new MegactorError('CONFIG_INVALID', `there are two services called '${spec.name}'`);
      }
      directory[spec.name] = threadOf(spec);
    }
    const names = threadNames(specs, journal !== null);
    const calls = new Map<string, [string, MessagePort][]>(names.map((name) => [name, []]));
    const callers = new Map<string, MessagePort[]>(names.map((name) => [name, []]));
    const mainPorts: [string, MessagePort][] = [];
    for (const to of names) {
      for (const from of [...names, null]) {
        if (from === to) continue;
        const { port1, port2 } = events.ground.channel();
        callers.get(to)?.push(port2);
        if (from === null) mainPorts.push([to, port1]);
        else calls.get(from)?.push([to, port1]);
      }
    }
    const threads: ServiceThread[] = [];
    try {
      for (const name of names) {
        const isJournal = journal !== null && name === JOURNAL_THREAD;
        const thread = new ServiceThread(
          {
            name,
            services: specs.filter((spec) => threadOf(spec) === name),
            directory,
            calls: calls.get(name) ?? [],
            callers: callers.get(name) ?? [],
            journal: isJournal ? journal : null,
          },
          events,
        );
        threads.push(thread);
      }
      // The others load their code meanwhile, and make nothing when the journal cannot be opened.
      const opened = journal === null ? undefined : threads[0];
      await opened?.ready();
      for (const thread of threads) if (thread !== opened) thread.begin(opened?.connectJournal() ?? null);
    } catch (thrown) {
      await Promise.all(threads.map((thread) => thread.stop()));
      throw thrown;
    }
    return new ServiceThreads(directory, threads, mainPorts, journal !== null);
  }

  /** Resolves when all services are made; calls that come before wait. @throws what a service throws */
  async ready(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ready()));
  }

  /** Ports for one more caller. */
  connect(): ServicePorts {
    return this.#threads.map((thread): [string, MessagePort] => [thread.name, thread.connect()]);
  }

  connectJournal(): MessagePort | null {
    return this.#journal?.connectJournal() ?? null;
  }

  /** Stops the services, and the journal after them, because closing they may still write. */
  async stop(): Promise<void> {
    await Promise.all(this.#threads.filter((thread) => thread !== this.#journal).map((thread) => thread.stop()));
    await this.#journal?.stop();
  }
}
