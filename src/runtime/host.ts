/**
 * What runs on a host's thread: its shards, the links to other threads, the control plane. It may be killed at any
 * moment; nothing here must be needed to go on elsewhere.
 */
import type { DeadLetter } from '../actor/index.ts';
import { createJournalClient } from '../journal/client.ts';
import type { JournalClient } from '../journal/shard-log.ts';
import { seededRandom, threadNumber, VirtualClock, type Clock } from '../platform/index.ts';
import { errorToWire, MegactorError } from '../protocol/errors.ts';
import { CounterRow, EventOutlet } from '../telemetry/index.ts';
import { DefinitionLoader } from './definition-loader.ts';
import type { Envelope } from './envelope.ts';
import { hostOfShard, type FromHost, type HostControl, type HostTask } from './host-wire.ts';
import { PulseWriter } from './host-pulse.ts';
import { PeerLink } from './peer-link.ts';
import { ServiceClient } from './service-client.ts';
import { SerialOrder } from './serial-order.ts';
import { Shard } from './shard.ts';
import { isMain, type ShardLinks } from './shard-core.ts';
import { deepCopy } from '../actor/index.ts';
import { trackedJournal } from './tracked-journal.ts';
import { TypeNames } from './type-names.ts';

export class Host {
  readonly control: HostControl;
  readonly #task: HostTask;
  readonly #clock: Clock;
  readonly #shards = new Map<number, Shard>();
  readonly #main: PeerLink;
  readonly #peers = new Map<number, PeerLink>();
  readonly #events: EventOutlet;
  readonly #services: ServiceClient;
  readonly #journal: JournalClient | null;
  /** Only in a deterministic system. */
  readonly #serial: SerialOrder | undefined;
  readonly #pulse: PulseWriter;
  readonly #types = new TypeNames((type, first) => this.#post({ kind: 'types', first, types: [type] }));
  readonly #done = Promise.withResolvers<void>();

  /** @param importModule loads modules of definitions */
  constructor(task: HostTask, clock: Clock, importModule: (url: string) => Promise<unknown> = (url) => import(url)) {
    this.#task = task;
    this.#clock = clock;
    this.#pulse = new PulseWriter(task.pulse);
    this.#pulse.begin(threadNumber());
    clock.every(task.beatMs, () => this.#pulse.beat());
    this.#events = new EventOutlet(clock, (batch) => this.#post({ kind: 'events', batch }));
    this.#serial = task.deterministic ? new SerialOrder(new VirtualClock({ real: clock })) : undefined;
    // While a call is under way virtual time stands still, so that no deadline depends on the machine.
    this.#services = new ServiceClient(this.#serial?.clock ?? clock, task.directory, task.services);
    const journal =
      task.journal === null ? null : createJournalClient(task.journal, { clock, incarnation: task.incarnation });
    this.#journal = journal !== null && this.#serial !== undefined ? trackedJournal(journal, this.#serial) : journal;
    this.#main = this.#makeLink(true);
    for (let host = 0; host < task.hosts; host += 1) if (host !== task.host) this.#peers.set(host, this.#makeLink());
    const loader = new DefinitionLoader(
      (url) => {
        const loading = importModule(url) as Promise<Record<string, unknown>>;
        return this.#serial?.track(loading) ?? loading;
      },
      (type) => this.#types.numberOf(type),
    );
    for (const shard of task.owned) this.#shards.set(shard, this.#makeShard(shard, loader));
    this.control = this.#makeControl(loader);
  }

  /** Its shards, for checks within the same thread. */
  get shards(): readonly Shard[] {
    return [...this.#shards.values()];
  }

  /** Resolves when the host was stopped. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** This thread ends, and not because it was asked to: whose code does it? */
  ends(): void {
    this.#pulse.blame();
  }

  #makeShard(shard: number, loader: DefinitionLoader): Shard {
    const { shards, seed, incarnation, counters, limits, checkMail } = this.#task;
    const links: ShardLinks = { send: (envelope) => this.#send(envelope) };
    return new Shard({
      shard,
      shards,
      seed,
      incarnation,
      clock: this.#serial?.clock ?? this.#clock,
      random: seededRandom(seed, shard + 1),
      links,
      log: this.#journal?.shard(shard) ?? null,
      journal: this.#journal,
      callService: (service, method, args, options) => {
        const answer = this.#services.call(service, method, args, options);
        return this.#serial?.track(answer) ?? answer;
      },
      serial: this.#serial,
      pulse: this.#pulse,
      charges: this.#task.charges.filter((charge) => charge.shard === shard),
      loader,
      counters: new CounterRow(counters, shard),
      onEvent: (event) => this.#events.add(event),
      onFailure: (error) => this.#post({ kind: 'shard-failed', shard, error: errorToWire(error) }),
      limits,
      checkMail,
    });
  }

  #makeLink(gathers = false): PeerLink {
    return new PeerLink({
      clock: this.#clock,
      gathers,
      onEnvelopes: (envelopes) => this.#receive(envelopes),
      onRefused: (envelope, error) => this.#shards.get(envelope.source)?.unpackable(envelope, error),
    });
  }

  #linkTo(shard: number): PeerLink {
    return isMain(shard) ? this.#main : (this.#peers.get(hostOfShard(shard, this.#task.hosts)) as PeerLink);
  }

  #send(envelope: Envelope): 'local' | 'queued' | 'refused' {
    const here = this.#shards.get(envelope.shard);
    if (here === undefined) return this.#linkTo(envelope.shard).send(envelope) ? 'queued' : 'refused';
    if (!this.#task.checkMail) {
      here.receive(envelope);
      return 'local';
    }
    try {
      here.receive(deepCopy(envelope));
    } catch (thrown) {
      if (!(thrown instanceof MegactorError)) throw thrown;
      this.#shards.get(envelope.source)?.unpackable(envelope, thrown);
    }
    return 'local';
  }

  #receive(envelopes: readonly Envelope[]): void {
    // Nearly always all of them are for one shard; order within a shard is what counts.
    const [first] = envelopes;
    if (first === undefined) return;
    if (envelopes.every((envelope) => envelope.shard === first.shard)) {
      this.#shards.get(first.shard)?.receiveBatch(envelopes);
      return;
    }
    for (const [shard, part] of Map.groupBy(envelopes, (envelope) => envelope.shard)) {
      this.#shards.get(shard)?.receiveBatch(part);
    }
  }

  #post(message: FromHost): void {
    this.#main.post(message);
  }

  #shardsOf(host: number): ReadonlySet<number> {
    const { shards, hosts } = this.#task;
    return new Set(Array.from({ length: shards }, (_, shard) => shard).filter((s) => hostOfShard(s, hosts) === host));
  }

  #makeControl(loader: DefinitionLoader): HostControl {
    const all = (): Shard[] => [...this.#shards.values()];
    return {
      open: async () => {
        const opened = await Promise.all(all().map((shard) => shard.open()));
        return Math.max(0, ...opened.map(({ idMax }) => idMax));
      },
      start: () => {
        this.#main.attach(this.#task.main);
        this.#post({ kind: 'types', first: 1, types: this.#types.all() });
        for (const [host, port] of this.#task.peers) this.#peers.get(host)?.attach(port);
        this.#events.open();
        for (const shard of all()) shard.start();
        // What is wrong with one is told to whoever spawns it.
        for (const [module, name] of this.#task.definitions) loader.load(module, name).catch(() => undefined);
      },
      spawn: async (shard, record, durable) => {
        const owner = this.#shards.get(shard);
        if (owner === undefined) throw new MegactorError('INTERNAL', `shard ${shard} does not run here`);
        await owner.spawn(record, durable);
      },
      lookup: async (name) => {
        for (const shard of all()) {
          const found = await shard.lookup(name);
          if (found !== null) return found;
        }
        return null;
      },
      actors: () => all().flatMap((shard) => shard.snapshots()),
      inspect: async (shard, ids, options) => (await this.#shards.get(shard)?.inspect(ids, options)) ?? [],
      deadLetters: () => all().flatMap((shard): readonly DeadLetter[] => shard.deadLetters()),
      peerDied: (host) => {
        this.#peers.get(host)?.detach();
        for (const shard of all()) shard.peersDied(this.#shardsOf(host));
      },
      peerBack: (host) => {
        for (const shard of all()) shard.peersBack(this.#shardsOf(host));
      },
      peerGone: (host) => {
        this.#peers.get(host)?.kill();
        for (const shard of all()) shard.peersGone(this.#shardsOf(host));
      },
      attachPeer: (host, port) => this.#peers.get(host)?.attach(port),
      quiesce: () => {
        this.#serial?.release();
        for (const shard of all()) shard.quiesce();
      },
      drain: async (deadlineMs) => {
        this.#serial?.release();
        await Promise.all(all().map((shard) => shard.drain(deadlineMs)));
      },
      stop: (deadlineMs, checkpoint) => this.#stop(deadlineMs, checkpoint),
    };
  }

  async #stop(deadlineMs: number, checkpoint: boolean): Promise<void> {
    this.#serial?.release();
    const shards = [...this.#shards.values()];
    await Promise.all(shards.map((shard) => shard.drain(deadlineMs)));
    // Replies of the last turns leave before their links close.
    for (const link of this.#peers.values()) link.flush();
    await Promise.all(shards.map((shard) => shard.close(checkpoint)));
    await this.#journal?.close();
    this.#services.close();
    this.#events.flush();
    for (const link of this.#peers.values()) link.close();
    this.#main.close();
    this.#done.resolve();
  }
}
