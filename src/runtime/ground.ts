/**
 * What a system stands on: the process's time, ports, and threads for hosts and services. Everything that the runtime
 * takes from the process beside memory comes from here, so that a simulation can put a ground of its own under the whole
 * of it. What it does not do: know what runs on the threads.
 */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import { entryUrl, startThread, systemClock, threadDelayMs, type Clock } from '../platform/index.ts';
import { HostPool, type HostPoolOptions, type HostRun } from './host-pool.ts';
import type { HostTask } from './host-wire.ts';
import type { FromServiceThread, ServiceThreadTask } from './service-thread-wire.ts';

export interface PortPair {
  readonly port1: MessagePort;
  readonly port2: MessagePort;
}

/** Threads for hosts: one task each. */
export interface HostThreads {
  run(task: HostTask, transfer: Transferable[]): HostRun;
  /** Ends all threads, whatever they do. */
  destroy(): Promise<void>;
}

/** The part of a `Worker` that the main thread needs of a service thread. */
export interface ServiceWorker {
  on(event: 'message', listener: (message: FromServiceThread) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  /** It must not keep the process alive any more. */
  unref(): void;
  terminate(): Promise<unknown>;
}

export interface Ground {
  /** The process's own time. */
  readonly clock: Clock;
  channel(): PortPair;
  /** How long a thread of this process has waited for a processor in all, milliseconds. */
  readonly threadDelayMs: (thread: number) => number;
  startHosts(options: HostPoolOptions): HostThreads;
  startService(task: ServiceThreadTask, transfer: readonly Transferable[]): ServiceWorker;
}

/** Real time, real threads. */
export const processGround: Ground = {
  clock: systemClock,
  channel: () => new MessageChannel(),
  threadDelayMs,
  startHosts: (options) => new HostPool(options),
  startService: (task, transfer) =>
    startThread(entryUrl('./service-entry', import.meta.url), { name: task.name, data: task, transfer }).worker,
};
