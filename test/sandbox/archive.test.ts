import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ArchiveReader } from '../../src/sandbox/archive.ts';

const directory = mkdtempSync(join(tmpdir(), 'megactor-archive-'));
const LONG = `${'folder/'.repeat(30)}${'n'.repeat(150)}.txt`;
let archive: Buffer;

const read = (chunks: readonly Buffer[], fileMax = 1_000): Record<string, string> => {
  const rows: Record<string, string> = {};
  const reader = new ArchiveReader(
    {
      file: (path, bytes, size) =>
        (rows[path ?? '?'] = bytes === null ? `too large: ${size}` : bytes.toString('latin1')),
      other: (path, kind) => (rows[path ?? '?'] = `a ${kind}`),
    },
    fileMax,
  );
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return rows;
};

const WHOLE = {
  [LONG]: 'deep',
  'a.txt': 'one',
  empty: '',
  exact: 'x'.repeat(512),
  large: 'too large: 5000',
  link: 'a link',
  pipe: 'a special',
  'Grüße 𝄞': 'ü'.repeat(2),
  'second name': 'one',
  '?': 'odd',
};

beforeAll(() => {
  const write = (path: string | Buffer, content: string): void => writeFileSync(path, content, 'latin1');
  mkdirSync(join(directory, dirname(LONG)), { recursive: true });
  write(join(directory, LONG), 'deep');
  write(join(directory, 'a.txt'), 'one');
  write(join(directory, 'empty'), '');
  write(join(directory, 'exact'), 'x'.repeat(512));
  write(join(directory, 'large'), 'x'.repeat(5_000));
  write(join(directory, 'Grüße 𝄞'), 'ü'.repeat(2));
  write(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe])]), 'odd');
  linkSync(join(directory, 'a.txt'), join(directory, 'second name'));
  symlinkSync('/etc/passwd', join(directory, 'link'));
  execFileSync('mkfifo', [join(directory, 'pipe')]);
  archive = execFileSync('tar', ['-c', '-f', '-', '--format=gnu', '--hard-dereference', '-C', directory, '.']);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('R1 what GNU tar writes is read, in chunks of any size', () => {
  expect(read([archive])).toEqual(WHOLE);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), (size) => {
      const chunks: Buffer[] = [];
      for (let at = 0; at < archive.length; at += size) chunks.push(archive.subarray(at, at + size));
      expect(read(chunks)).toEqual(WHOLE);
    }),
    { numRuns: 30 },
  );
});

test('R2 an archive that was cut is an error', () => {
  const end =
    archive.lastIndexOf('odd') > archive.lastIndexOf('deep') ? archive.lastIndexOf('odd') : archive.lastIndexOf('deep');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: end }), (length) => {
      expect(() => read([archive.subarray(0, length)])).toThrow(/archive of the files/u);
    }),
  );
});

test('R2 bytes that are no archive are an error, and never more than that', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), (bytes) => {
      fc.pre(bytes.some((byte) => byte !== 0));
      expect(() => read([Buffer.from(bytes)])).toThrow(/archive of the files/u);
    }),
  );
});
