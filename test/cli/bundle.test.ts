/** What `npm run build` makes of modules, with a small project and with the modules that journals name. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { AgentDefinition } from '../../actors/agent-types.ts';
import { ordinary } from '../../actors/ordinary.ts';
import { bundle, findEntries } from '../../scripts/bundle-modules.ts';
import { toModuleId, type fromModuleId } from '../../src/runtime/module-id.ts';

interface Ids {
  readonly toModuleId: typeof toModuleId;
  readonly fromModuleId: typeof fromModuleId;
}

const ROOT = join(import.meta.dirname, '../..');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'megactor-bundle-')));
symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const urlOf = (...path: string[]): string => pathToFileURL(join(folder, ...path)).href;

/** `program` is shared, so that its code is in a chunk; `alone` is where its own code is. */
const SMALL = {
  'package.json': '{"type":"module","exports":{".":{"default":"./dist/src/index.js"}}}',
  'src/index.ts': "export { where } from '../bench/deep/program.ts';",
  'bench/one.ts': "import { where } from './deep/program.ts'; console.log('one', where);",
  'bench/deep/program.ts':
    "export const where = import.meta.url; export const hint = 'Give import.meta.url.';\nif (import.meta.main) console.log('program', where, hint);",
  'bench/deep/alone.ts': "import { where } from './program.ts';\nif (import.meta.main) console.log('alone', where);",
};

test('a module in a chunk is where its source was, and a program when it is started as one', async () => {
  const root = join(folder, 'small');
  for (const [path, text] of Object.entries(SMALL)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const entries = findEntries(root);
  expect(entries).toEqual(['bench/deep/alone.ts', 'bench/deep/program.ts', 'bench/one.ts', 'src/index.ts']);
  await bundle(root, entries, join(root, 'dist'));
  expect(readFileSync(join(root, 'dist/bench/deep/program.js'), 'utf8'), 'it is in a chunk').not.toContain('main');
  const run = (path: string): string =>
    execFileSync(process.execPath, [join(root, 'dist', path)], { encoding: 'utf8' });
  const where = urlOf('small/dist/bench/deep/program.js');
  expect(run('bench/one.js')).toBe(`one ${where}\n`);
  expect(run('bench/deep/program.js')).toBe(`program ${where} Give import.meta.url.\n`);
  expect(run('bench/deep/alone.js')).toBe(`alone ${where}\n`);
});

test('nothing links a module of Node, which would load what it only might need', async () => {
  const root = join(folder, 'builtins');
  mkdirSync(join(root, 'bench'), { recursive: true });
  const one = [
    "import { existsSync as there, readFileSync } from 'node:fs';",
    "import * as paths from 'node:path';",
    "import { join } from 'node:path';",
    "const loaded = () => process.moduleLoadList.includes('NativeModule internal/fs/promises');",
    'console.log(there(readFileSync(0, "utf8")), paths.join === join, loaded());',
  ];
  writeFileSync(join(root, 'package.json'), SMALL['package.json'].replace(/,"exports".*/u, ',"exports":{}}'));
  writeFileSync(join(root, 'bench/one.ts'), one.join('\n'));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  await bundle(root, ['bench/one.ts'], join(root, 'dist'));
  const options = { encoding: 'utf8', input: root } as const;
  const linked = execFileSync(process.execPath, [join(root, 'bench/one.ts')], options);
  expect([linked, execFileSync(process.execPath, [join(root, 'dist/bench/one.js')], options)]).toEqual([
    'true true true\n',
    'true true false\n',
  ]);
});

test('what is started must be an entry', async () => {
  const root = join(folder, 'small');
  mkdirSync(join(root, 'src'), { recursive: true });
  writeFileSync(join(root, 'src/wrong.ts'), "export const url = entryUrl('./other', import.meta.url);");
  const made = bundle(root, ['src/wrong.ts'], join(root, 'dist'));
  await expect(made).rejects.toThrow('src/wrong.ts starts src/other.ts, which is no entry');
});

test('journals name a module alike, whether it is a source or built, and each finds its own', async () => {
  const dist = join(folder, 'dist');
  await bundle(ROOT, ['actors/ordinary.ts', 'actors/boss.ts', 'src/runtime/module-id.ts'], dist);
  const built = (await import(urlOf('dist/src/runtime/module-id.js'))) as Ids;
  const actors = (await import(urlOf('dist/actors/ordinary.js'))) as { ordinary: AgentDefinition };
  expect(toModuleId(ordinary.module)).toBe('megactor:actors/ordinary');
  expect(built.toModuleId(actors.ordinary.module)).toBe('megactor:actors/ordinary');
  expect(built.fromModuleId('megactor:actors/ordinary')).toBe(urlOf('dist/actors/ordinary.js'));
});
