/**
 * A journal in memory in which every shard is a store of its own: the second implementation of `JournalClient`, and the
 * model of one over a broker. A step's commit puts its outgoing mail into the sender's outbox, in the transaction of the
 * step; a pump carries it to the receivers' inboxes, which take each sequence of a sender once and acknowledge what they
 * have. `OutboxDisk` is what survives; an `OutboxJournal` is one process over it. Both levels of durability are the same
 * here: what is committed is on the disk. It is for tests: nothing of it outlives the real process.
 *
 * Invariants: J1–J6 of `shard-log.ts`. X1 no transaction reaches two stores. X2 `pending` counts a piece of mail from the
 * sender's transaction on, in the outbox, on its way and in the inbox, once (J5); the one counter that all stores share is
 * what this model has and many machines would not have. X3 after `crash` nothing happens and nobody is answered any more.
 */
import { type Clock, type Random, systemClock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { SHARDS_MAX } from '../../protocol/ids.ts';
import { OutboxClient } from './client.ts';
import { CommitQueue } from './commit-queue.ts';
import type { CommitAttempt, OutboxDefect, OutboxFaults } from './faults.ts';
import type { OutPair, Transfer } from './pair.ts';
import type { PackedOutgoing, Parcel } from './parcel.ts';
import { Pump } from './pump.ts';
import { ServiceTable } from './service-table.ts';
import { Outboxes, type PackedAppend, type Placed, ShardStore } from './shard-store.ts';

/** What survives a crash. */
export class OutboxDisk {
  readonly shards: readonly ShardStore[];
  /** The outbox of what comes from no step; its number is the number of shards. */
  readonly gateway = new Outboxes();
  readonly services = new Map<string, ServiceTable>();

  constructor(shards: number) {
    if (!Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX) {
      throw new MegactorError('CONFIG_INVALID', `shards must be 1…${SHARDS_MAX}, not ${shards}`);
    }
    this.shards = Array.from({ length: shards }, (_, shard) => new ShardStore(shard));
  }

  /** Counts from what is stored: unconsumed mail, mail in an outbox that has not been taken, open turns (J5). */
  pending(): number {
    return this.shards.reduce(
      (sum, { weight }) => sum + weight,
      this.inTransit(({ kind }) => kind !== 'spawn'),
    );
  }

  /** Entries in outboxes that their receivers have not taken. */
  inTransit(which: (parcel: Parcel) => boolean = () => true): number {
    let count = 0;
    for (const [from, { pairs }] of [...this.shards.map(({ outboxes }) => outboxes), this.gateway].entries()) {
      for (const [to, pair] of pairs) {
        const first = Math.max(pair.acknowledged, this.shards[to]?.expected.get(from) ?? 0);
        count += pair.from(first, pair.next - first).filter(which).length;
      }
    }
    return count;
  }
}

export interface OutboxJournalOptions {
  readonly clock?: Clock;
  readonly faults?: OutboxFaults;
  /** Planted on purpose, by tests of tests. */
  readonly defect?: OutboxDefect | null;
  /** First wait before mail without an acknowledgement is sent again. Default 20. */
  readonly retryMs?: number;
  /** Entries of one transfer. Default 64. */
  readonly batchMax?: number;
}

/** Who opened a shard last. */
export interface OutboxOwner {
  readonly client: OutboxClient;
  readonly epoch: number;
  /** What is before this position was part of what the opening found. */
  readonly deliverFrom: number;
  readonly deliver: (placed: readonly Placed[]) => void;
}

/** Called once, unless the process dies first. */
export interface Answer<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

export class OutboxJournal {
  readonly disk: OutboxDisk;
  readonly clock: Clock;
  readonly #faults: OutboxFaults;
  readonly #defect: OutboxDefect | null;
  /** By number of store; the gateway's is the last. */
  readonly #queues: readonly CommitQueue[];
  readonly #serviceQueue: CommitQueue;
  readonly #pump: Pump;
  readonly #owners: (OutboxOwner | null)[];
  readonly #epochs: number[];
  readonly #clients = new Set<OutboxClient>();
  #pending: number;
  #quietEpoch = 0;
  #crashed = false;

  constructor(disk: OutboxDisk, options: OutboxJournalOptions = {}) {
    const { clock = systemClock, faults = {}, defect = null, retryMs = 20, batchMax = 64 } = options;
    this.disk = disk;
    this.clock = clock;
    this.#faults = faults;
    this.#defect = defect;
    const queue = (store: number): CommitQueue => new CommitQueue(clock, () => faults.commitMs?.(store) ?? 0);
    this.#queues = Array.from({ length: disk.shards.length + 1 }, (_, store) => queue(store));
    this.#serviceQueue = queue(disk.shards.length + 1);
    this.#owners = disk.shards.map(() => null);
    this.#epochs = disk.shards.map(() => 0);
    this.#pending = disk.pending();
    this.#pump = new Pump(
      {
        clock,
        travel: faults.travel ?? (() => [0]),
        pair: (from, to) => this.#pair(from, to),
        arrived: (transfer) => this.#arrived(transfer),
        trim: (from, to, through, trimmed) => this.#trim(from, to, through, trimmed),
      },
      { retryMs, batchMax, trimWhenSent: defect === 'trimmed-when-sent' },
    );
    for (const from of this.#queues.keys()) {
      for (const to of this.#outboxes(from).pairs.keys()) this.#pump.kick(from, to);
    }
  }

  client(): OutboxClient {
    const client = new OutboxClient(this);
    this.#clients.add(client);
    return client;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Unconsumed mail, wherever it is, plus open turns. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * The process dies. Of what each store was asked for and had not committed, a part that `random` draws is on its disk
   * all the same; what was on its way between stores is lost.
   */
  crash(random: Random): void {
    if (this.#crashed) return;
    this.#crashed = true;
    this.#pump.stop();
    for (const queue of [...this.#queues, this.#serviceQueue]) {
      queue.crash(Math.floor(random() * (queue.length + 1)));
    }
  }

  /** Commits what was asked for and ends; mail in outboxes stays there. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    this.crash(() => 0);
  }

  /** Runs a transaction of one store in its order, and answers. @param attempt null: it meets no fault */
  transact<Value>(
    store: number | 'services',
    attempt: CommitAttempt | null,
    run: () => Value,
    answer: Answer<Value>,
    committed?: (value: Value) => void,
  ): void {
    const fate = attempt === null ? 'works' : (this.#faults.commit?.(attempt) ?? 'works');
    if (fate === 'lost') return;
    const queue = store === 'services' ? this.#serviceQueue : this.#queues[store];
    queue?.push({
      run: () => {
        if (fate === 'fails') throw new MegactorError('DISK', 'no space left on the disk of this store');
        const value = run();
        return () => {
          committed?.(value);
          if (fate !== 'unanswered') answer.resolve(value);
          this.#tellQuiet();
        };
      },
      refused: answer.reject,
    });
  }

  /** @throws MESSAGE_INVALID for a shard that does not exist */
  store(shard: number): ShardStore {
    const store = this.disk.shards[shard];
    if (store === undefined) {
      throw new MegactorError('MESSAGE_INVALID', `there is no shard ${shard} (of ${this.disk.shards.length})`);
    }
    return store;
  }

  service(name: string): ServiceTable {
    let table = this.disk.services.get(name);
    if (table === undefined) {
      table = new ServiceTable(name);
      this.disk.services.set(name, table);
    }
    return table;
  }

  /** In a transaction of the shard: `client` owns it from now on. */
  takeOver(shard: number, client: OutboxClient, deliver: OutboxOwner['deliver']): OutboxOwner {
    const epoch = (this.#epochs[shard] ?? 0) + 1;
    this.#epochs[shard] = epoch;
    const owner = { client, epoch, deliverFrom: this.store(shard).inboxNext, deliver };
    this.#owners[shard] = owner;
    return owner;
  }

  /** In a transaction of the shard. @throws JOURNAL_FENCED */
  checkOwner(shard: number, owner: OutboxOwner): void {
    if (this.#owners[shard] === owner) return;
    throw new MegactorError('JOURNAL_FENCED', `shard ${shard} was taken over (epoch ${this.#epochs[shard]})`, {
      details: { shard, epoch: this.#epochs[shard] },
    });
  }

  release(shard: number, owner: OutboxOwner): void {
    if (this.#owners[shard] === owner) this.#owners[shard] = null;
  }

  append(owner: OutboxOwner, shard: number, position: number, group: PackedAppend, answer: Answer<void>): void {
    const store = this.store(shard);
    const run = (): Placed[] => {
      this.checkOwner(shard, owner);
      const before = store.weight;
      const own = store.append(position, group);
      const away = group.outgoing.filter(({ shard: to, entry }) => to !== shard && entry.kind !== 'spawn').length;
      this.#count(store.weight - before + away);
      return own;
    };
    const { entries, outgoing } = group;
    const attempt = { kind: 'append', shard, group: { entries, outgoing } } as const;
    const answered = { resolve: () => answer.resolve(), reject: answer.reject };
    this.transact(shard, attempt, run, answered, (own) => {
      this.#deliver(shard, own);
      for (const to of new Set(outgoing.map((sent) => sent.shard))) if (to !== shard) this.#pump.kick(shard, to);
    });
  }

  /** Answers when everything is in the inboxes: before, it is safe, but nobody could consume it. */
  deliver(outgoing: readonly PackedOutgoing[], answer: Answer<void>): void {
    const from = this.disk.shards.length;
    const run = (): { to: number; through: number }[] => {
      for (const { shard, parcel } of outgoing) this.disk.gateway.pair(shard).add(parcel);
      this.#count(outgoing.filter(({ entry }) => entry.kind !== 'spawn').length);
      const receivers = [...new Set(outgoing.map(({ shard }) => shard))];
      return receivers.map((to) => ({ to, through: this.disk.gateway.pair(to).next }));
    };
    const committed = (sent: readonly { to: number; through: number }[]): void => {
      for (const { to } of sent) this.#pump.kick(from, to);
      let missing = sent.length;
      if (missing === 0) answer.resolve();
      for (const { to, through } of sent) {
        this.#pump.whenAcknowledged(from, to, through, () => {
          missing -= 1;
          if (missing === 0) answer.resolve();
        });
      }
    };
    this.transact(from, { kind: 'deliver' }, run, { resolve: committed, reject: answer.reject });
  }

  /** Resolves when every transaction that was asked for has happened. */
  async settled(): Promise<void> {
    const stores = [...this.#queues.keys(), 'services' as const];
    await Promise.all(
      stores.map((store) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        this.transact(store, null, () => undefined, { resolve, reject });
        return promise;
      }),
    );
  }

  /** Asks for the next call of every client that waits for quiet. */
  watchQuiet(): void {
    this.clock.soon(() => this.#tellQuiet());
  }

  detach(client: OutboxClient): void {
    this.#clients.delete(client);
    for (const [shard, owner] of this.#owners.entries()) if (owner?.client === client) this.#owners[shard] = null;
  }

  #outboxes(store: number): Outboxes {
    return this.disk.shards[store]?.outboxes ?? this.disk.gateway;
  }

  #pair(from: number, to: number): OutPair {
    return this.#outboxes(from).pair(to);
  }

  #arrived(transfer: Transfer): void {
    const { from, to } = transfer;
    const store = this.store(to);
    if (this.#defect === 'acknowledged-before-commit') {
      this.#pump.acknowledge(from, to, transfer.first + transfer.parcels.length);
    }
    const run = (): Placed[] => store.take(transfer, this.#defect !== 'no-dedupe');
    const answer = { resolve: () => this.#pump.acknowledge(from, to, store.expected.get(from) ?? 0), reject: () => {} };
    this.transact(to, null, run, answer, (placed) => this.#deliver(to, placed));
  }

  #trim(from: number, to: number, through: number, trimmed: () => void): void {
    const run = (): void => this.#pair(from, to).trim(through);
    this.transact(from, null, run, { resolve: trimmed, reject: () => {} });
  }

  #deliver(shard: number, placed: readonly Placed[]): void {
    const owner = this.#owners[shard];
    if (owner === null || owner === undefined || this.#crashed) return;
    const fresh = placed.filter(({ seq }) => seq >= owner.deliverFrom);
    if (fresh.length > 0) owner.deliver(fresh);
  }

  #count(difference: number): void {
    if (this.#pending === 0 && difference > 0) for (const client of this.#clients) client.watchNextQuiet();
    this.#pending += difference;
  }

  #tellQuiet(): void {
    if (this.#pending > 0 || this.#crashed) return;
    const watching = [...this.#clients].filter((client) => client.watchesQuiet);
    if (watching.length === 0) return;
    this.#quietEpoch += 1;
    for (const client of watching) client.quiet(this.#quietEpoch);
  }
}
