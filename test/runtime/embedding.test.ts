/** A system in somebody else's process: signals, several systems, and nothing left when it has stopped. */
import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { defineActor } from '../../src/actor/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { counter, relay } from './fixtures/actors.ts';
import type { EmbeddingReport } from './fixtures/embedding-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'megactor-embedding-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('E1 a signal of the embedding program', () => {
  test('aborted before the start: nothing is started', async () => {
    const journal = join(folder, 'never');
    const signal = AbortSignal.abort();
    await expect(ActorSystem.start({ journal, signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(existsSync(journal)).toBe(false);
  });

  test('aborted during the start: what was started is stopped, and its journal is free', async () => {
    const journal = { directory: join(folder, 'early'), durability: 'committed' } as const;
    const controller = new AbortController();
    const start = ActorSystem.start({ threads: 1, shards: 2, journal, signal: controller.signal });
    controller.abort();
    await expect(start).rejects.toMatchObject({ code: 'ABORTED' });
    expect(listeners(controller.signal)).toBe(0);
    await using again = await ActorSystem.start({ threads: 1, shards: 2, journal });
    expect(again.stats().hosts).toBe(1);
  });

  test('aborted later: the system stops, and does not listen any more', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const system = await ActorSystem.start({ threads: 1, shards: 1, signal });
    const ref = await system.spawn(counter, 0);
    const watched = system.watch(ref);
    expect(listeners(signal)).toBe(1);
    controller.abort();
    await expect(ref.ask('total')).rejects.toMatchObject({ code: 'SYSTEM_STOPPED' });
    await system.stop();
    await watched;
    expect(listeners(signal)).toBe(0);
  });

  test('a system that was stopped does not listen, whatever becomes of the signal', async () => {
    const { signal } = new AbortController();
    const system = await ActorSystem.start({ threads: 1, shards: 1, signal });
    await system.stop();
    expect(listeners(signal)).toBe(0);
  });

  test('ends the waiting of an ask and of a watch at once, and nothing else', async () => {
    await using system = await ActorSystem.start({ threads: 1, shards: 1 });
    const ref = await system.spawn(counter, 3);
    const controller = new AbortController();
    const { signal } = controller;
    const asked = [ref.ask('hang', undefined, { signal }), system.watch(ref, { signal })];
    const both = system.watch(ref);
    expect(listeners(signal)).toBe(2);
    const settled = Promise.allSettled(asked);
    controller.abort();
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    }
    expect(listeners(signal)).toBe(0);
    await expect(ref.ask('total', undefined, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(system.watch(ref, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    const other = await system.spawn(counter, 4);
    const { signal: quiet } = new AbortController();
    expect(await other.ask('total', undefined, { signal: quiet })).toBe(4);
    expect(listeners(quiet)).toBe(0);
    // The handler that hangs is not ended by who asked; the actor is, by its system.
    await system.stop({ deadlineMs: 50 });
    expect(await both).toBe('the system was stopped');
  });
});

test('E2 several systems in one process know nothing of each other', async () => {
  const journal = (name: string) => ({ directory: join(folder, name), durability: 'committed' }) as const;
  const [a, b, c] = await Promise.all([
    ActorSystem.start({ threads: 1, shards: 2, journal: journal('a') }),
    ActorSystem.start({ threads: 2, shards: 4, journal: journal('b') }),
    ActorSystem.start({ threads: 1, shards: 1 }),
  ]);
  try {
    await expect(ActorSystem.start({ shards: 2, journal: journal('a') })).rejects.toMatchObject({
      code: 'RUN_DIR_IN_USE',
    });
    const inA = await a.spawn(counter, 1, { name: 'same', durable: true });
    const inB = await b.spawn(counter, 2, { name: 'same', durable: true });
    const inC = await c.spawn(counter, 3, { name: 'same' });
    // From one to the other goes what the embedding program carries.
    const sum = (await inA.ask('total')) + (await inB.ask('total'));
    inC.tell('add', sum);
    expect(await inC.ask('total')).toBe(6);
    await a.stop();
    await expect(inA.ask('total')).rejects.toMatchObject({ code: 'SYSTEM_STOPPED' });
    expect(await inB.ask('total')).toBe(2);
    inB.tell('add', 5);
    expect(await (await b.spawn(relay, undefined)).ask('askTotal', inB)).toBe(7);
    // Its directory is free, and holds what was in it, while the others go on.
    await using again = await ActorSystem.start({ threads: 1, shards: 2, journal: journal('a') });
    expect(await (await again.lookup<(typeof counter)['messages']>('same'))?.ask('total')).toBe(1);
    expect(await inC.ask('total')).toBe(6);
  } finally {
    await Promise.all([a.stop(), b.stop(), c.stop()]);
  }
});

describe('what cannot work says what to do', () => {
  test('a module of an actor that starts a system', async () => {
    const { idle, system } = await import('./fixtures/starts-a-system.ts');
    try {
      await expect(system.spawn(idle, undefined)).rejects.toMatchObject({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining('starts-a-system cannot be imported') as string,
        hint: expect.stringContaining('isMainThread') as string,
      });
    } finally {
      await system.stop();
    }
  });

  test('a definition without a URL, as in CommonJS', () => {
    const url = undefined as unknown as string;
    expect(() => defineActor(url, 'nobody', { state: () => null, messages: {}, receive: {} })).toThrow(
      expect.objectContaining({
        code: 'DEFINITION_INVALID',
        hint: expect.stringContaining('format=esm') as string,
      }) as Error,
    );
  });

  test('threads whose programs are not there', async () => {
    const nowhere = new URL('./fixtures/nothing.ts', import.meta.url);
    const hint = expect.stringContaining('megactor/host-entry') as string;
    const refused = { code: 'CONFIG_INVALID', hint };
    await expect(ActorSystem.start({ hostEntry: nowhere })).rejects.toMatchObject(refused);
    const services = [{ name: 'echo', module: new URL('./fixtures/echo-service.ts', import.meta.url).href }];
    await expect(ActorSystem.start({ services, serviceEntry: nowhere })).rejects.toMatchObject(refused);
  });

  test('a service under another name than the module exports', async () => {
    const module = new URL('./fixtures/echo-service.ts', import.meta.url).href;
    const services = [{ name: 'echo', module, export: 'createEcho' }];
    await expect(ActorSystem.start({ threads: 1, services })).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringContaining('exports no createEcho') as string,
    });
  });
});

test('E3 nothing is left of a system that has stopped, and the process ends by itself', async () => {
  const program = join(import.meta.dirname, 'fixtures/embedding-process.ts');
  const words = ['--disable-warning=ExperimentalWarning', program, join(folder, 'left'), '3'];
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: 120_000 });
  const { before, during, after } = JSON.parse(stdout) as EmbeddingReport;
  // What is counted is there while a system runs.
  expect(during.threads).toBeGreaterThan(before.threads);
  expect(during.files).toBeGreaterThan(before.files);
  expect(during.listeners).toEqual(before.listeners);
  expect({ resources: after.resources, listeners: after.listeners }).toEqual({
    resources: before.resources,
    listeners: before.listeners,
  });
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  expect(after.files).toBeLessThanOrEqual(before.files);
});
