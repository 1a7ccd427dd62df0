import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const source = (path: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);

/** A thread that is in the middle of a write at any moment. */
const WRITER = `
import { createRequire } from 'node:module';
import { workerData, parentPort } from 'node:worker_threads';
const { open } = createRequire(${source('../../package.json')})('lmdb');
const store = open({ path: workerData, cache: false });
for (let round = 0; ; round += 1) {
  store.transactionSync(() => {
    for (let index = 0; index < 200; index += 1) store.put(round * 200 + index, 'x'.repeat(200));
  });
  if (round === 3) parentPort.postMessage('busy');
}
`;

const MAIN = `
import { Worker } from 'node:worker_threads';
import { endProcess } from ${source('../../src/cli/end-process.ts')};
const worker = new Worker(new URL('./writer.mjs', import.meta.url), { workerData: process.argv[2] });
worker.on('message', () => setTimeout(() => endProcess(130), Number(process.argv[3])));
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'megactor-end-'));
  writeFileSync(join(folder, 'writer.mjs'), WRITER);
  writeFileSync(join(folder, 'main.mjs'), MAIN);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the process ends with its code while a thread writes to the store', () => {
  for (let trial = 0; trial < 6; trial += 1) {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(folder, 'main.mjs'), join(folder, `store-${trial}`), String(trial * 7)],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect([trial, status, stderr]).toEqual([trial, 130, '']);
  }
});
