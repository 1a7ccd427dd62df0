import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rowSchema, type Row } from '../../bench/harness/result.ts';
import { sharedRows } from '../../bench/society/rows.ts';
import { planOf, settingsSchema } from '../../bench/society/settings.ts';
import {
  badOutputRows,
  cleanOf,
  cleanRows,
  failureRows,
  missingOf,
  pollingRows,
  usefulRows,
} from '../../bench/society/society-rows.ts';
import { approvedBad, type SocietyRun } from '../../bench/society/society.ts';
import { choose } from '../../bench/society/parts.ts';
import { countAnswers } from '../../bench/society/answers.ts';
import { temporaryDirectory } from '../support/command.ts';
import type { TeamRun } from '../../bench/society/team.ts';

const RUN: SocietyRun = {
  completed: true,
  wallSeconds: 5,
  processorMs: 1_000,
  answers: { ...countAnswers([], 1), calls: 100, useful: 90, byKind: { ...countAnswers([], 1).byKind, terminate: 9 } },
  admins: { calls: 30, reports: 20 },
  reviews: { planted: 4, revised: 4, good: 200, goodSentBack: 1 },
  approvedBad: 0,
  files: ['A/one.md', 'A/notes.md', 'report.md'],
  nudges: 2,
  remedies: { format: 3 },
  planted: { badJson: 4 },
};

const named = (rows: readonly Row[], end: string): Row => {
  for (const row of rows) expect(rowSchema.parse(row)).toEqual(row);
  const found = rows.filter((row) => row.name.endsWith(end));
  expect(found.map((row) => row.name)).toHaveLength(1);
  return found[0] as Row;
};

test('useful calls have a target; of the kinds only those that occurred are rows', () => {
  const rows = usefulRows(589, { runs: [RUN, { ...RUN, answers: { ...RUN.answers, useful: 80 } }] });
  expect(named(rows, 'useful model calls')).toMatchObject({ value: 0.85, min: 0.8, max: 0.9, target: 0.85, met: true });
  expect(named(rows, 'CPU per call').value).toBe(10);
  expect(rows.map(({ name, value }) => [name, value]).slice(4)).toEqual([
    ['society of 589: useful: the plan', 1],
    ['society of 589: not useful: only terminate', 9],
  ]);
  expect(named(usefulRows(31, { failed: 'no server' }), 'useful model calls').skipped).toBe('no server');
});

describe('failures', () => {
  const clean = cleanOf({ runs: [RUN, { ...RUN, files: [...RUN.files, 'B/notes.md'] }] });

  test('a file that every clean run has must be there; notes need not', () => {
    expect(clean?.files).toEqual(RUN.files);
    expect(missingOf({ ...RUN, files: ['report.md'] }, clean ?? { runs: [], files: [] })).toEqual(['A/one.md']);
  });

  test('costs are compared with the run without failures; remedies and what was spoiled are counted', () => {
    const failing = { ...RUN, wallSeconds: 10, answers: { ...RUN.answers, calls: 120 } };
    const rows = [...cleanRows({ runs: [RUN] }), ...failureRows('all', { runs: [failing] }, clean)];
    expect(named(rows, 'each, completed')).toMatchObject({ value: 1, target: 1, met: true });
    expect(named(rows, 'required files missing')).toMatchObject({ value: 0, target: 0, met: true });
    expect(named(rows, 'each, model calls')).toMatchObject({ value: 120, ratio: 1.2 });
    expect(named(rows, 'each, wall time')).toMatchObject({ ratio: 2, baseline: 'failures: none, wall time' });
    expect(named(rows, 'remedies: format').value).toBe(3);
    expect(named(rows, 'spoiled: badJson').value).toBe(4);
    expect(named(rows, 'nudges').value).toBe(2);
  });

  test('a run that did not complete misses its target; without a clean run nothing is compared', () => {
    const rows = failureRows('silence', { runs: [{ ...RUN, completed: false, files: [] }] }, clean);
    expect(named(rows, 'silence 5 %, completed')).toMatchObject({ value: 0, met: false });
    expect(named(rows, 'required files missing')).toMatchObject({ value: 2, met: false });
    const alone = failureRows('silence', { runs: [RUN] }, cleanOf({ failed: 'disk' }));
    expect(named(alone, 'required files missing').skipped).toMatch(/compare/u);
    expect(named(alone, 'model calls').ratio).toBeNull();
  });
});

test('bad output: all of it sent back, nothing of it approved, hardly anything else sent back', () => {
  const planted = { badOutput: 5 };
  const rows = badOutputRows(589, { runs: [{ ...RUN, planted }] });
  expect(named(rows, 'bad files written').value).toBe(5);
  expect(named(rows, 'with it, those whose work was sent back')).toMatchObject({ value: 1, target: 1, met: true });
  expect(named(rows, 'approved in the end')).toMatchObject({ value: 0, target: 0, met: true });
  expect(named(rows, 'without it, those whose work was sent back')).toMatchObject({ value: 0.005, met: true });
  const missed = { ...RUN, reviews: { ...RUN.reviews, revised: 3, goodSentBack: 4 }, approvedBad: 1 };
  expect(badOutputRows(589, { runs: [missed] }).map(({ met }) => met)).toEqual([null, null, false, false, false]);
  const none = { ...RUN, reviews: { ...RUN.reviews, planted: 0, revised: 0 } };
  expect(named(badOutputRows(31, { runs: [none] }), 'with it, those whose work was sent back').skipped).toMatch(
    /drawn/u,
  );
});

test('a bad file that was accepted counts, one that was mended or is kept with a reservation does not', () => {
  const directory = temporaryDirectory();
  const { path } = directory;
  try {
    mkdirSync(join(path, 'workspace', 'G'), { recursive: true });
    const files = ['bad', 'mended', 'reserved', 'other'].map((author) => {
      const stated = author === 'mended' ? 'Timetable: first results within 3 months. Responsible: mended.' : 'TODO';
      writeFileSync(join(path, 'workspace', 'G', `${author}.md`), `# G\n\n## ${author}\n\n${stated}\n`);
      const groupVerdict = author === 'reserved' ? 'reservation' : 'accepted';
      return { path: `G/${author}.md`, author, groupVerdict, commit: 'c' };
    });
    writeFileSync(join(path, 'report.json'), JSON.stringify({ files }));
    expect(approvedBad(path, new Set(['bad', 'mended', 'reserved']))).toEqual(['bad']);
  } finally {
    directory.cleanUp();
  }
});

test('polling: calls of Admins per report, compared with not waiting', () => {
  const rows = pollingRows('varied', [
    { pollIntervalMs: 20, series: { runs: [RUN] } },
    { pollIntervalMs: 0, series: { runs: [{ ...RUN, admins: { calls: 60, reports: 20 } }] } },
  ]);
  expect(named(rows, '20 ms: Admin calls per report')).toMatchObject({ value: 1.5, ratio: 0.5 });
  expect(named(rows, ' 0 ms: Admin calls per report')).toMatchObject({ value: 3, ratio: null });
});

test('a line of a shared file that is missing is a target missed', () => {
  const team: TeamRun = {
    wallSeconds: 4,
    reportedSeconds: 3,
    calls: 100,
    requestBytes: 1,
    processorMs: 1,
    peakMemoryMb: 1,
    commits: 1,
    delivered: 24,
    expected: 25,
  };
  const rows = sharedRows(31, { runs: [team] });
  expect(named(rows, 'lines delivered')).toMatchObject({ value: 24, target: 25, met: false });
  expect(rows.at(-1)?.skipped).toMatch(/not measured here: 21 of 25 lines/u);
});

test('parts are chosen one by one, with the runs that they need', () => {
  const jobsOf = (set: object): string[] => {
    const plan = planOf(settingsSchema.parse({ quick: true, json: true, sizes: [7, 31], ...set }));
    return choose(plan, 1).jobs.map(({ name }) => name);
  };
  expect(jobsOf({ parts: ['shared'] })).toEqual(['team of 7 with shared files', 'team of 31 with shared files']);
  expect(jobsOf({ parts: ['failures'] })).toEqual(['society of 31', 'society of 31 with failures: all']);
  expect(jobsOf({ parts: ['failures'], quick: false })).toHaveLength(7);
  expect(jobsOf({ parts: ['polling'] })).toHaveLength(4);
  expect(jobsOf({}).length).toBeGreaterThan(10);
  expect(settingsSchema.safeParse({ quick: true, json: true, parts: ['others'] }).success).toBe(false);
});
