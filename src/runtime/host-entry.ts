/**
 * Entry of a host's thread: one long Piscina task that ends when the host was stopped. It exposes the control plane
 * over Comlink; the data plane has ports of its own.
 */
import { expose } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { systemClock } from '../platform/index.ts';
import { errorToWire } from '../protocol/errors.ts';
import { Host } from './host.ts';
import type { HostControl, HostTask, Settled } from './host-wire.ts';

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

export default async (task: HostTask): Promise<void> => {
  const host = new Host(task, systemClock);
  // Neither keeps the thread alive: they only say whose code ends it.
  process.on('uncaughtExceptionMonitor', () => host.ends());
  process.on('exit', () => host.ends());
  expose(guard(host.control), nodeEndpoint(task.control));
  await host.done;
  // The answer to `stop` leaves first.
  await new Promise<void>((resolve) => systemClock.soon(resolve));
  task.control.close();
};
