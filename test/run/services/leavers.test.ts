/** L3: what reaches the files and the programs from an agent that was retired, while its turn goes on. */
import { afterAll, expect, test } from 'vitest';
import type { ProgramStarter } from '../../../src/sandbox/index.ts';
import { createService as createRoster } from '../../../src/run/services/roster.ts';
import { createPrograms } from '../../../src/run/services/sandbox.ts';
import { createService as createWorkspace } from '../../../src/run/services/workspace.ts';
import { BOSS, limitsWith } from '../../../src/society/index.ts';
import { planWith } from '../../society/arbitraries.ts';
import { memoryStore } from '../../society/memory-store.ts';
import { temporaryDirectory } from '../../support/command.ts';
import { hostService, type HostedService, type OtherServices } from './host.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const GONE = { ok: false, error: { code: 'NOT_ALLOWED', retired: true } };
const stores = { roster: memoryStore(), workspace: memoryStore(), sandbox: memoryStore() };

/** One process of a run: its roster, files and programs, which call each other. */
const openAll = async (started: string[]): Promise<Record<keyof typeof stores, HostedService>> => {
  const all: Partial<Record<string, HostedService>> = {};
  const others: OtherServices = (service, method, args) =>
    all[service]?.call(method, args) ?? Promise.reject(new Error(`there is no ${service}`));
  const starter = {
    limits: { stepMs: 1 },
    start: ({ path }: { path: string }) => {
      started.push(path);
      return Promise.reject(new Error('it cannot be started'));
    },
    close: () => Promise.resolve(),
  } as unknown as ProgramStarter;
  const files = { directory: directory.path, runId: 'r', sync: false, roster: true };
  const programs = { mode: 'none', network: false, roster: true };
  const roster = await hostService(createRoster, { leave: ['workspace', 'sandbox'] }, stores.roster, others);
  const workspace = await hostService(createWorkspace, files, stores.workspace, others);
  const sandbox = await hostService(
    (options, host) => createPrograms(options, host, starter),
    programs,
    stores.sandbox,
    others,
  );
  return Object.assign(all, { roster, workspace, sandbox });
};

test('L3: from the moment an agent is retired nothing is written or started in its name, in this process and the next', async () => {
  const started: string[] = [];
  const first = await openAll(started);
  await first.roster.call('found', {
    plan: planWith([{ name: 'A' }, { name: 'B' }]),
    shards: 1,
    reviews: false,
    limits: limitsWith(),
  });
  const before = { author: 'A', path: 'a.md', content: 'one\n' };
  const written = await first.workspace.call('write', before, { effectId: 'A/1/tool-0' });
  expect(written).toMatchObject({ ok: true });
  await first.roster.call('retire', { by: BOSS, agent: 'A', reason: 'no need' });

  const later = { author: 'A', path: 'b.md', content: 'two\n' };
  const program = { agent: 'A', path: 'a.py' };
  const isGone = async ({ workspace, sandbox }: typeof first): Promise<void> => {
    expect(await workspace.call('write', later, { effectId: 'A/2/tool-0' })).toMatchObject(GONE);
    expect(await workspace.call('append', later, { effectId: 'A/2/tool-1' })).toMatchObject(GONE);
    expect(await workspace.call('read', { author: 'A', path: 'a.md' })).toMatchObject(GONE);
    expect(await sandbox.call('run', program)).toMatchObject(GONE);
    expect(started).toEqual([]);
    // What it was told before a crash it is told again; D3.
    expect(await workspace.call('write', before, { effectId: 'A/1/tool-0' })).toEqual(written);
    // What a program of it leaves behind is brought back; others go on.
    const changes = [{ path: 'c.md', content: 'left', base: null }];
    expect(await workspace.call('apply', { author: 'A', changes })).toMatchObject({ ok: true });
    const others = { author: 'B', path: 'd.md', content: 'three\n' };
    expect(await workspace.call('write', others, { effectId: 'B/1/tool-0' })).toMatchObject({ ok: true });
    await workspace.instance.close?.();
  };
  await isGone(first);
  await isGone(await openAll(started));
});
