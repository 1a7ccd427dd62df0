/** A process that writes until it is killed: says on stdout, after each answer, what was acknowledged. */
import { writeSync } from 'node:fs';
import { Workspace } from '../../../src/workspace/index.ts';
import { fileStore } from './file-store.ts';

const [directory = '', storeFile = '', round = '0'] = process.argv.slice(2);
const workspace = await Workspace.open({
  directory,
  runId: 'kill',
  store: fileStore(storeFile),
  limits: { commitDelayMs: 1, batchCountMax: 16 },
});

const say = (...parts: string[]): void => {
  writeSync(1, `${JSON.stringify(parts)}\n`);
};
say('ready');

const write = async (agent: number): Promise<void> => {
  for (let step = 0; step < 5_000; step += 1) {
    const author = `Agent${agent}`;
    const line = `${author} ${round}.${step}`;
    const call = { author, effectId: `${line}/append` };
    const appended = await workspace.appendFile({ path: `shared/${agent % 3}.log`, content: line }, call);
    if (appended.ok) say('append', `shared/${agent % 3}.log`, line);
    const path = `own/${agent}/${round}-${step}.md`;
    const content = `${line}\n`.repeat(5);
    const written = await workspace.writeFile({ path, content }, { author, effectId: `${line}/write` });
    if (!written.ok) continue;
    // Every file has one fate, so that what was said of it holds for good.
    if (step % 3 === 0) {
      say('write', path, content);
    } else if (step % 3 === 1) {
      const to = `moved/${agent}/${round}-${step}.md`;
      const moved = await workspace.moveFile({ path, to }, { author, effectId: `${line}/move` });
      if (moved.ok) say('move', path, content, to);
    } else {
      const removed = await workspace.removeFile({ path, base: written.base }, { author, effectId: `${line}/remove` });
      if (removed.ok) say('remove', path);
    }
  }
};
await Promise.all(Array.from({ length: 20 }, (_, agent) => write(agent)));
