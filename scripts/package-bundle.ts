/**
 * Programs that esbuild has bundled, with the package beside them and with the package inside: they run, or say what to
 * do. Part of `npm run check:package`, in the project where the tarball is installed.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';

export interface BundleTools {
  readonly esbuild: string;
  /** The project with the tarball. */
  readonly project: string;
  /** Resolves to stdout. @throws with all output when the program fails */
  readonly run: (command: string, words: readonly string[]) => Promise<string>;
}

const PACKAGE_OUTSIDE = ['--external:megactor'];
/** They bring a program for threads and native code that no bundler takes along. */
const NATIVE_OUTSIDE = ['--external:piscina', '--external:lmdb', '--external:usearch'];
const ENTRIES = ['host-entry=megactor/host-entry', 'service-entry=megactor/service-entry'];
const EXPECTED = { total: 3, price: 40, tax: 2 };

const bundle = async ({ esbuild, project, run }: BundleTools, words: readonly string[]): Promise<void> => {
  const common = ['--bundle', '--platform=node', '--log-level=error', `--outbase=${join(project, 'bundle')}`];
  await run(esbuild, [...common, ...words]);
};

const ecma = (source: string, folder: string, ...words: string[]): string[] => [
  `app=bundle/${source}.ts`,
  '--format=esm',
  `--outdir=bundled/${folder}`,
  ...words,
];

/** Makes all bundles; those that work and those that cannot. */
export const makeBundles = async (tools: BundleTools): Promise<string> => {
  await bundle(tools, ecma('main', 'outside', ...PACKAGE_OUTSIDE));
  await bundle(tools, ecma('main', 'small', '--minify', ...PACKAGE_OUTSIDE));
  await bundle(tools, ecma('main', 'inside', ...ENTRIES, ...NATIVE_OUTSIDE));
  await bundle(tools, ecma('main', 'alone', ...NATIVE_OUTSIDE));
  await bundle(tools, ecma('unguarded', 'unguarded', ...PACKAGE_OUTSIDE));
  await bundle(tools, ecma('unexported', 'unexported', ...PACKAGE_OUTSIDE));
  const common = ['app=bundle/parts.ts', '--format=cjs', '--out-extension:.js=.cjs', '--outdir=bundled/common'];
  await bundle(tools, [...common, ...PACKAGE_OUTSIDE, '--log-override:empty-import-meta=silent']);
  return 'made by esbuild';
};

/** The bundles that work, with the Node that `run` finds. @param folder for journals */
export const checkBundles = async ({ run }: BundleTools, folder: string): Promise<string> => {
  const ways: readonly (readonly [name: string, words: readonly string[]])[] = [
    ['outside', ['bundled/outside/app.js']],
    ['small', ['bundled/small/app.js']],
    ['inside', ['bundled/inside/app.js']],
    ['elsewhere', ['bundled/alone/app.js', 'bundled/inside']],
  ];
  for (const [name, [file = '', ...entries]] of ways) {
    const printed = await run('node', [file, join(folder, name), ...entries]);
    assert.deepEqual(JSON.parse(printed.trimEnd().split('\n').at(-1) ?? ''), EXPECTED, `bundle '${name}'`);
  }
  return ways.map(([name]) => name).join(', ');
};

/** The bundles that cannot work say which of the four mistakes it is. */
export const checkBundleErrors = async ({ run }: BundleTools, folder: string): Promise<string> => {
  const wrong: readonly (readonly [file: string, code: string, hint: RegExp])[] = [
    ['alone/app.js', 'CONFIG_INVALID', /megactor\/host-entry/u],
    ['unguarded/app.js', 'DEFINITION_INVALID', /isMainThread/u],
    ['unexported/app.js', 'DEFINITION_INVALID', /from its entry/u],
    ['common/app.cjs', 'DEFINITION_INVALID', /--format=esm/u],
  ];
  for (const [file, code, hint] of wrong) {
    await assert.rejects(run('node', [`bundled/${file}`, join(folder, 'wrong')]), (error: Error) => {
      assert.ok(error.message.includes(code), `${file} says ${code}: ${error.message}`);
      assert.match(error.message, hint);
      return true;
    });
  }
  return `${wrong.length} mistakes are named`;
};
