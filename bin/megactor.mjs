#!/usr/bin/env node
/**
 * The `megactor` command: finds a Node that is new enough, prepares the process, and loads the command line. Plain
 * JavaScript that Node 16 can parse, because it must be able to say that Node 16 is too old.
 * It does not know any command or option.
 *
 * 1. On an older Node it runs itself once more under the binary of the npm package `node`, when that is installed;
 *    standard streams, exit code and signals pass through. Otherwise one line says what to install (exit 2).
 * 2. A signal that reaches this process is told to the child over a channel, not sent again as a signal: a terminal
 *    has already sent it to both, and the child counts the larger of what it got itself and what it was told.
 * 3. The child ends as if killed when this process is gone, so that killing one is killing both.
 * 4. In a checkout the sources run, or what was built from exactly these sources, which starts faster
 *    (`built-from.mjs`). `MEGACTOR_SOURCES=1` in the environment: the sources.
 */

/** A module of Node's own. To import one reads all its exports, which loads much of Node; an older one knows no other way. */
const builtin = async (name) => (process.getBuiltinModule ? process.getBuiltinModule(name) : import(name));
const { accessSync, constants, existsSync } = await builtin('node:fs');
const nodeModule = await builtin('node:module');
const { constants: osConstants, homedir } = await builtin('node:os');
const { dirname, join } = await builtin('node:path');
const { fileURLToPath, pathToFileURL } = await builtin('node:url');

const NODE_WANTED = [22, 18];
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Set for the child, so that a `node` package that is too old itself cannot make an endless chain. */
const CHILD_MARK = 'MEGACTOR_STARTED_BY';

const file = fileURLToPath(import.meta.url);
const root = dirname(dirname(file));
const source = join(root, 'src', 'cli', 'main.ts');
const built = join(root, 'dist', 'src', 'cli', 'main.js');
// A checkout is told by its location as well: Node strips no types under node_modules.
const inCheckout = existsSync(source) && !root.split(/[\\/]/).includes('node_modules');

const nodeIsNew = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > NODE_WANTED[0] || (major === NODE_WANTED[0] && minor >= NODE_WANTED[1]);
};

/** The module to load; undefined when this Node cannot. The package itself has no `built-from.mjs`. */
const findMain = async () => {
  if (!nodeIsNew()) return undefined;
  if (!inCheckout) return built;
  if (!process.env.MEGACTOR_SOURCES && (await import('./built-from.mjs')).isBuiltFromSources(root)) return built;
  return process.features.typescript ? source : undefined;
};

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The binary of the npm package `node`: in the package's own node_modules, or hoisted into one further up. */
const findInstalledNode = () => {
  const names = process.platform === 'win32' ? ['node/bin/node.exe'] : ['node/bin/node', '.bin/node'];
  for (let folder = root; ; folder = dirname(folder)) {
    for (const name of names) {
      const path = join(folder, 'node_modules', name);
      if (path !== process.execPath && isExecutable(path)) return path;
    }
    if (dirname(folder) === folder) return undefined;
  }
};

const refuse = () => {
  process.stderr.write(
    `megactor: this is Node ${process.versions.node}, and Node ${NODE_WANTED.join('.')} or newer is needed: ` +
      'install it from https://nodejs.org, or add it to the project with `npm install --save-dev node@24`.\n',
  );
  process.exitCode = 2;
};

const runUnder = async (node) => {
  const { spawn } = await builtin('node:child_process');
  const child = spawn(node, [file, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [CHILD_MARK]: String(process.pid), UV_THREADPOOL_SIZE: threadPoolSize() },
  });
  for (const signal of FORWARDED_SIGNALS) {
    process.on(signal, () => {
      if (child.connected) child.send({ signal }, () => undefined);
      else child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`megactor: ${node} did not start (${error.message}).\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    process.exit(code === null ? 128 + (osConstants.signals[signal] || 0) : code);
  });
};

/** Commits, files and name resolution share libuv's threads; its own default is 4. */
const threadPoolSize = () => process.env.UV_THREADPOOL_SIZE || '8';

/** Drops the one warning that says nothing to a user of Megactor: that `node:sqlite` is experimental. */
const hideSqliteWarning = () => {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...rest) => {
    const text = typeof warning === 'string' ? warning : warning.message;
    if (text.startsWith('SQLite is an experimental feature')) return;
    emitWarning(warning, ...rest);
  };
};

/** In the child of an older Node: lives no longer than its parent, and does not live on for the channel alone. */
const followParent = () => {
  const startedByParent = process.env[CHILD_MARK] !== undefined && process.channel !== undefined;
  delete process.env[CHILD_MARK];
  if (!startedByParent) return;
  process.channel.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
};

/**
 * Compiled (and type-stripped) modules are kept between starts: every thread loads its own, which is more than a third
 * of the processor time of a short run. In a folder of the user's own, since whoever can write it can run code.
 */
const useCompileCache = () => {
  if (typeof nodeModule.enableCompileCache !== 'function' || process.env.NODE_COMPILE_CACHE !== undefined) return;
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'megactor', 'modules');
  nodeModule.enableCompileCache(folder);
  // Threads started from here on read it from the environment.
  if (nodeModule.getCompileCacheDir() !== undefined) process.env.NODE_COMPILE_CACHE = folder;
};

const start = async (main) => {
  process.env.UV_THREADPOOL_SIZE = threadPoolSize();
  useCompileCache();
  hideSqliteWarning();
  followParent();
  const { runCommandLine } = await import(pathToFileURL(main).href);
  await runCommandLine(process.argv.slice(2), { inCheckout });
};

const main = await findMain();
if (main !== undefined) {
  await start(main);
} else {
  const node = process.env[CHILD_MARK] === undefined ? findInstalledNode() : undefined;
  if (node === undefined) refuse();
  else await runUnder(node);
}
