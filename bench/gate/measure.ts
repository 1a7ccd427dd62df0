/**
 * Runs what `bench gate` measures, every subject and every server in a process of its own, and puts the result together.
 * Within a round a subject stands next to its baseline, so that a machine that slows down does so for both.
 */
import { environment, loadAverage } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { machine, type BenchResult } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { measureOwn } from './own-model.ts';
import type { Recovery } from './reading.ts';
import { ownModelRows, rowsOf, type Measurements } from './rows.ts';
import { runCost, runLimits, runOutage, type Client, type CostRun, type LimitsRun, type Way } from './runs.ts';
import { sizesOf, type GateSettings, type Part, type Sizes } from './settings.ts';
import { runBudget, runBytes, type BudgetRun, type BytesRun } from './team.ts';

const WAYS: readonly Way[] = ['configured', 'headers', 'long', 'oneShard', 'heavy', 'sdk'];
const CLIENTS: readonly Client[] = ['plain', 'megactor', 'openai-agents', 'langgraph'];

const isPeer = (client: Client): boolean => client === 'openai-agents' || client === 'langgraph';

/** The other libraries are left out when there are to be no runs of them. */
const clientsOf = ({ peerRuns }: Sizes): readonly Client[] =>
  CLIENTS.filter((client) => peerRuns > 0 || !isPeer(client));

const makeSeries = (sizes: Sizes): Measurements => ({
  limits: new Map(WAYS.map((way) => [way, new Series<LimitsRun>()])),
  cost: new Map(
    sizes.cost.populations.map((agents) => [
      agents,
      new Map(clientsOf(sizes).map((client) => [client, new Series<CostRun>()])),
    ]),
  ),
  outage: new Series<Recovery & { calls: number }>(),
  budget: new Series<BudgetRun>(),
  bytes: new Series<BytesRun>(),
  bytesPrograms: new Series<BytesRun>(),
  bytesReviewed: new Series<BytesRun>(),
});

const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

const measureRound = async (all: Measurements, sizes: Sizes, round: number, progress: Progress): Promise<void> => {
  const take = async <Run>(
    part: Part,
    name: string,
    of: Series<Run>,
    measure: () => Promise<Run>,
    words: (run: Run) => string,
  ): Promise<void> => {
    if (!sizes.parts.includes(part)) return;
    const run = await of.add(measure);
    const { measured } = of;
    const said = run !== null ? words(run) : 'failed' in measured ? measured.failed : '';
    progress(`round ${round} of ${sizes.runs}, ${name}: ${said}`);
  };
  for (const [agents, clients] of all.cost) {
    for (const [client, of] of clients) {
      if (isPeer(client) && round > sizes.peerRuns) continue;
      const words = ({ calls, seconds, clientCpuMs }: CostRun): string =>
        `${Math.round(calls / seconds)} calls/s, ${(clientCpuMs / calls).toFixed(2)} ms of CPU per call`;
      await take('cost', `${agents} agents, ${client}`, of, () => runCost(client, agents, sizes), words);
    }
  }
  for (const [way, of] of all.limits) {
    const words = ({ goodput, rejected }: LimitsRun): string =>
      `goodput ${percent(goodput)}, rejected ${percent(rejected)}`;
    await take('limits', `limits, ${way}`, of, () => runLimits(way, sizes), words);
  }
  await take(
    'outage',
    'outage',
    all.outage,
    () => runOutage(sizes),
    ({ before, firstSecond, after }) =>
      `${Math.round(before)}/s before, ${firstSecond} in the first second, ${Math.round(after)}/s after`,
  );
  await take(
    'budget',
    'budget',
    all.budget,
    () => runBudget(sizes),
    ({ stoppedAt, agents, files }) => `stopped at ${stoppedAt}, ${agents} agents and ${files} files differ`,
  );
  const perFile = ({ bytesIn, files }: BytesRun): string => `${Math.round(bytesIn / files)} bytes per file`;
  await take('bytes', 'bytes', all.bytes, () => runBytes('none', sizes), perFile);
  await take('bytes', 'bytes with programs', all.bytesPrograms, () => runBytes('none', sizes, true), perFile);
  await take('bytes', 'bytes with reviews', all.bytesReviewed, () => runBytes('model', sizes), perFile);
};

const sharedSettings = (): Record<string, unknown> => ({
  journal: 'lmdb, durability flushed',
  memory: 'none where a population is measured; in the runs of a team that of agents, by words alone',
  embedder: 'none',
  cpu: 'user and system time of the client process with all its threads, from the spawn of the agents to the last answer; the server is not in it',
  memoryPerAgent: 'the most that was resident, without what was resident before the agents were spawned',
});

export const measureSizes = async (sizes: Sizes, progress: Progress): Promise<BenchResult> => {
  const before = environment();
  const all = makeSeries(sizes);
  for (let round = 1; round <= sizes.runs; round += 1) await measureRound(all, sizes, round, progress);
  return {
    bench: 'gate',
    machine: machine(),
    runs: sizes.runs,
    settings: {
      model: 'the rehearsal over HTTP, in a process of its own: no language model',
      ...sizes,
      ...sharedSettings(),
      ...before,
      loadAverageAtEnd: loadAverage(),
      goodput:
        'of each window, the part of the limit of requests or of tokens, whichever was used up further; the mean over the windows after the first',
      heavy: 'each of the heavy ones is fifty agents of one name, so that it asks for fifty calls at once',
    },
    rows: rowsOf(all, sizes),
  };
};

const measureOwnModel = async (settings: GateSettings, progress: Progress): Promise<BenchResult> => {
  const { model = '', agents = 1, calls = null } = settings;
  const before = environment();
  const { ours, plain, callsEach } = await measureOwn({ model, agents, callsMax: calls }, progress);
  return {
    bench: 'gate',
    machine: machine(),
    runs: 1,
    settings: {
      model,
      agents,
      callsMax: calls,
      callsEach,
      ...sharedSettings(),
      ...before,
      endedAs: 'runs' in ours ? (ours.runs[0]?.stopped ?? 'all ended') : null,
      measures:
        'the model server and this program together. An agent ends early when the model does not count. No targets.',
    },
    rows: ownModelRows(ours, plain),
  };
};

export const measure = (settings: GateSettings, progress: Progress): Promise<BenchResult> =>
  settings.model === undefined ? measureSizes(sizesOf(settings), progress) : measureOwnModel(settings, progress);
