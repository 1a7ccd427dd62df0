import { describe, expect, test } from 'vitest';
import { FLOORS, PACKAGE_HOMES, roomOf, violationsOf } from './floors.ts';
import { filesUnder, productFiles, readSource } from './tree.ts';

const houseFiles = (): string[] => [...productFiles(), ...filesUnder('bench').filter((path) => path.endsWith('.ts'))];

describe('the checker itself', () => {
  const why = (path: string, source: string): string[] => violationsOf(path, source).map((violation) => violation.why);

  test.each([
    ['src/actor/x.ts', "import type { Run } from '../run/types.ts';", 'run is above actor'],
    ['src/model/x.ts', "import { a,\n  b } from '../society/index.ts';", 'model and society share floor 2'],
    ['src/protocol/x.ts', "import '../platform/clock.ts';", 'protocol and platform share floor 0'],
    ['src/journal/x.ts', "export * from '../runtime/index.ts';", 'runtime is above journal'],
    ['src/runtime/a/x.ts', "const m = await import('../../run/index.ts');", 'run is above runtime'],
    ['src/runtime/x.ts', "new URL('../../actors/boss.ts', import.meta.url)", 'actors is above runtime'],
    ['src/run/x.ts', 'const f = () => `${import("../cli/main.ts")}`;', 'cli is above run'],
    ['actors/x.ts', "import { x } from '../src/run/index.ts';", 'run is above actors'],
    ['src/cli/x.ts', "import { x } from '../index.ts';", 'cli and index share floor 5'],
    ['src/actor/x.ts', "import { x } from '../attic/x.ts';", 'the room "attic" is on no floor'],
    ['src/model/x.ts', "import { Piscina } from 'piscina';", 'piscina lives in runtime/'],
    [
      'src/society/x.ts',
      "import * as c from 'comlink/dist/esm/node-adapter.mjs';",
      'node-adapter.mjs lives in runtime/',
    ],
  ])('%s: %s', (path, source, expected) => {
    expect(why(path, source).join('; ')).toContain(expected);
  });

  test.each([
    ['src/run/x.ts', "import { a } from '../society/index.ts';"],
    ['src/run/services/x.ts', "import { a } from '../types.ts';"],
    ['src/index.ts', "export * from './run/index.ts';"],
    ['src/actor/x.ts', "// import { a } from '../run/index.ts';\n/* import '../run/a.ts' */"],
    ['src/actor/x.ts', 'const text = "import { a } from \'../run/index.ts\'";'],
    ['src/actor/x.ts', "const quote = /['\"]/u; // import '../run/a.ts'"],
    ['src/runtime/x.ts', "import { Piscina } from 'piscina';"],
    ['bench/threads/x.ts', "import { Piscina } from 'piscina';"],
  ])('%s may say: %s', (path, source) => {
    expect(why(path, source)).toEqual([]);
  });

  test('a planted upward import in a file as it stands is found', () => {
    const path = 'src/protocol/errors.ts';
    const planted = `${readSource(path)}\nimport { x } from '../cli/main.ts';\n`;
    expect(why(path, readSource(path))).toEqual([]);
    expect(why(path, planted)).toEqual(['cli is above protocol']);
  });
});

describe('the house', () => {
  test('every file stands in a room of the table', () => {
    const rooms = new Set(FLOORS.flat());
    expect(houseFiles().filter((path) => !rooms.has(roomOf(path) ?? ''))).toEqual([]);
    expect(houseFiles().length).toBeGreaterThan(10);
  });

  test('imports go down, and never to a room of the same floor', () => {
    expect(houseFiles().flatMap((path) => violationsOf(path, readSource(path)))).toEqual([]);
  });

  test('packages with a home are dependencies', () => {
    const manifest = JSON.parse(readSource('package.json')) as { dependencies: Record<string, string> };
    expect(Object.keys(manifest.dependencies)).toEqual(expect.arrayContaining(Object.keys(PACKAGE_HOMES)));
  });
});
