import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createJournalClient, JournalServer, type JournalClient } from '../../src/journal/index.ts';
import { Workspace } from '../../src/workspace/index.ts';
import { accepted, by, git, soundness, temporaryDirectory } from './support/harness.ts';

const openJournal = async (directory: string): Promise<{ client: JournalClient; close: () => Promise<void> }> => {
  const server = await JournalServer.open({ directory, shards: 1, durability: 'flushed' });
  const { port1, port2 } = new MessageChannel();
  server.attach(port1);
  const client = createJournalClient(port2);
  return {
    client,
    close: async () => {
      await client.close();
      await server.close();
    },
  };
};

test('a workspace over the real journal: concurrent writes, reopened without a close of its own', async () => {
  const run = temporaryDirectory();
  const directory = join(run, 'workspace');
  let journal = await openJournal(run);
  const options = { directory, runId: 'r1', limits: { commitDelayMs: 1_000_000_000 } };
  let workspace = await Workspace.open({ ...options, store: journal.client.store('workspace') });
  const effect = by('A', 'A/1/0');
  const first = await workspace.appendFile({ path: 'log', content: 'one' }, effect);
  const start = performance.now();
  await Promise.all(
    Array.from({ length: 50 }, async (_, agent) => {
      for (let step = 0; step < 10; step += 1) {
        const path = `d/${agent}/${step}.md`;
        accepted(await workspace.writeFile({ path, content: `${path}\n`.repeat(20) }, by(`A${agent}`)));
      }
      accepted(await workspace.appendFile({ path: 'log', content: `A${agent}` }, by(`A${agent}`)));
    }),
  );
  console.log(`${Math.round(550 / ((performance.now() - start) / 1_000))} acknowledged writes/s`);
  await journal.close();
  // A killed owner does not go on committing; this one lives, so let it find out that its store is gone.
  await workspace.close().catch(() => undefined);
  journal = await openJournal(run);
  workspace = await Workspace.open({ ...options, store: journal.client.store('workspace') });
  expect(await workspace.appendFile({ path: 'log', content: 'one' }, effect)).toEqual(first);
  const { content } = accepted(await workspace.readFile({ path: 'log' }));
  expect(content.split('\n')).toHaveLength(52);
  expect(accepted(await workspace.listFiles({ glob: 'd/**' })).files).toHaveLength(500);
  await workspace.finish();
  const { fsck, status } = soundness(directory);
  // A commit that the first owner made and could no longer put on the branch may be left over: nobody refers to it.
  expect({ fsck: fsck.replace(/^dangling commit .*\n/gmu, ''), status }).toEqual({ fsck: '', status: '' });
  expect(git(directory, 'show', 'HEAD:d/7/3.md')).toBe('d/7/3.md\n'.repeat(20));
  await workspace.close();
  await journal.close();
});
