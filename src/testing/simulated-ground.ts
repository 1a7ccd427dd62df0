/**
 * One simulated process: the main thread, and threads for hosts and services as the runtime asks for them. What runs on
 * them is the runtime's own code; only time, ports, threads and the disk are simulated.
 *
 * Invariants: W9 A host's thread may die between any two steps, and is then as dead as a real one: nothing of it runs, its
 * ports close, its task is rejected. W10 After `crash` nothing of the process runs.
 */
import { JournalServer } from '../journal/index.ts';
import type { Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { Ground, HostThreads, PortPair, ServiceWorker } from '../runtime/ground.ts';
import type { HostRun } from '../runtime/host-pool.ts';
import { serveHost } from '../runtime/host-serve.ts';
import type { HostTask } from '../runtime/host-wire.ts';
import { Host } from '../runtime/host.ts';
import { ServiceBody } from '../runtime/service-body.ts';
import type { FromServiceThread, ServiceThreadTask, ToServiceThread } from '../runtime/service-thread-wire.ts';
import { Thread, type Lane, type Scheduler } from './scheduler.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedPort, type SimulatedPortParts } from './simulated-port.ts';

export interface GroundParts {
  readonly scheduler: Scheduler;
  readonly disk: SimulatedDisk;
  /** How long what is posted between threads takes, milliseconds. */
  readonly linkMs: () => number;
  /** How long a thread takes to start, milliseconds. */
  readonly startMs: () => number;
  /** Loads a module of definitions or services. */
  readonly importModule: (url: string) => Promise<unknown>;
  /** In the moment in which the thread of a host ends. */
  readonly onHostEnd: (host: number) => void;
  /** Counts processes, for the trace. */
  readonly process: number;
}

interface HostThread {
  readonly thread: Thread;
  readonly die: (error: MegactorError) => void;
  host: Host | null;
}

const asMessagePorts = ([left, right]: [SimulatedPort, SimulatedPort]): PortPair => ({
  port1: left.asMessagePort(),
  port2: right.asMessagePort(),
});

export class SimulatedGround implements Ground {
  readonly clock: Clock;
  readonly main: Thread;
  readonly #parts: GroundParts;
  readonly #ports: SimulatedPortParts;
  /** What threads tell the main thread beside their ports. */
  readonly #news: Lane;
  readonly #hosts = new Map<number, HostThread>();
  readonly #services: Thread[] = [];
  #channels = 0;

  constructor(parts: GroundParts) {
    const { scheduler, linkMs, process } = parts;
    this.#parts = parts;
    this.main = new Thread(`p${process}.main`);
    this.clock = new SimulatedClock(scheduler, this.main);
    this.#ports = { scheduler, delayMs: linkMs };
    this.#news = scheduler.lane(`${this.main.name}.news`, this.main);
  }

  readonly threadDelayMs = (): number => 0;

  channel(): PortPair {
    return asMessagePorts(this.#pair(this.main, this.main));
  }

  startHosts(): HostThreads {
    return {
      run: (task, transfer) => this.#runHost(task, transfer),
      destroy: () => {
        const ended = new MegactorError('SYSTEM_STOPPED', 'the pool of the hosts was destroyed');
        for (const host of this.#hosts.values()) host.die(ended);
        return Promise.resolve();
      },
    };
  }

  startService(task: ServiceThreadTask, transfer: readonly unknown[]): ServiceWorker {
    const { scheduler, disk, importModule } = this.#parts;
    const thread = new Thread(`p${this.#parts.process}.${task.name}`);
    this.#services.push(thread);
    adopt(thread, transfer);
    const [here, there] = this.#pair(this.main, thread);
    const clock = new SimulatedClock(scheduler, thread);
    this.#start(thread, () => {
      const body = new ServiceBody({
        task,
        clock,
        post: (message: FromServiceThread) => there.postMessage(message),
        channel: () => asMessagePorts(this.#pair(thread, thread)),
        importModule,
        openJournal: (spec) => JournalServer.open({ ...spec, clock, backend: disk.open(thread) }),
      });
      there.on('message', (message) => body.receive(message as ToServiceThread));
      body.start();
    });
    const on = (event: string, listener: (value: never) => void): void => {
      if (event === 'message') here.on('message', listener as (message: unknown) => void);
      else if (event === 'exit')
        thread.onDeath.push(() => this.#tell('a service has ended', () => listener(0 as never)));
    };
    return {
      on,
      postMessage: (message, moved) => here.postMessage(message, moved),
      unref: () => undefined,
      terminate: () => {
        scheduler.kill(thread);
        return Promise.resolve();
      },
    };
  }

  /** The thread of a host ends, whatever it does. False when there is none. */
  killHost(index: number): boolean {
    const host = this.#hosts.get(index);
    if (host?.thread.alive !== true) return false;
    host.die(new MegactorError('HOST_DIED', 'the thread of a host died: killed by the simulation'));
    return true;
  }

  /** Nothing of a host's thread runs until `untilMs`. False when there is none. */
  stallHost(index: number, untilMs: number): boolean {
    const host = this.#hosts.get(index);
    if (host?.thread.alive !== true) return false;
    host.thread.stalledUntilMs = untilMs;
    return true;
  }

  /** Hosts that stand still go on. */
  release(): void {
    for (const { thread } of this.#hosts.values()) thread.stalledUntilMs = 0;
  }

  /** The hosts that run. */
  hosts(): Host[] {
    return [...this.#hosts.values()].flatMap(({ host, thread }) => (host !== null && thread.alive ? [host] : []));
  }

  /** The whole process ends. */
  crash(): void {
    const { scheduler } = this.#parts;
    for (const thread of [this.main, ...this.#services]) scheduler.kill(thread);
    for (const { thread } of this.#hosts.values()) scheduler.kill(thread);
  }

  #runHost(task: HostTask, transfer: readonly unknown[]): HostRun {
    const { scheduler, importModule, process } = this.#parts;
    const thread = new Thread(`p${process}.host${task.host}.${task.incarnation}`);
    const ended = Promise.withResolvers<void>();
    const end = (label: string, settle: () => void): void => {
      if (!thread.alive) return;
      scheduler.kill(thread);
      this.#tell(`${thread.name} ${label}`, settle);
    };
    const die = (error: MegactorError): void => end('has died', () => ended.reject(error));
    const entry: HostThread = { thread, die, host: null };
    this.#hosts.set(task.host, entry);
    thread.onDeath.push(() => this.#parts.onHostEnd(task.host));
    adopt(thread, transfer);
    thread.onUncaught = (thrown) => {
      entry.host?.ends();
      const words = thrown instanceof Error ? thrown.message : String(thrown);
      die(new MegactorError('HOST_DIED', `the thread of a host died: ${words}`, { cause: thrown }));
    };
    const clock = new SimulatedClock(scheduler, thread);
    this.#start(thread, () => {
      entry.host = new Host(task, clock, importModule);
      serveHost(entry.host, task.control, clock).then(
        () => end('has ended', () => ended.resolve()),
        (thrown: unknown) => thread.onUncaught?.(thrown),
      );
    });
    // Whoever waits for it gets the error; nobody else has to.
    ended.promise.catch(() => undefined);
    return { ended: ended.promise, kill: die, ready: () => undefined };
  }

  #start(thread: Thread, run: () => void): void {
    const { scheduler, startMs } = this.#parts;
    const lane = scheduler.lane(`${thread.name}.start`, thread);
    scheduler.push(lane, { dueMs: scheduler.nowMs + startMs(), label: 'starts', kind: 'work', run });
  }

  #tell(label: string, run: () => void): void {
    const dueMs = Math.max(this.#parts.scheduler.nowMs + this.#parts.linkMs(), this.#news.items.at(-1)?.dueMs ?? 0);
    this.#parts.scheduler.push(this.#news, { dueMs, label, kind: 'work', run });
  }

  #pair(left: Thread, right: Thread): [SimulatedPort, SimulatedPort] {
    this.#channels += 1;
    return SimulatedPort.pair(this.#ports, `p${this.#parts.process}.port${this.#channels}`, left, right);
  }
}

const adopt = (thread: Thread, transfer: readonly unknown[]): void => {
  for (const one of transfer) SimulatedPort.of(one)?.moveTo(thread);
};
