/**
 * The control plane of one host as the main thread calls it. Comlink leaves calls hanging when a worker dies, so every
 * call here has a deadline and is rejected when the port closes (A6).
 */
import { releaseProxy, transfer, wrap, type Remote } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../platform/index.ts';
import { errorFromWire, MegactorError } from '../protocol/errors.ts';
import type { GuardedControl, HostControl, Settled } from './host-wire.ts';

const CALL_DEADLINE_MS = 60_000;

type Result<Name extends keyof HostControl> = Awaited<ReturnType<HostControl[Name]>>;

export class ControlClient {
  readonly #clock: Clock;
  readonly #port: MessagePort;
  readonly #remote: Remote<GuardedControl>;
  readonly #pending = new Set<(error: MegactorError) => void>();
  #ended: MegactorError | null = null;

  constructor(clock: Clock, port: MessagePort) {
    this.#clock = clock;
    this.#port = port;
    this.#remote = wrap<GuardedControl>(nodeEndpoint(port));
    port.on('close', () => this.end(new MegactorError('HOST_DIED', 'the thread of the host has ended')));
  }

  /** @throws HOST_DIED, and what the method throws */
  call<Name extends keyof HostControl>(name: Name, ...args: Parameters<HostControl[Name]>): Promise<Result<Name>> {
    return this.callWithin(CALL_DEADLINE_MS, name, ...args);
  }

  callWithin<Name extends keyof HostControl>(
    deadlineMs: number,
    name: Name,
    ...args: Parameters<HostControl[Name]>
  ): Promise<Result<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      const timer = this.#clock.after(
        deadlineMs,
        () => fail(new MegactorError('HOST_DIED', `the host did not answer '${name}' within ${deadlineMs} ms`)),
        { keepAlive: true },
      );
      const settle = (): void => {
        timer.cancel();
        this.#pending.delete(fail);
      };
      const fail = (error: MegactorError): void => {
        settle();
        reject(error);
      };
      this.#pending.add(fail);
      const method = this.#remote[name] as unknown as (...args: unknown[]) => Promise<Settled<Result<Name>>>;
      method(...args).then(
        (settled) => {
          settle();
          if (settled.ok) resolve(settled.value);
          else reject(errorFromWire(settled.error));
        },
        (thrown: unknown) => fail(new MegactorError('INTERNAL', `control call '${name}': ${String(thrown)}`)),
      );
    });
  }

  attachPeer(host: number, port: MessagePort): Promise<void> {
    return this.call('attachPeer', host, transfer(port, [port]));
  }

  /** Rejects what is pending and whatever comes. */
  end(error: MegactorError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    for (const fail of this.#pending) fail(error);
    // Comlink keeps what is not released for ever, and with it the port, this and the whole system.
    this.#remote[releaseProxy]();
    this.#port.close();
  }
}
