/** `--review auto` in a whole run: what checks find goes back without a model call, the report counts it, files have verdicts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { replayRun, runSociety } from '../../src/run/index.ts';
import { placeholdersIn } from '../../src/society/index.ts';
import { temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

interface Report {
  readonly checks: { handIns: number; passed: number; sentBack: number; findings: Record<string, number> } | null;
  readonly systemReviews: readonly { files: number; sampled: readonly string[]; approved: boolean }[];
  readonly files: readonly { path: string; commit: string | null; groupVerdict: string; systemVerdict: string }[];
}

const play = async (name: string, review: 'auto') => {
  const runDir = join(directory.path, name);
  const run = runSociety('Write a guide', {
    runDir,
    review,
    seed: 7,
    maxAgents: 14,
    durability: 'committed',
    rehearsal: { latencyMs: 0, failures: { badOutput: 0.2 } },
  });
  const summary = await run.report;
  const report = JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as Report;
  return { runDir, summary, report, text: readFileSync(join(runDir, 'report.md'), 'utf8') };
};

test('bad work goes back at once, is good in the end, and is counted (X2, X5, D5)', { tags: 'long' }, async () => {
  const { runDir, summary, report, text } = await play('auto', 'auto');
  expect(summary.status).toBe('completed');
  const sentBack = report.checks?.sentBack ?? 0;
  expect(sentBack).toBeGreaterThan(0);
  // What checks cannot see is for the reader.
  const { accept, revise } = summary.reviews;
  expect(accept).toBe(13);
  expect(revise).toBeGreaterThanOrEqual(sentBack);
  expect(report.checks).toMatchObject({ handIns: 13 + revise, passed: 13 + revise - sentBack });
  expect(text).toContain(
    `- checks: ${13 + revise} hand-ins, ${13 + revise - sentBack} without a finding, ${sentBack} sent back`,
  );
  expect(new Set(report.files.map(({ groupVerdict, systemVerdict }) => `${groupVerdict} ${systemVerdict}`))).toEqual(
    new Set(['accepted approved']),
  );
  expect(report.files.every(({ commit }) => /^[0-9a-f]{40}$/u.test(commit ?? ''))).toBe(true);
  // The Boss saw files that were there.
  const paths = new Set(report.files.map(({ path }) => path));
  const [asked] = report.systemReviews;
  expect(asked).toMatchObject({ approved: true, files: paths.size });
  expect(asked?.sampled.every((path) => paths.has(path))).toBe(true);
  for (const { path } of report.files) {
    expect(placeholdersIn(path, readFileSync(join(runDir, 'workspace', path), 'utf8'))).toEqual([]);
  }
  expect((await replayRun(runDir)).diverged).toBeNull();
});
