import { afterAll, describe, expect, test } from 'vitest';
import { join } from 'node:path';
import { KILL_POINTS, readKillAt } from '../../src/platform/index.ts';
import { command, type CommandResult, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

describe('what the environment arms', () => {
  test('a point and a count, in tests alone', () => {
    for (const point of KILL_POINTS) {
      expect(readKillAt({ NODE_ENV: 'test', MEGACTOR_KILL_AT: `${point}:12` })).toEqual({ point, count: 12 });
      expect(readKillAt({ NODE_ENV: 'production', MEGACTOR_KILL_AT: `${point}:12` })).toBeNull();
      expect(readKillAt({ MEGACTOR_KILL_AT: `${point}:12` })).toBeNull();
    }
    expect(readKillAt({ NODE_ENV: 'test' })).toBeNull();
    expect(readKillAt({ NODE_ENV: 'test', MEGACTOR_KILL_AT: '' })).toBeNull();
  });

  test.each(['commit.later:1', 'commit.after', 'commit.after:0', 'commit.after:-1', 'commit.after:one', ':1'])(
    '%s is refused, with the points that there are',
    (value) => {
      const armed = (): unknown => readKillAt({ NODE_ENV: 'test', MEGACTOR_KILL_AT: value });
      expect(armed).toThrow(value);
      for (const point of KILL_POINTS) expect(armed).toThrow(point);
      expect(readKillAt({ NODE_ENV: 'development', MEGACTOR_KILL_AT: value })).toBeNull();
    },
  );
});

describe('a run', () => {
  let runs = 0;
  const run = (environment: Record<string, string | undefined>): Promise<CommandResult> => {
    runs += 1;
    const options = ['--max-agents', '2', '--seed', '1', '--run-dir', join(directory.path, String(runs)), '--json'];
    return command(['run', 'Write one page', ...options], { env: environment });
  };

  test('is killed at an armed point', async () => {
    const { signal, stdout } = await run({ NODE_ENV: 'test', MEGACTOR_KILL_AT: 'commit.after:3' });
    expect(signal).toBe('SIGKILL');
    expect(stdout).toBe('');
  });

  test('does not look at kill points and planted defects outside of tests', async () => {
    const environment = { NODE_ENV: 'production', MEGACTOR_KILL_AT: 'commit.after:3', MEGACTOR_CANARY: 'lost-mail' };
    const { exitCode, stderr } = await run(environment);
    expect(exitCode, stderr).toBe(0);
  });

  test('is refused with a point that there is not', async () => {
    const { exitCode, stderr, stdout } = await run({ NODE_ENV: 'test', MEGACTOR_KILL_AT: 'nowhere:1' });
    expect(exitCode).not.toBe(0);
    expect(`${stdout}${stderr}`).toContain('CONFIG_INVALID');
    expect(`${stdout}${stderr}`).toContain('nowhere:1');
  });
});
