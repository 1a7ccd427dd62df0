/**
 * A service thread as the main thread sees it: started, attached to callers, stopped cooperatively.
 * What it does not do: calls (service-client.ts).
 */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { isCanary, type Clock } from '../platform/index.ts';
import { errorFromWire, MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { EventBatch } from '../telemetry/index.ts';
import type { Ground, ServiceWorker } from './ground.ts';
import type { FromServiceThread, ServiceThreadTask, ToServiceThread } from './service-thread-wire.ts';

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 60_000;

export interface ServiceThreadEvents {
  readonly ground: Ground;
  readonly clock: Clock;
  readonly onEvents: (batch: EventBatch) => void;
  readonly onNotify: (service: string, message: unknown) => void;
  /** The thread ended, or said that it failed, without having been asked to stop. */
  readonly onFailure: (thread: string, error: MegactorError) => void;
}

export class ServiceThread {
  readonly name: string;
  readonly #parts: ServiceThreadEvents;
  readonly #worker: ServiceWorker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<void>();
  #isReady = false;
  #stopping = false;
  #isStopped = false;

  constructor(task: ServiceThreadTask, parts: ServiceThreadEvents) {
    this.name = task.name;
    this.#parts = parts;
    const transfer: Transferable[] = [...task.callers, ...task.calls.map(([, port]) => port)];
    this.#worker = parts.ground.startService(task, transfer);
    // Whoever waits for readiness gets the error; nobody else has to.
    this.#ready.promise.catch(() => undefined);
    this.#worker.on('message', (message: FromServiceThread) => this.#onMessage(message));
    this.#worker.on('error', (error) => this.#failed(toMegactorError(error, 'SERVICE_FAILED')));
    this.#worker.on('exit', () => {
      this.#failed(new MegactorError('SERVICE_FAILED', `the thread '${this.name}' has ended`));
      this.#stopped.resolve();
    });
  }

  /** The journal is open: services may be made. @param journalPort null on its own thread, and without one */
  begin(journalPort: MessagePort | null): void {
    this.#post({ kind: 'begin', journalPort }, journalPort === null ? [] : [journalPort]);
  }

  /** Resolves when all services of the thread are made. @throws what `createService` threw */
  async ready(): Promise<void> {
    const limit = this.#parts.clock.after(READY_LIMIT_MS, () =>
      this.#ready.reject(new MegactorError('SERVICE_FAILED', `the thread '${this.name}' is not ready in time`)),
    );
    await this.#ready.promise;
    limit.cancel();
  }

  /** A port at whose other end the thread takes calls. */
  connect(): MessagePort {
    return this.#connect('attach');
  }

  /** A port at whose other end the journal listens; only on the journal's thread. */
  connectJournal(): MessagePort {
    return this.#connect('attach-journal');
  }

  /** Asks the thread to close everything, and ends it when it has. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#post({ kind: 'stop' });
    const limit = this.#parts.clock.after(STOP_LIMIT_MS, () => this.#stopped.resolve(), { keepAlive: true });
    await this.#stopped.promise;
    limit.cancel();
    if (this.#isStopped && !isCanary('kept-thread')) await this.#worker.terminate();
    // Killing a thread in the middle of a write may hang the process; it must only not keep it alive.
    else this.#worker.unref();
  }

  #connect(kind: 'attach' | 'attach-journal'): MessagePort {
    const { port1, port2 } = this.#parts.ground.channel();
    this.#post({ kind, port: port2 }, [port2]);
    return port1;
  }

  #post(message: ToServiceThread, transfer: MessagePort[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #onMessage(message: FromServiceThread): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true;
        this.#ready.resolve();
        return;
      case 'failed':
        this.#failed(errorFromWire(message.error));
        return;
      case 'notify':
        this.#parts.onNotify(message.service, message.message);
        return;
      case 'events':
        this.#parts.onEvents(message.batch);
        return;
      case 'stopped':
        this.#isStopped = true;
        this.#stopped.resolve();
        return;
      default:
        message satisfies never;
    }
  }

  #failed(error: MegactorError): void {
    if (!this.#isReady) this.#ready.reject(error);
    else if (!this.#stopping) this.#parts.onFailure(this.name, error);
  }
}
