/** The smallest journal that keeps its promises, in memory, with faults that a test may ask for. */
import { deepCopy } from '../../src/actor/index.ts';
import type {
  ActorRecord,
  Delivery,
  DurabilityLevel,
  InboxEntry,
  LogAppend,
  Outgoing,
  RecoveredActor,
  RecoveredShard,
  ShardLog,
  StepLogEntry,
} from '../../src/journal/shard-log.ts';
import { MegactorError } from '../../src/protocol/errors.ts';

/** What becomes of an append: it works, it is lost with the process, or it is written and the answer is lost. */
export type AppendFate = 'works' | 'lost' | 'unanswered' | 'fails';

interface Owner {
  readonly onDelivery: (deliveries: readonly Delivery[]) => void;
}

class ShardBook {
  readonly inbox: InboxEntry[] = [];
  readonly log: StepLogEntry[] = [];
  readonly consumed = new Set<number>();
  owner: Owner | null = null;

  recover(): RecoveredShard {
    const actors = new Map<number, { -readonly [Key in keyof RecoveredActor]: RecoveredActor[Key] }>();
    const gone = new Set<number>();
    const add = (record: ActorRecord): void => {
      if (gone.has(record.id) || actors.has(record.id)) return;
      actors.set(record.id, {
        record,
        step: 0,
        state: undefined,
        history: [],
        historySaved: 0,
        open: false,
        timers: [],
        children: [],
        begun: null,
      });
    };
    for (const entry of this.log) {
      if ((entry.kind === 'step' || entry.kind === 'drop') && entry.stopped) gone.add(entry.actor);
    }
    let idMax = 0;
    for (const entry of this.inbox) {
      if (entry.kind !== 'spawn') continue;
      idMax = Math.max(idMax, entry.actor.id);
      add(entry.actor);
    }
    for (const entry of this.log) this.#fold(entry, actors.get(entry.actor));
    const deliveries = this.inbox
      .map((entry, seq): Delivery => ({ seq, entry }))
      .filter(({ seq, entry }) => entry.kind !== 'spawn' && !this.consumed.has(seq));
    return deepCopy({ actors: [...actors.values()], passive: 0, passiveTimers: [], deliveries, idMax });
  }

  #fold(
    entry: StepLogEntry,
    actor: { -readonly [Key in keyof RecoveredActor]: RecoveredActor[Key] } | undefined,
  ): void {
    if (actor === undefined) return;
    if (entry.kind === 'begin') {
      const { effects = new Map<string, unknown>(), intents = [] } = actor.begun ?? {};
      actor.begun = { taken: entry.taken, effects, intents: [...intents, entry.key] };
    } else if (entry.kind === 'effect') {
      const { taken = [], effects = new Map<string, unknown>(), intents = [] } = actor.begun ?? {};
      const known = new Map(effects).set(entry.key, entry.result);
      actor.begun = { taken, effects: known, intents: intents.filter((key) => key !== entry.key) };
    } else if (entry.kind === 'step') {
      actor.step = entry.step + 1;
      actor.state = entry.state;
      actor.history = [...actor.history, ...entry.history];
      actor.open = entry.open;
      actor.begun = null;
    }
  }
}

export class MemoryJournal {
  readonly books: readonly ShardBook[];
  /** Decides the fate of every append; default: all work. */
  fate: (group: LogAppend) => AppendFate = () => 'works';
  /** When an append that was written is answered; default: soon. */
  answer: (group: LogAppend) => Promise<void> = () => Promise.resolve();
  /** Sees every append. */
  onAppend: (group: LogAppend, level: DurabilityLevel | undefined) => void = () => undefined;

  constructor(shards = 1) {
    this.books = Array.from({ length: shards }, () => new ShardBook());
  }

  get entries(): readonly StepLogEntry[] {
    return this.books.flatMap((book) => book.log);
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
  }

  readonly deliver = async (outgoing: readonly Outgoing[]): Promise<void> => {
    const copy = deepCopy(outgoing);
    // As slow as a journal is, so that nothing relies on its speed.
    await new Promise((resolve) => setImmediate(resolve));
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
      snapshot: () => Promise.resolve(),
      load: () => Promise.resolve([]),
      find: () => Promise.resolve(null),
      read: () => Promise.resolve([]),
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
        book.log.push(...entries);
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
