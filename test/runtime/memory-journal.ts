/** The smallest journal that keeps its promises, in memory, with faults that a test may ask for. */
import { deepCopy } from '../../src/actor/index.ts';
import type {
  ActorSnapshot,
  DurabilityLevel,
  LogAppend,
  Outgoing,
  ShardLog,
  SnapshotMark,
  StepLogEntry,
} from '../../src/journal/shard-log.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { ShardBook, type Owner } from './memory-book.ts';

/** What becomes of an append: it works, it is lost with the process, or it is written and the answer is lost. */
export type AppendFate = 'works' | 'lost' | 'unanswered' | 'fails';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export class MemoryJournal {
  readonly books: readonly ShardBook[];
  /** Decides the fate of every append; default: all work. */
  fate: (group: LogAppend) => AppendFate = () => 'works';
  /** When an append that was written is answered; default: soon. */
  answer: (group: LogAppend) => Promise<void> = () => Promise.resolve();
  /** Sees every append. */
  onAppend: (group: LogAppend, level: DurabilityLevel | undefined) => void = () => undefined;
  /** Sees every read of deliveries; what it throws is the answer. */
  onRead: (seqs: readonly number[]) => void = () => undefined;
  /** The same for snapshots. */
  snapshotFate: (actors: readonly ActorSnapshot[], mark: SnapshotMark | undefined) => AppendFate = () => 'works';
  /** Loads, reads and snapshots wait for it: a test lets something come in between. */
  gate: Promise<void> = Promise.resolve();
  /** Loads alone wait for this one. */
  loadGate: Promise<void> = Promise.resolve();
  /** What the openings, loads and snapshots were, for tests that count. */
  readonly loaded: (readonly number[])[] = [];
  readonly snapshots: (readonly number[])[] = [];
  readonly marks: SnapshotMark[] = [];
  /** Calls that read deliveries again. */
  reads = 0;

  constructor(shards = 1) {
    this.books = Array.from({ length: shards }, () => new ShardBook());
  }

  get entries(): readonly StepLogEntry[] {
    return this.books.flatMap((book) => book.log.map(({ entry }) => entry));
  }

  /** Unconsumed mail and signals. */
  get pending(): number {
    return this.books.reduce(
      (sum, book) => sum + book.inbox.filter((entry, seq) => entry.kind !== 'spawn' && !book.consumed.has(seq)).length,
      0,
    );
  }

  /** The process dies: nobody gets deliveries any more. */
  crash(): void {
    for (const book of this.books) book.owner = null;
    this.fate = () => 'works';
    this.snapshotFate = () => 'works';
  }

  readonly deliver = async (outgoing: readonly Outgoing[]): Promise<void> => {
    const copy = deepCopy(outgoing);
    // As slow as a journal is, so that nothing relies on its speed.
    await nextTurn();
    this.#put(copy);
    await Promise.resolve();
  };

  shard(shard: number): ShardLog {
    const book = this.books[shard] as ShardBook;
    let owner: Owner | null = null;
    return {
      shard,
      get position() {
        return book.log.length;
      },
      snapshot: async (given, mark) => {
        const actors = deepCopy(given);
        if (book.owner !== owner) throw new MegactorError('JOURNAL_FENCED', 'fenced');
        const fate = this.snapshotFate(actors, mark);
        if (fate === 'lost') return new Promise(() => undefined);
        if (fate === 'fails') throw new MegactorError('DISK', 'no space left');
        // At its place in the order of the appends, whenever the answer comes.
        book.save(actors, mark);
        this.snapshots.push(actors.map(({ record }) => record.id));
        if (mark !== undefined) this.marks.push(mark);
        if (fate === 'unanswered') return new Promise(() => undefined);
        await this.gate;
        await nextTurn();
        return undefined;
      },
      load: async (ids) => {
        this.loaded.push([...ids]);
        const found = book.load(ids);
        await this.gate;
        await this.loadGate;
        await nextTurn();
        return found;
      },
      find: async (name) => {
        const id = book.find(name);
        await nextTurn();
        return id;
      },
      read: async (seqs) => {
        this.reads += 1;
        this.onRead(seqs);
        const found = book.read(seqs);
        await this.gate;
        await nextTurn();
        return found;
      },
      open: (onDelivery) => {
        owner = { onDelivery };
        book.owner = owner;
        return Promise.resolve(book.recover());
      },
      append: async (group, level) => {
        this.onAppend(group, level);
        const { entries, outgoing } = deepCopy(group);
        if (book.owner !== owner) throw new MegactorError('JOURNAL_FENCED', 'fenced');
        const fate = this.fate(group);
        if (fate === 'lost') return new Promise(() => undefined);
        if (fate === 'fails') throw new MegactorError('DISK', 'no space left');
        const taken = entries.flatMap((entry) => (entry.kind === 'step' || entry.kind === 'drop' ? entry.taken : []));
        for (const seq of taken) {
          if (book.consumed.has(seq) || seq >= book.inbox.length) {
            throw new MegactorError('JOURNAL_POSITION', `there is no unconsumed mail at ${seq}`);
          }
          book.consumed.add(seq);
        }
        book.append(entries, outgoing);
        this.#put(outgoing);
        if (fate === 'unanswered') return new Promise(() => undefined);
        await this.answer(group);
      },
      close: () => {
        book.owner = null;
        return Promise.resolve();
      },
    };
  }

  /** Deliveries come before the answer to whoever caused them. */
  #put(outgoing: readonly Outgoing[]): void {
    for (const { shard, entry } of outgoing) {
      const book = this.books[shard] as ShardBook;
      book.inbox.push(entry);
      book.owner?.onDelivery([{ seq: book.inbox.length - 1, entry }]);
    }
  }
}
