/**
 * All hosts of a system as the main thread sees them: started in two phases (recover, then run), watched, replaced when
 * they die. It owns the ports between them. What it does not do: asks and watches of the main thread; it calls back.
 *
 * Invariants: A7 A host that is blocked is ended, and whoever's code ended a host is charged with it. A6 When a host dies, everybody who waits for it is told before its replacement runs. H2 Replacements are
 * made one after the other and are bounded within a minute.
 */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { isCanary } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { Charges, whoseFault } from './blame.ts';
import { ControlClient } from './control-client.ts';
import type { ActorAddress } from '../protocol/ids.ts';
import type { Envelope } from './envelope.ts';
import { createPulseMemory, PulseReader, type RunningTurn } from './host-pulse.ts';
import { makeTask } from './host-task.ts';
import { HostWatch, SILENT_MS } from './host-watch.ts';
import type { HostAnswer, HostRecord, HostsParts, HostState } from './host-record.ts';
import { hostOfShard, type FromHost, type HostControl } from './host-wire.ts';
import { PeerLink } from './peer-link.ts';
import type { HostDeath } from './system-options.ts';

const OPEN_LIMIT_MS = 120_000;
const RESTART_PERIOD_MS = 60_000;
/** How long the pool may take to say why a thread ended. */
const CAUSE_LIMIT_MS = 500;
/** How long a host may take to close after its drain. */
const CLOSE_LIMIT_MS = 15_000;
/** How long what a host has sent may still be on its way when it has ended. */
const LAST_EVENTS_MS = 1_000;
/** A host that is silent for so long will not stop by itself. */
const STOP_SILENT_MS = 3_000;

export class Hosts {
  readonly #parts: HostsParts;
  readonly #hosts: readonly HostRecord[];
  readonly #watch: HostWatch;
  readonly #charges = new Charges();
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
        gathers: true,
        onEnvelopes: parts.onEnvelopes,
        onRefused: parts.onRefused,
        onOther: (message) => this.#onMessage(index, message as FromHost),
      }),
      control: null,
      ended: Promise.resolve(),
      pulse: new PulseReader(createPulseMemory()),
      types: [],
      kill: () => undefined,
      opening: true,
      incarnation: -1,
      up: false,
    }));
    this.#watch = new HostWatch({
      // Hosts beat by the process's own time, whatever the time of the main thread is.
      clock: parts.ground.clock,
      blockedAfterMs: parts.blockedAfterMs,
      threadDelayMs: parts.ground.threadDelayMs,
      onBlocked: (host, silentMs) => this.#onBlocked(host, silentMs),
    });
  }

  /** Starts all hosts, which run turns when `ready`. @returns the largest id ever used @throws HOST_START_FAILED, JOURNAL_*, … */
  async start(ready: Promise<void>): Promise<number> {
    const between = new Map<number, [number, MessagePort][]>(this.#hosts.map(({ index }) => [index, []]));
    for (const a of this.#hosts) {
      for (const b of this.#hosts.slice(a.index + 1)) {
        const { port1, port2 } = this.#parts.ground.channel();
        between.get(a.index)?.push([b.index, port1]);
        between.get(b.index)?.push([a.index, port2]);
      }
    }
    const opening = Promise.all(this.#hosts.map((host) => this.#open(host, between.get(host.index) ?? [])));
    const [idMaxima] = await Promise.all([opening, ready]);
    const early = this.#hosts.find((host) => !host.up);
    if (early !== undefined) throw new MegactorError('HOST_START_FAILED', `host ${early.index} died while starting`);
    this.#running = true;
    // Turns run from here on, and whoever's thread they end is replaced.
    for (const host of this.#hosts) await host.control?.call('start').catch(onlyDeath);
    for (let repairs = null; repairs !== this.#repairs;) {
      repairs = this.#repairs;
      await repairs;
    }
    const dead = this.#hosts.find((host) => !host.up);
    if (dead !== undefined) throw new MegactorError('HOST_START_FAILED', `host ${dead.index} does not stay alive`);
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
    return this.#control(this.#ownerOf(shard)).call(name, ...args);
  }

  states(): HostState[] {
    return this.#hosts.map((host) => this.#stateOf(host));
  }

  /** Asks every host, and waits for none that is silent or down. */
  ask<Name extends keyof HostControl>(
    name: Name,
    ...args: Parameters<HostControl[Name]>
  ): Promise<HostAnswer<Awaited<ReturnType<HostControl[Name]>>>[]> {
    return Promise.all(this.#hosts.map((host) => this.#ask(host, name, args)));
  }

  /** The same for the host of `shard`. @throws CONFIG_INVALID, and what the method throws */
  askShard<Name extends keyof HostControl>(
    shard: number,
    name: Name,
    ...args: Parameters<HostControl[Name]>
  ): Promise<HostAnswer<Awaited<ReturnType<HostControl[Name]>>>> {
    return this.#ask(this.#ownerOf(shard), name, args);
  }

  /** The answers of those that answer. */
  async onAll<Name extends keyof HostControl>(
    name: Name,
    ...args: Parameters<HostControl[Name]>
  ): Promise<Awaited<ReturnType<HostControl[Name]>>[]> {
    const answers = await this.ask(name, ...args);
    return answers.flatMap(({ value }) => (value === undefined ? [] : [value]));
  }

  /** Drains all hosts that run; those that die meanwhile are left out. */
  async drain(deadlineMs: number): Promise<void> {
    const limitMs = deadlineMs + CLOSE_LIMIT_MS;
    await Promise.allSettled(
      this.#hosts.filter((host) => host.up).map((host) => this.#control(host).callWithin(limitMs, 'drain', deadlineMs)),
    );
  }

  /** Drains and ends all hosts; those that do not answer in time are killed with the pool. */
  async stop(deadlineMs: number, checkpoint: boolean): Promise<void> {
    this.#stopping = true;
    await this.#repairs;
    await Promise.allSettled(
      this.#hosts.filter((host) => host.up).map((host) => this.#stopOne(host, deadlineMs, checkpoint)),
    );
    this.#watch.close();
    const stopped = new MegactorError('SYSTEM_STOPPED', 'the system was stopped');
    for (const host of this.#hosts) {
      host.control?.end(stopped);
      host.link.close();
    }
    await this.#parts.pool.destroy();
  }

  async #stopOne(host: HostRecord, deadlineMs: number, checkpoint: boolean): Promise<void> {
    const waiting = new AbortController();
    const stopped = async (): Promise<void> => {
      await this.#control(host).callWithin(deadlineMs + CLOSE_LIMIT_MS, 'stop', deadlineMs, checkpoint);
      await host.ended;
    };
    try {
      await Promise.race([stopped(), this.#watch.untilSilent(host.index, waiting.signal, STOP_SILENT_MS)]);
    } finally {
      waiting.abort();
    }
    // What it sent last comes over the link, which nothing orders with its end.
    if (!host.up) await host.link.endedWithin(LAST_EVENTS_MS);
  }

  #ofShard(shard: number): HostRecord | undefined {
    return this.#hosts[hostOfShard(shard, this.#hosts.length)];
  }

  /** @throws CONFIG_INVALID */
  #ownerOf(shard: number): HostRecord {
    const host = shard >= 0 && shard < this.#parts.common.shards ? this.#ofShard(shard) : undefined;
    if (host === undefined) throw new MegactorError('CONFIG_INVALID', `there is no shard ${shard}`);
    return host;
  }

  #stateOf({ index, owned, up, pulse }: HostRecord): HostState {
    const silentMs = Math.round(this.#watch.silentMs(index));
    const { mark } = pulse.read();
    return {
      host: index,
      shards: owned,
      state: up ? (silentMs >= SILENT_MS ? 'silent' : 'running') : 'down',
      silentMs,
      actor: mark === null || !up ? null : { shard: mark.shard, id: mark.actor },
    };
  }

  async #ask<Name extends keyof HostControl>(
    host: HostRecord,
    name: Name,
    args: Parameters<HostControl[Name]>,
  ): Promise<HostAnswer<Awaited<ReturnType<HostControl[Name]>>>> {
    const waiting = new AbortController();
    try {
      const silent = this.#watch.untilSilent(host.index, waiting.signal).then(() => undefined);
      const value = await Promise.race([this.#control(host).call(name, ...args), silent]);
      return { state: this.#stateOf(host), value };
    } catch (thrown) {
      const error = toMegactorError(thrown);
      if (error.code !== 'HOST_DIED') throw error;
      return { state: { ...this.#stateOf(host), state: 'down' }, value: undefined };
    } finally {
      waiting.abort();
    }
  }

  #control(host: HostRecord): ControlClient {
    if (host.control === null) throw new MegactorError('HOST_DIED', `host ${host.index} does not run`);
    return host.control;
  }

  async #open(host: HostRecord, peers: readonly (readonly [number, MessagePort])[]): Promise<number> {
    const memory = createPulseMemory();
    host.incarnation += 1;
    const charges = this.#charges.of(host.owned, this.#parts.ground.clock.monotonic());
    const { parts, control, main } = makeTask(this.#parts, host, { peers, pulse: memory, charges });
    host.control = new ControlClient(this.#parts.clock, control);
    host.link.attach(main);
    host.up = true;
    host.opening = true;
    host.types = [];
    host.pulse = new PulseReader(memory);
    const transfer: Transferable[] = [parts.control, parts.main, ...peers.map(([, port]) => port)];
    transfer.push(...parts.services.map(([, port]) => port));
    if (parts.journal !== null) transfer.push(parts.journal);
    const { incarnation } = host;
    const ended = Promise.withResolvers<void>();
    host.ended = ended.promise;
    const run = this.#parts.pool.run(parts, transfer);
    host.kill = (error) => run.kill(error);
    this.#watch.watch(host.index, host.pulse);
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
      host.opening = false;
      return idMax;
    } catch (thrown) {
      const error = toMegactorError(thrown);
      if (error.code !== 'HOST_DIED' && error.code !== 'HOST_BLOCKED') throw error;
      // A port closes before the pool can say why.
      const cause = await Promise.race([died, this.#parts.clock.sleep(CAUSE_LIMIT_MS)]);
      throw new MegactorError('HOST_START_FAILED', cause?.message ?? error.message, { cause: cause ?? error });
    }
  }

  #onMessage(index: number, message: FromHost): void {
    if (message.kind !== 'types') {
      this.#parts.onMessage(message);
      return;
    }
    const host = this.#hosts[index] as HostRecord;
    host.types = [...host.types.slice(0, message.first - 1), ...message.types];
  }

  #onBlocked(index: number, silentMs: number): void {
    const host = this.#hosts[index] as HostRecord;
    // What the runtime itself does at an opening has a limit of its own.
    if (host.opening && host.pulse.read().mark === null) return;
    host.kill(new MegactorError('HOST_BLOCKED', `host ${index} gave no sign of life for ${silentMs} ms`));
  }

  /** @returns who is charged with the end of `host`, the first of them */
  #charge(host: HostRecord, error: MegactorError, silentMs: number): RunningTurn | null {
    const reading = host.pulse.read();
    const known = whoseFault(reading);
    // What nobody caught was in no turn that is named here, or its turn would be known.
    const suspects = reading.culprit === null ? reading.turns : [];
    const charged = known === null ? this.#charges.suspect(suspects) : [known];
    const reason = `${error.code}: ${error.message}`;
    for (const turn of charged) {
      const type = host.types[turn.type - 1] ?? '';
      if (turn.durable) this.#charges.add(turn, type, reason, this.#parts.ground.clock.monotonic(), silentMs);
      if (turn.seq < 0 && type !== '') this.#parts.onPoison(turn, type);
    }
    return charged[0] ?? null;
  }

  #onEnd(host: HostRecord, incarnation: number, error: MegactorError): void {
    if (!host.up || host.incarnation !== incarnation) return;
    host.up = false;
    const silentMs = this.#watch.silentMs(host.index);
    this.#watch.unwatch(host.index);
    // Of one that was asked to stop the last events may still be on their way.
    if (!this.#stopping) host.link.detach();
    // However it died, whoever waits for an answer need not tell the ways apart.
    host.control?.end(new MegactorError('HOST_DIED', error.message, { cause: error }));
    if (this.#stopping || !this.#running) return;
    const turn = this.#charge(host, error, silentMs);
    const blamed = turn === null ? null : { shard: turn.shard, id: turn.actor };
    this.#parts.onDied(host.owned, error);
    this.#repairs = this.#repairs.then(() => this.#repair(host, error, blamed));
  }

  async #repair(host: HostRecord, error: MegactorError, blamed: ActorAddress | null): Promise<void> {
    await this.#tellOthers(host, 'peerDied');
    if (this.#stopping) return;
    const nowMs = this.#parts.clock.monotonic();
    const recent = this.#restarts.filter((time) => nowMs - time < RESTART_PERIOD_MS);
    this.#restarts.splice(0, this.#restarts.length, ...recent, nowMs);
    if (recent.length >= this.#parts.restartsMax) {
      host.link.kill();
      await this.#tellOthers(host, 'peerGone');
      this.#parts.onDeath({ host: host.index, shards: host.owned, error, replaced: false, blamed });
      return;
    }
    try {
      // Ports to other hosts are no part of the task: it may wait for a thread, and they do not outlive theirs.
      const idMax = await this.#open(host, []);
      await this.#control(host).call('start');
      // What it does from here on is charged anew.
      if (host.up) this.#charges.answered(host.owned, this.#parts.ground.clock.monotonic());
      await this.#connect(host);
      await this.#tellOthers(host, 'peerBack');
      this.#parts.onBack(host.owned, idMax);
      this.#parts.onDeath({ host: host.index, shards: host.owned, error, replaced: true, blamed });
    } catch (thrown) {
      await this.#openFailed(host, { error, blamed }, toMegactorError(thrown));
    }
  }

  /** Gives `host` and all others that run new ports to each other. Those that die meanwhile are repaired next. */
  async #connect(host: HostRecord): Promise<void> {
    const attached: Promise<void>[] = [];
    for (const other of this.#hosts) {
      if (other === host || !other.up || isCanary('link-forgotten')) continue;
      const { port1, port2 } = this.#parts.ground.channel();
      attached.push(this.#control(host).attachPeer(other.index, port1));
      attached.push(this.#control(other).attachPeer(host.index, port2));
    }
    await Promise.allSettled(attached);
  }

  /**
   * A replacement did not come up. A port may close long before the pool knows of the end of its thread, so whoever does
   * not answer is ended, and `#onEnd` makes the next one. What cannot be recovered will not be by trying again.
   */
  async #openFailed(host: HostRecord, died: Pick<HostDeath, 'error' | 'blamed'>, error: MegactorError): Promise<void> {
    const replaced = !host.up || DEATHS.has(error.code);
    if (replaced) host.kill(error);
    else this.#giveUp(host, error);
    await host.ended;
    if (!replaced) await this.#tellOthers(host, 'peerGone');
    const { index, owned: shards } = host;
    this.#parts.onDeath({ host: index, shards, ...(replaced ? died : { error, blamed: null }), replaced });
  }

  /** Nobody runs these shards any more. */
  #giveUp(host: HostRecord, error: MegactorError): void {
    host.up = false;
    this.#watch.unwatch(host.index);
    host.control?.end(error);
    host.link.kill();
    host.kill(error);
  }

  #tellOthers(host: HostRecord, name: 'peerDied' | 'peerBack' | 'peerGone'): Promise<unknown> {
    const others = this.#hosts.filter((other) => other !== host && other.up);
    return Promise.allSettled(others.map((other) => this.#control(other).call(name, host.index)));
  }
}

/** A thread that is dead, or as good as that. */
const DEATHS: ReadonlySet<string> = new Set(['HOST_DIED', 'HOST_BLOCKED', 'HOST_START_FAILED']);

const onlyDeath = (thrown: unknown): void => {
  if (toMegactorError(thrown).code !== 'HOST_DIED') throw thrown;
};
