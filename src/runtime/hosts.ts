/**
 * All hosts of a system as the main thread sees them: started in two phases (recover, then run), watched, replaced when
 * they die. It owns the ports between them. What it does not do: asks and watches of the main thread; it calls back.
 *
 * Invariants: A6 When a host dies, everybody who waits for it is told before its replacement runs. H2 Replacements are
 * made one after the other and are bounded within a minute.
 */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import type { Clock } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { ControlClient } from './control-client.ts';
import type { Envelope } from './envelope.ts';
import type { HostPool } from './host-pool.ts';
import { hostOfShard, type FromHost, type HostControl, type HostTask } from './host-wire.ts';
import { PeerLink } from './peer-link.ts';
import type { ServiceThreads } from './service-threads.ts';
import type { HostDeath } from './system-options.ts';

const OPEN_LIMIT_MS = 120_000;
const RESTART_PERIOD_MS = 60_000;
/** How long the pool may take to say why a thread ended. */
const CAUSE_LIMIT_MS = 500;
/** How long a host may take to close after its drain. */
const CLOSE_LIMIT_MS = 15_000;

export interface HostsParts {
  readonly clock: Clock;
  readonly pool: HostPool;
  readonly services: ServiceThreads;
  /** What is the same in every task. */
  readonly common: Pick<
    HostTask,
    'hosts' | 'shards' | 'seed' | 'counters' | 'directory' | 'limits' | 'checkMail' | 'deterministic'
  >;
  readonly restartsMax: number;
  readonly onEnvelopes: (envelopes: readonly Envelope[]) => void;
  readonly onRefused: (envelope: Envelope, error: MegactorError) => void;
  readonly onMessage: (message: FromHost) => void;
  /** A host died; `shards` are its. */
  readonly onDied: (shards: readonly number[], error: MegactorError) => void;
  /** The shards run again. */
  readonly onBack: (shards: readonly number[], idMax: number) => void;
  readonly onDeath: (death: HostDeath) => void;
}

interface HostRecord {
  readonly index: number;
  readonly owned: readonly number[];
  readonly link: PeerLink;
  control: ControlClient | null;
  /** Resolves when the task of the present incarnation has ended, however. */
  ended: Promise<void>;
  incarnation: number;
  up: boolean;
}

export class Hosts {
  readonly #parts: HostsParts;
  readonly #hosts: readonly HostRecord[];
  readonly #restarts: number[] = [];
  #repairs: Promise<void> = Promise.resolve();
  #running = false;
  #stopping = false;

  constructor(parts: HostsParts) {
    this.#parts = parts;
    const { hosts, shards } = parts.common;
    const all = Array.from({ length: shards }, (_, shard) => shard);
    this.#hosts = Array.from({ length: hosts }, (_, index) => ({
      index,
      owned: all.filter((shard) => hostOfShard(shard, hosts) === index),
      link: new PeerLink({
        clock: parts.clock,
        onEnvelopes: parts.onEnvelopes,
        onRefused: parts.onRefused,
        onOther: (message) => parts.onMessage(message as FromHost),
      }),
      control: null,
      ended: Promise.resolve(),
      incarnation: -1,
      up: false,
    }));
  }

  /** Starts all hosts. @returns the largest id ever used @throws HOST_START_FAILED, JOURNAL_*, DEFINITION_INVALID */
  async start(): Promise<number> {
    const between = new Map<number, [number, MessagePort][]>(this.#hosts.map(({ index }) => [index, []]));
    for (const a of this.#hosts) {
      for (const b of this.#hosts.slice(a.index + 1)) {
        const { port1, port2 } = new MessageChannel();
        between.get(a.index)?.push([b.index, port1]);
        between.get(b.index)?.push([a.index, port2]);
      }
    }
    const idMaxima = await Promise.all(this.#hosts.map((host) => this.#open(host, between.get(host.index) ?? [])));
    for (const host of this.#hosts) await this.#control(host).call('start');
    this.#running = true;
    // One that died between its opening and here was not replaced yet.
    const dead = this.#hosts.find((host) => !host.up);
    if (dead !== undefined) throw new MegactorError('HOST_START_FAILED', `host ${dead.index} died while starting`);
    return Math.max(0, ...idMaxima);
  }

  get count(): number {
    return this.#hosts.length;
  }

  send(envelope: Envelope): boolean {
    return this.#ofShard(envelope.shard)?.link.send(envelope) ?? false;
  }

  /** Calls the host of `shard`. */
  onShard<Name extends keyof HostControl>(
    shard: number,
    name: Name,
    ...args: Parameters<HostControl[Name]>
  ): Promise<Awaited<ReturnType<HostControl[Name]>>> {
    const host = this.#ofShard(shard);
    if (host === undefined) throw new MegactorError('CONFIG_INVALID', `there is no shard ${shard}`);
    return this.#control(host).call(name, ...args);
  }

  /** Calls every host that runs; those that die meanwhile are left out. */
  async onAll<Name extends keyof HostControl>(
    name: Name,
    ...args: Parameters<HostControl[Name]>
  ): Promise<Awaited<ReturnType<HostControl[Name]>>[]> {
    const answers = await Promise.allSettled(
      this.#hosts.filter((host) => host.up).map((host) => this.#control(host).call(name, ...args)),
    );
    return answers.filter((answer) => answer.status === 'fulfilled').map((answer) => answer.value);
  }

  /** Drains all hosts that run; those that die meanwhile are left out. */
  async drain(deadlineMs: number): Promise<void> {
    const limitMs = deadlineMs + CLOSE_LIMIT_MS;
    await Promise.allSettled(
      this.#hosts.filter((host) => host.up).map((host) => this.#control(host).callWithin(limitMs, 'drain', deadlineMs)),
    );
  }

  /** Drains and ends all hosts; those that do not answer in time are killed with the pool. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    await this.#repairs;
    const limitMs = deadlineMs + CLOSE_LIMIT_MS;
    await Promise.allSettled(
      this.#hosts
        .filter((host) => host.up)
        .map(async (host) => {
          await this.#control(host).callWithin(limitMs, 'stop', deadlineMs);
          await host.ended;
        }),
    );
    const stopped = new MegactorError('SYSTEM_STOPPED', 'the system was stopped');
    for (const host of this.#hosts) {
      host.control?.end(stopped);
      host.link.close();
    }
    await this.#parts.pool.destroy();
  }

  #ofShard(shard: number): HostRecord | undefined {
    return this.#hosts[hostOfShard(shard, this.#hosts.length)];
  }

  #control(host: HostRecord): ControlClient {
    if (host.control === null) throw new MegactorError('HOST_DIED', `host ${host.index} does not run`);
    return host.control;
  }

  async #open(host: HostRecord, peers: readonly (readonly [number, MessagePort])[]): Promise<number> {
    const { parts, control, main } = this.#makeTask(host, peers);
    host.control = new ControlClient(this.#parts.clock, control);
    host.link.attach(main);
    host.up = true;
    const transfer: Transferable[] = [parts.control, parts.main, ...peers.map(([, port]) => port)];
    transfer.push(...parts.services.map(([, port]) => port));
    if (parts.journal !== null) transfer.push(parts.journal);
    const { incarnation } = host;
    const ended = Promise.withResolvers<void>();
    host.ended = ended.promise;
    const run = this.#parts.pool.run(parts, transfer);
    const died = run.ended.then(
      () => new MegactorError('HOST_DIED', `host ${host.index} ended by itself`),
      (thrown: unknown) => toMegactorError(thrown, 'HOST_DIED'),
    );
    void died.then((error) => {
      ended.resolve();
      this.#onEnd(host, incarnation, error);
    });
    const opened = host.control.callWithin(OPEN_LIMIT_MS, 'open');
    try {
      // The pool may know of a failure that no port shows, and the other way round.
      const idMax = await Promise.race([opened, died.then((error) => Promise.reject(error))]);
      run.ready();
      return idMax;
    } catch (thrown) {
      const error = toMegactorError(thrown);
      if (error.code !== 'HOST_DIED') throw error;
      // A port closes before the pool can say why.
      const cause = await Promise.race([died, this.#parts.clock.sleep(CAUSE_LIMIT_MS)]);
      throw new MegactorError('HOST_START_FAILED', cause?.message ?? error.message, { cause: cause ?? error });
    }
  }

  #makeTask(host: HostRecord, peers: HostTask['peers']): { parts: HostTask; control: MessagePort; main: MessagePort } {
    const control = new MessageChannel();
    const main = new MessageChannel();
    host.incarnation += 1;
    const { services } = this.#parts;
    const parts: HostTask = {
      ...this.#parts.common,
      host: host.index,
      owned: host.owned,
      incarnation: host.incarnation,
      control: control.port2,
      main: main.port2,
      peers,
      services: services.connect(),
      journal: services.connectJournal(),
    };
    return { parts, control: control.port1, main: main.port1 };
  }

  #onEnd(host: HostRecord, incarnation: number, error: MegactorError): void {
    if (!host.up || host.incarnation !== incarnation) return;
    host.up = false;
    host.link.detach();
    host.control?.end(error);
    if (this.#stopping || !this.#running) return;
    this.#parts.onDied(host.owned, error);
    this.#repairs = this.#repairs.then(() => this.#repair(host, error));
  }

  async #repair(host: HostRecord, error: MegactorError): Promise<void> {
    const others = this.#hosts.filter((other) => other !== host && other.up);
    const tell = (name: 'peerDied' | 'peerBack' | 'peerGone'): Promise<unknown> =>
      Promise.allSettled(others.map((other) => this.#control(other).call(name, host.index)));
    await tell('peerDied');
    if (this.#stopping) return;
    const nowMs = this.#parts.clock.monotonic();
    const recent = this.#restarts.filter((time) => nowMs - time < RESTART_PERIOD_MS);
    this.#restarts.splice(0, this.#restarts.length, ...recent, nowMs);
    if (recent.length >= this.#parts.restartsMax) {
      host.link.kill();
      await tell('peerGone');
      this.#parts.onDeath({ host: host.index, shards: host.owned, error, replaced: false });
      return;
    }
    const peers: [number, MessagePort][] = [];
    const attached: Promise<void>[] = [];
    for (const other of others) {
      const { port1, port2 } = new MessageChannel();
      peers.push([other.index, port1]);
      attached.push(this.#control(other).attachPeer(host.index, port2));
    }
    try {
      // Those that die meanwhile are repaired next.
      await Promise.allSettled(attached);
      const idMax = await this.#open(host, peers);
      await this.#control(host).call('start');
      await tell('peerBack');
      this.#parts.onBack(host.owned, idMax);
      this.#parts.onDeath({ host: host.index, shards: host.owned, error, replaced: true });
    } catch (thrown) {
      this.#openFailed(host, toMegactorError(thrown));
    }
  }

  /** A replacement did not come up: if its thread is dead, `#onEnd` goes on; if not, nothing else will. */
  #openFailed(host: HostRecord, error: MegactorError): void {
    if (!host.up) return;
    host.up = false;
    host.control?.end(error);
    host.link.kill();
    this.#parts.onDeath({ host: host.index, shards: host.owned, error, replaced: false });
  }
}
