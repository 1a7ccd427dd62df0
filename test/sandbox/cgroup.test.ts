import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Cgroup, findCgroupPlace, removeStaleCgroups, type CgroupPlace } from '../../src/sandbox/cgroup.ts';

const MIB = 1024 * 1024;
const root = mkdtempSync(join(tmpdir(), 'megactor-cgroup-'));
const place = findCgroupPlace(process.pid);

afterAll(() => rmSync(root, { recursive: true, force: true }));

test('where there are none, or none may be made, there is no place', () => {
  const proc = join(root, 'proc');
  expect(findCgroupPlace(1, proc)).toBeNull();
  mkdirSync(join(proc, 'self'), { recursive: true });
  // A directory that is no cgroup file system gets no files of limits when a group is made.
  mkdirSync(join(root, 'fake'));
  writeFileSync(join(proc, 'self/mounts'), `none ${join(root, 'fake')} cgroup2 rw 0 0\n`);
  writeFileSync(join(proc, 'self/cgroup'), '0::/\n');
  expect(findCgroupPlace(1, proc)).toBeNull();
  expect(existsSync(join(root, 'fake', 'megactor-1-probe'))).toBe(false);
});

test('the files of version 2 are written by their names', () => {
  const directory = join(root, 'second');
  mkdirSync(directory);
  const second: CgroupPlace = { version: 2, memory: directory, pids: directory };
  const group = Cgroup.make(second, 7, 'a', { memoryBytes: 64 * MIB, processes: 9 });
  const file = (name: string): string => join(directory, 'megactor-7-a', name);
  expect(readFileSync(file('memory.max'), 'utf8')).toBe(String(64 * MIB));
  expect(readFileSync(file('pids.max'), 'utf8')).toBe('9');
  expect(group.entries).toEqual([file('cgroup.procs')]);
  expect(group.ranOutOfMemory).toBe(false);
  writeFileSync(file('memory.events'), 'low 0\noom 3\noom_kill 1\n');
  expect(group.ranOutOfMemory).toBe(true);
});

test.skipIf(place === null)('C1 a real group holds its limits, and is removed by whoever comes next', () => {
  if (place === null) return;
  const group = Cgroup.make(place, 4_194_305, 'a', { memoryBytes: 64 * MIB, processes: 9 });
  try {
    const directory = join(place.memory, 'megactor-4194305-a');
    const limit = place.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
    expect(readFileSync(join(directory, limit), 'utf8').trim()).toBe(String(64 * MIB));
    expect(readFileSync(join(place.pids, 'megactor-4194305-a', 'pids.max'), 'utf8').trim()).toBe('9');
    // No process has a number as high as that.
    removeStaleCgroups(place);
    expect(existsSync(directory)).toBe(false);
  } finally {
    group.remove();
  }
});
