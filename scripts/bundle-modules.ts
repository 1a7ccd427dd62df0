/**
 * Puts the modules of the project together into few files: what `npm run build` does besides declarations. A run starts
 * six threads, and each would load hundreds of modules one by one. All entries are made at once: what several share is in
 * `chunks/`, so that a thread has one instance of every module, whatever entries it loads.
 * What it does not do: check types; bundle dependencies, except zod, of which more than half is never called; write
 * anything outside its folder.
 *
 * 1. An entry is what is loaded by its path or URL. Its file has the path of its source, and its exports.
 * 2. `import.meta.url` and `import.meta.main` of a module in a chunk are those of its source's path below `dist/`; in a
 *    bundle of a user's program, those of that bundle.
 * 3. No output links a module of Node's own: what it imports of one, it takes from `process.getBuiltinModule`.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

const CHUNKS = 'chunks';
/** Bundled; every other dependency is imported from where npm put it. */
const INSIDE = ['zod'];
const LICENCES = `${CHUNKS}/LICENSES.txt`;

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifestOf = (root: string): Manifest => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** Loaded by name: the command, the thread of the local embedder, the benchmarks. */
const NAMED = ['src/cli/main.ts', 'src/memory/local-thread.ts', 'bench/*.ts'];
/** Actors, services and programs: their URL is stored or started. */
const LOADED_BY_URL =
  /^export const \w+(?:: \w+)? = \w+\(\s*import\.meta\.url,|^export const createService\b|\bif \(import\.meta\.main\)/mu;
const ENTRY_URL = /\bentryUrl\(\s*'(?<name>[^']+)'/gu;

const slashed = (path: string): string => path.replaceAll('\\', '/');
const modulesOf = (root: string, ...patterns: readonly string[]): string[] =>
  globSync(patterns, { cwd: root })
    .map(slashed)
    .filter((path) => !path.endsWith('.d.ts'));

/** Paths of sources below `root`. */
export const findEntries = (root: string): string[] => {
  const exported = Object.values(manifestOf(root).exports).flatMap((target) =>
    typeof target === 'string' ? [] : [target.default.replace(/^\.\/dist\/(?<path>.+)\.js$/u, '$<path>.ts')],
  );
  const loaded = modulesOf(root, '{src,actors,bench}/**/*.ts').filter((path) =>
    LOADED_BY_URL.test(readFileSync(join(root, path), 'utf8')),
  );
  return [...new Set([...exported, ...modulesOf(root, ...NAMED), ...loaded])].sort();
};

/** @throws when a module names an entry that is none */
const checkEntries = (root: string, entries: readonly string[], { inputs }: Metafile): void => {
  for (const path of Object.keys(inputs).filter((input) => /^(?:src|actors|bench)\/.*\.ts$/u.test(input))) {
    for (const match of readFileSync(join(root, path), 'utf8').matchAll(ENTRY_URL)) {
      const target = `${posix.join(posix.dirname(path), match.groups?.['name'] ?? '')}.ts`;
      if (!entries.includes(target)) throw new Error(`${path} starts ${target}, which is no entry`);
    }
  }
};

/** Where a module says where it is. What `define` puts for `import.meta.…` is declared in the module's first line. */
const placeholders = (root: string): Plugin => ({
  name: 'placeholders',
  setup(builder) {
    builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (NOT_MOVED.test(source)) throw new Error(`${path}: say it by import.meta.url`);
      const own = JSON.stringify(slashed(relative(root, path)).replace(/\.ts$/u, '.js'));
      const url = source.includes('import.meta.url') ? `const __url = /* @__PURE__ */ __URL__(${own}); ` : '';
      const main = source.includes('import.meta.main') ? `const __main = /* @__PURE__ */ __MAIN__(${own}); ` : '';
      // All of zod is reached through `z`, and not through a namespace.
      const contents = source.replace(/^import \{ z \} from 'zod';$/mu, "import * as z from 'zod';");
      return { contents: `${url}${main}${contents}`, loader: 'ts' };
    });
  },
});
const NOT_MOVED = /\bimport\.meta\.(?:dirname|filename)\b/u;
const DEFINED = { 'import.meta.url': '__url', 'import.meta.main': '__main' };
const PLACEHOLDER = /\/\* @__PURE__ \*\/ __(?<kind>URL|MAIN)__\("(?<module>[^"]+)"\)/gu;

/** The text of an output with its placeholders filled. @param path of the output, below `dist/` */
const placed = (path: string, text: string): string => {
  const up = posix.relative(posix.dirname(path), '.') || '.';
  let foreign = '';
  const filled = text.replace(PLACEHOLDER, (_match, kind: string, module: string) => {
    if (module === path) return kind === 'URL' ? 'import.meta.url' : 'import.meta.main';
    foreign ||= [
      // In a bundle of a user's program this text has another URL.
      `const __at = (path) => import.meta.url?.endsWith("/dist/${path}")`,
      ` ? new URL(\`${up}/\${path}\`, import.meta.url).href : import.meta.url;\n`,
    ].join('');
    if (kind === 'URL') return `__at("${module}")`;
    const program = 'process.getBuiltinModule("node:fs").realpathSync(process.argv[1] ?? ".")';
    const isMain = `__at("${module}") === process.getBuiltinModule("node:url").pathToFileURL(${program}).href`;
    return `(process.getBuiltinModule("node:worker_threads").isMainThread && ${isMain})`;
  });
  if (/\b__(?:URL|MAIN)__\b/u.test(filled)) throw new Error(`${path} has a placeholder that is not filled`);
  return `${foreign}${filled}`;
};

const BUILTIN = /^import (?:\{(?<names>[^}]*)\}|\* as (?<whole>\w+)) from (?<module>"node:[^"]+");$/gmu;

/**
 * The text of an output, which takes what it needs of Node's own modules and does not link them. To link one, Node reads all
 * its exports, and so loads what stands behind them (WebCrypto, `fs.promises`, readline), on every thread.
 * @param count of such imports in it @throws when it is another
 */
const unlinked = (text: string, count: number): string => {
  const taken: string[] = [];
  const rest = text.replace(BUILTIN, (_match, names: string | undefined, whole: string, module: string) => {
    const target = names === undefined ? whole : `{${names.replaceAll(' as ', ': ').replaceAll(/\s+/gu, ' ')}}`;
    taken.push(`const ${target} = process.getBuiltinModule(${module});\n`);
    return '';
  });
  if (taken.length !== count) throw new Error(`${taken.length} of ${count} imports of Node's modules are found`);
  return `${taken.join('')}${rest}`;
};

const write = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

/** @param entries paths of sources below `root` @param out the folder that is, or becomes, `dist` */
export const bundle = async (root: string, entries: readonly string[], out: string): Promise<void> => {
  const { dependencies, peerDependencies, devDependencies } = manifestOf(root);
  const outside = Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies });
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entries],
    outdir: out,
    outbase: '.',
    chunkNames: `${CHUNKS}/[hash]`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    external: outside.filter((name) => !INSIDE.includes(name)),
    define: DEFINED,
    plugins: [placeholders(root)],
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  checkEntries(root, entries, metafile);
  for (const { path, text } of outputFiles) {
    const imported = metafile.outputs[slashed(relative(root, path))]?.imports ?? [];
    const builtins = imported.filter((one) => one.kind === 'import-statement' && one.path.startsWith('node:'));
    write(path, unlinked(placed(slashed(relative(out, path)), text), builtins.length));
  }
  const licences = INSIDE.map((name) => {
    const read = (file: string): string => readFileSync(join(root, 'node_modules', name, file), 'utf8').trim();
    const { version } = JSON.parse(read('package.json')) as { version: string };
    return `Files of this folder contain parts of ${name} ${version}, under this license:\n\n${read('LICENSE')}\n`;
  });
  write(join(out, LICENCES), licences.join('\n'));
};
