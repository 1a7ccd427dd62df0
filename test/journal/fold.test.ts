/** The fold against a plain model: any valid history, cut into records anyhow, recovers the same. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../../src/journal/memory-backend.ts';
import {
  encodeInboxEntry,
  encodeInboxRecord,
  encodeLogEntries,
  encodeLogRecord,
  kindOf,
  type StoredAppend,
} from '../../src/journal/codec.ts';
import { marksOf } from '../../src/journal/client-shard-log.ts';
import { ShardFold } from '../../src/journal/fold.ts';
import { SeqSet } from '../../src/journal/seq-set.ts';
import { ShardState } from '../../src/journal/shard-state.ts';
import type { InboxEntry, RecoveredShard, StepLogEntry } from '../../src/journal/index.ts';
import { mail, spawn, step } from './fixtures/harness.ts';

const SHARD = 3;
const ACTORS = [259, 515, 771];

/** What happens next; actor and mail are picked by these numbers among those that fit. */
type Choice = readonly [
  kind: 'mail' | 'begin' | 'effect' | 'step' | 'open' | 'stop' | 'drop',
  actor: number,
  mails: number,
];

interface History {
  readonly inbox: InboxEntry[];
  readonly log: StepLogEntry[][];
  readonly expected: RecoveredShard;
  readonly pending: number;
}

interface ModelActor {
  step: number;
  state: unknown;
  history: unknown[];
  open: boolean;
  begun: { taken: number[]; effects: Map<string, unknown>; intents: string[] } | null;
}

/** Plays the choices: the entries that they write, and by the simplest means what must be recovered of them. */
const play = (choices: readonly Choice[]): History => {
  const inbox: InboxEntry[] = [];
  const log: StepLogEntry[][] = [];
  const actors = new Map<number, ModelActor>();
  const waiting = new Map<number, InboxEntry>();
  const gone = new Set<number>();
  for (const id of ACTORS) {
    actors.set(id, { step: 0, state: undefined, history: [], open: false, begun: null });
    inbox.push(spawn(id));
  }
  // A second spawn of a known id must change nothing.
  inbox.push(spawn(ACTORS[0] ?? 0, 'impostor'));
  const takeFor = (id: number, count: number): number[] =>
    [...waiting]
      .filter(([, entry]) => entry.kind === 'mail' && entry.mail.to === id)
      .slice(0, count)
      .map(([seq]) => seq);
  for (const [index, [kind, pick, count]] of choices.entries()) {
    const id = ACTORS[pick] ?? 0;
    if (kind === 'mail') {
      waiting.set(inbox.length, mail(id, index));
      inbox.push(mail(id, index));
      continue;
    }
    const actor = actors.get(id);
    const key = `k${count}`;
    if (kind === 'begin' || kind === 'effect') {
      if (actor === undefined) continue;
      actor.begun ??= { taken: [], effects: new Map(), intents: [] };
      if (kind === 'begin') {
        actor.begun.taken = takeFor(id, count);
        if (!actor.begun.effects.has(key) && !actor.begun.intents.includes(key)) actor.begun.intents.push(key);
        log.push([{ kind, actor: id, step: actor.step, taken: actor.begun.taken, key }]);
      } else {
        actor.begun.effects.set(key, index);
        actor.begun.intents = actor.begun.intents.filter((intent) => intent !== key);
        log.push([{ kind, actor: id, step: actor.step, key, result: index }]);
      }
      continue;
    }
    const taken = takeFor(id, count);
    for (const seq of taken) waiting.delete(seq);
    if (kind === 'drop' || actor === undefined) {
      const stopped = kind === 'drop' && count === 0;
      log.push([{ kind: 'drop', actor: id, taken, reason: 'test', stopped }]);
      if (actor?.begun != null) actor.begun.taken = actor.begun.taken.filter((seq) => !taken.includes(seq));
      if (stopped) gone.add(id);
      if (stopped) actors.delete(id);
      continue;
    }
    const fields = { taken, state: { index }, history: [index, 'h'], open: kind === 'open', stopped: kind === 'stop' };
    log.push([step(id, actor.step, fields)]);
    actor.history.push(...fields.history);
    Object.assign(actor, { step: actor.step + 1, state: fields.state, open: fields.open, begun: null });
    if (fields.stopped) gone.add(id);
    if (fields.stopped) actors.delete(id);
  }
  const recovered = [...actors].map(([id, actor]) => {
    const entry = spawn(id);
    return {
      record: entry.kind === 'spawn' ? entry.actor : (null as never),
      historySaved: 0,
      timers: [],
      children: [],
      ...actor,
    };
  });
  return {
    inbox,
    log,
    expected: {
      actors: recovered,
      ...(gone.size === 0 ? {} : { stopped: [...gone] }),
      passive: 0,
      passiveTimers: [],
      deliveries: [...waiting].map(([seq, entry]) => ({ seq, entry })),
      idMax: Math.max(...ACTORS),
    },
    pending: waiting.size + recovered.filter(({ open }) => open).length,
  };
};

/** Cuts `items` into pieces of the given sizes, over and over. */
const cut = <Item>(items: readonly Item[], sizes: readonly number[]): Item[][] => {
  const pieces: Item[][] = [];
  for (let at = 0, turn = 0; at < items.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(items.slice(at, at + size));
    at += size;
  }
  return pieces;
};

const records = (history: History, sizes: readonly number[]) => {
  let first = 0;
  const inbox = cut(history.inbox, sizes).map((entries) => {
    const record = {
      firstSeq: first,
      kinds: Uint8Array.from(entries.map(kindOf)),
      payloads: entries.map(encodeInboxEntry),
    };
    first += entries.length;
    return { shard: SHARD, first: record.firstSeq, end: first, bytes: encodeInboxRecord(SHARD, record) };
  });
  let position = 0;
  // Pieces of the log become appends of several entries; pieces of appends become records.
  const appends = cut(history.log, [...sizes].reverse()).map((parts): StoredAppend => {
    const entries = parts.flat();
    const { taken, opened, closed, stopped } = marksOf(entries);
    return [taken, opened, closed, encodeLogEntries(entries), [], stopped];
  });
  const log = cut(appends, sizes).map((piece) => {
    const record = { firstPosition: position, appends: piece };
    position += piece.length;
    return { shard: SHARD, first: record.firstPosition, end: position, bytes: encodeLogRecord(SHARD, record) };
  });
  return { inbox, log };
};

const choice = fc.tuple(
  fc.constantFrom('mail', 'mail', 'mail', 'begin', 'effect', 'step', 'step', 'open', 'stop', 'drop'),
  fc.nat({ max: ACTORS.length - 1 }),
  fc.nat({ max: 3 }),
);
const history = fc.array(choice, { maxLength: 120 });
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe('the fold', () => {
  test('recovers what a plain model says, however the log was cut into appends and records', () => {
    fc.assert(
      fc.property(history, sizes, (choices, pieces) => {
        const played = play(choices);
        const fold = new ShardFold(SHARD);
        const { inbox, log } = records(played, pieces);
        for (const { first, bytes } of inbox) fold.addInbox(first, bytes);
        for (const { first, bytes } of log) fold.addLog(first, bytes);
        expect(fold.finish()).toEqual(played.expected);
      }),
      { numRuns: 200 },
    );
  });

  test('the counts of the journal after a restart are those of the model (J5)', () => {
    fc.assert(
      fc.property(history, sizes, (choices, pieces) => {
        const played = play(choices);
        const backend = new MemoryBackend();
        const noop = (): void => {};
        backend.write(
          { ...records(played, pieces), values: [], results: [], snapshots: [], marks: [], stopped: [] },
          noop,
          noop,
        );
        const state = new ShardState<null>(SHARD);
        state.recount(backend);
        expect(state.weight).toBe(played.pending);
        expect(state.inboxNext).toBe(played.inbox.length);
      }),
      { numRuns: 100 },
    );
  });

  test('one flipped bit anywhere in any record is JOURNAL_DAMAGED (F1)', () => {
    fc.assert(
      fc.property(history, sizes, fc.nat(), fc.nat(), (choices, pieces, which, where) => {
        const { inbox, log } = records(play(choices), pieces);
        const all = [...inbox, ...log];
        const victim = all[which % all.length];
        const bit = where % ((victim?.bytes.length ?? 1) * 8);
        if (victim !== undefined) victim.bytes[bit >>> 3] = (victim.bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        const fold = new ShardFold(SHARD);
        const read = (): void => {
          for (const { first, bytes } of inbox) fold.addInbox(first, bytes);
          for (const { first, bytes } of log) fold.addLog(first, bytes);
        };
        expect(read).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }));
      }),
      { numRuns: 200 },
    );
  });
});

test('a set of positions behaves as a set', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 12_000 })), { maxLength: 400 }), (operations) => {
      const set = new SeqSet();
      const model = new Set<number>();
      for (const [add, seq] of operations) {
        if (add) {
          set.add(seq);
          model.add(seq);
        } else {
          expect(set.delete(seq)).toBe(model.delete(seq));
        }
        expect(set.size).toBe(model.size);
        expect(set.has(seq)).toBe(model.has(seq));
      }
    }),
  );
});
