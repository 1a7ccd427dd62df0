/** A host at work on its thread: its control plane exposed over Comlink, until it was stopped. */
import { expose } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../platform/index.ts';
import { errorToWire } from '../protocol/errors.ts';
import type { Host } from './host.ts';
import type { HostControl, Settled } from './host-wire.ts';

type AnyMethod = (...args: unknown[]) => unknown;

/** Every method settles with a value, because errors lose their code on the way through Comlink. */
const guard = (control: HostControl): Record<string, AnyMethod> =>
  Object.fromEntries(
    Object.entries(control).map(([name, method]) => [
      name,
      async (...args: unknown[]): Promise<Settled<unknown>> => {
        try {
          return { ok: true, value: await (method as AnyMethod)(...args) };
        } catch (thrown) {
          return { ok: false, error: errorToWire(thrown) };
        }
      },
    ]),
  );

/** Resolves when the host was stopped and its last answer has left. */
export const serveHost = async (host: Host, control: MessagePort, clock: Clock): Promise<void> => {
  expose(guard(host.control), nodeEndpoint(control));
  await host.done;
  // The answer to `stop` leaves first.
  await new Promise<void>((resolve) => clock.soon(resolve));
  control.close();
};
