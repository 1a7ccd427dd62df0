/**
 * Entry of a host's thread: one long Piscina task that ends when the host was stopped.
 *
 * Piscina requires it. Of a module with a default export and without one called `module.exports` Node then makes a copy,
 * and when the thread is ended in the middle of that, Node ends the whole process.
 */
import { systemClock } from '../platform/index.ts';
import { Host } from './host.ts';
import { serveHost } from './host-serve.ts';
import type { HostTask } from './host-wire.ts';

const runHost = async (task: HostTask): Promise<void> => {
  const host = new Host(task, systemClock);
  // Neither keeps the thread alive: they only say whose code ends it.
  process.on('uncaughtExceptionMonitor', () => host.ends());
  process.on('exit', () => host.ends());
  await serveHost(host, task.control, systemClock);
};

export { runHost as default, runHost as 'module.exports' };
