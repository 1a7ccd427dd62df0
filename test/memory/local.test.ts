import { describe, expect, test } from 'vitest';
import { EmbedderQueue } from '../../src/memory/embedder-queue.ts';
import { createMemoryStore, Memory, startLocalEmbedder } from '../../src/memory/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { memoryOf } from './support.ts';

test('the local embedder finds by meaning, without a network', async () => {
  const embedder = startLocalEmbedder();
  const memory = await Memory.open({ store: createMemoryStore(), embedder });
  const texts = [
    'The harbour closes at nine in the evening.',
    'Bread is baked before sunrise.',
    'Bob repairs bicycles.',
  ];
  await memory.add([...texts.map((text) => memoryOf('a', text)), memoryOf('a', '…')], { effectId: null });
  await memory.embedded();
  expect(memory.stats().embedding).toMatchObject({ model: 'local:use-lite-512', dimensions: 512, embedded: 4 });
  const query = 'Until when may ships enter port?';
  const { memories, meaning } = await memory.recall({ scopes: ['a'], query, meaningWaitMs: 60_000 });
  expect(meaning).toBe('used');
  expect(memories[0]).toMatchObject({ text: texts[0], words: null });
  await memory.close();
  await expect(embedder.embed(['late'], { signal: new AbortController().signal, urgent: false })).rejects.toMatchObject(
    {
      code: 'EMBEDDER_STOPPED',
    },
  );
});

describe('the queue of an embedder', () => {
  const vectors = (texts: readonly string[]): Float32Array[] => texts.map((text) => Float32Array.of(text.length));

  test('queries go before what can wait, in batches; an abort ends the waiting', async () => {
    const order: string[] = [];
    const held = Promise.withResolvers<void>();
    const model = {
      model: 'm',
      embed: async (texts: readonly string[]): Promise<Float32Array[]> => {
        order.push(texts.join(' '));
        await held.promise;
        return vectors(texts);
      },
    };
    const queue = new EmbedderQueue(() => Promise.resolve(model), systemClock);
    const long = queue.embed(
      Array.from({ length: 20 }, (_, at) => `n${at}`),
      false,
    );
    const stop = new AbortController();
    const given = queue.embed(['given up'], false, stop.signal);
    const query = queue.embed(['query'], true);
    await expect.poll(() => order.length).toBe(1);
    stop.abort();
    await expect(given).rejects.toMatchObject({ code: 'ABORTED' });
    held.resolve();
    expect(await query).toEqual([Float32Array.of(5)]);
    expect(await long).toHaveLength(20);
    expect(order).toEqual(['n0 n1 n2 n3 n4 n5 n6 n7', 'query', 'n8 n9 n10 n11 n12 n13 n14 n15', 'n16 n17 n18 n19']);
  });

  test('V5 it is bounded, and a model that fails fails its requests alone', async () => {
    let isBroken = true;
    const load = async (): Promise<{ model: string; embed: (texts: readonly string[]) => Promise<Float32Array[]> }> => {
      if (isBroken) throw new Error('broken');
      return { model: 'm', embed: async (texts) => vectors(texts) };
    };
    const queue = new EmbedderQueue(load, systemClock);
    const asked = Array.from({ length: 257 }, () => queue.embed(['a'], false));
    const [first, ...others] = await Promise.allSettled(asked);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'EMBEDDER_FAILED' } });
    expect(others.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'EMBEDDER_BUSY' } });
    isBroken = false;
    expect(await queue.embed(['abc'], false)).toEqual([Float32Array.of(3)]);
    expect(await queue.embed([], false)).toEqual([]);
  });
});
