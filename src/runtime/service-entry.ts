/**
 * Entry of a service thread: loads its services, serves their callers, and, on the journal's thread, holds the journal.
 * It runs only our own code and is never killed in the middle of its work: it ends when it was asked to and has closed
 * everything.
 */
import { parentPort, workerData, MessageChannel, type MessagePort } from 'node:worker_threads';
import { createJournalClient, JournalServer } from '../journal/index.ts';
import type { JournalClient } from '../journal/shard-log.ts';
import { systemClock } from '../platform/index.ts';
import { errorToWire, MegactorError } from '../protocol/errors.ts';
import type { CreateService, ServiceHost, ServiceInstance, ServiceSpec } from '../protocol/service.ts';
import { EventBuffer } from '../telemetry/index.ts';
import { fromModuleId } from './module-id.ts';
import { ServiceClient } from './service-client.ts';
import { ServiceServer } from './service-server.ts';
import type { FromServiceThread, ServiceThreadTask, ToServiceThread } from './service-thread-wire.ts';

const EVENTS_EVERY_MS = 50;
/** How long the services of a thread may take to close, together. */
const CLOSE_LIMIT_MS = 20_000;

const clock = systemClock;
const task = workerData as ServiceThreadTask;
const main = parentPort as MessagePort;
const post = (message: FromServiceThread): void => main.postMessage(message);

const server = new ServiceServer(clock);
const client = new ServiceClient(clock, task.directory, task.calls);
const events = new EventBuffer(clock);
const instances: ServiceInstance[] = [];
let journal: JournalServer | null = null;
let journalClient: JournalClient | null = null;

const sendEvents = (): void => {
  const batch = events.take();
  if (batch !== null) post({ kind: 'events', batch });
};

const hostFor = (service: string): ServiceHost => ({
  store: (name) => {
    if (journalClient === null) {
      throw new MegactorError('DURABLE_WITHOUT_JOURNAL', `service '${service}' wants a table, but there is no journal`);
    }
    return journalClient.store(name);
  },
  call: (name, method, args, options = {}) => {
    if (task.directory[name] !== task.name) return client.call(name, method, args, { ...options, caller: '' });
    const { effectId = null, signal = new AbortController().signal } = options;
    return server.invoke(name, method, args, { effectId, caller: '', signal });
  },
  notify: (message) => post({ kind: 'notify', service, message }),
  event: (event) => events.add(event),
});

const openJournal = async (): Promise<void> => {
  if (task.journal !== null) {
    journal = await JournalServer.open(task.journal);
    const { port1, port2 } = new MessageChannel();
    journal.attach(port1);
    journalClient = createJournalClient(port2);
  } else if (task.journalPort !== null) {
    journalClient = createJournalClient(task.journalPort);
  }
};

const load = async ({ name, module, options }: ServiceSpec): Promise<void> => {
  const { createService } = (await import(fromModuleId(module))) as { createService?: CreateService };
  if (typeof createService !== 'function') {
    throw new MegactorError('SERVICE_FAILED', `${module} exports no createService (service '${name}')`);
  }
  const instance = await createService(options, hostFor(name));
  instances.push(instance);
  server.add(name, instance);
};

const start = async (): Promise<void> => {
  for (const port of task.callers) server.attach(port);
  await openJournal();
  for (const spec of task.services) await load(spec);
  server.ready();
  post({ kind: 'ready' });
};

const closeServices = async (): Promise<void> => {
  // In reverse, because a later service may use an earlier one.
  for (const instance of instances.reverse()) {
    try {
      await instance.close?.();
    } catch (thrown) {
      events.add({ type: 'limit', limit: 'service-close', reason: String(thrown) });
    }
  }
};

const stop = async (): Promise<void> => {
  server.stop();
  await Promise.race([closeServices(), clock.sleep(CLOSE_LIMIT_MS)]);
  server.close();
  client.close();
  try {
    if (task.journal === null) await journalClient?.close();
    await journal?.close();
  } catch (thrown) {
    post({ kind: 'failed', error: errorToWire(thrown) });
  }
  sendEvents();
  post({ kind: 'stopped' });
};

main.on('message', (message: ToServiceThread) => {
  switch (message.kind) {
    case 'attach':
      server.attach(message.port);
      return;
    case 'attach-journal':
      journal?.attach(message.port);
      return;
    case 'stop':
      void stop();
      return;
    default:
      message satisfies never;
  }
});

clock.every(EVENTS_EVERY_MS, sendEvents);
start().catch((thrown: unknown) => post({ kind: 'failed', error: errorToWire(thrown, 'SERVICE_FAILED') }));
