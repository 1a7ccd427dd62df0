/** O3, W1: what is in git is readable while packs are joined. */
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { blobObject, type GitObject } from '../../src/workspace/git-objects.ts';
import { PackStore } from '../../src/workspace/pack-store.ts';
import { Repository } from '../../src/workspace/repository.ts';
import { temporaryDirectory } from '../support/command.ts';

const BATCHES = 200;
const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

test('O3 a blob is read while the packs that hold it are joined again and again', async () => {
  const gitDirectory = `${directory.path}/.git`;
  const repository = new Repository(directory.path, gitDirectory, { clock: systemClock, sync: false });
  await repository.initialise('main');
  const store = new PackStore(gitDirectory, { sync: false });
  const first = blobObject('the first\n');
  await store.write([first]);
  const done = { batches: 0 };
  const write = async (): Promise<void> => {
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const objects: GitObject[] = [blobObject(`batch ${batch}\n`)];
      await store.write(objects);
      done.batches += 1;
    }
  };
  const failures: string[] = [];
  let reads = 0;
  const read = async (): Promise<void> => {
    while (done.batches < BATCHES) {
      reads += 1;
      // A repository of its own knows no pack yet.
      const fresh = new Repository(directory.path, gitDirectory, { clock: systemClock, sync: false });
      try {
        const bytes = await fresh.readBlob(first.oid);
        if (bytes?.toString() !== 'the first\n') failures.push(`read ${String(bytes)}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  await Promise.all([write(), read(), read(), read()]);
  expect(failures).toEqual([]);
  expect(done.batches).toBe(BATCHES);
  expect(reads).toBeGreaterThan(0);
});
