/** What every journal must do with snapshots, marks and passive actors (J6). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActorSnapshot, InboxEntry, ShardLog, TimerRecord } from '../../../src/journal/index.ts';
import { codeOf, mail, recordOf, signal, spawn, step, to } from '../fixtures/harness.ts';
import type { JournalSubject, RunningJournal } from './subject.ts';

const timer = (key: string, dueMs: number): TimerRecord => ({ key, dueMs, periodMs: null, type: 'tick', body: [1] });

const snapshotOf = (entry: InboxEntry, fields: Partial<ActorSnapshot> = {}): ActorSnapshot => ({
  record: recordOf(entry),
  step: 1,
  state: { step: 0 },
  open: false,
  timers: [],
  children: [],
  history: [],
  historyBefore: 0,
  ...fields,
});

export const snapshotSuite = (subject: JournalSubject): void => {
  describe(`${subject.name}: snapshots`, () => {
    let journal: RunningJournal;

    beforeEach(async () => {
      journal = await subject.start();
    });
    afterEach(() => journal.close());

    const ignore = (): void => {};

    /** A shard with actors 256 and 512, both with one step. */
    const twoActors = async (): Promise<ShardLog> => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(ignore);
      await client.deliver(to(0, spawn(256), spawn(512), mail(256, 'a'), mail(512, 'b')));
      await log.append({ entries: [step(256, 0, { taken: [2], history: ['h0'] })], outgoing: [] });
      await log.append({ entries: [step(512, 0, { taken: [3] })], outgoing: [] });
      return log;
    };

    test('actors with nothing beyond the mark are passive; load and find give them with their whole history', async () => {
      const log = await twoActors();
      const timers = [timer('t', 9_000), timer('u', 8_000)];
      const children = [{ shard: 2, id: 768, name: 'kid' }];
      expect(log.position).toBe(2);
      await log.snapshot([
        snapshotOf(spawn(256), { history: ['h0'], timers, children }),
        snapshotOf(spawn(512), { step: 1, state: undefined }),
      ]);
      await log.append({ entries: [step(256, 1, { history: ['h1', 'h2'], state: 'two' })], outgoing: [] });
      const second = { step: 2, state: 'two', history: ['h1', 'h2'], historyBefore: 1, timers, children };
      await log.snapshot([snapshotOf(spawn(256), second)], { log: log.position, inbox: 4 });
      const next = journal.client().shard(0);
      const found = await next.open(ignore);
      expect(found).toEqual({
        actors: [],
        passive: 2,
        passiveTimers: [
          { actor: 256, key: 't', dueMs: 9_000 },
          { actor: 256, key: 'u', dueMs: 8_000 },
        ],
        deliveries: [],
        idMax: 512,
      });
      expect(next.position).toBe(3);
      expect(await next.load([512, 999, 256])).toEqual([
        {
          record: recordOf(spawn(512)),
          step: 1,
          state: undefined,
          history: [],
          historySaved: 0,
          open: false,
          timers: [],
          children: [],
          begun: null,
        },
        {
          record: recordOf(spawn(256)),
          step: 2,
          state: 'two',
          history: ['h0', 'h1', 'h2'],
          historySaved: 3,
          open: false,
          timers,
          children,
          begun: null,
        },
      ]);
      expect([await next.find('actor-256'), await next.find('actor-512'), await next.find('nobody')]).toEqual([
        256,
        512,
        null,
      ]);
      expect(await next.load([])).toEqual([]);
    });

    test('mail, an open turn, a step in progress or an entry beyond the mark make an actor active again', async () => {
      const client = journal.client();
      const log = client.shard(1);
      await log.open(ignore);
      const ids = [1, 2, 3, 4, 5, 6].map((count) => 256 * count + 1);
      const [idle = 0, mailed = 0, signalled = 0, open = 0, begun = 0, stepped = 0] = ids;
      await client.deliver(to(1, ...ids.map((id) => spawn(id))));
      await log.append({ entries: ids.map((id) => step(id, 0, { open: id === open })), outgoing: [] });
      await log.snapshot(
        ids.map((id) => snapshotOf(spawn(id), { open: id === open, history: [id], historyBefore: 0 })),
        { log: 1, inbox: 6 },
      );
      await client.deliver(to(1, mail(mailed, 'm'), signal(signalled, 's')));
      await log.append({ entries: [{ kind: 'begin', actor: begun, step: 1, taken: [], key: 'k' }], outgoing: [] });
      await log.append({ entries: [step(stepped, 1, { history: ['more'], state: 'new' })], outgoing: [] });
      const found = await journal.client().shard(1).open(ignore);
      expect(found.passive).toBe(1);
      const byId = new Map(found.actors.map((actor) => [actor.record.id, actor]));
      expect([...byId.keys()].sort((left, right) => left - right)).toEqual([mailed, signalled, open, begun, stepped]);
      expect(byId.get(mailed)).toMatchObject({ step: 1, history: [mailed], historySaved: 1, begun: null });
      expect(byId.get(open)?.open).toBe(true);
      expect(byId.get(begun)?.begun?.intents).toEqual(['k']);
      expect(byId.get(stepped)).toMatchObject({ step: 2, state: 'new', history: [stepped, 'more'], historySaved: 1 });
      expect(found.deliveries.map(({ seq }) => seq)).toEqual([6, 7]);
      expect(byId.has(idle)).toBe(false);
    });

    test('a snapshot newer than the mark changes nothing of the actor (J6)', async () => {
      const log = await twoActors();
      const changes = [{ key: 't', timer: timer('t', 5_000) }];
      await log.append({ entries: [step(256, 1, { history: ['h1'], state: 's1', timers: changes })], outgoing: [] });
      await log.append({
        entries: [step(256, 2, { history: ['h2'], state: 's2' })],
        outgoing: to(2, spawn(768, 'kid', { shard: 0, id: 256 })),
      });
      const before = await journal.client().shard(0).open(ignore);
      const owner = journal.client().shard(0);
      await owner.open(ignore);
      const middle = snapshotOf(spawn(256), {
        step: 2,
        state: 's1',
        history: ['h0', 'h1'],
        timers: [timer('t', 5_000)],
      });
      await owner.snapshot([middle]);
      const after = await journal.client().shard(0).open(ignore);
      const unsaved = after.actors.map((actor) => ({ ...actor, historySaved: 0 }));
      expect({ ...after, actors: unsaved }).toEqual(before);
      const actor = after.actors.find(({ record }) => record.id === 256);
      expect(actor).toMatchObject({ historySaved: 2, history: ['h0', 'h1', 'h2'], state: 's2', step: 3 });
      expect(actor?.timers).toEqual([timer('t', 5_000)]);
      expect(actor?.children.map(({ shard, id }) => [shard, id])).toEqual([[2, 768]]);
    });

    test('timers are set, moved and cancelled by steps', async () => {
      const log = await twoActors();
      const set = [
        { key: 'a', timer: timer('a', 1) },
        { key: 'b', timer: { ...timer('b', 2), periodMs: 50 } },
        { key: 'c', timer: timer('c', 3) },
      ];
      await log.append({ entries: [step(256, 1, { timers: set })], outgoing: [] });
      const moved = [
        { key: 'b', timer: { ...timer('b', 52), periodMs: 50 } },
        { key: 'c', timer: null },
      ];
      await log.append({ entries: [step(256, 2, { timers: moved })], outgoing: [] });
      const found = await journal.client().shard(0).open(ignore);
      expect(found.actors[0]?.timers).toEqual([timer('a', 1), { ...timer('b', 52), periodMs: 50 }]);
    });

    test('a stopped actor leaves no snapshot, whether it stopped later or in the same commit', async () => {
      const log = await twoActors();
      await log.snapshot([snapshotOf(spawn(256), { history: ['h0'], timers: [timer('t', 1)] })]);
      const written = log.snapshot([snapshotOf(spawn(512), { timers: [timer('t', 1)] })]);
      const stopping = log.append({ entries: [step(512, 1, { stopped: true })], outgoing: [] });
      const dropped = { kind: 'drop', actor: 256, taken: [], reason: 'failed', stopped: true } as const;
      await Promise.all([written, stopping, log.append({ entries: [dropped], outgoing: [] })]);
      const mark = { log: log.position, inbox: 0 };
      expect(await log.load([256, 512])).toEqual([]);
      expect([await log.find('actor-256'), await log.find('actor-512')]).toEqual([null, null]);
      // The spawns are beyond the mark, the stops before it.
      await log.snapshot([], mark);
      const found = await journal.client().shard(0).open(ignore);
      expect(found).toMatchObject({ actors: [], passive: 0, passiveTimers: [], deliveries: [], idMax: 512 });
    });

    test('a spawn beyond the mark is active without a snapshot and passive with one', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(ignore);
      await client.deliver(to(0, spawn(256), spawn(512)));
      await log.snapshot([snapshotOf(spawn(256), { step: 0, state: undefined })]);
      const found = await client.shard(0).open(ignore);
      expect(found.actors.map(({ record }) => record.id)).toEqual([512]);
      expect(found.passive).toBe(1);
      expect((await client.shard(0).load([256]))[0]).toMatchObject({ step: 0, state: undefined });
    });

    test('a fenced owner writes no snapshot and reads nothing (J4)', async () => {
      const old = await twoActors();
      const next = journal.client().shard(0);
      await next.open(ignore);
      const refused = [old.snapshot([snapshotOf(spawn(256), { state: 'zombie' })], { log: 1, inbox: 1 })];
      expect(await Promise.all(refused.map(codeOf))).toEqual(['JOURNAL_FENCED']);
      expect(await codeOf(old.append({ entries: [], outgoing: [] }))).toBe('JOURNAL_FENCED');
      expect(await codeOf(old.load([256]))).toBe('JOURNAL_FENCED');
      expect(await codeOf(journal.client().shard(2).find('x'))).toBe('JOURNAL_FENCED');
      expect(await next.load([256])).toEqual([]);
      expect((await journal.client().shard(0).open(ignore)).actors).toHaveLength(2);
    });

    test('a snapshot behind a refused append is refused, and so is a mark beyond what there is (J4)', async () => {
      const log = await twoActors();
      const bad = log.append({ entries: [step(256, 1, { taken: [2] })], outgoing: [] });
      const behind = log.snapshot([snapshotOf(spawn(256), { step: 2, state: 'lost' })]);
      expect([await codeOf(bad), await codeOf(behind)]).toEqual(['JOURNAL_POSITION', 'JOURNAL_POSITION']);
      await log.open(ignore);
      expect(await log.load([256])).toEqual([]);
      expect(await codeOf(log.snapshot([], { log: 3, inbox: 0 }))).toBe('JOURNAL_POSITION');
      await log.open(ignore);
      expect(await codeOf(log.snapshot([], { log: 0, inbox: 5 }))).toBe('JOURNAL_POSITION');
      await log.open(ignore);
      const unpackable = snapshotOf(spawn(256), { state: () => 1 });
      expect(await codeOf(log.snapshot([unpackable]))).toBe('MESSAGE_NOT_CLONEABLE');
      expect(await codeOf(log.snapshot([snapshotOf(spawn(256))]))).toBe('resolved');
    });

    test('a mark never moves backwards', async () => {
      const log = await twoActors();
      await log.snapshot([snapshotOf(spawn(256), { history: ['h0'] }), snapshotOf(spawn(512))], { log: 2, inbox: 4 });
      await log.snapshot([], { log: 0, inbox: 0 });
      expect((await journal.client().shard(0).open(ignore)).passive).toBe(2);
    });

    test('mail that waits is read again, in any order; consumed mail is not there', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(ignore);
      for (const body of ['a', 'b', 'c']) await client.deliver(to(0, mail(256, body), signal(256, body)));
      await log.append({ entries: [step(256, 0, { taken: [2] })], outgoing: [] });
      expect(await log.read([5, 0, 4, 1])).toEqual([
        { seq: 5, entry: signal(256, 'c') },
        { seq: 0, entry: mail(256, 'a') },
        { seq: 4, entry: mail(256, 'c') },
        { seq: 1, entry: signal(256, 'a') },
      ]);
      expect(await log.read([])).toEqual([]);
      expect(await codeOf(log.read([0, 2]))).toBe('JOURNAL_DAMAGED');
      expect(await codeOf(log.read([6]))).toBe('JOURNAL_DAMAGED');
      expect(await codeOf(log.append({ entries: [], outgoing: [] }))).toBe('resolved');
    });

    test('mail before the mark waits on, and pending stays exact (J5)', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(ignore);
      await client.deliver(to(0, spawn(256), mail(256, 0), mail(256, 1)));
      await client.deliver(to(0, mail(256, 2)));
      await client.deliver(to(0, mail(256, 3), mail(256, 4)));
      await log.append({ entries: [step(256, 0, { taken: [2, 4], open: true })], outgoing: [] });
      await log.snapshot([snapshotOf(spawn(256), { open: true })], { log: 1, inbox: 6 });
      await client.deliver(to(0, mail(256, 5)));
      await log.append({ entries: [step(256, 1, { taken: [1] })], outgoing: [] });
      const found = await client.shard(0).open(ignore);
      expect(found.deliveries.map(({ seq }) => seq)).toEqual([3, 5, 6]);
      expect(found.actors[0]).toMatchObject({ step: 2, open: false });
      expect(await client.pending()).toBe(3);
    });
  });
};
