/**
 * Runs what `bench journal` measures, every subject in a process of its own, and puts the result together. Within a round
 * a subject stands next to its baseline, so that a machine that slows down does so for both.
 */
import { encodeInboxEntry } from '../../src/journal/codec.ts';
import { entryUrl, systemClock } from '../../src/platform/index.ts';
import { environment, loadAverage, withDirectory } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { runSubjectAt } from '../harness/programs.ts';
import { machine, type BenchResult } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { activateResultSchema, type ActivateResult } from './activate.ts';
import { latencyResultSchema } from './latency.ts';
import { memoryResultSchema, type MemoryResult } from './memory.ts';
import { populationResultSchema, type PopulationResult } from './population.ts';
import type { RateSettings } from './rates.ts';
import { countedSchema, type RawSettings } from './raw.ts';
import { resumeResultSchema } from './resume.ts';
import { rowsOf, type Measurements, type PopulationRun, type ResumedRun } from './rows.ts';
import {
  BATCH,
  MEMORY_SAMPLES,
  PER_CALL,
  REPEATED_MAX,
  hasTargets,
  SNAPSHOTS_PER_CALL,
  sizesOf,
  WRITERS,
  type JournalSettings,
  type Sizes,
} from './settings.ts';
import { runTeamAt } from './team.ts';
import { tellResultSchema, type TellSettings } from './tell.ts';

const at = (name: string): URL => entryUrl(name, import.meta.url);

/** What one item is in an inbox, packed: the raw store gets values of the same size. */
const itemBytes = (): number => {
  const from = { shard: 3, id: 1_288, name: '1288' };
  return encodeInboxEntry({ kind: 'mail', mail: { to: 2_312, from, type: 'item', body: 3_000 } }).length;
};

const raw = (settings: Omit<RawSettings, 'directory' | 'valueBytes'>) => () =>
  withDirectory((directory) =>
    runSubjectAt(at('./raw'), { ...settings, directory, valueBytes: itemBytes() }, countedSchema),
  );

const rate = (settings: Omit<RateSettings, 'directory'>) => () =>
  withDirectory((directory) => runSubjectAt(at('./rates'), { ...settings, directory }, countedSchema));

const tell =
  (from: TellSettings['from'], { shards, tell: actors, outside }: Sizes) =>
  () =>
    withDirectory((directory) => {
      const sizes = from === 'actors' ? actors : outside;
      return runSubjectAt(at('./tell'), { ...sizes, directory, from, shards, durability: 'flushed' }, tellResultSchema);
    });

/** Makes a population and resumes it; `more` may go on with its directory. */
const resumed = <More>(
  actors: number,
  { shards, mail, idle }: Sizes,
  end: 'stopped' | 'killed',
  more: (settings: { directory: string; shards: number }) => Promise<More>,
): Promise<{ made: PopulationResult; resumed: ResumedRun; more: More }> =>
  withDirectory(async (directory) => {
    const settings = { directory, shards };
    const waiting = { ...settings, mail: Math.min(mail, actors) };
    const made = await runSubjectAt(
      at('./population'),
      { ...waiting, actors, idle: hasTargets(actors) ? idle : 0, end },
      populationResultSchema,
    );
    const startedAtMs = systemClock.now();
    const run = await runSubjectAt(at('./resume'), { ...waiting, startedAtMs }, resumeResultSchema);
    return { made, resumed: run, more: await more(settings) };
  });

const population = async (actors: number, sizes: Sizes): Promise<PopulationRun> => {
  if (!hasTargets(actors)) {
    const { made, resumed: stopped } = await resumed(actors, sizes, 'stopped', async () => null);
    return { actors, made, resumed: stopped, activated: null, killed: null };
  }
  const wake = (settings: { directory: string; shards: number }): Promise<ActivateResult> =>
    runSubjectAt(at('./activate'), settings, activateResultSchema);
  const { made, resumed: stopped, more } = await resumed(actors, sizes, 'stopped', wake);
  const { resumed: killed } = await resumed(actors, sizes, 'killed', async () => null);
  return { actors, made, resumed: stopped, activated: more, killed };
};

const memory = ({ shards, memory: sizes }: Sizes): Promise<MemoryResult> =>
  withDirectory((directory) => runSubjectAt(at('./memory'), { ...sizes, directory, shards }, memoryResultSchema));

const makeSeries = (sizes: Sizes): Measurements => ({
  rawBatches: new Series(),
  tells: new Series(),
  outside: new Series(),
  latency: new Series(),
  rawWriters: new Series(),
  writers: new Series(),
  deliver: new Series(),
  appends: new Series(),
  snapshots: new Series(),
  load: new Series(),
  populations: new Map(sizes.populations.map((actors) => [actors, new Series<PopulationRun>()])),
  memory: new Series(),
  teamWithout: new Series(),
  teamWith: new Series(),
});

const measureRound = async (series: Measurements, sizes: Sizes, round: number, progress: Progress): Promise<void> => {
  const { loopMs: durationMs } = sizes;
  const take = async <Run>(
    name: string,
    of: Series<Run>,
    measure: () => Promise<Run>,
    words: (run: Run) => string,
  ): Promise<void> => {
    const run = await of.add(measure);
    progress(`round ${round} of ${sizes.runs}, ${name}: ${run === null ? 'failed' : words(run)}`);
  };
  const perSecond = ({ count, seconds }: { count: number; seconds: number }): string =>
    `${Math.round(count / seconds)}/s`;
  const batches = raw({ method: 'batches', size: BATCH, durationMs });
  await take('raw batches', series.rawBatches, batches, perSecond);
  await take('durable tells', series.tells, tell('actors', sizes), perSecond);
  await take('tells from outside', series.outside, tell('outside', sizes), perSecond);
  await take('raw batches', series.rawBatches, batches, perSecond);
  const latency = (): Promise<(typeof latencyResultSchema)['_output']> =>
    withDirectory((directory) => runSubjectAt(at('./latency'), { ...sizes.latency, directory }, latencyResultSchema));
  await take('latency', series.latency, latency, ({ stepMs, syncMs }) => `${stepMs[0]} ms, disk ${syncMs[0]} ms`);
  await take('raw writers', series.rawWriters, raw({ method: 'writers', size: WRITERS, durationMs }), perSecond);
  await take('writers', series.writers, rate({ method: 'writers', size: WRITERS, durationMs }), perSecond);
  await take('mails', series.deliver, rate({ method: 'deliver', size: PER_CALL, durationMs }), perSecond);
  await take('steps', series.appends, rate({ method: 'appends', size: PER_CALL, durationMs }), perSecond);
  const snapshots = rate({ method: 'snapshots', size: SNAPSHOTS_PER_CALL, durationMs });
  await take('snapshots', series.snapshots, snapshots, perSecond);
  await take('loads', series.load, rate({ method: 'load', size: PER_CALL, durationMs }), perSecond);
  for (const [actors, of] of series.populations) {
    if (round > 1 && actors > REPEATED_MAX) continue;
    const words = ({ resumed: { firstStepSeconds, servedSeconds }, killed }: PopulationRun): string => {
      const afterKill =
        killed === null ? '' : `; after a kill ${killed.firstStepSeconds} and ${killed.servedSeconds} s`;
      return `first step after ${firstStepSeconds} s, all served after ${servedSeconds} s${afterKill}`;
    };
    await take(`${actors} durable actors`, of, () => population(actors, sizes), words);
  }
  if (round === 1 || sizes.memory.actors <= REPEATED_MAX) {
    const words = ({ start, made, told }: MemoryResult): string =>
      `${[start, ...made, ...told].map((value) => (value === null ? '?' : Math.round(value))).join(' ')} MB`;
    await take(`memory of ${sizes.memory.actors} durable actors`, series.memory, () => memory(sizes), words);
  }
  const inSeconds = ({ wallSeconds }: { wallSeconds: number }): string => `${wallSeconds.toFixed(2)} s`;
  await take('team without journal', series.teamWithout, () => runTeamAt('none', sizes.team), inSeconds);
  await take('team with journal', series.teamWith, () => runTeamAt('flushed', sizes.team), inSeconds);
};

export const measureSizes = async (sizes: Sizes, progress: Progress): Promise<BenchResult> => {
  const before = environment();
  const series = makeSeries(sizes);
  for (let round = 1; round <= sizes.runs; round += 1) await measureRound(series, sizes, round, progress);
  return {
    bench: 'journal',
    machine: machine(),
    runs: sizes.runs,
    settings: {
      ...sizes,
      durability: 'flushed, wherever nothing else is said',
      itemBytes: itemBytes(),
      ...before,
      loadAverageAtEnd: loadAverage(),
      resume: `from the start of the process; the population was made just before, so that its file is in the system's cache; mail for ${sizes.mail} of the actors; sizes above ${REPEATED_MAX} are measured once`,
      passiveMemory: `resident memory without mapped files (RssAnon), read ${MEMORY_SAMPLES} times on the way; sizes above ${REPEATED_MAX} are measured once`,
      team: 'the rehearsal built in, at latency 0, reviews off; wall and CPU time of the whole process',
    },
    rows: rowsOf(series, sizes),
  };
};

export const measure = (settings: JournalSettings, progress: Progress): Promise<BenchResult> =>
  measureSizes(sizesOf(settings), progress);
