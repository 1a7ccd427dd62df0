import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeScratch, removeStaleScratch } from '../../src/sandbox/scratch.ts';
import { temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
/** Beyond every number that Linux gives. */
const GONE = 4_999_999;

test.skipIf(process.platform !== 'linux')('K1 what killed processes left goes, and nothing else', () => {
  const own = /\d+/u.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
  const outside = join(directory.path, 'outside');
  const parent = join(directory.path, 'tmp');
  for (const name of [
    `megactor-programs-${GONE}-${own}-a/1/w`,
    `megactor-programs-${process.pid}-${own}-b`,
    `megactor-programs-${GONE}-1${own}-c`,
    `megactor-programs-${GONE}`,
    `others-${GONE}-${own}-d`,
  ])
    mkdirSync(join(parent, name), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'kept');
  symlinkSync(outside, join(parent, `megactor-programs-${GONE}-${own}-e`));
  symlinkSync(outside, join(parent, `megactor-programs-${GONE}-${own}-a`, '1', 'link'));
  removeStaleScratch(parent);
  expect(readdirSync(parent).sort()).toEqual(
    [
      `megactor-programs-${process.pid}-${own}-b`,
      `megactor-programs-${GONE}`,
      `megactor-programs-${GONE}-1${own}-c`,
      `megactor-programs-${GONE}-${own}-e`,
      `others-${GONE}-${own}-d`,
    ].sort(),
  );
  expect(readdirSync(outside)).toEqual(['file']);
  makeScratch(parent);
  expect(readdirSync(parent).filter((name) => name.startsWith(`megactor-programs-${process.pid}-`))).toHaveLength(2);
});
