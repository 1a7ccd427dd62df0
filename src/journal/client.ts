/**
 * The journal as the other threads see it (`JournalClient`), over a port to the journal's thread. Entries are packed
 * here, so that the journal's thread only routes bytes; requests of one turn of the event loop travel together, and
 * deliveries to one shard that follow each other are one request. It does not retry and keeps nothing.
 *
 * Invariants: C1 every request settles: with its answer, or with an error when the port closes. C2 requests are sent in
 * the order of the calls. C3 a value that cannot be packed is refused before anything is sent.
 */
import type { MessagePort } from 'node:worker_threads';
import { type Clock, systemClock } from '../platform/index.ts';
import { errorFromWire, MegactorError } from '../protocol/errors.ts';
import { ClientShardLog, type JournalCaller, packOutgoing } from './client-shard-log.ts';
import { packData, unpack } from './codec.ts';
import { postPacked } from './post-packed.ts';
import { type PeekedShard, peekShard } from './peek.ts';
import type { DurabilityLevel, JournalClient, Outgoing, ServiceStore, ShardLog } from './shard-log.ts';
import type { ClientMessage, OpenedMessage, ServerMessage, WireLevel, WireOutgoing } from './wire.ts';

export interface JournalClientOptions {
  readonly clock?: Clock;
  /** Counts the lives of the host that opens shards: what an earlier one has sent and comes late opens nothing. Default 0. */
  readonly incarnation?: number;
  /** Requests without an answer; further ones are refused. Default 1,000,000. */
  readonly outstandingMax?: number;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** How many calls wait for this answer. */
  calls: number;
}

/** The last request that has not left yet, a delivery to one shard: what is delivered there next travels with it. */
interface Gathering {
  readonly shard: number;
  readonly level: WireLevel;
  readonly outgoing: WireOutgoing[];
  readonly waiting: Waiting;
  readonly answered: Promise<void>;
  bytes: number;
}

/** Nothing joins a request of this size, so that one transaction of the journal stays short. */
const GATHERED_BYTES_MAX = 1024 * 1024;

const bytesOf = (packed: readonly WireOutgoing[]): number =>
  packed.reduce((bytes, [, , , , , payload]) => bytes + payload.length, 0);

const isFor = (shard: number, packed: readonly WireOutgoing[]): boolean => packed.every((entry) => entry[0] === shard);

/** A client that can also look into shards of other owners. */
export interface PeekingJournalClient extends JournalClient {
  /** See `peek.ts`. @param ids of passive actors that are wanted as well */
  peek(shard: number, ids: readonly number[]): Promise<PeekedShard>;
}

class PortJournalClient implements PeekingJournalClient, JournalCaller {
  readonly clock: Clock;
  readonly incarnation: number;
  readonly #port: MessagePort;
  readonly #outstandingMax: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #logs = new Map<number, ClientShardLog>();
  readonly #quietListeners: ((epoch: number) => void)[] = [];
  #outbox: ClientMessage[] = [];
  #gathering: Gathering | null = null;
  #lastRequest = 0;
  /** Calls without an answer; several deliveries may share a request. */
  #outstanding = 0;
  #closed: MegactorError | null = null;

  constructor(port: MessagePort, options: JournalClientOptions) {
    this.clock = options.clock ?? systemClock;
    this.incarnation = options.incarnation ?? 0;
    this.#port = port;
    this.#outstandingMax = options.outstandingMax ?? 1_000_000;
    port.on('message', (bytes: Uint8Array) => this.#receive(unpack(bytes) as ServerMessage[]));
    port.on('close', () => this.#end(new MegactorError('SYSTEM_STOPPED', 'the journal was closed')));
  }

  call(make: (request: number) => ClientMessage, isBounded = false): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#checkOutstanding(isBounded);
      this.#lastRequest += 1;
      this.#waiting.set(this.#lastRequest, { resolve, reject, calls: 1 });
      this.#outstanding += 1;
      this.#send(make(this.#lastRequest));
    });
  }

  shard(shard: number): ShardLog {
    let log = this.#logs.get(shard);
    if (log === undefined) {
      log = new ClientShardLog(shard, this);
      this.#logs.set(shard, log);
    }
    return log;
  }

  store(name: string): ServiceStore {
    return new ClientStore(name, this);
  }

  peek(shard: number, ids: readonly number[]): Promise<PeekedShard> {
    return peekShard(this, shard, ids);
  }

  // Not an async function: it is called for every tell, and a promise of its own for each is a cost.
  deliver(outgoing: readonly Outgoing[], level?: DurabilityLevel): Promise<void> {
    try {
      const packed = packOutgoing(outgoing);
      return this.#joined(packed, level ?? null) ?? this.#deliver(packed, level ?? null);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  onQuiet(listener: (epoch: number) => void): void {
    this.#quietListeners.push(listener);
    if (this.#closed === null) this.#send(['quiet']);
  }

  async pending(): Promise<number> {
    return (await this.call((request) => ['pending', request])) as number;
  }

  async close(): Promise<void> {
    if (this.#closed !== null) return;
    const answered = this.call((request) => ['close', request]);
    this.#closed = new MegactorError('SYSTEM_STOPPED', 'the client of the journal was closed');
    try {
      await answered;
    } finally {
      this.#port.close();
    }
  }

  /**
   * Tells come one by one, many in a turn of the event loop. Those for one shard with nothing between them (C2) are one
   * request: they would be accepted or refused alike. Null when these cannot join the last request.
   */
  #joined(packed: readonly WireOutgoing[], level: WireLevel): Promise<void> | null {
    const last = this.#gathering;
    if (last === null || last.level !== level || last.bytes >= GATHERED_BYTES_MAX) return null;
    if (!isFor(last.shard, packed)) return null;
    this.#checkOutstanding();
    last.bytes += bytesOf(packed);
    for (const entry of packed) last.outgoing.push(entry);
    last.waiting.calls += 1;
    this.#outstanding += 1;
    return last.answered;
  }

  #deliver(packed: WireOutgoing[], level: WireLevel): Promise<void> {
    let sent = 0;
    const answered = this.call((request) => {
      sent = request;
      return ['deliver', request, level, packed];
    }) as Promise<void>;
    const waiting = this.#waiting.get(sent);
    const shard = packed[0]?.[0];
    if (waiting !== undefined && shard !== undefined && isFor(shard, packed)) {
      this.#gathering = { shard, level, outgoing: packed, waiting, answered, bytes: bytesOf(packed) };
    }
    return answered;
  }

  /** @throws SYSTEM_STOPPED, MAILBOX_FULL */
  #checkOutstanding(isBounded = false): void {
    if (this.#closed !== null) throw this.#closed;
    if (!isBounded && this.#outstanding >= this.#outstandingMax) {
      throw new MegactorError('MAILBOX_FULL', `${this.#outstanding} requests to the journal have no answer yet`);
    }
  }

  #send(message: ClientMessage): void {
    this.#gathering = null;
    this.#outbox.push(message);
    // After the callbacks that are due now, so that the appends of many actors share a message.
    if (this.#outbox.length === 1) this.clock.soon(() => this.#flush());
  }

  #flush(): void {
    const outbox = this.#outbox;
    this.#outbox = [];
    this.#gathering = null;
    if (outbox.length > 0) postPacked(this.#port, outbox);
  }

  #receive(messages: readonly ServerMessage[]): void {
    for (const message of messages) {
      try {
        this.#handle(message);
      } catch (error) {
        // A listener that throws must not take the answers behind it along; its error is the thread's to see.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #handle(message: ServerMessage): void {
    switch (message[0]) {
      case 'ok':
        this.#settle(message[1])?.resolve(message[2]);
        return;
      case 'failed':
        this.#settle(message[1])?.reject(errorFromWire(message[2]));
        return;
      case 'opening':
        this.#logs.get(message[2])?.begin(message[1], message[3]);
        return;
      case 'recover':
        this.#logs.get(message[2])?.recover(message[1], message[3], message[4]);
        return;
      case 'opened':
        this.#finishOpening(message);
        return;
      case 'delivery':
        this.#logs.get(message[1])?.deliver(message[2], message[3], message[4]);
        return;
      case 'quiet':
        for (const listener of this.#quietListeners) listener(message[1]);
        return;
      default:
        throw new MegactorError('INTERNAL', `unknown message ${String((message satisfies never)[0])}`);
    }
  }

  #finishOpening([, request, shard, actors, timers]: OpenedMessage): void {
    const waiting = this.#settle(request);
    try {
      waiting?.resolve(this.#logs.get(shard)?.finishOpening(request, actors, timers));
    } catch (error) {
      waiting?.reject(error);
    }
  }

  #settle(request: number): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    this.#outstanding -= waiting?.calls ?? 0;
    return waiting;
  }

  #end(error: MegactorError): void {
    this.#closed ??= error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#outstanding = 0;
    for (const { reject } of waiting) reject(error);
  }
}

const unpackValue = (bytes: unknown): unknown => (bytes === undefined ? undefined : unpack(bytes as Uint8Array));

class ClientStore implements ServiceStore {
  readonly #name: string;
  readonly #caller: JournalCaller;

  constructor(name: string, caller: JournalCaller) {
    this.#name = name;
    this.#caller = caller;
  }

  async get(key: string): Promise<unknown> {
    return unpackValue(await this.#caller.call((request) => ['get', request, this.#name, key]));
  }

  async range(from: string, to: string): Promise<readonly (readonly [string, unknown])[]> {
    const found = await this.#caller.call((request) => ['range', request, this.#name, from, to]);
    return (found as [string, Uint8Array][]).map(([key, bytes]) => [key, unpack(bytes)] as const);
  }

  async result(effectId: string): Promise<{ readonly result: unknown } | undefined> {
    const bytes = await this.#caller.call((request) => ['result', request, this.#name, effectId]);
    return bytes === undefined ? undefined : { result: unpackValue(bytes) };
  }

  async commit(group: Parameters<ServiceStore['commit']>[0]): Promise<unknown> {
    const result = packData(group.result);
    const changes = group.changes.map(({ key, value }) => [key, value === undefined ? null : packData(value)] as const);
    const kept = await this.#caller.call((request) => ['commit', request, this.#name, group.effectId, result, changes]);
    // What was sent is not sent back.
    return kept === null ? group.result : unpackValue(kept);
  }
}

/**
 * A client of the `JournalServer` at the other end of `port`.
 * Every method rejects with SYSTEM_STOPPED once the port is closed, by either side.
 */
export const createJournalClient = (port: MessagePort, options: JournalClientOptions = {}): PeekingJournalClient =>
  new PortJournalClient(port, options);
