/** Stock git, without the machine's configuration: what it finds in a repository, and how fast it takes commits itself. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

const ENVIRONMENT = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
const OUTPUT_MAX = 512 * 1024 * 1024;

export const git = (directory: string, ...args: readonly string[]): string =>
  execFileSync('git', args, {
    cwd: directory,
    env: ENVIRONMENT,
    encoding: 'utf8',
    maxBuffer: OUTPUT_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** `git version 2.39.5`, or null where there is no git. */
export const gitVersion = (): string | null => {
  try {
    return git('.', '--version').trim();
  } catch {
    return null;
  }
};

/** Lines that `git fsck --strict` has to say. A commit that a kill left without a branch is nothing wrong. */
export const complaints = (directory: string): number => {
  try {
    const lines = git(directory, 'fsck', '--strict', '--full', '--no-progress').split('\n');
    return lines.filter((line) => line !== '' && !line.startsWith('dangling ')).length;
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    return Math.max(1, said.split('\n').length);
  }
};

/** Paths that `git log` says were added, each once. */
export const addedPaths = (directory: string): Set<string> =>
  new Set(
    git(directory, 'log', '--format=', '--name-only', '-z', '--diff-filter=A')
      .split(/[\0\n]/u)
      .filter(Boolean),
  );

/** Gives `git fast-import` a commit per file, and resolves when it has ended. */
export const fastImport = async (directory: string, files: Iterable<readonly [string, string]>): Promise<void> => {
  git(directory, 'init', '-q');
  const child = spawn('git', ['fast-import', '--quiet'], {
    cwd: directory,
    env: ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const closed = once(child, 'close');
  let mark = 0;
  for (const [path, content] of files) {
    mark += 1;
    const bytes = Buffer.byteLength(content);
    const head = `commit refs/heads/main\nmark :${mark}\ncommitter Bench <bench@example.org> ${mark} +0000\ndata 5\nwrite\n`;
    const from = mark === 1 ? '' : `from :${mark - 1}\n`;
    const isRoom = child.stdin.write(`${head}${from}M 100644 inline ${path}\ndata ${bytes}\n${content}\n`);
    if (!isRoom) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
};
