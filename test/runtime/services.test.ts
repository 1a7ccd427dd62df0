import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventRecord } from '../../src/protocol/event.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { relay } from './fixtures/actors.ts';

const module = new URL('./fixtures/echo-service.ts', import.meta.url).href;

describe('services', () => {
  let system: ActorSystem;
  const notes: [string, unknown][] = [];
  const events: EventRecord[] = [];

  beforeAll(async () => {
    system = await ActorSystem.start({
      threads: 1,
      shards: 1,
      journal: { directory: null, durability: 'none' },
      services: [
        { name: 'first', module, options: { friend: 'second' } },
        { name: 'second', module, thread: 'shared', options: { friend: 'third' } },
        { name: 'third', module, thread: 'shared' },
        { name: 'stored', module, thread: 'journal' },
      ],
      onServiceMessage: (service, message) => notes.push([service, message]),
      onEvent: (event) => events.push(event),
    });
  });
  afterAll(async () => {
    await system.stop();
    expect(notes.filter(([, note]) => note === 'closed').map(([service]) => service)).toHaveLength(4);
  });

  test('are called from the main thread, from actors and from each other', async () => {
    expect(await system.callService('first', 'echo', [1], { effectId: 'a/0/x' })).toEqual({
      args: [1],
      caller: '',
      effectId: 'a/0/x',
    });
    const actor = await system.spawn(relay, undefined, { name: 'asker' });
    expect(await actor.ask('service', { name: 'second', method: 'echo', args: 2 })).toMatchObject({ caller: 'asker' });
    expect(await system.callService('first', 'friend', 3)).toMatchObject({ args: 3 });
    expect(await system.callService('second', 'friend', 4)).toMatchObject({ args: 4 });
  });

  test('fail with their own codes, or as SERVICE_FAILED, SERVICE_UNKNOWN and SERVICE_TIMEOUT', async () => {
    const call = (name: string, method: string, options = {}): Promise<unknown> =>
      system.callService(name, method, 'x', options);
    await expect(call('first', 'refuse')).rejects.toMatchObject({ code: 'MODEL_QUOTA', details: { left: 0 } });
    await expect(call('first', 'breaks')).rejects.toMatchObject({ code: 'SERVICE_FAILED', message: 'a defect' });
    await expect(call('first', 'unsendable')).rejects.toMatchObject({ code: 'MESSAGE_NOT_CLONEABLE' });
    await expect(call('nobody', 'echo')).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' });
    await expect(call('first', 'toString')).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' });
    await expect(call('first', 'never', { deadlineMs: 30 })).rejects.toMatchObject({ code: 'SERVICE_TIMEOUT' });
    const unsendable = system.callService('first', 'echo', () => 1);
    await expect(unsendable).rejects.toMatchObject({ code: 'MESSAGE_NOT_CLONEABLE' });
  });

  test('see that their caller gave up', async () => {
    const controller = new AbortController();
    const call = system.callService('third', 'never', 'given up', { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    await expect.poll(() => system.callService('third', 'aborted', null)).toEqual(['given up']);
  });

  test('send messages and events to the main thread, and keep a table in the journal', async () => {
    await system.callService('first', 'tellMain', 'hello');
    await expect.poll(() => notes).toContainEqual(['first', 'hello']);
    await expect.poll(() => events.filter((event) => event.type === 'tool')).toMatchObject([{ words: 'hello' }]);
    for (const name of ['first', 'stored']) {
      await system.callService(name, 'put', 5);
      expect(await system.callService(name, 'get', null)).toBe(5);
    }
  });

  test('a service that cannot be made fails the start with its own error', async () => {
    const services = [{ name: 'bad', module, options: { fail: true } }];
    await expect(ActorSystem.start({ threads: 1, shards: 1, services })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
