import { expect, test } from 'vitest';
import { ActorSystem, type HostDeath } from '../../src/runtime/index.ts';
import { dangerous } from './fixtures/dangerous.ts';

const file = '/dev/null';

/** Nobody ends the host, so that an answer of any kind shows that the thread was not asked. */
const blocked = async (): Promise<{ system: ActorSystem; deaths: HostDeath[]; ids: Record<string, number> }> => {
  const deaths: HostDeath[] = [];
  const system = await ActorSystem.start({
    threads: 2,
    shards: 4,
    seed: 1,
    journal: { directory: null, durability: 'committed' },
    blockedAfterMs: 0,
    onHostDeath: (death) => deaths.push(death),
  });
  const durable = await system.spawn(dangerous, { file }, { name: 'durable', durable: true, shard: 0 });
  const evil = await system.spawn(dangerous, { file }, { name: 'evil', durable: true, shard: 2 });
  const lost = await system.spawn(dangerous, { file }, { name: 'ephemeral', shard: 0 });
  const fine = await system.spawn(dangerous, { file }, { name: 'fine', shard: 1 });
  durable.tell('add', 5);
  expect(await durable.ask('total')).toBe(5);
  evil.tell('end', 'spin');
  await expect.poll(() => system.stats().hostStates[0]).toMatchObject({ state: 'silent', actor: { id: evil.id } });
  const mail = { to: durable.id, from: null, type: 'add', body: 1 };
  await system.deliver([{ shard: 0, entry: { kind: 'mail', mail } }]);
  return { system, deaths, ids: { durable: durable.id, evil: evil.id, lost: lost.id, fine: fine.id } };
};

test('Y1 a blocked host keeps nobody waiting: the journal and shared memory tell of its actors, marked as stale', async () => {
  const { system, deaths, ids } = await blocked();
  try {
    const [first, second] = system.stats().hostStates;
    // Any thread may be silent for a moment on a busy machine; only the first one stays so.
    const isFirst = ({ host }: { host: number }): boolean => host === 0;
    expect(first).toMatchObject({ host: 0, shards: [0, 2], state: 'silent', actor: { shard: 2, id: ids.evil } });
    expect(second).toMatchObject({ host: 1, shards: [1, 3], actor: null });
    await expect.poll(async () => (await system.survey()).silent.length).toBe(1);
    const { actors, silent } = await system.survey();
    expect(silent.filter(isFirst)).toMatchObject([{ host: 0, state: 'silent', actor: { id: ids.evil } }]);
    const byName = new Map(actors.map((actor) => [actor.name, actor]));
    expect([...byName.keys()]).toEqual(expect.arrayContaining(['durable', 'evil']));
    if (silent.length === 1) expect(byName.get('fine')).toMatchObject({ stale: false, status: 'idle' });
    expect(byName.get('durable')).toMatchObject({ stale: true, status: 'queued', mailbox: 1, state: { total: 5 } });
    expect(byName.get('evil')).toMatchObject({ stale: true, status: 'running', mailbox: 1, step: 0 });
    const refs = [
      { shard: 0, id: ids.durable ?? 0 },
      { shard: 0, id: ids.lost ?? 0 },
      { shard: 1, id: ids.fine ?? 0 },
    ];
    await expect
      .poll(() => system.inspect(refs))
      .toMatchObject([
        { name: 'durable', stale: true },
        { name: 'fine', stale: false },
      ]);
    expect(await system.inspect(refs.slice(0, 1), { state: ['other'] })).toMatchObject([{ stale: true, state: {} }]);
    await expect(system.inspect([{ shard: 4, id: 1 }])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await system.deadLetters()).toEqual([]);
    expect(deaths).toEqual([]);
  } finally {
    await system.stop({ deadlineMs: 0 });
  }
});

test('Y1 without a journal a silent host is named, and its actors are left out', async () => {
  const system = await ActorSystem.start({ threads: 2, shards: 2, seed: 1, blockedAfterMs: 0 });
  try {
    const evil = await system.spawn(dangerous, { file }, { shard: 0 });
    evil.tell('end', 'wait');
    await expect.poll(() => system.stats().hostStates[0]).toMatchObject({ state: 'silent', actor: { id: evil.id } });
    await expect
      .poll(() => system.survey())
      .toMatchObject({ actors: [], silent: [{ host: 0, actor: { id: evil.id } }] });
  } finally {
    await system.stop({ deadlineMs: 0 });
  }
});
