import { expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { programLimitsSchema } from '../../src/sandbox/index.ts';
import { interpreterOf } from '../../src/sandbox/languages.ts';
import { examine } from '../../src/sandbox/probe.ts';

test('where nothing is installed, it says what is missing and how to get it', async () => {
  const parts = { network: false, limits: programLimitsSchema.parse({}), clock: systemClock, path: '/nowhere' };
  await expect(examine({ ...parts, mode: 'bwrap' })).rejects.toMatchObject({
    code: 'SANDBOX_MISSING',
    message: expect.stringContaining('bwrap') as string,
    hint: expect.stringContaining('apt-get install bash tar bubblewrap') as string,
  });
  await expect(examine({ ...parts, mode: 'none' })).rejects.toMatchObject({
    code: 'SANDBOX_MISSING',
    message: 'not installed: bash, tar',
  });
});

test('a program in a language that is not there says which is', () => {
  const refused = expect.objectContaining({ code: 'PROGRAM_INVALID' }) as Error;
  expect(() => interpreterOf('a.py', {})).toThrow(refused);
  expect(() => interpreterOf('a.sh', {})).toThrow(/ends in none of \.py, \.js, \.mjs, \.cjs/u);
});
