import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventRecord } from '../../src/protocol/event.ts';
import { ActorSystem, type HostDeath, type SystemOptions } from '../../src/runtime/index.ts';
import { dangerous, ENDINGS, type Ending } from './fixtures/dangerous.ts';
import { settled } from './fixtures/settled.ts';

/** Long enough for a thread that waits for the disk of a busy machine. */
const BLOCKED_AFTER_MS = 2_500;
const BLOCKING: ReadonlySet<Ending> = new Set(['spin', 'wait', 'spin-later']);

describe('hosts that are ended by an actor', () => {
  let directory: string;
  let deaths: HostDeath[];
  let unexplained: HostDeath[];
  let events: EventRecord[];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'megactor-blocked-'));
    deaths = [];
    unexplained = [];
    events = [];
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const start = (options: SystemOptions = {}): Promise<ActorSystem> =>
    ActorSystem.start({
      threads: 2,
      shards: 2,
      seed: 1,
      journal: { directory, durability: 'committed' },
      blockedAfterMs: BLOCKED_AFTER_MS,
      maxOldGenerationMb: 96,
      hostRestartsMax: 20,
      // A machine that stood still for too long is nobody's fault.
      onHostDeath: (death) => (death.blamed === null ? unexplained : deaths).push(death),
      onEvent: (event) => events.push(event),
      ...options,
    });
  const begun = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');
  const reasons = async (system: ActorSystem): Promise<string[]> =>
    (await system.deadLetters()).map(({ reason, type }) => `${reason} ${type}`);
  /** Letters end with their thread, and one that is silent for a moment is left out. */
  const expectLetters = async (system: ActorSystem, letters: readonly string[]): Promise<void> => {
    if (unexplained.length === 0) await expect.poll(() => reasons(system)).toEqual(letters);
  };

  test('A7 whatever ends a thread: the actor that did it is charged, the others go on', async () => {
    await using system = await start();
    const neighbour = await system.spawn(dangerous, { file: join(directory, 'none') }, { durable: true, shard: 0 });
    neighbour.tell('add', 5);
    expect(await neighbour.ask('total')).toBe(5);
    for (const [index, how] of ENDINGS.entries()) {
      const file = join(directory, how);
      const poisoned = await settled(() => system.spawn(dangerous, { file }, { durable: true, shard: 0, name: how }));
      const stopped = system.watch(poisoned);
      const type = index % 2 === 0 ? 'end' : 'endAfterEffect';
      poisoned.tell(type, how);
      poisoned.tell('add', 1);
      const code = BLOCKING.has(how) ? 'HOST_BLOCKED' : 'HOST_DIED';
      // It may have stopped before the new thread learns who watches.
      expect(await stopped).toMatch(new RegExp(`not-found|${code}`));
      await expect.poll(() => deaths).toHaveLength(index + 1);
      const blamed = { id: poisoned.id, shard: 0 };
      expect(deaths.at(-1)).toMatchObject({ host: 0, replaced: true, error: { code }, blamed });
      expect(begun(file)).toEqual([how]);
      // Those of the thread before are gone with it.
      await expectLetters(system, [`poison ${type}`, 'stopped add']);
    }
    expect(await neighbour.ask('total')).toBe(5);
  });

  test('A7 the same message counts however long ago it was, until the intensity is spent', async () => {
    await using system = await start();
    const file = join(directory, 'begun');
    const options = { durable: true, restart: 'transient', intensity: { max: 1, withinMs: 1 } } as const;
    const poisoned = await system.spawn(dangerous, { file }, { ...options, name: 'p', shard: 0 });
    const stopped = system.watch(poisoned);
    poisoned.tell('end', 'spin');
    expect(await stopped).toMatch(/not-found|HOST_BLOCKED/u);
    expect(begun(file)).toEqual(['spin', 'spin']);
    await expect.poll(() => deaths).toHaveLength(2);
    await expectLetters(system, ['poison end']);
    const restarts = (): EventRecord[] => events.filter(({ type }) => type === 'restart');
    // What a thread says just before it dies may be lost.
    await expect.poll(() => restarts().at(-1)).toMatchObject({ agent: 'p', restarted: false, message: 'end' });
  });

  test('A6 A7 an ephemeral actor goes with its host: its message is a dead letter, who asked is answered', async () => {
    await using system = await start({ threads: 1, shards: 1 });
    const file = join(directory, 'begun');
    const lost = await system.spawn(dangerous, { file }, { name: 'lost' });
    const watched = system.watch(lost);
    await expect(lost.ask('askToEnd', 'spin', { deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'HOST_DIED' });
    expect(await watched).toBe('not-found');
    await expectLetters(system, ['poison askToEnd']);
    expect(deaths).toMatchObject([{ error: { code: 'HOST_BLOCKED' }, blamed: { id: lost.id } }]);
  });

  test('A7 an actor that does not come back from its state function is charged, at whichever opening', async () => {
    await using system = await start({ threads: 1, shards: 1 });
    const file = join(directory, 'begun');
    const evil = { durable: true, name: 'evil' };
    await expect(system.spawn(dangerous, { file, evil: true }, evil)).rejects.toMatchObject({ code: 'HOST_DIED' });
    await expect.poll(() => deaths).toHaveLength(1);
    const good = await settled(() => system.spawn(dangerous, { file }, { durable: true }));
    expect(await good.ask('total')).toBe(0);
    await expect.poll(() => system.lookup('evil')).toBeNull();
  });
});
