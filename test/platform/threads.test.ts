/** What threads begin with. In processes of their own: it is a setting of a whole process. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const PLATFORM = new URL('../../src/platform/index.ts', import.meta.url).href;

/** Starts one thread, which says how much young generation it has, in bytes. */
const PROGRAM = `
  const { growThreadsAtOnce, startThread } = await import(${JSON.stringify(PLATFORM)});
  growThreadsAtOnce();
  const entry = new URL('data:text/javascript,' + encodeURIComponent(\`
    const { parentPort } = process.getBuiltinModule('node:worker_threads');
    const spaces = process.getBuiltinModule('node:v8').getHeapSpaceStatistics();
    parentPort.postMessage(spaces.find((space) => space.space_name === 'new_space').space_size);
  \`));
  startThread(entry, { name: 'young', data: {} }).worker.on('message', (size) => console.log(size));
`;

const youngBytes = async (...flags: readonly string[]): Promise<number> => {
  const { NODE_OPTIONS: _ours, ...env } = process.env;
  const words = [...flags, '--input-type=module', '--eval', PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env });
  return Number(stdout);
};

it('a thread of the command has the room for its start at once, unless who started the command says another size', async () => {
  const [ours, chosen] = await Promise.all([youngBytes(), youngBytes('--min-semi-space-size=8')]);
  expect([ours, chosen]).toEqual([16 * 2 ** 20, 8 * 2 ** 20]);
});
