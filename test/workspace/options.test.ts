/** A workspace in somebody else's program: what it is given wrongly is named, and is no defect of ours. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMemoryStore, Workspace, type WorkspaceOptions } from '../../src/workspace/index.ts';
import { temporaryDirectory } from './support/harness.ts';

const said = async (options: unknown): Promise<unknown> =>
  Workspace.open(options as WorkspaceOptions).then(
    () => 'opened',
    (error: unknown) => error,
  );

test('options that are missing or wrong are named', async () => {
  const directory = join(temporaryDirectory(), 'w');
  const store = createMemoryStore();
  expect(await said(undefined)).toMatchObject({ code: 'USAGE' });
  for (const [options, named] of [
    [{ runId: 'r', store }, 'directory'],
    [{ directory, store }, 'runId'],
    [{ directory, runId: 'r' }, 'store'],
    [{ directory, runId: 'r', store: { get: () => null } }, 'store'],
    [{ directory, runId: 'r', store, sync: 'yes' }, 'sync'],
  ] as const) {
    expect(await said(options)).toMatchObject({ code: 'USAGE', message: expect.stringContaining(named) as string });
  }
});

test('who changes something says who that is; a workspace closes by itself at the end of its block', async () => {
  const directory = join(temporaryDirectory(), 'w');
  let after: Workspace;
  {
    await using workspace = await Workspace.open({ directory, runId: 'r', store: createMemoryStore() });
    const file = { path: 'a', content: 'x' };
    await expect(workspace.writeFile(file, undefined as never)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(workspace.writeFile(file, {} as never)).rejects.toMatchObject({ code: 'USAGE' });
    after = workspace;
  }
  await expect(after.readFile({ path: 'a' })).rejects.toMatchObject({ code: 'SYSTEM_STOPPED', hint: 'Open it again.' });
});
