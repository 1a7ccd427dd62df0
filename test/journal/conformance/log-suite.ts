/** What every journal must do while it runs, J1–J5 of `shard-log.ts`; restarts and snapshots have suites of their own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, collector, mail, signal, spawn, step, to, until } from '../fixtures/harness.ts';
import { type JournalSubject, type RunningJournal, SHARDS } from './subject.ts';

export const logSuite = (subject: JournalSubject): void => {
  describe(`${subject.name}: logs`, () => {
    let journal: RunningJournal;

    beforeEach(async () => {
      journal = await subject.start();
    });
    afterEach(() => journal.close());

    test('a new shard is empty', async () => {
      const found = await journal
        .client()
        .shard(0)
        .open(() => {});
      expect(found).toEqual({ actors: [], passive: 0, passiveTimers: [], deliveries: [], idMax: 0 });
    });

    test('an opening finds actors with state, history, the step in progress and unconsumed mail (J1, J2)', async () => {
      const client = journal.client();
      const log = client.shard(1);
      await log.open(() => {});
      await client.deliver(to(1, spawn(257), mail(257, 'a'), mail(257, 'b'), mail(257, { deep: [1, null, 'ü'] })));
      await log.append({
        entries: [step(257, 0, { taken: [1], state: { sum: 1 }, history: ['h1', 'h2'], open: true })],
        outgoing: [],
      });
      await log.append({ entries: [step(257, 1, { state: { sum: 2 }, history: ['h3'], open: true })], outgoing: [] });
      await log.append(
        { entries: [{ kind: 'begin', actor: 257, step: 2, taken: [2], key: 'model' }], outgoing: [] },
        'committed',
      );
      await log.append({
        entries: [
          { kind: 'effect', actor: 257, step: 2, key: 'model', result: { text: 'hi' } },
          { kind: 'begin', actor: 257, step: 2, taken: [2], key: 'tool' },
        ],
        outgoing: [],
      });
      const found = await journal
        .client()
        .shard(1)
        .open(() => {});
      expect(found.actors).toHaveLength(1);
      expect(found.actors[0]).toMatchObject({ step: 2, state: { sum: 2 }, history: ['h1', 'h2', 'h3'], open: true });
      expect(found.actors[0]?.record).toEqual(
        spawn(257).kind === 'spawn' ? (spawn(257) as { actor: unknown }).actor : 0,
      );
      expect(found.actors[0]?.begun?.taken).toEqual([2]);
      expect(found.actors[0]?.begun?.intents).toEqual(['tool']);
      expect([...(found.actors[0]?.begun?.effects ?? [])]).toEqual([['model', { text: 'hi' }]]);
      expect(found.deliveries).toEqual([
        { seq: 2, entry: mail(257, 'b') },
        { seq: 3, entry: mail(257, { deep: [1, null, 'ü'] }) },
      ]);
      expect(found.idMax).toBe(257);
    });

    test('a second spawn of an id is ignored, also after the actor stopped; idMax sees ids sent elsewhere', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(() => {});
      await client.deliver(to(0, spawn(256, 'first'), spawn(512, 'gone')));
      await log.append({
        entries: [step(512, 0, { stopped: true })],
        outgoing: [...to(0, spawn(256, 'second'), spawn(512, 'again')), ...to(2, spawn(1_024, 'elsewhere'))],
      });
      const found = await journal
        .client()
        .shard(0)
        .open(() => {});
      expect(found.actors.map(({ record }) => record.name)).toEqual(['first']);
      expect(found.idMax).toBe(1_024);
    });

    test('deliveries come once, in inbox order, from every sender, in batches (J3)', async () => {
      const owner = journal.client();
      const inbox = collector();
      await owner.shard(2).open(inbox.listener);
      const senders = [journal.client(), journal.client()];
      await Promise.all(
        senders.flatMap((client, sender) =>
          Array.from({ length: 200 }, (_, index) => client.deliver(to(2, mail(2, [sender, index])))),
        ),
      );
      const entries = await inbox.count(400);
      expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 400 }, (_, index) => index));
      for (const sender of [0, 1]) {
        const own = entries.flatMap(({ entry }) => {
          const body = entry.kind === 'mail' ? (entry.mail.body as [number, number]) : [-1, -1];
          return body[0] === sender ? [body[1]] : [];
        });
        expect(own).toEqual(Array.from({ length: 200 }, (_, index) => index));
      }
      expect(inbox.batches.length).toBeLessThan(200);
    });

    test('a step sends to its own and to other shards; what an opening found is not delivered again (J3)', async () => {
      const client = journal.client();
      const first = collector();
      await client.shard(0).open(first.listener);
      await client.deliver(to(1, mail(1, 'before')));
      const other = collector();
      const found = await client.shard(1).open(other.listener);
      expect(found.deliveries.map(({ seq }) => seq)).toEqual([0]);
      await client.shard(0).append({ entries: [], outgoing: [...to(0, mail(0, 'own')), ...to(1, signal(1, 'watch'))] });
      expect(await first.count(1)).toEqual([{ seq: 0, entry: mail(0, 'own') }]);
      expect(await other.count(1)).toEqual([{ seq: 1, entry: signal(1, 'watch') }]);
    });

    test('opening again fences the earlier owner, whose appends then change nothing (J4)', async () => {
      const zombie = journal.client();
      const old = collector();
      await zombie.shard(0).open(old.listener);
      await zombie.deliver(to(0, spawn(256), mail(256, 1)));
      await old.count(2);
      const next = journal.client();
      const fresh = collector();
      const before = await next.shard(0).open(fresh.listener);
      const refused = zombie
        .shard(0)
        .append({ entries: [step(256, 0, { taken: [1] })], outgoing: to(0, mail(256, 'z')) });
      expect(await codeOf(refused)).toBe('JOURNAL_FENCED');
      expect(await codeOf(zombie.shard(0).append({ entries: [], outgoing: [] }))).toBe('JOURNAL_FENCED');
      await zombie.deliver(to(0, mail(256, 2)));
      expect((await fresh.count(1))[0]?.seq).toBe(2);
      expect(old.entries).toHaveLength(2);
      expect(
        await journal
          .client()
          .shard(0)
          .open(() => {}),
      ).toEqual({
        ...before,
        deliveries: [...before.deliveries, { seq: 2, entry: mail(256, 2) }],
      });
    });

    test('mail cannot be consumed twice, nor before it came; the refused append and those behind it change nothing (J4)', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(() => {});
      await client.deliver(to(0, spawn(256), mail(256, 'only')));
      await log.append({ entries: [step(256, 0, { taken: [1], state: 'good' })], outgoing: [] });
      const twice = log.append({
        entries: [step(256, 1, { taken: [1], state: 'bad' })],
        outgoing: to(1, mail(1, 'x')),
      });
      const behind = log.append({ entries: [step(256, 2, { state: 'worse' })], outgoing: [] });
      expect([await codeOf(twice), await codeOf(behind)]).toEqual(['JOURNAL_POSITION', 'JOURNAL_POSITION']);
      const found = await log.open(() => {});
      expect(found.actors[0]?.state).toBe('good');
      expect(await codeOf(log.append({ entries: [step(256, 1, { taken: [0] })], outgoing: [] }))).toBe(
        'JOURNAL_POSITION',
      );
      await log.open(() => {});
      expect(await codeOf(log.append({ entries: [step(256, 1, { taken: [9] })], outgoing: [] }))).toBe(
        'JOURNAL_POSITION',
      );
      await journal.arrived();
      expect((await client.shard(1).open(() => {})).deliveries).toEqual([]);
      expect(await client.pending()).toBe(0);
    });

    test('an unknown shard or a value that cannot be packed is refused and the log goes on', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(() => {});
      expect(await codeOf(client.deliver(to(SHARDS, mail(1, 1))))).toBe('MESSAGE_INVALID');
      const unpackable = log.append({ entries: [step(256, 0, { state: () => 1 })], outgoing: [] });
      expect(await codeOf(unpackable)).toBe('MESSAGE_NOT_CLONEABLE');
      expect(await codeOf(log.append({ entries: [], outgoing: [] }))).toBe('resolved');
    });

    test('pending is unconsumed mail and signals plus open turns (J5)', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(() => {});
      const counts: number[] = [];
      const count = async (): Promise<void> => {
        counts.push(await client.pending());
      };
      await count();
      await client.deliver(to(0, spawn(256), mail(256, 1), signal(256, 's')));
      await count();
      await log.append({ entries: [step(256, 0, { taken: [1], open: true })], outgoing: [] });
      await count();
      await log.append({ entries: [step(256, 1, { taken: [2], open: true })], outgoing: to(1, mail(9, 'out')) });
      await count();
      await log.append({ entries: [step(256, 2)], outgoing: [] });
      await count();
      await log.append({ entries: [step(256, 3, { open: true })], outgoing: to(0, signal(256, 'handled')) });
      await count();
      // Mail that an actor does not take leaves its open turn alone.
      await log.append({
        entries: [{ kind: 'drop', actor: 256, taken: [3], reason: 'handled', stopped: false }],
        outgoing: [],
      });
      await count();
      await log.append({
        entries: [{ kind: 'drop', actor: 256, taken: [], reason: 'stopped', stopped: true }],
        outgoing: [],
      });
      await count();
      await journal.arrived();
      const other = client.shard(1);
      await other.open(() => {});
      await other.append({
        entries: [{ kind: 'drop', actor: 9, taken: [0], reason: 'no such actor', stopped: false }],
        outgoing: [],
      });
      await count();
      expect(counts).toEqual([0, 2, 2, 2, 1, 3, 2, 1, 0]);
    });

    test('quiet is told at first when it is, and once per fall to 0 (J5)', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(() => {});
      const epochs: number[] = [];
      client.onQuiet((epoch) => epochs.push(epoch));
      await until(() => epochs.length === 1, 'the first quiet');
      await client.deliver(to(0, spawn(256), mail(256, 1), mail(256, 2)));
      await log.append({ entries: [step(256, 0, { taken: [1] })], outgoing: [] });
      await client.pending();
      expect(epochs).toHaveLength(1);
      // Consumes the last mail and sends another: never quiet in between.
      await log.append({ entries: [step(256, 1, { taken: [2] })], outgoing: to(0, mail(256, 3)) });
      await client.pending();
      expect(epochs).toHaveLength(1);
      await log.append({ entries: [step(256, 2, { taken: [3], open: true })], outgoing: [] });
      await client.pending();
      expect(epochs).toHaveLength(1);
      await log.append({ entries: [step(256, 3)], outgoing: [] });
      await until(() => epochs.length === 2, 'the second quiet');
      await log.append({ entries: [step(256, 4)], outgoing: [] });
      await client.pending();
      expect(epochs).toHaveLength(2);
      expect(epochs[1]).toBeGreaterThan(epochs[0] ?? Infinity);
    });

    test('a listener that comes while mail is pending is not called before it is consumed', async () => {
      const client = journal.client();
      await client.deliver(to(0, mail(256, 1)));
      const epochs: number[] = [];
      client.onQuiet((epoch) => epochs.push(epoch));
      await client.pending();
      expect(epochs).toEqual([]);
      await client.shard(0).open(() => {});
      await client.shard(0).append({
        entries: [{ kind: 'drop', actor: 256, taken: [0], reason: 'nobody', stopped: false }],
        outgoing: [],
      });
      await until(() => epochs.length === 1, 'quiet');
    });

    test('a port that closes takes nothing along: its mail waits for the next owner', async () => {
      const { client, disconnect } = journal.clientWithPort();
      await client.shard(0).open(() => {});
      await client.deliver(to(0, spawn(256)));
      const sender = journal.client();
      disconnect();
      expect(await codeOf(client.pending())).toBe('SYSTEM_STOPPED');
      await sender.deliver(to(0, mail(256, 'late')));
      const found = await sender.shard(0).open(() => {});
      expect(found.actors).toHaveLength(1);
      expect(found.deliveries).toHaveLength(1);
    });

    test('every pending request settles when the port closes', async () => {
      const { client, disconnect } = journal.clientWithPort();
      const pending = [client.pending(), client.shard(0).open(() => {}), client.deliver(to(0, mail(1, 1)))];
      disconnect();
      expect(await Promise.all(pending.map(codeOf))).toEqual(['SYSTEM_STOPPED', 'SYSTEM_STOPPED', 'SYSTEM_STOPPED']);
    });

    test('appends of one owner are stored in the order of the calls', async () => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(() => {});
      await client.deliver(to(0, spawn(256)));
      await Promise.all(
        Array.from({ length: 300 }, (_, index) =>
          log.append(
            { entries: [step(256, index, { history: [index] })], outgoing: [] },
            index % 3 === 0 ? 'committed' : undefined,
          ),
        ),
      );
      const found = await client.shard(0).open(() => {});
      expect(found.actors[0]?.history).toEqual(Array.from({ length: 300 }, (_, index) => index));
      expect(found.actors[0]?.step).toBe(300);
    });

    test('closing a client waits for what it wrote and refuses what comes later', async () => {
      const client = journal.client();
      const delivered = client.deliver(to(0, mail(1, 'last')));
      await client.close();
      await delivered;
      expect(await codeOf(client.pending())).toBe('SYSTEM_STOPPED');
      expect(
        (
          await journal
            .client()
            .shard(0)
            .open(() => {})
        ).deliveries,
      ).toHaveLength(1);
    });
  });
};
