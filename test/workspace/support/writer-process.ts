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
    if (written.ok) say('write', path, content);
  }
};
await Promise.all(Array.from({ length: 20 }, (_, agent) => write(agent)));
