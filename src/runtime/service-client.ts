/**
 * The caller's end of the services: finds the thread of a service, sends the call, waits until its deadline.
 *
 * Invariants: S1 Every call settles: by its answer, its deadline, its signal, or the end of the thread (A6). S2 A call
 * that nobody waits for any more is aborted at the service.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Clock, TimerHandle } from '../platform/index.ts';
import { errorFromWire, MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { ServiceCallOptions } from '../protocol/service.ts';
import { BatchPort } from './batch-port.ts';
import type { ServiceRequest, ServiceResponse } from './service-wire.ts';

export const SERVICE_DEADLINE_MS = 30_000;
/** Calls of one thread to one other without an answer; further ones are refused. */
const OUTSTANDING_MAX = 100_000;

/** Names of the services of a system, each with the thread it lives on. */
export type ServiceDirectory = Readonly<Record<string, string>>;

export interface CallOptions extends ServiceCallOptions {
  readonly caller?: string;
}

interface Ends {
  readonly timer: TimerHandle;
  readonly unlisten: () => void;
}

interface Waiting extends Ends {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const ONCE = { once: true } as const;
const nothing = (): void => undefined;

/** Calls to the services of one thread. */
class ThreadClient {
  readonly #clock: Clock;
  readonly #thread: string;
  readonly #port: BatchPort<ServiceRequest, ServiceResponse>;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(clock: Clock, thread: string, port: MessagePort) {
    this.#clock = clock;
    this.#thread = thread;
    this.#port = new BatchPort<ServiceRequest, ServiceResponse>({
      clock,
      port,
      onMessage: ({ id, value, error }) =>
        this.#settle(id, (waiting) => {
          if (error === null) waiting.resolve(value);
          else waiting.reject(errorFromWire(error));
        }),
      onRefused: (request, error) => this.#reject(request.id, toMegactorError(error, 'MESSAGE_NOT_CLONEABLE')),
      onClose: () => this.#rejectAll(),
    });
  }

  call(service: string, method: string, args: unknown, options: CallOptions): Promise<unknown> {
    const what = `${service}.${method}`;
    if (this.#port.closed) return Promise.reject(this.#gone(what));
    if (this.#waiting.size >= OUTSTANDING_MAX) {
      return Promise.reject(new MegactorError('MAILBOX_FULL', `${what}: ${OUTSTANDING_MAX} calls have no answer yet`));
    }
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(toMegactorError(signal.reason, 'ABORTED'));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#last += 1;
    const id = this.#last;
    this.#waiting.set(id, { resolve, reject, ...this.#ends(id, what, options) });
    const { effectId = null, caller = '' } = options;
    this.#port.send({ kind: 'call', id, service, method, args, effectId, caller });
    return promise;
  }

  /** What may end the waiting before the answer. Apart from `call`, so that its arguments are not kept that long. */
  #ends(id: number, what: string, { signal, deadlineMs = SERVICE_DEADLINE_MS }: CallOptions): Ends {
    const timer = this.#clock.after(deadlineMs, () =>
      this.#abort(id, new MegactorError('SERVICE_TIMEOUT', `${what} did not answer within ${deadlineMs} ms`)),
    );
    if (signal === undefined) return { timer, unlisten: nothing };
    const onAbort = (): void => this.#abort(id, toMegactorError(signal.reason, 'ABORTED'));
    signal.addEventListener('abort', onAbort, ONCE);
    return { timer, unlisten: () => signal.removeEventListener('abort', onAbort) };
  }

  close(): void {
    this.#port.close();
    this.#rejectAll();
  }

  #abort(id: number, error: MegactorError): void {
    this.#port.send({ kind: 'abort', id });
    this.#reject(id, error);
  }

  #reject(id: number, error: MegactorError): void {
    this.#settle(id, (waiting) => waiting.reject(error));
  }

  #rejectAll(): void {
    for (const id of this.#waiting.keys()) this.#reject(id, this.#gone(`call ${id}`));
  }

  #gone(what: string): MegactorError {
    return new MegactorError('SERVICE_FAILED', `${what}: the thread '${this.#thread}' has ended`);
  }

  #settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    waiting.timer.cancel();
    waiting.unlisten();
    how(waiting);
  }
}

/** Ports to service threads, by the name of the thread. */
export type ServicePorts = readonly (readonly [thread: string, port: MessagePort])[];

export class ServiceClient {
  readonly #directory: ServiceDirectory;
  readonly #threads = new Map<string, ThreadClient>();

  constructor(clock: Clock, directory: ServiceDirectory, ports: ServicePorts) {
    this.#directory = directory;
    for (const [thread, port] of ports) this.#threads.set(thread, new ThreadClient(clock, thread, port));
  }

  /** @throws SERVICE_UNKNOWN, SERVICE_TIMEOUT, SERVICE_FAILED, ABORTED, and what the service throws */
  call(service: string, method: string, args: unknown, options: CallOptions = {}): Promise<unknown> {
    const thread = Object.hasOwn(this.#directory, service) ? this.#directory[service] : undefined;
    const client = thread === undefined ? undefined : this.#threads.get(thread);
    if (client === undefined) {
      return Promise.reject(new MegactorError('SERVICE_UNKNOWN', `this system has no service '${service}'`));
    }
    return client.call(service, method, args, options);
  }

  close(): void {
    for (const client of this.#threads.values()) client.close();
  }
}
