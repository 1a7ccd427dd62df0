import { describe, expect, test } from 'vitest';
import { readDiskFaults } from '../../src/platform/index.ts';

describe('faults of a disk', () => {
  test('are read in tests alone', () => {
    const variable = { MEGACTOR_DISK_FAULT: 'fail:3,slow:20,shadow:/tmp/a:b' };
    expect(readDiskFaults({ NODE_ENV: 'test', ...variable })).toEqual({
      failAt: 3,
      slowMs: 20,
      shadow: '/tmp/a:b',
    });
    expect(readDiskFaults({ NODE_ENV: 'production', ...variable })).toBeNull();
    expect(readDiskFaults(variable)).toBeNull();
    expect(readDiskFaults({ NODE_ENV: 'test' })).toBeNull();
    expect(readDiskFaults({ NODE_ENV: 'test', MEGACTOR_DISK_FAULT: 'slow:1' })).toMatchObject({ failAt: null });
  });

  test.each(['fail', 'fail:x', 'slow:-1', 'shadow:', 'full:1', ','])('%s is refused', (value) => {
    expect(() => readDiskFaults({ NODE_ENV: 'test', MEGACTOR_DISK_FAULT: value })).toThrow('MEGACTOR_DISK_FAULT');
  });
});
