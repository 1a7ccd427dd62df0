/**
 * The client of an outbox journal: the logs of shards, the tables of services, and settling what nobody answers. It packs
 * what it is given at once, so that nobody shares an object with the stores. It decides nothing about what is stored.
 *
 * Invariants: C1 every request settles: with its answer, or with SYSTEM_STOPPED when the client is disconnected; but the
 * death of the whole process is told to nobody. C2 requests reach the stores in the order of the calls. C3 a value that
 * cannot be packed is refused before anything is asked for.
 */
import { MegactorError } from '../../protocol/errors.ts';
import { packData, unpackData } from '../codec.ts';
import type { JournalClient, Outgoing, ServiceStore, ShardLog } from '../shard-log.ts';
import type { Answer, OutboxJournal } from './journal.ts';
import { packOutgoing } from './parcel.ts';
import { OutboxShardLog } from './shard-log.ts';

const OUTSTANDING_MAX = 1_000_000;

const unpackValue = (bytes: Uint8Array | undefined): unknown => (bytes === undefined ? undefined : unpackData(bytes));

export class OutboxClient implements JournalClient {
  readonly journal: OutboxJournal;
  readonly #logs = new Map<number, OutboxShardLog>();
  readonly #outstanding = new Set<(error: unknown) => void>();
  readonly #quietListeners: ((epoch: number) => void)[] = [];
  #quietDue = false;
  #closed: MegactorError | null = null;
  /** Of a close that waits for the last answer. */
  #answered: (() => void) | null = null;

  constructor(journal: OutboxJournal) {
    this.journal = journal;
  }

  /**
   * Asks for something; `ask` is not called when the request is refused here.
   * @param isBounded the caller has a bound of its own: the request is not refused because many are under way
   */
  request<Value>(ask: (answer: Answer<Value>) => void, isBounded = false): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) throw this.#closed;
      if (this.journal.crashed) return;
      if (!isBounded && this.#outstanding.size >= OUTSTANDING_MAX) {
        throw new MegactorError('MAILBOX_FULL', `${this.#outstanding.size} requests to the journal have no answer yet`);
      }
      this.#outstanding.add(reject);
      const settle = (): boolean => {
        const settled = this.#outstanding.delete(reject) && !this.journal.crashed;
        if (this.#outstanding.size === 0) this.#answered?.();
        return settled;
      };
      try {
        ask({
          resolve: (value) => {
            if (settle()) resolve(value);
          },
          reject: (error) => {
            if (settle()) reject(error);
          },
        });
      } catch (error) {
        this.#outstanding.delete(reject);
        throw error;
      }
    });
  }

  shard(shard: number): ShardLog {
    let log = this.#logs.get(shard);
    if (log === undefined) {
      log = new OutboxShardLog(shard, this);
      this.#logs.set(shard, log);
    }
    return log;
  }

  store(name: string): ServiceStore {
    const read = <Value>(get: () => Value): Promise<Value> => this.request((answer) => answer.resolve(get()));
    const { journal } = this;
    return {
      get: (key) => read(() => unpackValue(journal.service(name).get(key))),
      range: (from, to) =>
        read(() =>
          journal
            .service(name)
            .range(from, to)
            .map(([key, bytes]) => [key, unpackData(bytes)] as const),
        ),
      result: (effectId) =>
        read(() => {
          const kept = journal.service(name).result(effectId);
          return kept === undefined ? undefined : { result: unpackData(kept) };
        }),
      commit: async ({ effectId, result, changes }) => {
        const packed = packData(result);
        const values = changes.map(({ key, value }) => [key, value === undefined ? null : packData(value)] as const);
        const kept = await this.request<Uint8Array>((answer) =>
          journal.transact(
            'services',
            { kind: 'service', store: name, effectId },
            () => journal.service(name).commit(effectId, packed, values),
            answer,
          ),
        );
        return unpackData(kept);
      },
    };
  }

  async deliver(outgoing: readonly Outgoing[]): Promise<void> {
    const packed = packOutgoing(outgoing);
    await this.request<void>((answer) => {
      for (const { shard } of packed) this.journal.store(shard);
      this.journal.deliver(packed, answer);
    });
  }

  onQuiet(listener: (epoch: number) => void): void {
    this.#quietListeners.push(listener);
    this.#quietDue = true;
    this.journal.watchQuiet();
  }

  async pending(): Promise<number> {
    return await this.request<number>((answer) => {
      this.journal.settled().then(() => answer.resolve(this.journal.pending), answer.reject);
    });
  }

  async close(): Promise<void> {
    if (this.#closed !== null || this.journal.crashed) return;
    this.#closed = new MegactorError('SYSTEM_STOPPED', 'the client of the journal was closed');
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    if (this.#outstanding.size > 0) await promise;
    this.disconnect();
  }

  /** The client's thread is gone: what it asked for happens all the same, its shards have no owner. */
  disconnect(): void {
    this.#closed ??= new MegactorError('SYSTEM_STOPPED', 'the journal was closed');
    this.journal.detach(this);
    const outstanding = [...this.#outstanding];
    this.#outstanding.clear();
    for (const reject of outstanding) reject(this.#closed);
  }

  /** Whether the next quiet is to be told. */
  get watchesQuiet(): boolean {
    return this.#quietDue && this.#closed === null;
  }

  watchNextQuiet(): void {
    this.#quietDue = this.#quietListeners.length > 0;
  }

  quiet(epoch: number): void {
    this.#quietDue = false;
    for (const listener of this.#quietListeners) listener(epoch);
  }
}
