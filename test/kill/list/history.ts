/**
 * The external record of a list trial: what was asked for, what was acknowledged, in which order, and what the journal
 * was seen to hold after each kill. It judges nothing (`check.ts` does).
 */
import { existsSync, readFileSync } from 'node:fs';
import { type JournalCounts, readJournal } from '../../../src/journal/index.ts';
import type { Entry, ListState } from './actors.ts';
import { LEDGER } from './ledger.ts';
import type { Operation } from './wire.ts';

/** Something that a client asked for. */
export interface Asked {
  readonly client: number;
  readonly operation: Operation;
  /** The level that its answer stands for. */
  readonly level: 'committed' | 'flushed';
  /** On the clock of the history, which ticks with every question and answer. */
  readonly askedAt: number;
  /** null: not answered, so that it may have happened or not. */
  answeredAt: number | null;
  result: unknown;
}

/** A list as the journal holds it. */
export interface ListView {
  readonly entries: readonly Entry[];
  readonly count: number;
  readonly balance: number;
  /** Mail on the way to the list, oldest first. */
  readonly mail: readonly { readonly type: string; readonly element: string; readonly amount: number }[];
  /** What the list is going to remind itself of. */
  readonly reminders: readonly string[];
  /** Effects of the step in progress that are in the journal, by id. */
  readonly recorded: readonly string[];
}

export interface JournalView {
  readonly lists: ReadonlyMap<string, ListView>;
  /** How often each element was charged. */
  readonly charges: ReadonlyMap<string, number>;
  /** Of the whole log, and what it counts: the same whatever was compacted. */
  readonly logHash: string;
  readonly counts: Readonly<JournalCounts> | null;
}

export class History {
  readonly asked: Asked[] = [];
  #clock = 0;

  ask(client: number, operation: Operation, level: Asked['level']): Asked {
    this.#clock += 1;
    const asked: Asked = { client, operation, level, askedAt: this.#clock, answeredAt: null, result: null };
    this.asked.push(asked);
    return asked;
  }

  answer(asked: Asked, result: unknown): void {
    this.#clock += 1;
    asked.answeredAt = this.#clock;
    asked.result = result;
  }
}

interface Body {
  readonly element: string;
  readonly amount?: number;
}

export const EMPTY_VIEW: JournalView = { lists: new Map(), charges: new Map(), logHash: '', counts: null };

/** @throws JOURNAL_DAMAGED */
export const viewOf = async (directory: string): Promise<JournalView> => {
  const journal = await readJournal(directory);
  try {
    const lists = new Map<string, ListView>();
    for (const { actors, deliveries } of journal.shards) {
      for (const { record, state, history, step, begun, timers } of actors) {
        const { count, balance } = (state ?? record.init) as ListState;
        const mail = deliveries.flatMap(({ entry }) => {
          if (entry.kind !== 'mail' || entry.mail.to !== record.id) return [];
          const { element, amount = 0 } = entry.mail.body as Body;
          return [{ type: entry.mail.type, element, amount }];
        });
        const recorded = [...(begun?.effects.keys() ?? [])].map((key) => `${record.name}/${step}/${key}`);
        const entries = history as readonly Entry[];
        const reminders = timers.map(({ key }) => key);
        lists.set(record.name, { entries, count: count ?? 0, balance, mail, reminders, recorded });
      }
    }
    const charges = journal.store(LEDGER).range() as readonly (readonly [string, number])[];
    const { logHash, counts } = journal;
    return { lists, charges: new Map(charges), logHash, counts };
  } finally {
    await journal.close();
  }
};

/** A call that arrived outside. `what` is `asked`, with the effect's id, or `acted`, with the element and the answer. */
export interface OutsideCall {
  readonly what: string;
  readonly id: string;
  readonly value: string;
}

export const outsideCalls = (file: string): OutsideCall[] => {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const [what = '', id = '', value = ''] = line.split(' ');
    return { what, id, value };
  });
};
