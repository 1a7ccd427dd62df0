/**
 * The journal's side of the ports: takes requests, decides on them at once in the order in which they come, gathers
 * what they write (`group-commit.ts`), and answers and delivers when a group has reached its level. It runs on a thread
 * that runs no user code and is never killed, because killing a thread in the middle of an LMDB write hangs the process.
 * It does not decode what it routes and holds no lease (`lease.ts`).
 *
 * Invariants: P1 a request that is refused has changed nothing. P2 what a client sent before its port closed is written
 * all the same; its answers are dropped, its shards have no owner, their mail waits in the inbox. P3 an opening is a
 * barrier: it finds everything that was accepted before it, at the run's level, and gets delivered everything after it.
 */
import type { MessagePort } from 'node:worker_threads';
import { armKillPoints, type Clock, isCanary, type KillPoint, killPoint, systemClock } from '../platform/index.ts';
import { errorToWire, MegactorError, toMegactorError } from '../protocol/errors.ts';
import { SHARDS_MAX } from '../protocol/ids.ts';
import type { Backend } from './backend.ts';
import { type Group, GroupCommit } from './group-commit.ts';
import { openBackend } from './open-backend.ts';
import { QuietWatch } from './quiet-watch.ts';
import { ServerPort } from './server-port.ts';
import type { DurabilityLevel } from './shard-log.ts';
import { findActor, readActors, readEntries, readOpening, sendOpening } from './shard-reading.ts';
import { ShardState } from './shard-state.ts';
import { encodeMark } from './snapshot-codec.ts';
import { StoreTable } from './store-table.ts';
import type {
  AppendMessage,
  ClientMessage,
  PeekMessage,
  ReadMessage,
  SnapshotMessage,
  WireLevel,
  WireOutgoing,
} from './wire.ts';

export interface JournalServerOptions {
  /** The run directory; the environment is in its `journal/`. null: in memory, whatever the durability. */
  readonly directory: string | null;
  /** Fixed for a run directory. */
  readonly shards: number;
  readonly durability: DurabilityLevel;
  readonly clock?: Clock;
  /** For simulations: where the journal is kept. */
  readonly backend?: Backend;
}

/** Part of a planted defect. */
const writeBehind = (clock: Clock): Clock => ({ ...clock, soon: (callback) => void clock.after(20, callback) });

export class JournalServer {
  readonly shards: number;
  readonly durability: DurabilityLevel;
  readonly #backend: Backend;
  readonly #commit: GroupCommit;
  readonly #states: readonly ShardState<ServerPort>[];
  readonly #stores: StoreTable;
  readonly #quiet: QuietWatch;
  readonly #ports = new Set<ServerPort>();
  /** In memory nothing is ever flushed later than it is committed, so `none` may use either. */
  readonly #runLevel: 'committed' | 'flushed';
  #closing: Promise<void> | null = null;

  private constructor(options: JournalServerOptions, backend: Backend) {
    this.shards = options.shards;
    this.durability = options.durability;
    this.#runLevel = options.durability === 'flushed' ? 'flushed' : 'committed';
    this.#backend = backend;
    const clock = options.clock ?? systemClock;
    this.#commit = new GroupCommit(backend, isCanary('early-output') ? writeBehind(clock) : clock, {
      reached: (group, level) => {
        if (level === 'committed') killPoint('commit.after');
        if (level === this.#runLevel && !isCanary('early-output')) this.#deliverGroup(group);
      },
      failed: () => this.#flushPorts(),
    });
    this.#states = Array.from({ length: options.shards }, (_, shard) => new ShardState<ServerPort>(shard));
    this.#stores = new StoreTable(backend, this.#commit);
    this.#quiet = new QuietWatch((check) => this.#commit.after(this.#runLevel, check));
  }

  /**
   * Opens or makes the journal of a run directory and counts what is pending in it.
   * @throws JOURNAL_DAMAGED, DISK, RUN_FORMAT, CONFIG_INVALID when the directory has another number of shards
   */
  static async open(options: JournalServerOptions): Promise<JournalServer> {
    const { directory, shards, durability } = options;
    if (!Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX) {
      throw new MegactorError('CONFIG_INVALID', `shards must be 1…${SHARDS_MAX}, not ${shards}`);
    }
    try {
      armKillPoints();
    } catch (error) {
      throw toMegactorError(error, 'CONFIG_INVALID');
    }
    const inMemory = directory === null || durability === 'none';
    const backend =
      options.backend ?? (await openBackend(inMemory ? null : directory, shards, options.clock ?? systemClock));
    try {
      const server = new JournalServer(options, backend);
      for (const state of server.#states) {
        state.recount(backend);
        server.#quiet.add(state.weight);
      }
      return server;
    } catch (error) {
      await backend.close();
      throw error;
    }
  }

  /** Serves a client (`createJournalClient`) at the other end of `port` until either side closes it. */
  attach(port: MessagePort): void {
    if (this.#closing !== null) {
      port.close();
      return;
    }
    const client = new ServerPort(
      port,
      (message) => this.#handle(client, message),
      () => this.#detach(client),
    );
    this.#ports.add(client);
  }

  /** Unconsumed mail plus open turns. */
  get pending(): number {
    return this.#quiet.pending;
  }

  /** Refuses what comes from now on, writes and flushes what was accepted, answers it, closes. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    // A failure of the disk was told to everybody who waited; closing goes on in any case.
    await new Promise<void>((resolve) => this.#commit.after('flushed', () => resolve()));
    await this.#backend.close();
    for (const client of this.#ports) client.close();
    this.#ports.clear();
  }

  #detach(client: ServerPort): void {
    this.#ports.delete(client);
    this.#quiet.remove(client);
    for (const state of this.#states) {
      if (state.owner?.port === client) state.owner = null;
    }
  }

  #flushPorts(): void {
    for (const client of this.#ports) client.flush();
  }

  #handle(client: ServerPort, message: ClientMessage): void {
    if (message[0] === 'quiet') {
      this.#quiet.watch(client);
      return;
    }
    const request = message[1];
    try {
      if (this.#closing !== null) throw new MegactorError('SYSTEM_STOPPED', 'the journal is closing');
      if (this.#commit.failure !== null) throw this.#commit.failure;
      this.#decide(client, message);
    } catch (error) {
      client.send(['failed', request, errorToWire(error)]);
    }
  }

  #decide(client: ServerPort, message: Exclude<ClientMessage, readonly ['quiet']>): void {
    const request = message[1];
    switch (message[0]) {
      case 'append':
        this.#append(client, message);
        return;
      case 'deliver':
        this.#checkShards(message[3]);
        if (message[3].length > 0) this.#put(this.#commit.current(), message[3]);
        this.#answerAfter(client, request, message[2], undefined);
        return;
      case 'open':
        this.#open(client, request, message[2], message[3]);
        return;
      case 'snapshot':
        this.#snapshot(client, message);
        return;
      case 'load':
      case 'find':
      case 'read':
        this.#read(client, message);
        return;
      case 'peek':
        this.#peek(client, message);
        return;
      case 'release':
        this.#release(client, message[2], message[3]);
        this.#answerAfter(client, request, null, undefined);
        return;
      case 'get':
        client.send(['ok', request, this.#stores.get(message[2], message[3])]);
        return;
      case 'range':
        client.send(['ok', request, this.#stores.range(message[2], message[3], message[4])]);
        return;
      case 'result':
        client.send(['ok', request, this.#stores.result(message[2], message[3])]);
        return;
      case 'commit':
        this.#answerAfter(client, request, 'committed', this.#stores.commit(message), 'service.commit.after');
        return;
      case 'pending':
        client.send(['ok', request, this.pending]);
        return;
      case 'close':
        this.#detach(client);
        this.#ports.add(client);
        this.#answerAfter(client, request, null, undefined);
        return;
      default:
        throw new MegactorError('INTERNAL', `unknown request ${String((message satisfies never)[0])}`);
    }
  }

  #answerAfter(
    client: ServerPort,
    request: number,
    level: WireLevel,
    value: unknown,
    point: KillPoint = 'ack.before',
  ): void {
    const wanted = level === 'committed' || level === 'none' ? 'committed' : (level ?? this.#runLevel);
    const reached = isCanary('dropped-flush') ? 'committed' : wanted;
    const answer = (error: unknown): void => {
      killPoint(point);
      client.send(error === null ? ['ok', request, value] : ['failed', request, errorToWire(error, 'DISK')]);
    };
    if (isCanary('early-output')) answer(null);
    else this.#commit.after(reached, answer);
  }

  #append(client: ServerPort, message: AppendMessage): void {
    const [, request, shard, epoch, position, level, taken, opened, closed, stopped, entries, outgoing] = message;
    killPoint('append.before');
    const state = this.#state(shard);
    this.#checkShards(outgoing);
    state.check(client, epoch, position, taken);
    const before = state.weight;
    state.apply({ taken, opened, closed, stopped });
    for (const [, , spawnId] of outgoing) state.observe(spawnId);
    this.#quiet.add(state.weight - before);
    const group = this.#commit.current();
    const sent = isCanary('lost-mail') ? this.#putLate(outgoing) : this.#put(group, outgoing, shard);
    group.addAppend(shard, position, [taken, opened, closed, entries, sent, stopped]);
    killPoint('append.after');
    this.#answerAfter(client, request, level, undefined);
  }

  #snapshot(client: ServerPort, message: SnapshotMessage): void {
    const [, request, shard, epoch, position, snapshots, wireMark] = message;
    const state = this.#state(shard);
    const mark = wireMark === null ? null : { log: wireMark[0], inbox: wireMark[1] };
    state.check(client, epoch, position, []);
    if (mark !== null) state.checkMark(mark);
    const group = this.#commit.current();
    for (const snapshot of snapshots) group.addSnapshot(shard, snapshot);
    if (mark !== null) group.marks.push({ shard, bytes: encodeMark(shard, state.moveMark(mark)) });
    this.#answerAfter(client, request, 'committed', undefined);
  }

  /** Reads what is committed, when everything that was accepted so far is. */
  #read(client: ServerPort, message: ReadMessage): void {
    const [kind, request, shard, epoch] = message;
    const state = this.#state(shard);
    state.checkOwner(client, epoch);
    if (kind === 'read') state.checkUnconsumed(message[4]);
    this.#commit.after('committed', (error) => {
      try {
        if (error !== null) throw error;
        client.send(['ok', request, this.#readNow(message)]);
      } catch (thrown) {
        client.send(['failed', request, errorToWire(thrown, 'DISK')]);
      }
    });
  }

  /** What is committed of a shard, whoever owns it. */
  #peek(client: ServerPort, [, request, shard, ids]: PeekMessage): void {
    const opening = this.#state(shard).opening();
    this.#commit.close();
    this.#commit.after('committed', (error) => {
      try {
        if (error !== null) throw error;
        const reads = this.#backend;
        client.send(['ok', request, ids === null ? readOpening(reads, shard, opening) : readActors(reads, shard, ids)]);
      } catch (thrown) {
        client.send(['failed', request, errorToWire(thrown, 'DISK')]);
      }
    });
  }

  #readNow(message: ReadMessage): unknown {
    const shard = message[2];
    switch (message[0]) {
      case 'load':
        return readActors(this.#backend, shard, message[4]);
      case 'find':
        return findActor(this.#backend, shard, message[4]);
      case 'read':
        return readEntries(this.#backend, shard, message[4]);
      default:
        return message satisfies never;
    }
  }

  /** A planted defect. */
  #putLate(outgoing: readonly WireOutgoing[]): number[] {
    this.#commit.after('committed', () => this.#put(this.#commit.current(), outgoing));
    return [];
  }

  /**
   * Gives entries their places in the inboxes; the places are what the step log remembers (`StoredAppend`).
   * @param from the shard whose append sends them; −1 when no append does
   */
  #put(group: Group, outgoing: readonly WireOutgoing[], from = -1): number[] {
    const sent: number[] = [];
    for (const [shard, kind, spawnId, parentShard, parentId, payload] of outgoing) {
      const state = this.#state(shard);
      const before = state.weight;
      const seq = state.receive(kind, spawnId);
      this.#quiet.add(state.weight - before);
      group.addInbox(shard, seq, kind, payload);
      if (isCanary('early-output')) state.owner?.port.send(['delivery', shard, state.owner.epoch, seq, [payload]]);
      sent.push(shard, seq, spawnId, parentShard === from ? parentId : 0);
    }
    return sent;
  }

  #state(shard: number): ShardState<ServerPort> {
    const state = this.#states[shard];
    if (state === undefined)
      throw new MegactorError('MESSAGE_INVALID', `there is no shard ${shard} (of ${this.shards})`);
    return state;
  }

  #checkShards(outgoing: readonly WireOutgoing[]): void {
    for (const [shard] of outgoing) this.#state(shard);
  }

  #open(client: ServerPort, request: number, shard: number, incarnation: number): void {
    const state = this.#state(shard);
    const { epoch, deliverFrom } = state.open(client, incarnation);
    const opening = state.opening();
    this.#commit.close();
    this.#commit.after(this.#runLevel, (error) => {
      try {
        if (error !== null) throw error;
        state.checkOwner(client, epoch);
        if (deliverFrom > 0) killPoint('recovery');
        sendOpening(this.#backend, client, request, shard, opening);
      } catch (thrown) {
        client.send(['failed', request, errorToWire(thrown, 'DISK')]);
      }
    });
  }

  #release(client: ServerPort, shard: number, epoch: number): void {
    const state = this.#state(shard);
    if (state.owner?.port === client && state.epoch === epoch) state.owner = null;
  }

  #deliverGroup(group: Group): void {
    for (const [shard, { firstSeq, payloads }] of group.inbox) {
      const owner = this.#states[shard]?.owner;
      if (owner === null || owner === undefined) continue;
      const skip = Math.max(0, owner.deliverFrom - firstSeq);
      if (skip >= payloads.length) continue;
      owner.port.send(['delivery', shard, owner.epoch, firstSeq + skip, payloads.slice(skip)]);
    }
  }
}
