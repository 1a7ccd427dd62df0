import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { accepted, by, fileStore, git, openWorkspace, soundness, temporaryDirectory } from './support/harness.ts';

const ENTRY = fileURLToPath(new URL('./support/writer-process.ts', import.meta.url));

/** Runs the writer and kills it when it has said `count` things; gives what it said. */
const writeUntilKilled = async (
  directory: string,
  store: string,
  round: number,
  count: number,
): Promise<string[][]> => {
  const child = spawn(process.execPath, [ENTRY, directory, store, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(JSON.parse(line) as string[]);
    if (said.length === count) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
  expect(child.signalCode).toBe('SIGKILL');
  return said;
};

test('W1, W3, O2: killed in the middle of writes, again and again, nothing acknowledged is missing or doubled', async () => {
  const directory = join(temporaryDirectory(), 'workspace');
  const store = join(temporaryDirectory(), 'store');
  const said: string[][] = [];
  for (const [round, count] of [40, 137, 251, 600].entries()) {
    said.push(...(await writeUntilKilled(directory, store, round, count)));
    // What is there right after the kill is sound as well, before anything heals it.
    expect(git(directory, 'fsck', '--strict', '--full', '--no-progress')).toBe('');
  }
  const { workspace } = await openWorkspace({ directory, store: fileStore(store), runId: 'kill' });
  await workspace.finish();
  expect(soundness(directory)).toEqual({ fsck: '', status: '' });
  const logs = new Map<string, string[]>();
  for (const [kind, path = '', text = '', to = ''] of said) {
    if (kind === 'remove' || kind === 'move') {
      expect((await workspace.readFile({ path })).ok).toBe(false);
      expect(existsSync(join(directory, path))).toBe(false);
    }
    if (kind === 'move') expect(accepted(await workspace.readFile({ path: to })).content).toBe(text);
    if (kind === 'write') expect(accepted(await workspace.readFile({ path })).content).toBe(text);
    // The work tree equals HEAD, as the status has just said.
    if (kind === 'write') expect(readFileSync(join(directory, path), 'utf8')).toBe(text);
    if (kind !== 'append') continue;
    const lines = logs.get(path) ?? accepted(await workspace.readFile({ path })).content.split('\n');
    logs.set(path, lines);
    expect(lines.filter((line) => line === text)).toHaveLength(1);
    const author = text.split(' ')[0] ?? '';
    // A repeat of what was acknowledged before the kill changes nothing.
    accepted(await workspace.appendFile({ path, content: text }, by(author, `${text}/append`)));
  }
  for (const [path, lines] of logs) {
    expect(accepted(await workspace.readFile({ path })).content.split('\n')).toEqual(lines);
  }
  await workspace.close();
});
