/**
 * `npm run smoke`: the product as a user meets it, in a minute: one small rehearsed run through the command line, then
 * its files, its history and `inspect`. Finds what unit tests of the rooms cannot: that the parts were put together.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inspection, RunSummary } from '../src/run/types.ts';

const AGENTS = 30;
/** For what hangs: a machine that has much else to do takes many times as long as an idle one. */
const LIMIT_MS = 600_000;
const BIN = join(import.meta.dirname, '../bin/megactor.mjs');

const megactor = (...words: string[]): { status: number | null; stdout: string } => {
  const ended = spawnSync(process.execPath, [BIN, ...words], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { status: ended.status, stdout: ended.stdout };
};

const git = (folder: string, ...words: string[]): string =>
  execFileSync('git', ['-C', folder, ...words], { encoding: 'utf8', timeout: LIMIT_MS });

const checkRun = (runDir: string): RunSummary => {
  const options = ['--max-agents', String(AGENTS), '--seed', '1', '--run-dir', runDir, '--json'];
  const { status, stdout } = megactor('run', 'Write a field guide to the birds of an island', ...options);
  assert.equal(status, 0, 'the run completes');
  assert.equal(stdout.trimEnd().split('\n').length, 1, 'stdout holds one line');
  const summary = JSON.parse(stdout) as RunSummary;
  assert.equal(summary.status, 'completed');
  assert.equal(summary.agents, AGENTS);
  assert.equal(summary.synthetic, true);
  assert.equal(summary.neverWoken, 0);
  assert.ok(summary.files > 0, 'there are files');
  return summary;
};

const checkFiles = (runDir: string, summary: RunSummary): void => {
  for (const name of ['run.json', 'plan.json', 'report.json', 'report.md', 'events.jsonl', 'journal']) {
    assert.ok(existsSync(join(runDir, name)), `${name} is there`);
  }
  const events = readFileSync(join(runDir, 'events.jsonl'), 'utf8').trimEnd().split('\n');
  for (const line of events) assert.ok('type' in (JSON.parse(line) as object), 'every event has a type');
  git(summary.workspace, 'fsck', '--strict');
  assert.equal(git(summary.workspace, 'status', '--porcelain'), '', 'the work tree equals HEAD');
  const files = git(summary.workspace, 'ls-files').trimEnd().split('\n');
  assert.equal(files.length, summary.files, 'the report counts the files that are there');
};

const checkInspection = (runDir: string): void => {
  const { status, stdout } = megactor('inspect', runDir, '--json');
  assert.equal(status, 0, 'inspect works on a run that ended');
  const inspection = JSON.parse(stdout) as Inspection;
  assert.equal(inspection.status, 'completed');
  assert.equal(inspection.agents.length, AGENTS);
};

/** That the benchmark runs and its last line is whole; how fast this machine is today is no matter of a smoke test. */
const checkBench = (): void => {
  const { status, stdout } = megactor('bench', 'society', '--quick', '--sizes', '31', '--json');
  assert.equal(status, 0, 'the benchmark runs');
  const { rows } = JSON.parse(stdout) as { rows: { name: string; value: number | null }[] };
  const files = rows.find((row) => row.name === '31 agents: files delivered');
  assert.equal(files?.value, 25, 'every worker delivered its file');
};

/** That files are counted in git, nothing is lost, and a kill leaves a sound repository. */
const checkWorkspaceBench = (folder: string): void => {
  const set = join(folder, 'workspace.json');
  writeFileSync(set, JSON.stringify({ runs: 1, writes: 1_000 }));
  const { status, stdout } = megactor('bench', 'workspace', '--quick', '--set', set, '--json');
  assert.equal(status, 0, 'the benchmark of the workspace runs');
  const { rows } = JSON.parse(stdout) as { rows: { name: string; target: number | null; met: boolean | null }[] };
  for (const { name, target, met } of rows) if (target === 0) assert.equal(met, true, name);
};

/** The same of the memory's, with few of everything. */
const checkMemoryBench = (folder: string): void => {
  const file = join(folder, 'few.json');
  const few = {
    runs: 1,
    agents: 20,
    memories: 50,
    recalls: 200,
    large: 1_000,
    scopes: 1,
    queries: 2,
    embedder: 'none',
  };
  writeFileSync(file, JSON.stringify(few));
  const { status, stdout } = megactor('bench', 'memory', '--set', file, '--json');
  assert.equal(status, 0, 'the benchmark of the memory runs');
  const { rows } = JSON.parse(stdout) as { rows: { name: string; value: number | null }[] };
  assert.equal(rows.find((row) => row.name === 'identifier: words, hit@3')?.value, 1, 'identifiers are found');
};

const folder = mkdtempSync(join(tmpdir(), 'megactor-smoke-'));
try {
  const runDir = join(folder, 'run');
  const summary = checkRun(runDir);
  checkFiles(runDir, summary);
  checkInspection(runDir);
  checkBench();
  checkMemoryBench(folder);
  checkWorkspaceBench(folder);
  process.stdout.write(
    `smoke: ${summary.agents} agents, ${summary.modelCalls} calls, ${summary.files} files in ${summary.wallSeconds} s\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
