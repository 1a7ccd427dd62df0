/** A process that writes and brings files to the work tree, again and again, until it is killed. */
import { writeSync } from 'node:fs';
import { Workspace } from '../../../src/workspace/index.ts';
import { fileStore } from './file-store.ts';

const [directory = '', storeFile = '', round = '0'] = process.argv.slice(2);
const workspace = await Workspace.open({ directory, runId: 'ends', store: fileStore(storeFile), sync: false });

for (let step = 0; step < 100; step += 1) {
  const changes = await Promise.all(
    Array.from({ length: 120 }, async (_, number) => {
      const path = `d${number % 7}/f${number}`;
      const read = await workspace.readFile({ path });
      // Every other step has other files, some of them gone.
      const content = (number + step) % 5 === 0 ? null : `${round}.${step} ${path}\n`;
      return { path, content, base: read.ok ? read.base : null };
    }),
  );
  const wanted = changes.filter(({ content, base }) => content !== null || base !== null);
  await workspace.applyChanges({ changes: wanted }, { author: 'A', effectId: `${round}.${step}` });
  await workspace.flush();
  writeSync(1, `${step}\n`);
  const { displaced } = await workspace.finish();
  if (displaced.length > 0) throw new Error(`moved away: ${displaced.join(' ')}`);
}
