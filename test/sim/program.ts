/**
 * The program of a trial: what the main thread does to its actors, one drawn operation after the other, and what it is
 * told. It keeps what the checks need (`checks.ts`).
 */
import type { ActorRef, SpawnOptions } from '../../src/actor/index.ts';
import { broadcast, roundRobin } from '../../src/actor/index.ts';
import type { Random } from '../../src/platform/index.ts';
import type { SimulatedSystem } from '../../src/testing/index.ts';
import { hardy, leadAll, leadOne, leadRest, node, solo } from './actors.ts';
import { between, pick, type World } from './draw.ts';
import type { Observer } from './observer.ts';

export interface KnownNode {
  readonly key: string;
  readonly ref: ActorRef;
  readonly durable: boolean;
  readonly capacity: number;
  readonly bounded: boolean;
  readonly process: number;
  /** It was told to stop, or its parent was. */
  stopped: boolean;
  /** Its thread ended, and with it, if it is ephemeral, itself. */
  lost: boolean;
  /** Numbers told by the main thread of the present process. */
  told: number;
  pings: number;
}

export interface PendingAsk {
  readonly what: string;
  readonly process: number;
  settled: boolean;
}

interface PendingWatch {
  readonly ref: ActorRef;
  readonly process: number;
  settled: boolean;
}

interface Put {
  readonly node: KnownNode;
  readonly value: number;
  outcome: 'open' | 'done' | 'failed';
}

interface Parcel {
  readonly node: KnownNode;
  readonly seq: number;
  acknowledged: boolean;
}

interface Known {
  readonly ref: ActorRef;
  readonly key: string;
  readonly process: number;
  lost: boolean;
}

export class Program {
  readonly nodes: KnownNode[] = [];
  readonly asks: PendingAsk[] = [];
  readonly watches: PendingWatch[] = [];
  readonly puts: Put[] = [];
  readonly parcels: Parcel[] = [];
  readonly solos: Known[] = [];
  readonly leads: Known[] = [];
  readonly observer: Observer;
  readonly #sim: SimulatedSystem;
  readonly #world: World;
  readonly #random: Random;
  /** Threads that have ended, by host. */
  readonly #ends = new Map<number, number>();
  /** Counts whatever needs a number of its own. */
  #number = 0;
  process = 1;
  journalFailed = false;

  constructor(sim: SimulatedSystem, world: World, random: Random, observer: Observer) {
    this.#sim = sim;
    this.#world = world;
    this.#random = random;
    this.observer = observer;
  }

  /** Nodes that nothing should have happened to. */
  get living(): KnownNode[] {
    return this.nodes.filter(({ stopped, lost }) => !stopped && !lost);
  }

  hostEnded(host: number): void {
    this.observer.hostEnded(host);
    this.#ends.set(host, (this.#ends.get(host) ?? 0) + 1);
    for (const one of this.nodes) if (!one.durable && this.observer.hostOf(one.ref.shard) === host) one.lost = true;
    for (const one of [...this.solos, ...this.leads]) if (this.observer.hostOf(one.ref.shard) === host) one.lost = true;
  }

  /** The process has ended: what it had open is never settled. */
  processEnded(): void {
    for (const ask of this.asks) if (ask.process === this.process) ask.settled = true;
    for (const watch of this.watches) if (watch.process === this.process) watch.settled = true;
    this.process += 1;
    this.journalFailed = false;
    for (const one of this.nodes) one.told = 0;
  }

  next(): number {
    this.#number += 1;
    return this.#number;
  }

  /** One drawn operation. */
  operate(): void {
    const operations: readonly (readonly [share: number, run: () => void])[] = [
      [this.nodes.length < 3 ? 60 : 8, () => this.#spawn()],
      [14, () => this.#onNode((one) => this.#tellItems(one))],
      [14, () => this.#onTwo((one, other) => this.#relay(one, other))],
      [8, () => this.#onNode((one) => this.#parcels(one), true)],
      [10, () => this.#onNode((one) => this.#put(one), true)],
      [8, () => this.#onNode((one) => this.#echo(one))],
      [6, () => this.#onTwo((one, other) => this.#question(one, other))],
      [5, () => this.#onTwo((one, other) => this.#sim.tell(one.ref, 'observe', other.ref))],
      [4, () => this.#onNode((one) => this.watch(one.ref))],
      [5, () => this.#onNode((one) => this.#arm(one))],
      [6, () => this.#onNode((one) => this.#act(one), true)],
      [4, () => this.#onNode((one) => this.#sim.tell(one.ref, 'call', { key: `call${this.next()}` }), true)],
      [4, () => this.#onNode((one) => this.#poke(one), true)],
      [3, () => this.#onNode((one) => this.#hire(one))],
      [3, () => this.#onNode((one) => this.#slow(one))],
      [4, () => this.#onNode((one) => this.#gate(one))],
      [3, () => this.#route()],
      [3, () => this.#onNode((one) => this.stop(one))],
      [3, () => this.#startSolo()],
      [6, () => this.#failSolo()],
      [2, () => this.#startTeam()],
      [4, () => this.#failTeam()],
    ];
    const total = operations.reduce((sum, [share]) => sum + share, 0);
    let draw = this.#random() * total;
    for (const [share, run] of operations) {
      draw -= share;
      if (draw >= 0) continue;
      run();
      return;
    }
  }

  watch(ref: ActorRef, onEnd: () => void = () => undefined): void {
    const watch: PendingWatch = { ref, process: this.process, settled: false };
    this.watches.push(watch);
    this.#sim.watch(ref).then(
      () => {
        watch.settled = true;
        onEnd();
      },
      () => {
        watch.settled = true;
      },
    );
  }

  stop(one: KnownNode): void {
    one.stopped = true;
    for (const child of this.nodes) if (child.key.startsWith(`${one.key}/`)) child.stopped = true;
    this.#sim.stopActor(one.ref);
    this.watch(one.ref, () => this.observer.ended(one.key));
  }

  /** Whether a thread has ended since then, and with it whoever was on it, although it may still be heard of. */
  #lostSince(shard = 0): () => boolean {
    const host = this.observer.hostOf(shard);
    const before = this.#ends.get(host) ?? 0;
    return () => (this.#ends.get(host) ?? 0) > before;
  }

  #onNode(run: (one: KnownNode) => unknown, durable = false): void {
    const candidates = this.nodes.filter(
      (one) => !one.lost && (!durable || one.durable) && (!one.stopped || this.#random() < 0.05),
    );
    if (candidates.length > 0) run(pick(this.#random, candidates));
  }

  #onTwo(run: (one: KnownNode, other: KnownNode) => unknown): void {
    this.#onNode((one) =>
      this.#onNode((other) => {
        if (one !== other) run(one, other);
      }),
    );
  }

  #spawn(): void {
    const { shards } = this.#world;
    const durable = this.#random() < 0.6;
    const key = `n${this.next()}`;
    const capacity = pick(this.#random, [1, 3, 16, 4_096]);
    const overflow = pick(this.#random, ['reject', 'drop-new', 'unbounded'] as const);
    const options: SpawnOptions = {
      ...hardy,
      name: key,
      durable,
      shard: between(this.#random, 0, shards - 1),
      mailbox: { capacity, ...(durable ? {} : { overflow }) },
      pollIntervalMs: pick(this.#random, [0, 0, 0, 10]),
      backoff: pick(this.#random, [
        { minMs: 0, maxMs: 0 },
        { minMs: 5, maxMs: 50 },
      ]),
    };
    const { process } = this;
    const isLost = this.#lostSince(options.shard);
    this.#sim.system.spawn(node, { key }, options).then(
      (ref) => {
        const bounded = durable || overflow !== 'unbounded';
        const known = {
          key,
          ref: { shard: ref.shard, id: ref.id, name: ref.name },
          durable,
          capacity,
          bounded,
          process,
        };
        this.nodes.push({ ...known, stopped: false, lost: !durable && isLost(), told: 0, pings: 0 });
      },
      () => this.observer.count('failed spawns'),
    );
  }

  #tellItems(one: KnownNode): void {
    for (let left = between(this.#random, 1, 12); left > 0; left -= 1) {
      one.told += 1;
      this.#sim.tell(one.ref, 'item', { from: `main${this.process}`, seq: one.told });
    }
  }

  #relay(one: KnownNode, other: KnownNode): void {
    const count = between(this.#random, 1, 20);
    this.#sim.tell(one.ref, 'relay', { to: other.ref, key: other.key, count });
  }

  #parcels(one: KnownNode): void {
    const sent = Array.from({ length: between(this.#random, 1, 4) }, () => this.next());
    const known = sent.map((seq): Parcel => ({ node: one, seq, acknowledged: false }));
    this.parcels.push(...known);
    const { shard, id: to } = one.ref;
    const mails = sent.map((body) => ({ to, from: null, type: 'parcel', body }));
    this.#sim.system.deliver(mails.map((mail) => ({ shard, entry: { kind: 'mail', mail } }))).then(
      () => {
        for (const parcel of known) parcel.acknowledged = true;
      },
      () => this.observer.count('failed deliveries'),
    );
  }

  #ask(what: string, ref: ActorRef, type: string, body: unknown): Promise<unknown> {
    const ask: PendingAsk = { what, process: this.process, settled: false };
    this.asks.push(ask);
    const deadlineMs = pick(this.#random, [5, 100, 2_000]);
    const answer = this.#sim.askSoon(ref, type, body, { deadlineMs });
    const settle = (): void => {
      ask.settled = true;
    };
    answer.then(settle, settle);
    return answer;
  }

  #put(one: KnownNode): void {
    const put: Put = { node: one, value: this.next(), outcome: 'open' };
    this.puts.push(put);
    this.#ask(`put ${put.value} to ${one.key}`, one.ref, 'put', put.value).then(
      () => {
        put.outcome = 'done';
        this.observer.count('puts');
      },
      (error: { code?: string }) => {
        put.outcome = 'failed';
        if (error.code === 'MAILBOX_FULL') this.observer.count('full-mailbox');
      },
    );
  }

  #echo(one: KnownNode): void {
    const nonce = this.next();
    this.#ask(`echo ${nonce} of ${one.key}`, one.ref, 'echo', nonce).then(
      (answer) => {
        if (answer !== nonce) this.observer.fault(`A5 ${one.key} answers ${String(answer)} to ${nonce}`);
      },
      (error: { code?: string }) => {
        if (error.code === 'MAILBOX_FULL') this.observer.count('full-mailbox');
      },
    );
  }

  #question(one: KnownNode, other: KnownNode): void {
    const deadlineMs = pick(this.#random, [10, 200, 2_000]);
    this.#sim.tell(one.ref, 'question', { to: other.ref, nonce: this.next(), deadlineMs });
  }

  #arm(one: KnownNode): void {
    this.#sim.tell(one.ref, 'arm', { key: `t${this.next()}`, delayMs: pick(this.#random, [0, 10, 300, 3_000]) });
  }

  #act(one: KnownNode): void {
    const [ms, atMostOnce] = [pick(this.#random, [0, 0, 20, 200]), this.#random() < 0.3];
    this.#sim.tell(one.ref, 'act', { key: `e${this.next()}`, ms, atMostOnce });
  }

  #poke(one: KnownNode): void {
    this.#sim.tell(one.ref, 'poke', { nonce: `p${this.next()}`, fails: between(this.#random, 1, 3) });
  }

  #hire(one: KnownNode): void {
    if (one.key.split('/').length > 3) return;
    const shard = between(this.#random, 0, this.#world.shards - 1);
    this.#sim.tell(one.ref, 'hire', { key: `${one.key}/${this.next()}`, shard });
  }

  #slow(one: KnownNode): void {
    this.observer.count('slow-consumer');
    this.#sim.tell(one.ref, 'slow', pick(this.#random, [0, 5, 50]));
  }

  #gate(one: KnownNode): void {
    // What is stashed has no more room than a mailbox.
    if (one.capacity < 1_000) return;
    this.#sim.tell(one.ref, this.#random() < 0.5 ? 'close' : 'open');
  }

  #route(): void {
    const routees = this.living.slice(-3);
    if (routees.length === 0) return;
    const refs = routees.map(({ ref }) => ref);
    const make = pick(this.#random, [() => roundRobin(refs), () => broadcast(refs)]);
    const router = this.#sim.system.router(make());
    for (let sent = between(this.#random, 1, 6); sent > 0; sent -= 1) {
      (router as unknown as { tell: (type: string, body: unknown) => boolean }).tell('ping', this.next());
    }
  }

  #startSolo(): void {
    const key = `s${this.next()}`;
    const intensity = { max: between(this.#random, 0, 3), withinMs: pick(this.#random, [200, 1_000]) };
    const options = {
      restart: 'transient',
      intensity,
      shard: between(this.#random, 0, this.#world.shards - 1),
    } as const;
    const { process } = this;
    const isLost = this.#lostSince(options.shard);
    this.#sim.system.spawn(solo, { key, ...intensity }, options).then(
      ({ shard, id, name }) => this.solos.push({ ref: { shard, id, name }, key, process, lost: isLost() }),
      () => this.observer.count('failed spawns'),
    );
  }

  #failSolo(): void {
    const one = this.solos.filter(({ lost }) => !lost).at(-1);
    if (one === undefined) return;
    for (let left = between(this.#random, 1, 3); left > 0; left -= 1) this.#sim.tell(one.ref, 'fail');
  }

  #startTeam(): void {
    const key = `team${this.next()}`;
    const lead = pick(this.#random, [leadOne, leadAll, leadRest]);
    const options = { shard: between(this.#random, 0, this.#world.shards - 1) };
    const { process } = this;
    const isLost = this.#lostSince(options.shard);
    this.#sim.system.spawn(lead, { team: key, size: between(this.#random, 1, 4) }, options).then(
      ({ shard, id, name }) => this.leads.push({ ref: { shard, id, name }, key, process, lost: isLost() }),
      () => this.observer.count('failed spawns'),
    );
  }

  #failTeam(): void {
    const one = this.leads.filter(({ lost }) => !lost).at(-1);
    if (one !== undefined) this.#sim.tell(one.ref, 'fail', between(this.#random, 0, 3));
  }
}
