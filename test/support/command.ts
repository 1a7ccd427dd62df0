/** Runs the command line as a user does: a child process, its stdout, stderr and exit code. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/megactor.mjs', import.meta.url));

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
}

/** Starts `megactor ARGS`; environment variables given replace those of the test. */
export const startCommand = (
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string | undefined> } = {},
): RunningCommand => {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, NO_COLOR: '1', OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result = new Promise<CommandResult>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
  return { child, result };
};

export const command = (
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string | undefined> } = {},
): Promise<CommandResult> => startCommand(args, options).result;

/** The final line of `--json`; fails with what was printed when there is not exactly one line. */
export const jsonLine = (result: CommandResult): unknown => {
  const lines = result.stdout.split('\n').filter((line) => line !== '');
  if (lines.length !== 1) {
    throw new Error(
      `expected one line, got ${lines.length} (exit ${result.exitCode}): ${result.stdout}\n${result.stderr}`,
    );
  }
  return JSON.parse(lines[0] ?? '');
};

/** A directory that `cleanUp` removes. */
export const temporaryDirectory = (): { readonly path: string; cleanUp(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'megactor-test-'));
  return { path, cleanUp: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
};

/** Contents by path of every file below `directory`, git's own left out. */
export const filesBelow = (directory: string): Map<string, string> => {
  const files = new Map<string, string>();
  const walk = (current: string): void => {
    for (const name of readdirSync(current).sort()) {
      const path = join(current, name);
      if (name === '.git') continue;
      if (statSync(path).isDirectory()) walk(path);
      else files.set(relative(directory, path), readFileSync(path, 'utf8'));
    }
  };
  walk(directory);
  return files;
};

/** Contents as sets of lines: what may be compared when several agents wrote one file in any order. */
export const asLineSets = (files: ReadonlyMap<string, string>): Record<string, string[]> =>
  Object.fromEntries([...files].map(([path, content]) => [path, content.split('\n').sort()]));
