/** A process that writes, rests so that files are brought to the work tree, and writes again, until it is killed. */
import { writeSync } from 'node:fs';
import { Workspace } from '../../../src/workspace/index.ts';
import { fileStore } from './file-store.ts';

const [directory = '', storeFile = '', round = '0'] = process.argv.slice(2);
const workspace = await Workspace.open({
  directory,
  runId: 'quiet',
  store: fileStore(storeFile),
  sync: false,
  limits: { commitDelayMs: 1 },
});

const FILES = 60;
for (let step = 0; step < 100; step += 1) {
  const call = (what: string): { author: string; effectId: string } => ({
    author: 'A',
    effectId: `${round}.${step}.${what}`,
  });
  await Promise.all(
    Array.from({ length: FILES }, async (_, number) => {
      const path = `d${number % 7}/f${number}`;
      const read = await workspace.readFile({ path });
      // Every other step has other files, some of them gone.
      if (read.ok && (number + step) % 5 === 0) {
        await workspace.removeFile({ path, base: read.base }, call(`remove ${path}`));
      } else if ((number + step) % 2 === 0) {
        const base = read.ok ? read.base : undefined;
        await workspace.writeFile({ path, content: `${round}.${step} ${path}\n`, base }, call(`write ${path}`));
      }
    }),
  );
  writeSync(1, `${step}\n`);
  await new Promise((resolve) => setTimeout(resolve, 90 + ((step * 37) % 60)));
  if (step % 4 === 1) await workspace.finish();
}
