/** Entry of a host's thread: one long Piscina task that ends when the host was stopped. */
import { systemClock } from '../platform/index.ts';
import { Host } from './host.ts';
import { serveHost } from './host-serve.ts';
import type { HostTask } from './host-wire.ts';

export default async (task: HostTask): Promise<void> => {
  const host = new Host(task, systemClock);
  // Neither keeps the thread alive: they only say whose code ends it.
  process.on('uncaughtExceptionMonitor', () => host.ends());
  process.on('exit', () => host.ends());
  await serveHost(host, task.control, systemClock);
};
