/**
 * The log of one shard at a client of an outbox journal. It keeps the epoch and the expected position; the store decides.
 *
 * Invariants: L1 deliveries are handed over only after the caller of `open` has got what the opening found. L2 after an
 * append or a snapshot was refused every later one is refused with the same error, until the shard is opened again.
 */
import { MegactorError, toMegactorError } from '../../protocol/errors.ts';
import { packData, unpackData } from '../codec.ts';
import type {
  ActorSnapshot,
  Delivery,
  LogAppend,
  RecoveredActor,
  RecoveredShard,
  ShardLog,
  SnapshotMark,
  StepLogEntry,
} from '../shard-log.ts';
import { loadActors, recoverShard } from './recovery.ts';
import type { OutboxClient } from './client.ts';
import type { Answer, OutboxOwner } from './journal.ts';
import { decodeParcel, packOutgoing } from './parcel.ts';
import type { Placed, ShardStore } from './shard-store.ts';

type DeliveryListener = (deliveries: readonly Delivery[]) => void;

interface Opened {
  readonly owner: OutboxOwner;
  position: number;
}

/** One opening, from its transaction on. */
class Inlet {
  readonly #onDelivery: DeliveryListener;
  /** What came before the caller of `open` could go on; null afterwards. */
  #early: Delivery[] | null = [];
  live = true;

  constructor(onDelivery: DeliveryListener) {
    this.#onDelivery = onDelivery;
  }

  readonly deliver = (placed: readonly Placed[]): void => {
    const deliveries = placed.map(({ seq, parcel }) => ({ seq, entry: decodeParcel(parcel) }));
    if (this.#early !== null) for (const delivery of deliveries) this.#early.push(delivery);
    else if (this.live) this.#onDelivery(deliveries);
  };

  flow(): void {
    const early = this.#early ?? [];
    this.#early = null;
    if (early.length > 0 && this.live) this.#onDelivery(early);
  }
}

export class OutboxShardLog implements ShardLog {
  readonly shard: number;
  readonly #client: OutboxClient;
  #inlet: Inlet | null = null;
  #opened: Opened | null = null;
  #refused: MegactorError;

  constructor(shard: number, client: OutboxClient) {
    this.shard = shard;
    this.#client = client;
    this.#refused = this.#notOpen();
  }

  async open(onDelivery: DeliveryListener): Promise<RecoveredShard> {
    this.#forget(this.#notOpen());
    const { journal } = this.#client;
    const inlet = new Inlet(onDelivery);
    this.#inlet = inlet;
    const run = (): { found: RecoveredShard; opened: Opened } => {
      const store = journal.store(this.shard);
      const owner = journal.takeOver(this.shard, this.#client, inlet.deliver);
      return { found: recoverShard(store), opened: { owner, position: store.position } };
    };
    return await this.#client.request<RecoveredShard>((answer) => {
      journal.store(this.shard);
      journal.transact(this.shard, null, run, {
        resolve: ({ found, opened }) => {
          if (this.#inlet === inlet) this.#opened = opened;
          journal.clock.soon(() => inlet.flow());
          answer.resolve(found);
        },
        reject: answer.reject,
      });
    });
  }

  async append(group: LogAppend): Promise<void> {
    const opened = this.#opened;
    if (opened === null) throw this.#refused;
    const packed = packData(group.entries);
    const outgoing = packOutgoing(group.outgoing);
    const entries = unpackData(packed) as StepLogEntry[];
    const { journal } = this.#client;
    await this.#write(opened, (answer) => {
      for (const { shard } of outgoing) journal.store(shard);
      const { position } = opened;
      opened.position += 1;
      journal.append(opened.owner, this.shard, position, { entries, packed, outgoing }, answer);
    });
  }

  get position(): number {
    return this.#opened?.position ?? 0;
  }

  async snapshot(actors: readonly ActorSnapshot[], mark?: SnapshotMark): Promise<void> {
    const opened = this.#opened;
    if (opened === null) throw this.#refused;
    const kept = unpackData(packData(actors)) as ActorSnapshot[];
    const place = mark === undefined ? null : { log: mark.log, inbox: mark.inbox };
    const { journal } = this.#client;
    const { position } = opened;
    const run = (): void => {
      journal.checkOwner(this.shard, opened.owner);
      journal.store(this.shard).snapshot(position, kept, place);
    };
    await this.#write(opened, (answer) =>
      journal.transact(this.shard, { kind: 'snapshot', shard: this.shard }, run, answer),
    );
  }

  load(ids: readonly number[]): Promise<readonly RecoveredActor[]> {
    const wanted = [...ids];
    return this.#read((store) => loadActors(store, wanted));
  }

  find(name: string): Promise<number | null> {
    return this.#read((store) => store.find(name));
  }

  read(seqs: readonly number[]): Promise<readonly Delivery[]> {
    const wanted = [...seqs];
    return this.#read((store) => store.read(wanted));
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#forget(this.#notOpen());
    if (opened === null) return;
    const { journal } = this.#client;
    await this.#client.request<void>((answer) =>
      journal.transact(this.shard, null, () => journal.release(this.shard, opened.owner), answer),
    );
  }

  async #write(opened: Opened, ask: (answer: Answer<void>) => void): Promise<void> {
    let sent = false;
    try {
      await this.#client.request<void>((answer) => {
        ask(answer);
        sent = true;
      });
    } catch (error) {
      if (sent && this.#opened === opened) this.#forget(toMegactorError(error));
      throw error;
    }
  }

  /** After everything that was asked of the store before. */
  async #read<Value>(look: (store: ShardStore) => Value): Promise<Value> {
    const opened = this.#opened;
    if (opened === null) throw this.#refused;
    const { journal } = this.#client;
    const run = (): Value => {
      journal.checkOwner(this.shard, opened.owner);
      return look(journal.store(this.shard));
    };
    return await this.#client.request<Value>((answer) => journal.transact(this.shard, null, run, answer), true);
  }

  #forget(why: MegactorError): void {
    if (this.#inlet !== null) this.#inlet.live = false;
    this.#inlet = null;
    this.#opened = null;
    this.#refused = why;
  }

  #notOpen(): MegactorError {
    return new MegactorError('JOURNAL_FENCED', `shard ${this.shard} is not open here`, {
      details: { shard: this.shard },
    });
  }
}
