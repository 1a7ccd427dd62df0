/** What the tables of services must do in every journal. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf } from '../fixtures/harness.ts';
import type { JournalSubject, RunningJournal } from './subject.ts';

export const storeSuite = (subject: JournalSubject): void => {
  describe(`${subject.name}: stores`, () => {
    let journal: RunningJournal;

    beforeEach(async () => {
      journal = await subject.start();
    });
    afterEach(() => journal.close());

    test('an effect id acts once, a repeat gets the kept result (D3)', async () => {
      const store = journal.client().store('roster');
      const commit = (value: number): Promise<unknown> =>
        store.commit({ effectId: 'Boss/1/hire', result: { value }, changes: [{ key: 'a', value }] });
      expect(await Promise.all([commit(1), commit(2), commit(3)])).toEqual([{ value: 1 }, { value: 1 }, { value: 1 }]);
      expect(await commit(4)).toEqual({ value: 1 });
      expect(await store.get('a')).toBe(1);
      expect(await store.result('Boss/1/hire')).toEqual({ result: { value: 1 } });
      expect(await store.result('Boss/2/hire')).toBeUndefined();
      expect(await journal.client().store('other').get('a')).toBeUndefined();
    });

    test('ranges are in key order and bounded; a change without a value removes', async () => {
      const client = journal.client();
      const store = client.store('s');
      const put = (key: string, value: unknown): Promise<unknown> =>
        store.commit({ effectId: null, result: null, changes: [{ key, value }] });
      await Promise.all(['b', 'é', 'a', 'c', 'aa'].map((key) => put(key, key.toUpperCase())));
      await client.store('s2').commit({ effectId: null, result: null, changes: [{ key: 'b', value: 'other' }] });
      await put('c', undefined);
      expect(await store.range('', '\u{10FFFF}')).toEqual([
        ['a', 'A'],
        ['aa', 'AA'],
        ['b', 'B'],
        ['é', 'É'],
      ]);
      expect(await store.range('aa', 'b')).toEqual([['aa', 'AA']]);
      expect(await codeOf(put('k'.repeat(3_000), 1))).toBe('MESSAGE_INVALID');
    });

    test.runIf(subject.durable)(
      'values and results are there after a restart, and a repeat still changes nothing (D3)',
      async () => {
        const commit = (value: number): Promise<unknown> =>
          journal
            .client()
            .store('s')
            .commit({ effectId: 'a/1/k', result: value, changes: [{ key: 'a', value }] });
        expect(await commit(1)).toBe(1);
        await journal.restart();
        expect(await commit(2)).toBe(1);
        expect(await journal.client().store('s').get('a')).toBe(1);
        expect(await journal.client().store('s').result('a/1/k')).toEqual({ result: 1 });
      },
    );
  });
};
