/** The files of a forecast answer as those of a workspace do. */
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { ForecastFiles } from '../../src/run/forecast/files.ts';
import { createMemoryStore, Workspace } from '../../src/workspace/index.ts';
import { temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const path = fc.constantFrom('a.md', 'a.md/b', 'docs/x.md', 'docs', '../out', 'B.md');
const lines = fc.array(fc.constantFrom('one', 'two', 'three', ''), { maxLength: 5 }).map((all) => all.join('\n'));
/** Which of the bases seen so far a writer gives; null: none. */
const base = fc.option(fc.nat(6));
const operation = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), path }),
  fc.record({ kind: fc.constant('write' as const), path, content: lines, base }),
  fc.record({ kind: fc.constant('append' as const), path, content: lines }),
  fc.record({ kind: fc.constant('edit' as const), path, old: fc.constantFrom('one', 'two', 'e\n', ''), new: lines }),
  fc.record({ kind: fc.constant('search' as const), query: fc.constantFrom('o', 'T', ''), glob: fc.constant('*.md') }),
  fc.record({ kind: fc.constant('list' as const), glob: fc.constantFrom(undefined, '*.md', 'docs/**') }),
);

/** What ours answered, and what theirs will. */
const pair = <Ours, Theirs>(ours: Ours, theirs: Promise<Theirs>) => ({ ours, theirs });

test('every read, write, edit, append, list and search gets the answer of a real workspace', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), async (operations) => {
      runs += 1;
      const workspace = await Workspace.open({
        directory: join(directory.path, String(runs)),
        runId: 'r',
        store: createMemoryStore(),
        sync: false,
      });
      const files = new ForecastFiles();
      const bases: string[] = [];
      const call = { author: 'Ann', effectId: null };
      try {
        for (const one of operations) {
          const known = 'base' in one && one.base !== null ? bases[one.base] : undefined;
          const args = { author: 'Ann', ...one, base: known };
          const answers = {
            read: () => pair(files.read(args), workspace.readFile(args as { path: string })),
            write: () => pair(files.write(args), workspace.writeFile(args as { path: string; content: string }, call)),
            append: () =>
              pair(files.append(args), workspace.appendFile(args as { path: string; content: string }, call)),
            edit: () =>
              pair(files.edit(args), workspace.editFile(args as { path: string; old: string; new: string }, call)),
            search: () => pair(files.search(args), workspace.searchFiles(args as { query: string; glob: string })),
            list: () => pair(files.list(args), workspace.listFiles('glob' in one ? { glob: one.glob } : {})),
          }[one.kind]();
          const { ours, theirs } = answers;
          expect(ours).toEqual(await theirs);
          if (ours.ok && 'base' in ours) bases.push(ours.base);
        }
        expect(files.rows().map((row) => row.path)).toEqual(workspace.fileRows().map((row) => row.path));
      } finally {
        await workspace.close();
      }
    }),
    { numRuns: 15 },
  );
});
