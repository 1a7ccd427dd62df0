import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type ExpectStatic } from 'vitest';
import type { EventRecord } from '../../src/protocol/event.ts';
import { ActorSystem, type HostDeath, type SystemOptions } from '../../src/runtime/index.ts';
import { dangerous, ENDINGS, type Ending } from './fixtures/dangerous.ts';
import { settled } from './fixtures/settled.ts';

/** Long enough for a thread that waits for the disk of a busy machine. */
const BLOCKED_AFTER_MS = 2_500;
const BLOCKING: ReadonlySet<Ending> = new Set(['spin', 'wait', 'spin-later']);
/** A busy machine may take longer than that to collect what fills the memory. */
const CODES: Partial<Record<Ending, string>> = {
  spin: 'HOST_BLOCKED',
  wait: 'HOST_BLOCKED',
  'spin-later': 'HOST_BLOCKED',
  memory: 'HOST_DIED|HOST_BLOCKED',
};

/** A system of a test's own, and what it told. */
class Played implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'megactor-blocked-'));
  readonly deaths: HostDeath[] = [];
  readonly unexplained: HostDeath[] = [];
  readonly events: EventRecord[] = [];
  system!: ActorSystem;

  static async start(options: SystemOptions = {}): Promise<Played> {
    const played = new Played();
    played.system = await ActorSystem.start({
      threads: 2,
      shards: 2,
      seed: 1,
      journal: { directory: played.directory, durability: 'committed' },
      blockedAfterMs: BLOCKED_AFTER_MS,
      maxOldGenerationMb: 96,
      hostRestartsMax: 20,
      // A machine that stood still for too long is nobody's fault.
      onHostDeath: (death) => (death.blamed === null ? played.unexplained : played.deaths).push(death),
      onEvent: (event) => played.events.push(event),
      ...options,
    });
    return played;
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  /** Letters end with their thread, and one that is silent for a moment is left out. */
  async expectLetters(expect: ExpectStatic, letters: readonly string[]): Promise<void> {
    const reasons = async (): Promise<string[]> =>
      (await this.system.deadLetters()).map(({ reason, type }) => `${reason} ${type}`);
    if (this.unexplained.length === 0) await expect.poll(reasons).toEqual(letters);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.system.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const begun = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');

// At the same time: most of it is waiting until a thread counts as blocked.
describe.concurrent('hosts that are ended by an actor', { timeout: 180_000 }, () => {
  test.for([
    { what: 'does not give its thread back', endings: ENDINGS.filter((how) => BLOCKING.has(how)) },
    { what: 'ends its thread', endings: ENDINGS.filter((how) => !BLOCKING.has(how)) },
  ])('A7 whoever $what is charged, the others go on', async ({ endings }, { expect }) => {
    await using played = await Played.start();
    const { system, deaths } = played;
    const neighbour = await system.spawn(dangerous, { file: played.file('none') }, { durable: true, shard: 0 });
    neighbour.tell('add', 5);
    expect(await neighbour.ask('total')).toBe(5);
    for (const [index, how] of endings.entries()) {
      const file = played.file(how);
      const poisoned = await settled(() => system.spawn(dangerous, { file }, { durable: true, shard: 0, name: how }));
      const stopped = system.watch(poisoned);
      const type = index % 2 === 0 ? 'end' : 'endAfterEffect';
      poisoned.tell(type, how);
      poisoned.tell('add', 1);
      const codes = CODES[how] ?? 'HOST_DIED';
      // It may have stopped before the new thread learns who watches.
      expect(await stopped).toMatch(new RegExp(`not-found|${codes}`));
      await expect.poll(() => deaths).toHaveLength(index + 1);
      const blamed = { id: poisoned.id, shard: 0 };
      expect(deaths.at(-1)).toMatchObject({ host: 0, replaced: true, blamed });
      expect(deaths.at(-1)?.error.code).toMatch(new RegExp(codes));
      expect(begun(file)).toEqual([how]);
      // Those of the thread before are gone with it.
      await played.expectLetters(expect, [`poison ${type}`, 'stopped add']);
    }
    expect(await neighbour.ask('total')).toBe(5);
  });

  test('A7 the same message counts however long ago it was, until the intensity is spent', async ({ expect }) => {
    await using played = await Played.start();
    const { system, deaths } = played;
    const file = played.file('begun');
    const options = { durable: true, restart: 'transient', intensity: { max: 1, withinMs: 1 } } as const;
    const poisoned = await system.spawn(dangerous, { file }, { ...options, name: 'p', shard: 0 });
    const stopped = system.watch(poisoned);
    poisoned.tell('end', 'wait');
    expect(await stopped).toMatch(/not-found|HOST_BLOCKED/u);
    expect(begun(file)).toEqual(['wait', 'wait']);
    await expect.poll(() => deaths).toHaveLength(2);
    await played.expectLetters(expect, ['poison end']);
    const restarts = (): EventRecord[] => played.events.filter(({ type }) => type === 'restart');
    // What a thread says just before it dies may be lost.
    await expect.poll(() => restarts().at(-1)).toMatchObject({ agent: 'p', restarted: false, message: 'end' });
  });

  test('A6 A7 an ephemeral actor goes with its host: its message is a dead letter, who asked is answered', async ({
    expect,
  }) => {
    await using played = await Played.start({ threads: 1, shards: 1 });
    const { system, deaths } = played;
    const file = played.file('begun');
    const lost = await system.spawn(dangerous, { file }, { name: 'lost' });
    const watched = system.watch(lost);
    await expect(lost.ask('askToEnd', 'wait', { deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'HOST_DIED' });
    expect(await watched).toBe('not-found');
    await played.expectLetters(expect, ['poison askToEnd']);
    expect(deaths).toMatchObject([{ error: { code: 'HOST_BLOCKED' }, blamed: { id: lost.id } }]);
  });

  test('A7 an actor that does not come back from its state function is charged, at whichever opening', async ({
    expect,
  }) => {
    await using played = await Played.start({ threads: 1, shards: 1 });
    const { system, deaths } = played;
    const file = played.file('begun');
    const evil = { durable: true, name: 'evil' };
    await expect(system.spawn(dangerous, { file, evil: true }, evil)).rejects.toMatchObject({ code: 'HOST_DIED' });
    await expect.poll(() => deaths).toHaveLength(1);
    const good = await settled(() => system.spawn(dangerous, { file }, { durable: true }));
    expect(await good.ask('total')).toBe(0);
    await expect.poll(() => system.lookup('evil')).toBeNull();
  });
});
