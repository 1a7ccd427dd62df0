/** Where a damaged journal is cut (U1 to U4), over random histories without a store. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cut, type CutShard, cutOf, type ReadMarks } from '../../../src/journal/repair/cut.ts';

interface History {
  readonly shards: readonly { readonly appends: ReadMarks[]; inbox: number }[];
}

const SHARDS = 3;

/** Steps of three shards in one order of time; each takes some of what waits and sends. */
const histories = fc
  .array(
    fc.record({
      shard: fc.nat(SHARDS - 1),
      take: fc.nat(3),
      sends: fc.array(fc.nat(SHARDS - 1), { maxLength: 3 }),
    }),
    { maxLength: 60 },
  )
  .map((moves): History => {
    const shards = Array.from({ length: SHARDS }, () => ({
      appends: [] as ReadMarks[],
      inbox: 1,
      waiting: [0] as number[],
    }));
    for (const { shard, take, sends } of moves) {
      const own = shards[shard];
      if (own === undefined) continue;
      const taken = own.waiting.splice(0, take);
      const sent = sends.flatMap((to) => {
        const target = shards[to];
        if (target === undefined) return [];
        target.waiting.push(target.inbox);
        target.inbox += 1;
        return [to, target.inbox - 1, 0, 0];
      });
      own.appends.push({ taken, sent });
    }
    return { shards };
  });

/** Damage: from where on the log and the inbox of each shard cannot be read. */
const damages = fc.array(fc.record({ log: fc.nat(25), inbox: fc.nat(25) }), { minLength: SHARDS, maxLength: SHARDS });

const shardsOf = (history: History, damage: readonly Cut[]): CutShard[] =>
  history.shards.map(({ appends, inbox }, shard) => {
    const lost = damage[shard]?.log ?? 0;
    return {
      inboxFirst: 0,
      logFirst: 0,
      logFloor: 0,
      inbox: Math.min(inbox, damage[shard]?.inbox ?? 0),
      appends: appends.slice(0, lost),
      stray: appends.slice(lost + 1),
      // What the one append that cannot be read sent to this shard is known by its sender only.
      orphans: history.shards.flatMap((other, from) => {
        const unread = other.appends[damage[from]?.log ?? 0];
        return pairs(unread?.sent ?? [])
          .filter(([to]) => to === shard)
          .map(([, seq]) => seq);
      }),
      users: appends.length > 0 ? [{ seq: 0, append: 0 }] : [],
    };
  });

const pairs = (sent: readonly number[]): [number, number][] =>
  Array.from({ length: sent.length / 4 }, (_, index) => [sent[4 * index] ?? 0, sent[4 * index + 1] ?? 0]);

/** What is wrong with a cut of a whole history. */
const faultsOf = (history: History, cuts: readonly Readonly<Cut>[]): string[] =>
  history.shards.flatMap(({ appends }, shard) =>
    appends.flatMap(({ taken, sent }, position) => {
      const kept = position < (cuts[shard]?.log ?? 0);
      return [
        ...(kept && taken.some((seq) => seq >= (cuts[shard]?.inbox ?? 0)) ? ['U1'] : []),
        ...pairs(sent).flatMap(([to, seq]) => {
          const arrives = seq < (cuts[to]?.inbox ?? 0);
          return arrives && !kept ? ['U2'] : kept && !arrives ? ['U3'] : [];
        }),
      ];
    }),
  );

test('U1 U2 U3: what is kept took, sent and got only what is kept', () => {
  fc.assert(
    fc.property(histories, damages, (history, damage) => {
      const shards = shardsOf(history, damage);
      const cuts = cutOf(shards);
      expect(faultsOf(history, cuts)).toEqual([]);
      for (const [shard, { inbox, appends }] of shards.entries()) {
        expect(cuts[shard]?.inbox).toBeLessThanOrEqual(inbox);
        expect(cuts[shard]?.log).toBeLessThanOrEqual(appends.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('U4: without damage nothing is cut, and no single position more could be kept', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const whole = history.shards.map(() => ({ log: Infinity, inbox: Infinity }));
      const cuts = cutOf(shardsOf(history, whole));
      expect(cuts).toEqual(history.shards.map(({ appends, inbox }) => ({ inbox, log: appends.length })));
    }),
  );
});

test('canary: shards that are cut each for themselves are caught within 50 histories', () => {
  const caught = fc.check(
    fc.property(histories, damages, (history, damage) => {
      const alone = shardsOf(history, damage).map(({ inbox, appends }) => ({ inbox, log: appends.length }));
      return faultsOf(history, alone).length === 0;
    }),
    { numRuns: 50 },
  );
  expect(caught.failed).toBe(true);
});
