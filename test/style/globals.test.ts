import { describe, expect, test } from 'vitest';
import { forbiddenUses } from './globals.ts';
import { mask } from './source.ts';
import { productFiles, readSource } from './tree.ts';

describe('the checker itself', () => {
  test.each([
    'const a = Date.now();',
    'const clock = Date . now;',
    'const a = new Date();',
    'const a = performance.now();',
    'const a = process.hrtime.bigint();',
    'const a = Math.random();',
    'setTimeout(() => {}, 1);',
    'const schedule = setImmediate;',
    'globalThis.setInterval(f, 1);',
    'const w = new Worker(url);',
    "import { scheduler } from 'node:timers/promises';",
    'const s = `${Date.now()}`;',
    'const s = `a ${`b ${Math.random()}`} c`;',
    "const r = /'/u; Date.now();",
    'const half = a / b; Date.now(); const c = d / e;',
  ])('finds %s', (source) => {
    expect(forbiddenUses(source)).toHaveLength(1);
  });

  test.each([
    '// Date.now() is forbidden',
    '/* setTimeout */',
    "const s = 'Date.now()';",
    'const s = `setTimeout ${name} Math.random()`;',
    'const d = new Date(clock.now()).toISOString();',
    'clock.setTimeout(1);',
    'type D = Date;',
    String.raw`const r = /\/Date.now/u;`,
    'const r = /[/]Math.random/u;',
  ])('leaves alone %s', (source) => {
    expect(forbiddenUses(source)).toEqual([]);
  });

  test('masking keeps every line where it is', () => {
    for (const path of productFiles()) {
      const source = readSource(path);
      const { code, withoutComments } = mask(source);
      expect([path, code.length, withoutComments.length]).toEqual([path, source.length, source.length]);
      expect(code.split('\n').length).toBe(source.split('\n').length);
    }
  });
});

test('time, randomness, timers and threads come from platform/', () => {
  const uses = productFiles()
    .filter((path) => !path.startsWith('src/platform/'))
    .flatMap((path) => forbiddenUses(readSource(path)).map((use) => `${path}:${use}`));
  expect(uses).toEqual([]);
});
