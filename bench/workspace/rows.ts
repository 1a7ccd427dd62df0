/** From what was measured to the rows of `bench workspace`. Pure. */
import { skippedRow, type Row, type RowKind } from '../harness/result.ts';
import { rowOfSeries, type Measured, type Series } from '../harness/series.ts';
import type { KilledResult } from './killed.ts';
import type { LongResult } from './long.ts';
import { TARGETS, type Plan } from './settings.ts';
import type { SharingResult } from './sharing.ts';
import type { WritesResult } from './writes.ts';

/** With what the process cost, its children included; null where the system does not say. */
export type WritesRun = WritesResult & { readonly processorMs: number | null };

export interface Measurements {
  readonly fastImport: Series<WritesRun>;
  readonly writes: Series<WritesRun>;
  readonly sharing: Series<SharingResult>;
  readonly killed: Series<KilledResult>;
  readonly long: Series<LongResult>;
}

const NO_GIT = 'git is not installed';

const perSecond = ({ count, seconds }: WritesResult): number => count / seconds;

const none = (name: string, unit: string): RowKind => ({ name, unit, target: { is: 'value', limit: 0 } });

const writeRows = ({ fastImport, writes }: Measurements, { agents }: Plan, hasGit: boolean): Row[] => {
  const kind = { name: 'git fast-import: a commit for every write', unit: 'writes/s', higherIsBetter: true };
  const imported = hasGit ? rowOfSeries(kind, fastImport.measured, perSecond) : skippedRow(kind, NO_GIT);
  const baseline = imported.value === null ? {} : { baseline: { name: imported.name, value: imported.value } };
  const costKind = { name: 'git fast-import: processor time for a write, start and end included', unit: 'ms' };
  const cost = ({ processorMs, count }: WritesRun): number | null =>
    processorMs === null ? null : processorMs / count;
  const importCost = hasGit ? rowOfSeries(costKind, fastImport.measured, cost) : skippedRow(costKind, NO_GIT);
  const costBaseline =
    importCost.value === null ? {} : { baseline: { name: importCost.name, value: importCost.value } };
  const answered: RowKind = { name: `writes of ${agents} agents, answered`, unit: 'writes/s', higherIsBetter: true };
  return [
    imported,
    rowOfSeries(
      {
        name: `versioned writes of ${agents} agents, until git log has them`,
        unit: 'writes/s',
        higherIsBetter: true,
        ...baseline,
        target: { is: 'value', limit: TARGETS.writesPerSecond },
      },
      writes.measured,
      perSecond,
    ),
    importCost,
    rowOfSeries(
      { name: 'processor time for a versioned write, start and end included', unit: 'ms', ...costBaseline },
      writes.measured,
      cost,
    ),
    rowOfSeries(answered, writes.measured, ({ count, answeredSeconds }) => count / answeredSeconds),
    rowOfSeries(
      {
        name: 'most answered writes that git did not have yet',
        unit: 'writes',
        target: { is: 'value', limit: TARGETS.backlog },
      },
      writes.measured,
      ({ backlogMax }) => backlogMax,
    ),
  ];
};

const sharingRows = (measured: Measured<SharingResult>, { sharing, linesEach, clashing }: Plan): Row[] => [
  rowOfSeries(
    none(`${sharing} append to one file: lines lost or doubled, of ${sharing * linesEach}`, 'lines'),
    measured,
    ({ lostLines }) => lostLines,
  ),
  rowOfSeries(
    none(`${sharing} edit their part of one file: edits lost`, 'edits'),
    measured,
    ({ lostEdits }) => lostEdits,
  ),
  rowOfSeries(
    none(`${sharing} write one file whole, each with its own line changed: lines lost`, 'lines'),
    measured,
    ({ lostMerges }) => lostMerges,
  ),
  rowOfSeries(none('refusals where nothing clashes', 'refusals'), measured, ({ needless }) => needless),
  rowOfSeries(none(`${clashing} write the same line: not told, beside the first`, 'writers'), measured, ({ untold }) =>
    Math.abs(untold),
  ),
  rowOfSeries(
    { name: 'all of that, until git and the work tree have it', unit: 's' },
    measured,
    ({ seconds }) => seconds,
  ),
];

const killRows = (measured: Measured<KilledResult>): Row[] => [
  rowOfSeries(
    none('SIGKILL in the middle: answered writes that are missing', 'writes'),
    measured,
    ({ missing }) => missing,
  ),
  rowOfSeries(
    none('SIGKILL in the middle: complaints of git fsck --strict', 'lines'),
    measured,
    ({ complaints }) => complaints,
    NO_GIT,
  ),
];

const longRows = (measured: Measured<LongResult>, { agents, writes }: Plan): Row[] => {
  const read = (name: string, part: 'before' | 'after', at: 'p50Ms' | 'p99Ms', limit?: number): Row =>
    rowOfSeries(
      { name, unit: 'ms', ...(limit === undefined ? {} : { target: { is: 'value', limit } as const }) },
      measured,
      (run) => run[part][at],
    );
  return [
    read(`read of one of ${agents} files: p50`, 'before', 'p50Ms', TARGETS.readMs),
    read(`read of one of ${agents} files: p99`, 'before', 'p99Ms'),
    read(`read after ${writes} writes: p50`, 'after', 'p50Ms', TARGETS.readAfterMs),
    read(`read after ${writes} writes: p99`, 'after', 'p99Ms'),
    rowOfSeries(
      {
        name: `${writes} writes over and over the same files, until git has them`,
        unit: 'writes/s',
        higherIsBetter: true,
      },
      measured,
      (run) => run.writes / run.writeSeconds,
    ),
    rowOfSeries({ name: `end of a run after ${writes} writes`, unit: 's' }, measured, (run) => run.finishSeconds),
    rowOfSeries({ name: `packs after ${writes} writes`, unit: 'packs' }, measured, (run) => run.packs),
    rowOfSeries(
      { name: `git clone --no-local after ${writes} writes`, unit: 's' },
      measured,
      (run) => run.clone?.seconds ?? null,
      NO_GIT,
    ),
    rowOfSeries(
      none(`complaints of git fsck --strict after ${writes} writes, clone included`, 'lines'),
      measured,
      (run) => run.clone?.complaints ?? null,
      NO_GIT,
    ),
  ];
};

export const rowsOf = (all: Measurements, plan: Plan, hasGit: boolean): Row[] => [
  ...writeRows(all, plan, hasGit),
  ...sharingRows(all.sharing.measured, plan),
  ...killRows(all.killed.measured),
  ...longRows(all.long.measured, plan),
];
