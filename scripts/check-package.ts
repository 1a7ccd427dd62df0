/**
 * `npm run check:package`: the package as a stranger gets it. Builds and packs it, looks at what is in the tarball,
 * installs that in an empty project, and uses it there: as a library, in a bundle, from the command line, and under a
 * compiler; with this Node and with the oldest that is supported. Prints a line per check and ends with 1 at the first that fails.
 * What it does not do: test the product (`npm test`), or check the types of the sources (`npm run typecheck`).
 *
 * The tarball and the projects stand in a temporary folder; of the checkout only `dist/` is written.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { builtinModules } from 'node:module';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, posix, resolve } from 'node:path';
import type { RunSummary } from '../src/run/types.ts';
import { moduleNames } from '../test/style/source.ts';
import { checkBundleErrors, checkBundles, makeBundles, type BundleTools } from './package-bundle.ts';

/** The newest of the oldest supported line. */
const OLD_NODE = '22.23.3';
/** For what hangs. */
const STEP_LIMIT_MS = 600_000;
/** The tarball, and what it unpacks to. */
const PACKED_MAX_BYTES = 1_150_000;
const UNPACKED_MAX_BYTES = 4_000_000;
/** Most milliseconds of a processor for `import 'megactor'`; several times what it takes, because machines differ. */
const IMPORT_MAX_MS = 1_500;
/** What an import of the package must not load, because only some runs need it. */
const NOT_LOADED_AT_IMPORT = ['openai', 'undici', 'lmdb', 'isomorphic-git', 'usearch'];
const COMPILER_SETTINGS = ['nodenext', 'bundler', 'without-node'];
/** Imported only where they are: by the launcher in a checkout, and by a benchmark that leaves out what is not installed. */
const NOT_IN_PACKAGE = ['./built-from.mjs', 'nact', 'xstate'];
const AGENTS = 12;

const ROOT = join(import.meta.dirname, '..');
const PROJECT = join(import.meta.dirname, 'package-project');
const BINARIES = join(ROOT, 'node_modules', '.bin');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

/** The environment without what the npm that started this script put there; `npm_lifecycle_event` changes the command. */
const cleanEnvironment = (): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_(?:registry|cache|userconfig)$)/iu.test(name),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: '1' };
};

interface Place {
  readonly cwd: string;
  /** A folder that comes first on PATH. */
  readonly path?: string;
}

/** Resolves to stdout. @throws with all output when the program fails or takes too long */
const program = async (command: string, words: readonly string[], { cwd, path }: Place): Promise<string> => {
  const environment = cleanEnvironment();
  if (path !== undefined) environment['PATH'] = `${path}${delimiter}${environment['PATH'] ?? ''}`;
  const child = spawn(command, words, {
    cwd,
    env: environment,
    timeout: STEP_LIMIT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = Promise.withResolvers<string>();
  child.on('error', ended.reject);
  child.on('close', (code, signal) => {
    if (code === 0) ended.resolve(output.stdout);
    else {
      const line = [command, ...words].join(' ');
      ended.reject(new Error(`${line}: ended with ${code ?? signal}\n${output.stdout}${output.stderr}`));
    }
  });
  return ended.promise;
};

/** The `node` that comes first on PATH. */
const node = (words: readonly string[], place: Place): Promise<string> => program('node', words, place);

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
const kilobytes = (bytes: number): string => `${Math.round(bytes / 1_000)} kB`;
const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(folder, join(entry.parentPath, entry.name)))
    .sort();

/** What may be in the tarball. */
const EXPECTED = [
  /^(?:LICENSE|README\.md|package\.json)$/u,
  /^bin\/megactor\.mjs$/u,
  /^dist\/(?:src|actors|bench)\/.+\.(?:js|d\.ts)$/u,
  // What several entries share, and the licence of what is in it.
  /^dist\/chunks\/(?:[0-9A-Z]{8}\.js|LICENSES\.txt)$/u,
  // What the agents of a playbook write.
  /^dist\/actors\/playbooks\/[a-z]+\/files\/(?:[a-z]+\/)?[a-z.]+\.(?:m?js|html|css)$/u,
  // The benchmark of a peer that is no JavaScript.
  /^dist\/bench\/savina\/peers\/savina\.escript$/u,
  /^docs\/.+\.(?:md|svg)$/u,
];

const pack = async (folder: string): Promise<{ tarball: string; words: string }> => {
  await program('npm', ['run', 'build'], { cwd: ROOT });
  const listing = await program('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
  });
  const [packed] = JSON.parse(listing) as {
    filename: string;
    size: number;
    unpackedSize: number;
    files: { path: string }[];
  }[];
  assert.ok(packed !== undefined, 'npm pack says what it packed');
  const paths = packed.files.map(({ path }) => path);
  const strangers = paths.filter((path) => !EXPECTED.some((pattern) => pattern.test(path)));
  assert.deepEqual(strangers, [], 'only what belongs into the package is in it');
  const targets = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  for (const target of [...targets, ...Object.values(manifest.bin)]) {
    assert.ok(paths.includes(posix.normalize(target)), `${target} is in the package`);
  }
  assert.ok(packed.size <= PACKED_MAX_BYTES, `${packed.size} bytes are too many`);
  assert.ok(packed.unpackedSize <= UNPACKED_MAX_BYTES, `${packed.unpackedSize} bytes are too many`);
  const words = `${paths.length} files, ${kilobytes(packed.size)}, unpacked ${kilobytes(packed.unpackedSize)}`;
  return { tarball: join(folder, packed.filename), words };
};

/** Every module that a file of the package names is a file of the package, a dependency or a part of Node. */
const checkImports = (root: string): string => {
  const own = filesUnder(root).filter((path) => /\.(?:js|mjs|d\.ts)$/u.test(path));
  let count = 0;
  const wrong = own.flatMap((path) => {
    const source = readFileSync(join(root, path), 'utf8');
    const mapped = source.includes('sourceMappingURL=') ? [`${path}: names a source map`] : [];
    const names = [
      ...moduleNames(source),
      ...[...source.matchAll(/\bimport\("(?<name>[^"]+)"\)/gu)].map((m) => m[1] ?? ''),
    ];
    count += names.length;
    const places = [path, ...modulesIn(source)];
    const isLost = (name: string): boolean => !places.some((place) => isReachable(root, place, name));
    return [...mapped, ...names.filter(isLost).map((name) => `${path}: ${name}`)];
  });
  assert.deepEqual(wrong, [], 'every import leads somewhere');
  return `${count} imports in ${own.length} files`;
};

/** Where the modules of a chunk would be: URLs in them are relative to that. */
const modulesIn = (source: string): string[] =>
  [...source.matchAll(/^\/\/ (?<module>(?:src|actors|bench)\/\S+)\.ts$/gmu)].map(
    ({ groups }) => `dist/${groups?.['module'] ?? ''}.js`,
  );

const isReachable = (root: string, path: string, name: string): boolean => {
  // Put together when it is asked for: the runs below ask for all of them.
  if (name.includes('${') || NOT_IN_PACKAGE.includes(name)) return true;
  if (name.startsWith('.')) {
    const target = resolve(root, dirname(path), name);
    // Compilers read `./x.ts` in a declaration as `./x.d.ts`, and of a JavaScript file its neighbour.
    if (path.endsWith('.d.ts')) return existsSync(target.replace(/\.[jt]s$/u, '.d.ts'));
    // `entryUrl` adds the extension.
    return existsSync(target) || (!/\.\w+$/u.test(name) && existsSync(`${target}.js`));
  }
  if (name.startsWith('node:')) return builtinModules.includes(name) || builtinModules.includes(name.slice(5));
  // `entryUrl` takes `load` for `./load`.
  if (existsSync(join(root, dirname(path), `${name}.js`))) return true;
  const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/');
  const { dependencies, peerDependencies, name: own } = manifest;
  return packageName in dependencies || packageName in peerDependencies || packageName === own;
};

/** An empty project with the tarball, its own zod, and the types of Node. */
const install = async (folder: string, tarball: string): Promise<string> => {
  const project = join(folder, 'project');
  cpSync(PROJECT, project, { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const beside = [`zod@${manifest.dependencies['zod']}`, `@types/node@${manifest.devDependencies['@types/node']}`];
  await program('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...beside], {
    cwd: project,
  });
  return project;
};

/** The folder with the binary of the oldest supported line. */
const installOldNode = async (folder: string): Promise<string> => {
  const home = join(folder, 'old-node');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'old-node', private: true }));
  await program('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `node@${OLD_NODE}`], { cwd: home });
  return join(home, 'node_modules', '.bin');
};

/** Prints the processor time that the import took, of which others on the machine take nothing, and the packages that it loaded. */
const IMPORT_PROBE = `
import { registerHooks } from 'node:module';
const loaded = new Set();
registerHooks({ resolve: (name, context, next) => {
  const found = next(name, context);
  const match = /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/u.exec(found.url);
  if (match !== null) loaded.add(match[1]);
  return found;
} });
const before = process.cpuUsage();
await import('megactor');
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ ms: Math.round((user + system) / 1_000), packages: [...loaded] }));
`;

const checkImport = async (place: Place): Promise<string> => {
  const printed = await node(['--input-type=module', '--eval', IMPORT_PROBE], place);
  const { ms, packages } = JSON.parse(lastLine(printed)) as { ms: number; packages: string[] };
  assert.ok(packages.includes('megactor'), 'the probe sees what is loaded');
  assert.deepEqual(
    NOT_LOADED_AT_IMPORT.filter((name) => packages.includes(name)),
    [],
    'what only some runs need is not loaded at once',
  );
  assert.ok(ms <= IMPORT_MAX_MS, `the import took ${ms} ms of a processor`);
  return `${ms} ms; loads ${packages.filter((name) => name !== 'megactor').length} packages`;
};

interface LibraryResult {
  readonly total: number;
  readonly content: string;
  readonly recalled: string;
  /** By a program. */
  readonly printed: string;
  readonly agents: number;
  /** `process.version` */
  readonly node: string;
}

const checkLibrary = async (place: Place, output: string, version: string): Promise<string> => {
  const printed = await node(['use.ts', output], place);
  const result = JSON.parse(lastLine(printed)) as LibraryResult;
  assert.equal(result.node, version);
  assert.equal(result.total, 56, 'what durable actors counted survives');
  assert.equal(result.content, 'one\n');
  assert.equal(result.recalled, 'The harbour closes at nine.');
  assert.equal(result.printed, '42');
  assert.equal(result.agents, AGENTS);
  return `actors in JavaScript and TypeScript, a workspace, a memory, a program, a society of ${result.agents}`;
};

const checkCommand = async (place: Place, runDir: string): Promise<string> => {
  const version = await program('npx', ['--no-install', 'megactor', '--version'], place);
  assert.match(version, new RegExp(`\\b${manifest.version.replaceAll('.', '\\.')}\\b`, 'u'));
  const options = [
    '--model',
    'rehearsal',
    '--max-agents',
    String(AGENTS),
    '--seed',
    '1',
    '--run-dir',
    runDir,
    '--json',
  ];
  const printed = await program('npx', ['--no-install', 'megactor', 'run', 'Write a field guide', ...options], place);
  const summary = JSON.parse(lastLine(printed)) as RunSummary;
  assert.equal(summary.status, 'completed');
  assert.equal(summary.agents, AGENTS);
  return `${summary.agents} agents, ${summary.files} files in ${summary.wallSeconds} s`;
};

const check = async (name: string, run: () => Promise<string> | string): Promise<void> => {
  const start = performance.now();
  const words = await run();
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stdout.write(`ok  ${name}: ${words} (${seconds} s)\n`);
};

const checkAll = async (folder: string): Promise<void> => {
  let tarball = '';
  await check('pack', async () => {
    const packed = await pack(folder);
    tarball = packed.tarball;
    return packed.words;
  });
  await check('publint', async () => {
    await program(join(BINARIES, 'publint'), ['run', tarball, '--strict'], { cwd: ROOT });
    return 'nothing to complain about';
  });
  await check('are the types wrong', async () => {
    await program(join(BINARIES, 'attw'), [tarball, '--profile', 'esm-only'], { cwd: ROOT });
    return 'no';
  });
  let project = '';
  let oldNode = '';
  await check('install', async () => {
    [project, oldNode] = await Promise.all([install(folder, tarball), installOldNode(folder)]);
    return `in an empty project, and Node ${OLD_NODE} beside it`;
  });
  await check('imports', () => checkImports(join(project, 'node_modules', manifest.name)));
  for (const setting of COMPILER_SETTINGS) {
    await check(`types, ${setting}`, async () => {
      await program(join(BINARIES, 'tsc'), ['-p', `tsconfig.${setting}.json`], { cwd: project });
      return 'exact, and nowhere any';
    });
  }
  const toolsAt = (place: Place): BundleTools => ({
    esbuild: join(BINARIES, 'esbuild'),
    project,
    run: (command, words) => program(command, words, place),
  });
  await check('bundles', () => makeBundles(toolsAt({ cwd: project })));
  await check('bundles that cannot work', () =>
    checkBundleErrors(toolsAt({ cwd: project, path: dirname(process.execPath) }), folder),
  );
  for (const path of [dirname(process.execPath), oldNode]) {
    const place: Place = { cwd: project, path };
    const version = (await node(['--version'], place)).trim();
    await check(`${version} import`, () => checkImport(place));
    await check(`${version} library`, () => checkLibrary(place, join(folder, `library-${version}`), version));
    await check(`${version} bundles`, () => checkBundles(toolsAt(place), join(folder, `bundles-${version}`)));
    await check(`${version} command`, () => checkCommand(place, join(folder, `run-${version}`)));
  }
};

const folder = mkdtempSync(join(tmpdir(), 'megactor-package-'));
try {
  await checkAll(folder);
} catch (error) {
  process.stdout.write(`FAILED  ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
