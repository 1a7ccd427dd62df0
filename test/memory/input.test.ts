/** A memory in somebody else's program: what it is given wrongly is named, and is no defect of ours. */
import { expect, test } from 'vitest';
import { createMemoryStore, Memory } from '../../src/memory/index.ts';

const GOOD = { scope: 'a', text: 'The harbour closes.', when: 1, kind: 'said', agent: 'me' } as const;

test('options that are missing or wrong are named', async () => {
  const store = createMemoryStore();
  for (const options of [undefined, {}, { store: {} }, { store, embedder: {} }, { store, directory: 5 }]) {
    await expect(Memory.open(options as never)).rejects.toMatchObject({ code: 'USAGE' });
  }
});

test('memories and questions that are none are refused, and nothing of them is kept', async () => {
  let after: Memory;
  {
    await using memory = await Memory.open({ store: createMemoryStore() });
    const wrong: unknown[] = [{ scope: '' }, { text: 5 }, { when: 'now' }, { kind: 'felt' }, { agent: null }];
    for (const memories of [undefined, [null], ...wrong.map((one) => [GOOD, { ...GOOD, ...(one as object) }])]) {
      await expect(memory.add(memories as never)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    }
    for (const ask of [undefined, {}, { scopes: ['a'] }, { scopes: [5], query: 'x' }, { query: 'x' }]) {
      await expect(memory.recall(ask as never)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    }
    expect((await memory.recall({ scopes: ['a'], query: 'harbour' })).memories).toEqual([]);
    // An effect id is for those who may have to repeat themselves.
    await memory.add([GOOD]);
    expect((await memory.recall({ scopes: ['a'], query: 'harbour' })).memories).toHaveLength(1);
    after = memory;
  }
  const closed = { code: 'SYSTEM_STOPPED', hint: 'Open it again.' };
  await expect(after.recall({ scopes: ['a'], query: 'harbour' })).rejects.toMatchObject(closed);
});
