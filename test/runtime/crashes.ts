/** Crashes of a one-thread world: an append that is the last thing its process does, and the world after it. */
import type { LogAppend, StepLogEntry } from '../../src/journal/shard-log.ts';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import type { AppendFate, MemoryJournal } from './memory-journal.ts';
import { World } from './one-thread.ts';

/** The first append that `matches` gets `fate`; a process that has crashed writes nothing any more. */
export const once = (fate: AppendFate, matches: (group: LogAppend) => boolean): ((group: LogAppend) => AppendFate) => {
  let done = false;
  return (group) => {
    if (done && fate !== 'fails') return 'lost';
    if (!matches(group)) return 'works';
    done = true;
    return fate;
  };
};

export const has =
  (kind: StepLogEntry['kind']) =>
  (group: LogAppend): boolean =>
    group.entries.some((entry) => entry.kind === kind);

/** Worlds over one journal, one after the other; the clock goes on from one to the next. */
export class Worlds {
  readonly journal: MemoryJournal;
  readonly #definitions: Record<string, unknown>;
  readonly #limits: Partial<ShardLimits>;
  #incarnation = 0;
  #nowMs: number | undefined;

  constructor(definitions: Record<string, unknown>, journal: MemoryJournal, limits: Partial<ShardLimits> = {}) {
    this.#definitions = definitions;
    this.#limits = limits;
    this.journal = journal;
  }

  async start(): Promise<World> {
    const { journal } = this;
    const options = { journal, shards: journal.books.length, incarnation: this.#incarnation, limits: this.#limits };
    const world = new World(
      this.#definitions,
      this.#nowMs === undefined ? options : { ...options, nowMs: this.#nowMs },
    );
    return world.start();
  }

  /** The process of `world` dies, and another one starts `afterMs` later. */
  async restart(world: World, afterMs = 0): Promise<World> {
    await world.clock.settle();
    this.journal.crash();
    this.#incarnation += 1;
    this.#nowMs = world.clock.now() + afterMs;
    const next = await this.start();
    await next.clock.settle();
    return next;
  }
}
