import { describe, expect, test } from 'vitest';
import { createMemoryStore, Memory, type MemoryOptions } from '../../src/memory/index.ts';
import { memoryOf, openStore, temporaryDirectory, WordEmbedder } from './support.ts';

const ONCE = { effectId: null };

const open = (options: Partial<MemoryOptions> = {}): Promise<Memory> =>
  Memory.open({ store: createMemoryStore(), ...options });

const texts = async (memory: Memory, scopes: readonly string[], query: string, more = {}): Promise<string[]> => {
  const { memories } = await memory.recall({ scopes, query, ...more });
  return memories.map(({ text }) => text);
};

describe('memory', () => {
  test('what was added is found at once, best first, with who, when and what kind', async () => {
    const memory = await open();
    await memory.add([memoryOf('a', 'The harbour closes at nine'), memoryOf('a', 'The market opens at six')], ONCE);
    const done = memoryOf('a', 'Wrote src/harbour.ts', { kind: 'done', agent: 'Bob', when: 77, at: 3 });
    const { ids } = await memory.add([done], ONCE);
    const { memories, meaning } = await memory.recall({ scopes: ['a'], query: 'harbour.ts in src/harbour.ts?' });
    expect(memories[0]).toMatchObject({ id: ids[0], text: done.text, kind: 'done', agent: 'Bob', when: 77, count: 1 });
    expect(memories).toHaveLength(2);
    expect(meaning).toBe('off');
    await memory.close();
    await expect(memory.recall({ scopes: ['a'], query: 'x' })).rejects.toMatchObject({ code: 'SYSTEM_STOPPED' });
  });

  test('R2 a recall sees the scopes it names and no other, whatever their names', async () => {
    const memory = await open();
    const names = ['agent/Ada', 'agent/Ada2', 'agent/Ada/x', 'agent', 'a%2Fb', 'a/b', 'run', 'é'];
    await memory.add(
      names.map((name) => memoryOf(name, `the secret of ${names.indexOf(name)}`)),
      ONCE,
    );
    for (const [at, name] of names.entries())
      expect(await texts(memory, [name], 'secret')).toEqual([`the secret of ${at}`]);
    expect(await texts(memory, ['run', 'a/b', 'run'], 'secret', { k: 9 })).toHaveLength(2);
    expect(await texts(memory, ['nobody'], 'secret')).toEqual([]);
    await expect(memory.recall({ scopes: [''], query: 'x' })).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    await expect(memory.add([memoryOf('x'.repeat(201), 'a')], ONCE)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
  });

  test('R4 nothing is given that is to be left out: by id, or of the own recent past', async () => {
    const memory = await open();
    const { ids } = await memory.add(
      Array.from({ length: 6 }, (_, at) => memoryOf('a', `fish number n${at} arrived`, { at: at * 2 })),
      ONCE,
    );
    await memory.add([memoryOf('a', 'fish of Bob arrived', { agent: 'Bob', at: 99 })], ONCE);
    const exclude = [ids[0] ?? ''];
    const found = await texts(memory, ['a'], 'fish', { k: 9, exclude, before: { agent: 'Ada', at: 6 } });
    expect(found.sort()).toEqual(['fish number n1 arrived', 'fish number n2 arrived', 'fish of Bob arrived']);
  });

  test('near-duplicates are one memory, the newest, and count', async () => {
    const memory = await open();
    const say = async (text: string): Promise<unknown> => memory.add([memoryOf('a', text)], ONCE);
    await say('The depot is full.');
    await texts(memory, ['a'], 'depot');
    await say('the depot is FULL');
    await say('The depot is not full');
    const { memories } = await memory.recall({ scopes: ['a'], query: 'depot full' });
    expect(Object.fromEntries(memories.map(({ text, count }) => [text, count]))).toEqual({
      'The depot is not full': 1,
      'the depot is FULL': 2,
    });
    expect(memory.stats()).toMatchObject({ added: 3, merged: 1 });
  });

  test('recency is an option', async () => {
    const memory = await open();
    await memory.add(
      [memoryOf('a', 'the price of fish fish', { when: 1 }), memoryOf('a', 'one price of some fish', { when: 2 })],
      ONCE,
    );
    expect((await texts(memory, ['a'], 'price fish'))[0]).toBe('the price of fish fish');
    expect((await texts(memory, ['a'], 'price fish', { recency: { weight: 2 } }))[0]).toBe('one price of some fish');
  });

  test('a text without words is kept, one without anything is not', async () => {
    const memory = await open();
    expect((await memory.add([memoryOf('a', '…'), memoryOf('a', '  ')], ONCE)).ids).toEqual(['a#0', null]);
    expect(await texts(memory, ['a'], '…')).toEqual([]);
    expect(await texts(memory, ['a'], '')).toEqual([]);
  });
});

describe('the store', () => {
  test('R1, R3 everything is there after a restart, and an effect id has acted once', async () => {
    const run = temporaryDirectory();
    let opened = await openStore(run);
    let memory = await open({ store: opened.store });
    const effect = { effectId: 'Ada/1/remember' };
    const first = await memory.add(
      [memoryOf('a', 'The harbour closes at nine'), memoryOf('b', 'Bob was here')],
      effect,
    );
    expect(await memory.add([memoryOf('a', 'The harbour closes at nine'), memoryOf('b', 'x')], effect)).toEqual(first);
    await memory.add([memoryOf('a', 'The market opens at six')], ONCE);
    // No close: as if the process had been killed.
    await opened.close();
    opened = await openStore(run);
    memory = await open({ store: opened.store });
    expect(memory.stats().loadedScopes).toBe(0);
    expect(await memory.add([memoryOf('a', 'again'), memoryOf('b', 'again')], effect)).toEqual(first);
    expect(await texts(memory, ['a'], 'harbour market again')).toEqual([
      'The market opens at six',
      'The harbour closes at nine',
    ]);
    expect(await texts(memory, ['b'], 'Bob again x')).toEqual(['Bob was here']);
    const { ids } = await memory.add([memoryOf('a', 'The last')], ONCE);
    expect(await texts(memory, ['a'], 'last')).toEqual(['The last']);
    expect(new Set([...first.ids, ...ids]).size).toBe(3);
  });

  test('what is added while a scope is read, or without reading it, is found (S5)', async () => {
    const store = createMemoryStore();
    const before = await open({ store });
    await before.add(
      Array.from({ length: 2_500 }, (_, at) => memoryOf('a', `fish number n${at}`)),
      ONCE,
    );
    const memory = await open({ store });
    await memory.add([memoryOf('a', 'whale one')], ONCE);
    const reading = memory.recall({ scopes: ['a'], query: 'n2499' });
    const adding = memory.add([memoryOf('a', 'whale two')], ONCE);
    expect((await reading).memories[0]?.text).toBe('fish number n2499');
    await adding;
    expect(await texts(memory, ['a'], 'whale')).toHaveLength(2);
  });

  test('R5 a full scope drops its oldest, in memory and in the store', async () => {
    const store = createMemoryStore();
    const limits = { scopeMemoriesMax: 10 };
    const memory = await open({ store, limits });
    for (let at = 0; at < 25; at += 1) {
      await memory.add([memoryOf('a', `fish number n${at}`)], ONCE);
      if (at === 12) await texts(memory, ['a'], 'fish');
    }
    const expected = Array.from({ length: 10 }, (_, at) => `fish number n${at + 15}`);
    expect((await texts(memory, ['a'], 'fish', { k: 50 })).sort()).toEqual(expected);
    const again = await open({ store, limits });
    expect((await texts(again, ['a'], 'fish', { k: 50 })).sort()).toEqual(expected);
    expect(await store.range('m/', 'm0')).toHaveLength(10);
    expect(memory.stats().dropped).toBe(15);
  });

  test('S6 scopes leave memory when others need the room, and come back', async () => {
    const memory = await open({ limits: { residentBytesMax: 200_000 } });
    const names = Array.from({ length: 30 }, (_, at) => `agent/A${at}`);
    for (const name of names) {
      await memory.add(
        Array.from({ length: 50 }, (_, at) => memoryOf(name, `${name} saw fish number n${at}`)),
        ONCE,
      );
      expect(await texts(memory, [name], 'n7')).toEqual([`${name} saw fish number n7`]);
    }
    expect(memory.stats().loadedScopes).toBeLessThan(20);
    for (const name of names) expect((await texts(memory, [name], 'n49'))[0]).toBe(`${name} saw fish number n49`);
    expect(memory.stats().loadedScopes).toBeLessThan(20);
  });

  test('S6 vectors count when they come, not with the next memory of their scope', async () => {
    const embedder = new WordEmbedder('words-a', 4_096);
    const memory = await open({ embedder, limits: { residentBytesMax: 1_200_000 } });
    const wait = { meaningWaitMs: 10_000 };
    for (const name of ['small', 'large']) await memory.add([memoryOf(name, `${name} fish`)], ONCE);
    await memory.embedded();
    for (const name of ['small', 'large']) await texts(memory, [name], 'fish', wait);
    expect(memory.stats().loadedScopes).toBe(2);
    const held = Promise.withResolvers<void>();
    embedder.gate = held.promise;
    await memory.add(
      Array.from({ length: 60 }, (_, at) => memoryOf('large', `fish n${at}`)),
      ONCE,
    );
    expect(memory.stats().loadedScopes).toBe(2);
    held.resolve();
    await memory.embedded();
    expect(memory.stats().loadedScopes).toBe(1);
    await memory.close();
  });
});
