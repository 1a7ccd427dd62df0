/**
 * Runs the blocks of documentation pages as a reader would: programs and shell commands in a directory of their own per
 * page, from top to bottom, against this checkout. The package `megactor` is mapped to `src/index.ts`; `npm` and
 * `megactor` are small scripts that start this checkout's command. What it changes: societies are small where the page
 * does not say how large they are; somebody else's model server is a server on loopback; port 8123 is a free one.
 * It does not judge pages (`snippets.test.ts`).
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseRehearsalOptions, rehearsalOptionsSchema } from '../../src/model/rehearsal/index.ts';
import { configSchema } from '../../src/run/settings.ts';
import { planSchema } from '../../src/society/index.ts';
import { startModelServer, type ModelServer } from '../support/aimock.ts';
import { ROOT } from '../style/tree.ts';
import type { Block } from './markdown.ts';

const DEADLINE_MS = 240_000;
const OUTPUT_SHOWN_MAX = 1_500;
/** Slow enough that Ctrl-C meets a run that is at work, however long it takes for its first line to be read. */
const INTERRUPTED_REHEARSAL = { latencyMs: 400 };
const FOREIGN_SERVER = /http:\/\/(?:localhost|127\.0\.0\.1|gpu-server):(?:8000|8080|11434)\b/gu;
const PORT = /\b812\d\b/gu;

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const executable = (path: string, script: string): void => {
  writeFileSync(path, `#!/bin/sh\n${script}`);
  chmodSync(path, 0o755);
};

const MEGACTOR = `
small=
case " $* " in
  *" playbook:"*|*" --max-agents "*|*" --rehearsal "*|*" --help "*|*" --version "*) ;;
  *) case "$1" in run|-*|'') small="--max-agents 6";; esac;;
esac
case " $* " in *" --threads "*) ;; *" --help "*) ;; *) case "$1" in run|resume|-*|'') small="$small --threads 1";; esac;; esac
exec "$SNIPPET_NODE" "$SNIPPET_ROOT/bin/megactor.mjs" "$@" $small $SNIPPET_OPTIONS
`;

const NPM = `
while [ "$1" = "--silent" ]; do shift; done
case "$1" in
  ci|install|test) exit 0;;
  run) exec "$SNIPPET_NODE" -e '
    const { scripts } = JSON.parse(require("node:fs").readFileSync(process.env.SNIPPET_ROOT + "/package.json", "utf8"));
    if (!(process.argv[1] in scripts)) { console.error("there is no script " + process.argv[1]); process.exit(1); }
  ' "$2";;
  start)
    shift
    while [ "$1" = "--silent" ]; do shift; done
    if [ "$1" = "--" ]; then shift; fi
    exec megactor "$@";;
  *) echo "npm $1 is not known to the test of the documentation" >&2; exit 1;;
esac
`;

const NPX = `
while [ "$1" = "--yes" ]; do shift; done
exec "$@"
`;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const where = (block: Block): string => `${block.page}:${block.line}`;
const slug = (page: string): string => basename(page, '.md').toLowerCase();
const clip = (text: string): string => text.trim().slice(-OUTPUT_SHOWN_MAX);

const isProgram = (block: Block): boolean =>
  (block.language === 'ts' || block.language === 'js') && block.notRun === null;

/** The file of a program; relative to the directory of its page. */
const programFile = (block: Block): string => block.file ?? `snippet-${block.line}.${block.language}`;

/** What is wrong with a JSON block; null when nothing is. Which schema it follows is told by its file or its fields. */
const jsonFault = (block: Block): string | null => {
  try {
    const value: unknown = JSON.parse(block.code);
    const name = block.file ?? '';
    const fields = new Set(typeof value === 'object' && value !== null ? Object.keys(value) : []);
    const has = (names: readonly string[]): boolean => names.some((field) => fields.has(field));
    if (name.startsWith('plan') || has(['agents', 'items'])) planSchema.parse(value);
    else if (name.startsWith('rehearsal') || has(Object.keys(rehearsalOptionsSchema.shape)))
      parseRehearsalOptions(value, 1);
    else if (name.startsWith('config') || has(['limits', 'pollIntervalMs'])) configSchema.parse(value);
    return null;
  } catch (error) {
    return error instanceof z.ZodError ? z.prettifyError(error) : String(error);
  }
};

export class Snippets {
  readonly #folder = mkdtempSync(join(tmpdir(), 'megactor-docs-'));
  readonly #blocks: readonly Block[];
  readonly #server: ModelServer;
  /** What a port of a page is in fact. */
  readonly #ports: ReadonlyMap<string, number>;
  readonly #children = new Set<ChildProcess>();
  #typeErrors: Promise<string[]> | null = null;

  private constructor(blocks: readonly Block[], server: ModelServer, ports: ReadonlyMap<string, number>) {
    this.#blocks = blocks;
    this.#server = server;
    this.#ports = ports;
    this.#write();
  }

  static async open(blocks: readonly Block[]): Promise<Snippets> {
    const ports = new Map<string, number>();
    for (const { page, code } of blocks)
      for (const [port] of code.matchAll(PORT))
        ports.set(`${page} ${port}`, ports.get(`${page} ${port}`) ?? (await freePort()));
    return new Snippets(blocks, await startModelServer({ seed: 1, latencyMs: 5 }), ports);
  }

  async close(): Promise<void> {
    for (const child of this.#children) this.#signal(child, 'SIGKILL');
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Type errors of the programs of some pages, each with the page and line where it is. */
  async typeErrors(pages: (page: string) => boolean): Promise<string[]> {
    this.#typeErrors ??= this.#compile();
    return (await this.#typeErrors).filter((error) => pages(error.slice(0, error.indexOf(':'))));
  }

  async #compile(): Promise<string[]> {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const output = await new Promise<string>((resolve) => {
      const child = execFile(
        process.execPath,
        [compiler, '-p', this.#folder, '--pretty', 'false'],
        { cwd: this.#folder, timeout: DEADLINE_MS, maxBuffer: 2 ** 26 },
        (_error, stdout, stderr) => resolve(`${stdout}\n${stderr}`),
      );
      this.#children.add(child);
      child.on('exit', () => this.#children.delete(child));
    });
    const programs = new Map(
      this.#blocks.filter(isProgram).map((block) => [`${slug(block.page)}/${programFile(block)}`, block]),
    );
    return output.split('\n').flatMap((line) => {
      const { file, row, text } = /^(?<file>[^(]+)\((?<row>\d+),\d+\): error (?<text>.*)$/u.exec(line)?.groups ?? {};
      if (file === undefined) return /error TS(?:18|5)\d{3}\b/u.test(line) ? [line] : [];
      // What is wrong in the sources themselves is for the type check of the sources.
      const block = programs.get(file);
      return block === undefined ? [] : [`${block.page}:${block.line + Number(row)}: ${text}`];
    });
  }

  /** Runs the blocks of one page in order; what is wrong with each. */
  async run(page: string): Promise<string[]> {
    const blocks = this.#blocks.filter((block) => block.page === page);
    const cwd = join(this.#folder, slug(page));
    const imported = blocks.flatMap((block) =>
      [...block.code.matchAll(/from '\.\/(?<name>[\w.-]+)'/gu)].map((match) => match.groups?.['name']),
    );
    const faults: string[] = [];
    const servers: ChildProcess[] = [];
    let printed = '';
    for (const block of blocks) {
      if (block.output && block.code.trim() !== printed.trim())
        faults.push(`${where(block)}: the program printed\n${clip(printed)}`);
      if (block.language === 'other') continue;
      if (block.notRun !== null) {
        if (block.notRun.length < 10) faults.push(`${where(block)}: it is not run, and the page does not say why`);
        continue;
      }
      if (block.language === 'json') {
        const fault = jsonFault(block);
        if (fault !== null) faults.push(`${where(block)}: ${fault}`);
      } else if (block.language !== 'sh') {
        // A module that another block imports is run by it.
        if (imported.includes(programFile(block))) continue;
        const ended = await this.#spawn(process.execPath, [programFile(block)], cwd).ended;
        printed = ended.stdout;
        if (ended.exitCode !== 0) faults.push(`${where(block)}: exit ${ended.exitCode}\n${clip(ended.stderr)}`);
      } else if (/\brehearsal-server\b/u.test(block.code)) {
        const server = await this.#serve(block, cwd);
        if (typeof server === 'string') faults.push(server);
        else servers.push(server);
      } else {
        const fault = await this.#shell(block, cwd);
        if (fault !== null) faults.push(fault);
      }
    }
    for (const server of servers) this.#signal(server, 'SIGTERM');
    return faults;
  }

  #write(): void {
    const modules = join(this.#folder, 'node_modules');
    const own = join(modules, 'megactor');
    mkdirSync(own, { recursive: true });
    // Node strips no types below node_modules, so that the mapping itself is JavaScript.
    const exports = {
      '.': './index.js',
      './memory': './memory.js',
      './sandbox': './sandbox.js',
      './testing': './testing.js',
      './workspace': './workspace.js',
    };
    writeFileSync(join(own, 'package.json'), JSON.stringify({ name: 'megactor', type: 'module', exports }));
    for (const [name, path] of [
      ['index', 'src/index.ts'],
      ['memory', 'src/memory/index.ts'],
      ['sandbox', 'src/sandbox/index.ts'],
      ['testing', 'src/testing/index.ts'],
      ['workspace', 'src/workspace/index.ts'],
    ] as const) {
      const source = JSON.stringify(join(ROOT, path));
      writeFileSync(join(own, `${name}.js`), `export * from ${source};\n`);
      writeFileSync(join(own, `${name}.d.ts`), `export * from ${source};\n`);
    }
    mkdirSync(join(modules, '@types'));
    symlinkSync(join(ROOT, 'node_modules/@types/node'), join(modules, '@types/node'));
    symlinkSync(join(ROOT, 'node_modules/zod'), join(modules, 'zod'));
    writeFileSync(join(this.#folder, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(this.#folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.json'),
        compilerOptions: { allowJs: true, checkJs: true },
        include: ['*/*.ts', '*/*.js'],
      }),
    );
    const programs = join(this.#folder, 'bin');
    mkdirSync(programs);
    executable(join(programs, 'megactor'), MEGACTOR);
    executable(join(programs, 'npm'), NPM);
    executable(join(programs, 'npx'), NPX);
    writeFileSync(join(this.#folder, 'interrupted.json'), JSON.stringify(INTERRUPTED_REHEARSAL));
    for (const block of this.#blocks) {
      const folder = join(this.#folder, slug(block.page));
      mkdirSync(folder, { recursive: true });
      if (isProgram(block)) writeFileSync(join(folder, programFile(block)), `${this.#adapted(block)}\n`);
      else if (block.language === 'json' && block.file !== null) writeFileSync(join(folder, block.file), block.code);
    }
  }

  /** The text with the servers that are there. */
  #adapted({ page, code }: Block): string {
    return code
      .replaceAll(FOREIGN_SERVER, this.#server.baseUrl.replace(/\/v1$/u, ''))
      .replaceAll(PORT, (port) => String(this.#ports.get(`${page} ${port}`)));
  }

  #spawn(
    program: string,
    words: readonly string[],
    cwd: string,
    env: Record<string, string> = {},
  ): {
    readonly child: ChildProcess;
    readonly ended: Promise<Ended>;
    readonly said: (words: RegExp) => Promise<boolean>;
  } {
    const child = spawn(program, words, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${join(this.#folder, 'bin')}:${process.env['PATH'] ?? ''}`,
        NO_COLOR: '1',
        // Kept between runs of the test: every thread of every program loads its own modules.
        NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/megactor-docs'),
        SNIPPET_NODE: process.execPath,
        SNIPPET_ROOT: ROOT,
        OPENAI_BASE_URL: this.#server.baseUrl,
        OPENAI_API_KEY: undefined,
        ...env,
      },
    });
    this.#children.add(child);
    const timer = setTimeout(() => this.#signal(child, 'SIGKILL'), DEADLINE_MS);
    let stdout = '';
    let stderr = '';
    let notice = (): void => undefined;
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      notice();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      notice();
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on('error', (error) => resolve({ exitCode: null, stdout, stderr: String(error) }));
      child.on('close', (exitCode) => {
        clearTimeout(timer);
        this.#children.delete(child);
        resolve({ exitCode, stdout, stderr });
      });
    });
    const said = (pattern: RegExp): Promise<boolean> =>
      new Promise((resolve) => {
        notice = () => {
          if (pattern.test(stdout) || pattern.test(stderr)) resolve(true);
        };
        notice();
        void ended.then(() => resolve(false));
      });
    return { child, ended, said };
  }

  /** To the child and everything it started. */
  #signal(child: ChildProcess, signal: NodeJS.Signals): void {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has ended.
    }
  }

  async #shell(block: Block, cwd: string): Promise<string | null> {
    const options = block.interrupted ? `--rehearsal ${join(this.#folder, 'interrupted.json')}` : '';
    // The shell outlives Ctrl-C, so that the exit code of the command is seen.
    const script = `trap : INT\nset -e\n${this.#adapted(block)}`;
    const { child, ended, said } = this.#spawn('/bin/sh', ['-c', script], cwd, { SNIPPET_OPTIONS: options });
    if (block.interrupted && (await said(/\bRun \S+ \(Ctrl-C/u))) this.#signal(child, 'SIGINT');
    const { exitCode, stdout, stderr } = await ended;
    const expected = block.interrupted || block.paused ? 3 : 0;
    if (exitCode === expected) return null;
    return `${where(block)}: exit ${exitCode}, expected ${expected}\n${clip(stdout)}\n${clip(stderr)}`;
  }

  /** Starts a rehearsal server, which goes on until the page ends. */
  async #serve(block: Block, cwd: string): Promise<ChildProcess | string> {
    const { child, ended, said } = this.#spawn('/bin/sh', ['-c', this.#adapted(block)], cwd);
    if (await said(/^listening on /mu)) return child;
    return `${where(block)}: no server\n${clip((await ended).stderr)}`;
  }
}
