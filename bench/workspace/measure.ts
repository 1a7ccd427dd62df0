/**
 * Runs what `bench workspace` measures, every subject in a process and a directory of its own, and makes rows of it. The
 * long series is measured once: it takes minutes, and its figures are medians of thousands already.
 */
import { entryUrl } from '../../src/platform/index.ts';
import { environment, loadAverage, withDirectory } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { runSubjectAt } from '../harness/programs.ts';
import { machine, type BenchResult } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { killedResultSchema } from './killed.ts';
import { longResultSchema } from './long.ts';
import { rowsOf, type Measurements, type WritesRun } from './rows.ts';
import { CONTENT_BYTES, planOf, type Plan, type WorkspaceSettings } from './settings.ts';
import { sharingResultSchema } from './sharing.ts';
import { gitVersion } from './stock-git.ts';
import { writesResultSchema, type WritesSettings } from './writes.ts';

const at = (name: string): URL => entryUrl(name, import.meta.url);

const writes = ({ agents, filesEach }: Plan, method: WritesSettings['method']): Promise<WritesRun> =>
  withDirectory((directory) =>
    runSubjectAt(at('./writes'), { directory, method, agents, filesEach }, writesResultSchema),
  );

const measureRound = async (series: Measurements, plan: Plan, round: number, progress: Progress): Promise<void> => {
  const say = (what: string, run: unknown): void =>
    progress(`round ${round} of ${plan.runs}, ${what}: ${run === null ? 'failed' : JSON.stringify(run)}`);
  if (gitVersion() !== null) say('git fast-import', await series.fastImport.add(() => writes(plan, 'fast-import')));
  say('writes', await series.writes.add(() => writes(plan, 'workspace')));
  const { sharing: agents, linesEach, clashing } = plan;
  const sharing = await series.sharing.add(() =>
    withDirectory((directory) =>
      runSubjectAt(at('./sharing'), { directory, agents, linesEach, clashing }, sharingResultSchema),
    ),
  );
  say('the same files', sharing);
  const killAfter = plan.killsAfter[(round - 1) % plan.killsAfter.length];
  const killed = await series.killed.add(() =>
    withDirectory((directory) =>
      runSubjectAt(at('./killed'), { directory, agents: plan.agents, killAfter, isWriter: false }, killedResultSchema),
    ),
  );
  say('killed', killed);
};

export const measurePlan = async (plan: Plan, progress: Progress): Promise<BenchResult> => {
  const before = environment();
  const version = gitVersion();
  const series: Measurements = {
    fastImport: new Series(),
    writes: new Series(),
    sharing: new Series(),
    killed: new Series(),
    long: new Series(),
  };
  for (let round = 1; round <= plan.runs; round += 1) await measureRound(series, plan, round, progress);
  const { agents, filesEachOfMany: filesEach, reads } = plan;
  const long = await series.long.add(() =>
    withDirectory((directory) =>
      runSubjectAt(at('./long'), { directory, agents, filesEach, writes: plan.writes, reads }, longResultSchema),
    ),
  );
  progress(`${plan.writes} writes: ${long === null ? 'failed' : JSON.stringify(long)}`);
  return {
    bench: 'workspace',
    machine: machine(),
    runs: plan.runs,
    settings: {
      ...plan,
      contentBytes: CONTENT_BYTES,
      git: version ?? 'none',
      durability: 'flushed; every answer is on disk',
      calls: 'from the main thread to the thread of the workspace, which has its store on the thread of the journal',
      ...before,
      loadAverageAtEnd: loadAverage(),
    },
    rows: rowsOf(series, plan, version !== null),
  };
};

export const measure = (settings: WorkspaceSettings, progress: Progress): Promise<BenchResult> =>
  measurePlan(planOf(settings), progress);
