/**
 * What runs on a service thread: loads its services, serves their callers, and, on the journal's thread, holds the
 * journal. It runs only our own code and is never killed in the middle of its work: it ends when it was asked to and has
 * closed everything. What it does not do: know what it runs on (service-entry.ts).
 */
import type { MessagePort } from 'node:worker_threads';
import { createJournalClient } from '../journal/client.ts';
import type { JournalServer } from '../journal/server.ts';
import type { JournalClient } from '../journal/shard-log.ts';
import type { Clock } from '../platform/index.ts';
import { errorToWire, MegactorError } from '../protocol/errors.ts';
import type {
  CreateService,
  ServiceCallOptions,
  ServiceHost,
  ServiceInstance,
  ServiceSpec,
} from '../protocol/service.ts';
import { EventOutlet } from '../telemetry/index.ts';
import type { PortPair } from './ground.ts';
import { fromModuleId } from './module-id.ts';
import { ServiceClient } from './service-client.ts';
import { ServiceServer } from './service-server.ts';
import type { FromServiceThread, JournalSpec, ServiceThreadTask, ToServiceThread } from './service-thread-wire.ts';

/** How long the services of a thread may take to close, together. */
const CLOSE_LIMIT_MS = 20_000;
/** How long what is being loaded and made may take when the thread is to stop already. */
const START_LIMIT_MS = 5_000;

export interface ServiceBodyParts {
  readonly task: ServiceThreadTask;
  readonly clock: Clock;
  /** Sends to the main thread. */
  readonly post: (message: FromServiceThread) => void;
  readonly channel: () => PortPair;
  readonly importModule: (url: string) => Promise<unknown>;
  readonly openJournal: (spec: JournalSpec) => Promise<JournalServer>;
}

export class ServiceBody {
  readonly #parts: ServiceBodyParts;
  readonly #server: ServiceServer;
  readonly #client: ServiceClient;
  readonly #events: EventOutlet;
  readonly #instances: ServiceInstance[] = [];
  readonly #begun = Promise.withResolvers<MessagePort | null>();
  /** What is under way of the start. None of them rejects. */
  #starting: Promise<unknown> = Promise.resolve();
  #loading: Promise<unknown> = Promise.resolve();
  #opening: Promise<unknown> = Promise.resolve();
  #stopping = false;
  #journal: JournalServer | null = null;
  #journalClient: JournalClient | null = null;

  constructor(parts: ServiceBodyParts) {
    const { task, clock } = parts;
    this.#parts = parts;
    this.#server = new ServiceServer(clock);
    this.#client = new ServiceClient(clock, task.directory, task.calls);
    this.#events = new EventOutlet(clock, (batch) => this.#parts.post({ kind: 'events', batch }));
    this.#events.open();
  }

  /** Makes the services. The main thread hears of it either way. */
  start(): void {
    this.#starting = this.#start().catch((thrown: unknown) =>
      this.#parts.post({ kind: 'failed', error: errorToWire(thrown, 'SERVICE_FAILED') }),
    );
  }

  receive(message: ToServiceThread): void {
    switch (message.kind) {
      case 'begin':
        this.#begun.resolve(message.journalPort);
        return;
      case 'attach':
        this.#server.attach(message.port);
        return;
      case 'attach-journal':
        this.#journal?.attach(message.port);
        return;
      case 'stop':
        void this.#stop();
        return;
      default:
        message satisfies never;
    }
  }

  async #start(): Promise<void> {
    const { task, post } = this.#parts;
    for (const port of task.callers) this.#server.attach(port);
    const modules = task.services.map((spec) => this.#import(spec));
    this.#loading = Promise.allSettled(modules);
    await this.#openJournal();
    for (const [index, spec] of task.services.entries()) {
      const exports = await modules[index];
      if (this.#stopping) return;
      await this.#make(spec, exports);
    }
    if (this.#stopping) return;
    this.#server.ready();
    post({ kind: 'ready' });
  }

  async #openJournal(): Promise<void> {
    const { task, clock, channel, openJournal } = this.#parts;
    if (task.journal !== null) {
      const opening = openJournal(task.journal);
      this.#opening = opening.catch(() => undefined);
      this.#journal = await opening;
      const { port1, port2 } = channel();
      this.#journal.attach(port1);
      this.#journalClient = createJournalClient(port2, { clock });
      return;
    }
    const port = await this.#begun.promise;
    if (port !== null) this.#journalClient = createJournalClient(port, { clock });
  }

  #import({ module }: ServiceSpec): Promise<unknown> {
    const loading = this.#parts.importModule(fromModuleId(module));
    // Whoever makes the service gets the error, and nobody does when the thread is stopped before.
    loading.catch(() => undefined);
    return loading;
  }

  async #make(spec: ServiceSpec, exports: unknown): Promise<void> {
    const { name, module, export: exportName = 'createService', options } = spec;
    const createService = (exports as Record<string, unknown>)[exportName];
    if (typeof createService !== 'function') {
      throw new MegactorError('SERVICE_FAILED', `${module} exports no ${exportName} (service '${name}')`);
    }
    const instance = await (createService as CreateService)(options, this.#hostFor(name));
    this.#instances.push(instance);
    this.#server.add(name, instance);
  }

  #hostFor(service: string): ServiceHost {
    const { post } = this.#parts;
    return {
      store: (name) => {
        if (this.#journalClient !== null) return this.#journalClient.store(name);
        const words = `service '${service}' wants a table, but there is no journal`;
        throw new MegactorError('DURABLE_WITHOUT_JOURNAL', words);
      },
      call: (name: string, method: string, args: unknown, options: ServiceCallOptions = {}): Promise<never> =>
        this.#call(name, method, args, options) as Promise<never>,
      notify: (message) => post({ kind: 'notify', service, message }),
      event: (event) => this.#events.add(event),
    };
  }

  /** A service of another thread, or of this one. */
  #call(name: string, method: string, args: unknown, options: ServiceCallOptions): Promise<unknown> {
    const { task } = this.#parts;
    if (task.directory[name] !== task.name) {
      return this.#client.call(name, method, args, { ...options, caller: '' });
    }
    const { effectId = null, signal = new AbortController().signal } = options;
    return this.#server.invoke(name, method, args, { effectId, caller: '', signal });
  }

  async #closeServices(): Promise<void> {
    // In reverse, because a later service may use an earlier one.
    for (const instance of this.#instances.reverse()) {
      try {
        await instance.close?.();
      } catch (thrown) {
        this.#events.add({ type: 'limit', limit: 'service-close', reason: String(thrown) });
      }
    }
  }

  async #stop(): Promise<void> {
    const { task, clock, post } = this.#parts;
    this.#stopping = true;
    this.#server.stop();
    this.#begun.resolve(null);
    // The thread is ended when this is through, which would take the process along in the middle of native code.
    await this.#opening;
    await Promise.race([Promise.all([this.#starting, this.#loading]), clock.sleep(START_LIMIT_MS)]);
    await Promise.race([this.#closeServices(), clock.sleep(CLOSE_LIMIT_MS)]);
    this.#server.close();
    this.#client.close();
    try {
      if (task.journal === null) await this.#journalClient?.close();
      await this.#journal?.close();
    } catch (thrown) {
      post({ kind: 'failed', error: errorToWire(thrown) });
    }
    this.#events.flush();
    post({ kind: 'stopped' });
  }
}
