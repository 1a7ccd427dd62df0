/**
 * The service thread's end: takes calls from any number of callers, runs the methods, answers in batches. Calls that
 * come before the services are made wait for them.
 *
 * Invariants: S3 The signal of a call aborts when its caller gives it up or dies. S4 After `stop` nothing new is run.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../platform/index.ts';
import { errorToWire, MegactorError } from '../protocol/errors.ts';
import type { ServiceCallContext, ServiceInstance } from '../protocol/service.ts';
import { BatchPort } from './batch-port.ts';
import type { ServiceRequest, ServiceResponse } from './service-wire.ts';

type Method = (args: unknown, call: ServiceCallContext) => unknown;
type CallRequest = Extract<ServiceRequest, { kind: 'call' }>;

export class ServiceServer {
  readonly #clock: Clock;
  readonly #services = new Map<string, ServiceInstance>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ports = new Set<BatchPort<ServiceResponse, ServiceRequest>>();
  readonly #running = new Set<AbortController>();
  #isReady = false;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Serves the client at the other end of `port`. */
  attach(port: MessagePort): void {
    const calls = new Map<number, AbortController>();
    const client = new BatchPort<ServiceResponse, ServiceRequest>({
      clock: this.#clock,
      port,
      onMessage: (request) => {
        if (request.kind === 'abort') calls.get(request.id)?.abort(new MegactorError('ABORTED', 'the caller gave up'));
        else void this.#serve(client, calls, request);
      },
      onRefused: ({ id }, error) =>
        client.send({ id, value: undefined, error: errorToWire(error, 'MESSAGE_NOT_CLONEABLE') }),
      onClose: () => {
        this.#ports.delete(client);
        for (const call of calls.values()) call.abort(new MegactorError('ABORTED', 'the caller died'));
      },
    });
    this.#ports.add(client);
  }

  add(name: string, service: ServiceInstance): void {
    this.#services.set(name, service);
  }

  /** All services are made. */
  ready(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  /** Calls a service of this thread from this thread. */
  async invoke(service: string, method: string, args: unknown, call: ServiceCallContext): Promise<unknown> {
    if (!this.#isReady) await this.#ready.promise;
    if (this.#stopped) throw new MegactorError('SYSTEM_STOPPED', `${service}.${method}: the service has stopped`);
    const instance = this.#services.get(service);
    if (instance === undefined || !Object.hasOwn(instance.methods, method)) {
      throw new MegactorError('SERVICE_UNKNOWN', `there is no ${service}.${method}`);
    }
    return (instance.methods[method] as Method)(args, call);
  }

  /** Takes no more calls; those that run may end. */
  stop(): void {
    this.#stopped = true;
  }

  /** Aborts what still runs and closes the ports. */
  close(): void {
    const stopped = new MegactorError('SYSTEM_STOPPED', 'the service stops');
    for (const call of this.#running) call.abort(stopped);
    for (const port of this.#ports) port.close();
    this.#ports.clear();
  }

  async #serve(
    client: BatchPort<ServiceResponse, ServiceRequest>,
    calls: Map<number, AbortController>,
    { id, service, method, args, effectId, caller }: CallRequest,
  ): Promise<void> {
    const controller = new AbortController();
    calls.set(id, controller);
    this.#running.add(controller);
    try {
      const value = await this.invoke(service, method, args, { effectId, caller, signal: controller.signal });
      client.send({ id, value, error: null });
    } catch (thrown) {
      client.send({ id, value: undefined, error: errorToWire(thrown, 'SERVICE_FAILED') });
    } finally {
      calls.delete(id);
      this.#running.delete(controller);
    }
  }
}
