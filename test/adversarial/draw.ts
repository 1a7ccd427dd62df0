/** What a trial is, drawn from its seed: the limits, the plan, who behaves how, budgets, interruptions, what is slow. */
import { BOSS, limitsWith, type ApprovalKind, type Limits, type LimitsInput } from '../../src/society/index.ts';
import type { SimulatedFaults } from '../../src/testing/index.ts';
import { BAD_KINDS, type BadKind, type Kind } from './behaviours.ts';
import { between, chance, pick, streamOf, type Random } from './random.ts';

/** How the kinds are dealt to agents. */
export type Mood = 'good' | 'alike' | 'drawn' | 'mostly-good';

export interface PlannedMember {
  readonly name: string;
  readonly supervisor: string;
  readonly slots?: number;
  readonly files: readonly string[];
}

export interface TrialPlan {
  readonly members: readonly PlannedMember[];
  readonly items: readonly { readonly id: string; readonly owner: string }[];
}

export interface TrialBudget {
  readonly calls?: number;
  readonly tokens?: number;
  readonly usd?: number;
}

/** What the groups of some Admins, or of each, may spend. */
export interface TrialGroups {
  readonly each: TrialBudget | null;
  readonly named: Readonly<Record<string, TrialBudget>>;
}

export interface Trial {
  readonly seed: number;
  readonly limits: Limits;
  readonly reviews: boolean;
  /** Agents may ask the person, who answers when the run has paused for it. */
  readonly questions: boolean;
  /** What the person has to allow first. */
  readonly approve: readonly ApprovalKind[];
  /** Agents may run programs. */
  readonly programs: boolean;
  readonly compaction: boolean;
  readonly memory: boolean;
  readonly plan: TrialPlan;
  /** How many answers of the planner hold no plan. */
  readonly planlessAnswers: number;
  readonly mood: Mood;
  readonly boss: Kind;
  /** Of everybody, when they are alike. */
  readonly one: BadKind;
  /** Budgets of the run, process by process; an empty one is no limit. The last one has none. */
  readonly budgets: readonly TrialBudget[];
  /** Of the first process, and three times as much of the second; null: no limit. */
  readonly groups: TrialGroups | null;
  /** Most calls of each agent; null: no limit. */
  readonly eachAgent: number | null;
  /** The run is interrupted after so many milliseconds of the first process. */
  readonly interruptAfterMs: number | null;
  /** Hosts die after so many steps of the simulation. */
  readonly killAtSteps: readonly number[];
  /** The part of requests that the server refuses, some for a while and some for ever. */
  readonly refused: number;
  readonly latencyMs: number;
  readonly faults: Partial<SimulatedFaults>;
  readonly shards: number;
  readonly hosts: number;
}

const NEW_NAMES = Array.from({ length: 12 }, (_, index) => `r${index + 1}`);
const ODD_NAMES = ['user', 'Supervisor', 'a b', '', BOSS, 'x'.repeat(64), 'x'.repeat(65), 'constructor', '__proto__'];

export const newNamesOf = (random: Random): readonly string[] => (chance(random, 0.9) ? NEW_NAMES : ODD_NAMES);

export const addressesOf = ({ plan }: Trial, agent: string): readonly string[] => [
  BOSS,
  'supervisor',
  'group',
  'subordinates',
  ...plan.members.map(({ name }) => name),
  ...NEW_NAMES.slice(0, 5),
  `${agent}-r1`,
  agent,
  'user',
  'nobody',
];

const PATHS = ['a.md', 'b.md', 'docs/c.md', 'loop.md', 'log.md', 'truth.md', 'a.py'];
const ODD_PATHS = [
  'docs/c.md/d',
  '../x',
  '/etc/passwd',
  '.git/config',
  '',
  'é/ü.md',
  `${'d/'.repeat(40)}x`,
  'docs',
  'a\nb',
  '__proto__',
  'constructor/x.md',
];

export const pathsOf = (agent: string): readonly string[] => [...PATHS, ...PATHS, `${agent}.md`, ...ODD_PATHS];

const drawLimits = (random: Random): Limits => {
  const some = (part: number, input: LimitsInput): LimitsInput => (chance(random, part) ? input : {});
  return limitsWith({
    agentsMax: chance(random, 0.05) ? 1 : between(random, 2, 14),
    depthMax: between(random, 1, 4),
    fanOutMax: between(random, 2, 8),
    stepsPerTurnMax: between(random, 1, 8),
    turnsPerAgentMax: chance(random, 0.3) ? between(random, 1, 8) : between(random, 10, 60),
    ...some(0.7, { nudgesPerAgentMax: between(random, 1, 3) }),
    ...some(0.7, { reviewRoundsMax: between(random, 1, 3), reviewAsksMax: between(random, 1, 3) }),
    ...some(0.7, { finalReviewsMax: between(random, 1, 3) }),
    ...some(0.7, { repairsPerAnswerMax: between(random, 1, 4) }),
    ...some(0.5, { replacementsPerAgentMax: between(random, 1, 3) }),
    ...some(0.5, { planAttemptsMax: between(random, 1, 3) }),
    ...some(0.3, { toolCallsPerAnswerMax: between(random, 1, 20) }),
    ...some(0.3, { checklistItemsMax: between(random, 1, 10), talkMessagesMax: between(random, 1, 5) }),
    ...some(0.3, { repetitionMax: between(random, 1, 6) }),
    ...some(0.3, { messageCharsMax: between(random, 20, 2_000), promptCharsMax: between(random, 20, 2_000) }),
    ...some(0.3, { fileCharsMax: between(random, 50, 5_000), resultCharsMax: between(random, 50, 2_000) }),
    ...some(0.2, { historyTokensMax: between(random, 800, 4_000), summaryTokensMax: between(random, 20, 500) }),
  });
};

const drawPlan = (random: Random, { agentsMax, depthMax, fanOutMax }: Limits): TrialPlan => {
  const members: PlannedMember[] = [];
  const depths = new Map([[BOSS, 0]]);
  const count = chance(random, 0.15) ? 0 : between(random, Math.min(1, agentsMax - 1), Math.min(agentsMax - 1, 7));
  for (let index = 1; index <= count; index += 1) {
    const room = [...depths].filter(
      ([name, depth]) => depth < depthMax && members.filter(({ supervisor }) => supervisor === name).length < fanOutMax,
    );
    if (room.length === 0) break;
    const [supervisor, depth] = chance(random, 0.5) ? (room[0] as [string, number]) : pick(random, room);
    const name = `m${index}`;
    depths.set(name, depth + 1);
    members.push({ name, supervisor, files: chance(random, 0.5) ? [`${name}.md`] : [] });
  }
  const owners = [...depths.keys()];
  const items = Array.from({ length: chance(random, 0.4) ? 0 : between(random, 1, 4) }, (_, index) => ({
    id: `item${index + 1}`,
    owner: pick(random, owners),
  }));
  return { members, items };
};

/** What one, two or three processes may spend, and then one as much as it likes. */
const drawBudgets = (random: Random): readonly TrialBudget[] => {
  const kind = pick(random, ['calls', 'calls', 'tokens', 'usd'] as const);
  const first = { calls: between(random, 1, 30), tokens: between(random, 4_000, 120_000), usd: random() };
  const factors = [1, ...(chance(random, 0.5) ? [3] : []), ...(chance(random, 0.2) ? [9] : [])];
  return [...factors.map((factor) => ({ [kind]: first[kind] * factor })), {}];
};

/** Groups of which nobody may ever be the Admin have budgets as well. */
const drawGroups = (random: Random, { members }: TrialPlan): TrialGroups | null => {
  if (!chance(random, 0.3)) return null;
  const draw = (): TrialBudget =>
    pick(random, [
      { calls: between(random, 1, 20) },
      { calls: between(random, 1, 20) },
      { tokens: between(random, 4_000, 120_000) },
      { usd: random() },
    ]);
  const names = [BOSS, ...members.map(({ name }) => name), ...NEW_NAMES.slice(0, 4)].filter(() => chance(random, 0.4));
  const named = Object.fromEntries(names.map((name) => [name, draw()]));
  return { each: names.length === 0 || chance(random, 0.5) ? draw() : null, named };
};

const drawRefused = (random: Random): number => (chance(random, 0.2) ? 0.02 + random() * 0.2 : 0);

const drawFaults = (random: Random): Partial<SimulatedFaults> => {
  if (!chance(random, 0.25)) return {};
  return {
    lateChance: random() * 0.3,
    lateMaxMs: between(random, 1, 50),
    commitMaxMs: between(random, 0, 10),
    flushMaxMs: between(random, 0, 10),
    stepTakesChance: random() * 0.1,
    stepTakesMaxMs: between(random, 1, 5),
    slowLanes: chance(random, 0.3) ? 0.2 : 0,
  };
};

export const drawTrial = (seed: number): Trial => {
  const random = streamOf(seed, 'trial');
  // Dealt in turn, so that as many seeds as there are kinds have each.
  const one = BAD_KINDS[seed % BAD_KINDS.length] as BadKind;
  const questions = one === 'asking' || chance(random, 0.25);
  const drawn = drawLimits(random);
  // Every answer of the person is another process, and may lead to another question.
  const asked = questions ? { ...drawn, turnsPerAgentMax: Math.min(drawn.turnsPerAgentMax, 8) } : drawn;
  // There is somebody to be let go, in the middle of a turn; one seed in so many as there are kinds were too few.
  const retires = one === 'retiring' || chance(streamOf(seed, 'retires'), 0.1);
  const { stepsPerTurnMax: steps, agentsMax } = asked;
  const longer = { stepsPerTurnMax: Math.max(steps, 6), agentsMax: Math.max(agentsMax, 4) };
  const limits = retires ? { ...asked, ...longer } : asked;
  const mood = chance(random, 0.05)
    ? 'good'
    : pick(random, ['alike', 'alike', 'drawn', 'drawn', 'mostly-good'] as const);
  // Somebody who is done before anything was done, and may say so.
  const hasty = chance(random, 0.06) && !retires;
  const boss: Kind = hasty
    ? 'terminating'
    : retires
      ? 'retiring'
      : chance(random, 0.6)
        ? 'good'
        : mood === 'alike'
          ? one
          : pick(random, BAD_KINDS);
  const budget = chance(random, 0.3);
  const [reviews, compaction, memory] = [chance(random, 0.75), chance(random, 0.8), chance(random, 0.5)];
  const plan = hasty ? { members: [], items: [] } : drawPlan(random, limits);
  return {
    seed,
    limits,
    reviews,
    compaction,
    memory,
    plan,
    groups: drawGroups(streamOf(seed, 'groups'), plan),
    planlessAnswers: chance(random, 0.85) ? 0 : between(random, 1, limits.planAttemptsMax),
    mood,
    boss,
    one,
    questions,
    approve: questions && chance(streamOf(seed, 'approve'), 0.4) ? ['hires', 'programs', 'files'] : [],
    programs: chance(random, 0.4) || one === 'running',
    budgets: budget ? drawBudgets(random) : [{}],
    eachAgent: chance(random, 0.1) ? between(random, 1, 12) : null,
    interruptAfterMs: !budget && chance(random, 0.1) ? between(random, 1, 3_000) : null,
    killAtSteps: chance(random, 0.15)
      ? Array.from({ length: between(random, 1, 3) }, () => between(random, 50, 3_000))
      : [],
    refused: drawRefused(streamOf(seed, 'refused')),
    latencyMs: pick(random, [1, 20, 200, 1_000]),
    faults: drawFaults(random),
    shards: between(random, 1, 4),
    hosts: between(random, 1, 2),
  };
};

/** The name of its model: money needs one that costs some. */
export const modelOf = ({ budgets, groups }: Trial): string =>
  [...budgets, groups?.each, ...Object.values(groups?.named ?? {})].some((budget) => budget?.usd !== undefined)
    ? 'openai:adversary'
    : 'rehearsal';

/** How an agent of a trial behaves. */
export const kindOf = (trial: Trial, agent: string): Kind => {
  if (agent === BOSS) return trial.mood === 'good' ? 'good' : trial.boss;
  const random = streamOf(trial.seed, 'kind', agent);
  // Those who are let go are in the middle of something.
  if (trial.boss === 'retiring' && chance(random, 0.6)) return pick(random, ['colliding', 'never-ending', 'running']);
  // Where programs can be run somebody does.
  if (trial.programs && trial.mood !== 'good' && chance(random, 0.25)) return 'running';
  switch (trial.mood) {
    case 'good':
      return 'good';
    case 'alike':
      return trial.one;
    case 'mostly-good':
      return chance(random, 0.75) ? 'good' : pick(random, BAD_KINDS);
    case 'drawn':
      return pick(random, ['good' as const, ...BAD_KINDS]);
    default:
      return trial.mood satisfies never;
  }
};
