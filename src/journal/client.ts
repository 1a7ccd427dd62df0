/**
 * The journal as the other threads see it (`JournalClient`), over a port to the journal's thread. Entries are packed
 * here, so that the journal's thread only routes bytes; requests of one turn of the event loop travel together. It does
 * not retry and keeps nothing.
 *
 * Invariants: C1 every request settles: with its answer, or with an error when the port closes. C2 requests are sent in
 * the order of the calls. C3 a value that cannot be packed is refused before anything is sent.
 */
import type { MessagePort } from 'node:worker_threads';
import { type Clock, systemClock } from '../platform/index.ts';
import { errorFromWire, MegactorError } from '../protocol/errors.ts';
import { ClientShardLog, type JournalCaller, packOutgoing } from './client-shard-log.ts';
import { pack, unpack } from './codec.ts';
import { postPacked } from './post-packed.ts';
import type { DurabilityLevel, JournalClient, Outgoing, ServiceStore, ShardLog } from './shard-log.ts';
import type { ClientMessage, OpenedMessage, ServerMessage } from './wire.ts';

export interface JournalClientOptions {
  readonly clock?: Clock;
  /** Requests without an answer; further ones are refused. Default 1,000,000. */
  readonly outstandingMax?: number;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

class PortJournalClient implements JournalClient, JournalCaller {
  readonly clock: Clock;
  readonly #port: MessagePort;
  readonly #outstandingMax: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #logs = new Map<number, ClientShardLog>();
  readonly #quietListeners: ((epoch: number) => void)[] = [];
  #outbox: ClientMessage[] = [];
  #lastRequest = 0;
  #closed: MegactorError | null = null;

  constructor(port: MessagePort, options: JournalClientOptions) {
    this.clock = options.clock ?? systemClock;
    this.#port = port;
    this.#outstandingMax = options.outstandingMax ?? 1_000_000;
    port.on('message', (bytes: Uint8Array) => this.#receive(unpack(bytes) as ServerMessage[]));
    port.on('close', () => this.#end(new MegactorError('SYSTEM_STOPPED', 'the journal was closed')));
  }

  call(make: (request: number) => ClientMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) throw this.#closed;
      if (this.#waiting.size >= this.#outstandingMax) {
        throw new MegactorError('MAILBOX_FULL', `${this.#waiting.size} requests to the journal have no answer yet`);
      }
      this.#lastRequest += 1;
      this.#waiting.set(this.#lastRequest, { resolve, reject });
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

  async deliver(outgoing: readonly Outgoing[], level?: DurabilityLevel): Promise<void> {
    const packed = packOutgoing(outgoing);
    await this.call((request) => ['deliver', request, level ?? null, packed]);
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

  #send(message: ClientMessage): void {
    this.#outbox.push(message);
    // After the callbacks that are due now, so that the appends of many actors share a message.
    if (this.#outbox.length === 1) this.clock.soon(() => this.#flush());
  }

  #flush(): void {
    const outbox = this.#outbox;
    this.#outbox = [];
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
    return waiting;
  }

  #end(error: MegactorError): void {
    this.#closed ??= error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
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
    const result = pack(group.result);
    const changes = group.changes.map(({ key, value }) => [key, value === undefined ? null : pack(value)] as const);
    return unpackValue(
      await this.#caller.call((request) => ['commit', request, this.#name, group.effectId, result, changes]),
    );
  }
}

/**
 * A client of the `JournalServer` at the other end of `port`.
 * Every method rejects with SYSTEM_STOPPED once the port is closed, by either side.
 */
export const createJournalClient = (port: MessagePort, options: JournalClientOptions = {}): JournalClient =>
  new PortJournalClient(port, options);
