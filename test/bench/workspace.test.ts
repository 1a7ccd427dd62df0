/** That `bench workspace` counts what git has and what a kill left, and that its rows are whole. */
import { expect, test } from 'vitest';
import { measureKilled } from '../../bench/workspace/killed.ts';
import { measureLong } from '../../bench/workspace/long.ts';
import { rowsOf, type Measurements, type WritesRun } from '../../bench/workspace/rows.ts';
import { planOf } from '../../bench/workspace/settings.ts';
import { measureSharing } from '../../bench/workspace/sharing.ts';
import { measureWrites, type WritesSettings } from '../../bench/workspace/writes.ts';
import { rowSchema } from '../../bench/harness/result.ts';
import { Series } from '../../bench/harness/series.ts';
import { temporaryDirectory } from '../support/command.ts';

const inDirectory = async <Result>(work: (directory: string) => Promise<Result>): Promise<Result> => {
  const directory = temporaryDirectory();
  try {
    return await work(directory.path);
  } finally {
    directory.cleanUp();
  }
};

test('every subject in small: all is counted in git, nothing is lost, and the rows are whole', async () => {
  const series: Measurements = {
    fastImport: new Series(),
    writes: new Series(),
    sharing: new Series(),
    killed: new Series(),
    long: new Series(),
  };
  const sizes = { agents: 10, filesEach: 3 };
  const written = (method: WritesSettings['method']): Promise<WritesRun> =>
    inDirectory(async (directory) => ({ ...(await measureWrites({ directory, method, ...sizes })), processorMs: 5 }));
  await series.fastImport.add(() => written('fast-import'));
  await series.writes.add(() => written('workspace'));
  await series.sharing.add(() =>
    inDirectory((directory) => measureSharing({ directory, agents: 8, linesEach: 2, clashing: 4 })),
  );
  await series.killed.add(() =>
    inDirectory((directory) => measureKilled({ directory, agents: 10, killAfter: 25, isWriter: false })),
  );
  await series.long.add(() => inDirectory((directory) => measureLong({ directory, ...sizes, writes: 100, reads: 20 })));
  expect(series.writes.measured).toMatchObject({ runs: [{ count: 30 }] });
  expect(series.sharing.measured).toMatchObject({
    runs: [{ lostLines: 0, lostEdits: 0, lostMerges: 0, needless: 0, untold: 0 }],
  });
  expect(series.killed.measured).toMatchObject({ runs: [{ missing: 0, complaints: 0 }] });
  expect(series.long.measured).toMatchObject({ runs: [{ writes: 100, clone: { complaints: 0 } }] });
  const rows = rowsOf(series, planOf({ quick: true, json: true }), true);
  for (const row of rows) expect(rowSchema.parse(row).skipped, row.name).toBeNull();
  expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
  expect(rows.filter((row) => row.target === 0).map((row) => row.met)).not.toContain(false);
});
