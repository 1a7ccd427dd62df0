import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rowSchema, type Row } from '../../bench/harness/result.ts';
import { loadResultSchema } from '../../bench/society/load.ts';
import { CallCounter, callsOf, type OwnModelRun } from '../../bench/society/own-model.ts';
import { criticalPathRow, ownModelRows, serverRows, sizeRows } from '../../bench/society/rows.ts';
import { adminsOf, settingsSchema } from '../../bench/society/settings.ts';
import { summaryOf } from '../../bench/society/play.ts';
import type { TeamRun } from '../../bench/society/team.ts';
import { temporaryDirectory } from '../support/command.ts';

const RUN: TeamRun = {
  wallSeconds: 4.8,
  reportedSeconds: 4,
  calls: 1_841,
  requestBytes: 20_000_000,
  processorMs: 3_682,
  peakMemoryMb: 400,
  commits: 9,
  delivered: 490,
  expected: 490,
};

const named = (rows: readonly Row[], end: string): Row => {
  const found = rows.filter((row) => row.name.endsWith(end));
  expect(found.map((row) => row.name)).toHaveLength(1);
  return found[0] as Row;
};

describe('rows of a size', () => {
  test('at 589 agents the ratio to the critical path has a target', () => {
    const rows = sizeRows(589, { runs: [RUN, { ...RUN, wallSeconds: 9.6 }, { ...RUN, wallSeconds: 7.2 }] });
    expect(criticalPathRow().value).toBe(2.4);
    expect(named(rows, ': wall time')).toMatchObject({
      value: 7.2,
      min: 4.8,
      max: 9.6,
      baseline: criticalPathRow().name,
      ratio: 3,
      target: 2,
      targetIs: 'ratio',
      met: false,
    });
    expect(named(sizeRows(109, { runs: [RUN] }), ': wall time').target).toBeNull();
  });

  test('CPU is that of the client by the calls that the server counted', () => {
    expect(named(sizeRows(589, { runs: [RUN] }), ': CPU per call')).toMatchObject({ value: 2, unit: 'ms' });
  });

  test('a missing file is a target missed', () => {
    const rows = sizeRows(589, { runs: [{ ...RUN, delivered: 489 }] });
    expect(named(rows, ': files delivered')).toMatchObject({ value: 489, target: 490, met: false });
  });

  test('what the system does not tell is skipped, and the rest is there', () => {
    const rows = sizeRows(31, { runs: [{ ...RUN, processorMs: null, peakMemoryMb: null }] });
    expect(named(rows, ': CPU per call').skipped).toMatch(/\/proc/u);
    expect(named(rows, ': peak memory').skipped).toMatch(/\/proc/u);
    expect(named(rows, ': wall time').skipped).toBeNull();
  });

  test('a run that failed leaves rows without values', () => {
    const rows = sizeRows(589, { failed: 'the run ended failed (disk)' });
    expect(rows.every((row) => row.value === null && row.skipped !== null)).toBe(true);
    expect(named(rows, ': wall time')).toMatchObject({ target: 2, met: null, skipped: 'the run ended failed (disk)' });
  });

  test('what others needed is named as not measured here', () => {
    const reference = sizeRows(589, { runs: [RUN] }).find((row) => row.name.includes('MegaAgent'));
    expect(reference).toMatchObject({ value: null, met: null });
    expect(reference?.skipped).toMatch(/not measured here: 126 s/u);
    expect(sizeRows(37, { runs: [RUN] }).some((row) => row.name.includes('MegaAgent'))).toBe(false);
  });

  test('every row keeps to the contract', () => {
    const load = { answers: 9_000, seconds: 1.5, refused: 0, requestBytes: 1_500, serverProcessorMs: 1_500 };
    const own: OwnModelRun = {
      wallSeconds: 100,
      processorMs: 900,
      peakMemoryMb: 200,
      summary: {
        status: 'completed',
        reason: 'done',
        agents: 5,
        modelCalls: 40,
        tokens: { input: 10, output: 5 },
        wallSeconds: 99,
        files: 4,
        commits: 2,
        nudges: 0,
        reviews: { accept: 4, revise: 0 },
        remedies: {},
      },
      calls: { latenciesMs: [100, 200, 300, 2_000], repetitions: 2 },
    };
    const server = serverRows({ runs: [loadResultSchema.parse(load)] });
    expect(server.map((row) => row.value)).toEqual([6_000, 6_000]);
    expect(server[0]).toMatchObject({ target: 5_000, met: true });
    const ownRows = ownModelRows({ runs: [own] });
    expect(named(ownRows, 'calls per second').value).toBe(0.4);
    expect(named(ownRows, 'a call: median').value).toBe(200);
    expect(named(ownRows, 'are below').value).toBe(2_000);
    expect(named(ownRows, 'in flight on average').value).toBe(0.026);
    expect(named(ownRows, 'repeated requests').value).toBe(2);
    const silent = ownModelRows({ runs: [{ ...own, calls: { latenciesMs: [], repetitions: 0 } }] });
    expect(named(silent, 'a call: median').skipped).toMatch(/no agent got an answer/u);
    expect(ownRows.every((row) => row.target === null)).toBe(true);
    for (const row of [...server, ...ownRows, ...sizeRows(31, { runs: [RUN] }), criticalPathRow()]) {
      expect(rowSchema.parse(row)).toEqual(row);
    }
  });
});

describe('settings', () => {
  test.each([
    [31, 5],
    [109, 18],
    [589, 98],
    [7, 1],
    [1, null],
    [30, null],
    [775, null],
  ])('a society of %d has %s Admins', (size, admins) => {
    expect(adminsOf(size)).toBe(admins);
    expect(settingsSchema.safeParse({ quick: true, json: true, sizes: [size] }).success).toBe(admins !== null);
  });
});

describe('calls in the events of a run', () => {
  const call = (latencyMs: number, attempts: number): string =>
    `${JSON.stringify({ time: '', type: 'modelCall', agent: 'Ä', class: 'tools', latencyMs, attempts })}\n`;
  const other = '{"time":"","type":"message","agent":"B","text":"a \\"type\\":\\"modelCall\\" is no call"}\n';

  test('latencies sorted, requests beyond the first counted, a broken last line left out', () => {
    const text = `${call(30, 1)}${other}${call(10, 3)}${call(20, 1).slice(0, 40)}`;
    expect(callsOf(text)).toEqual({ latenciesMs: [10, 30], repetitions: 2 });
  });

  test('are counted while the file grows, a line in two parts once', () => {
    const directory = temporaryDirectory();
    try {
      const path = join(directory.path, 'events.jsonl');
      const counter = new CallCounter(path);
      counter.look();
      expect(counter.calls).toBe(0);
      const line = call(1, 1);
      const seen = [line, other, line.slice(0, 25), line.slice(25), line + line].map((text) => {
        appendFileSync(path, text);
        counter.look();
        return counter.calls;
      });
      expect(seen).toEqual([1, 1, 1, 2, 4]);
    } finally {
      directory.cleanUp();
    }
  });
});

describe('the summary of a run', () => {
  const finished = { exitCode: 1, stdout: '', stderr: 'megactor: no connection', wallMs: 1, processorMs: 1 };

  test('a run without one says why', () => {
    expect(() => summaryOf({ ...finished, peakMemoryMb: null })).toThrow(/ended with 1: no connection/u);
  });
});
