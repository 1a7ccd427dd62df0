/**
 * Budgets of a trial, in what they allow and in what they hold back: of the run, of groups, of agents. Who belongs to a
 * group is taken from who hired whom, as the events say, and what was spent from the model's own record.
 */
import { costOfUsage } from '../../src/model/budget/index.ts';
import { BOSS, type BudgetHold } from '../../src/society/index.ts';
import type { RosterRow } from '../../src/society/roster-view.ts';
import { modelOf, type Trial, type TrialBudget, type TrialGroups } from './draw.ts';
import type { Spoken } from './model.ts';
import type { Life, TrialRun } from './society.ts';

/** US dollars per million tokens. */
export const PRICES = { adversary: { input: 10, output: 30 } } as const;

/** More than one request of a trial and its answer come to, unless somebody says huge things: then with its window. */
const CALL_TOKENS_MAX = 60_000;
/** The planner has no window: it is shown half of one of each of its three answers at most. */
const PLANNER_WINDOWS = 1.5;
const LARGE_KINDS: ReadonlySet<string> = new Set(['huge', 'mixed', 'flipping']);
const ROUNDING = 1e-9;

const KINDS = ['calls', 'tokens', 'usd'] as const;
type BudgetKind = (typeof KINDS)[number];

/** What a process of the trial may spend. */
export interface Allowed {
  readonly run: TrialBudget;
  readonly groups: TrialGroups | null;
  /** Most calls of each agent; null: no limit. */
  readonly eachAgent: number | null;
}

export const NOTHING_ALLOWED: Allowed = { run: {}, groups: null, eachAgent: null };

const times = (budget: TrialBudget, factor: number): TrialBudget =>
  Object.fromEntries(Object.entries(budget).map(([what, most]) => [what, Number(most) * factor]));

/** @param grants how often there was more: the last process has no limit; groups have three times as much in the second */
export const allowedAfter = ({ budgets, groups, eachAgent }: Trial, grants: number): Allowed => {
  const isLast = grants > 0 && grants >= budgets.length - 1;
  const factor = grants === 0 ? 1 : 3;
  const more = groups === null || grants > 1 ? null : { each: groups.each, named: groups.named };
  return {
    run: budgets[grants] ?? {},
    groups:
      more === null
        ? null
        : {
            each: more.each === null ? null : times(more.each, factor),
            named: Object.fromEntries(Object.entries(more.named).map(([name, of]) => [name, times(of, factor)])),
          },
    eachAgent: isLast ? null : eachAgent,
  };
};

/** As a configuration has it. */
export const budgetsConfig = ({ groups, eachAgent }: Allowed): { readonly budgets?: object } => {
  const budgets = {
    ...(groups === null ? {} : { groups: groups.named }),
    ...(groups?.each === null || groups?.each === undefined ? {} : { eachGroup: groups.each }),
    ...(eachAgent === null ? {} : { eachAgent: { calls: eachAgent } }),
  };
  return Object.keys(budgets).length === 0 ? {} : { budgets };
};

export const costs = (trial: Trial): boolean => modelOf(trial) !== 'rehearsal';

interface Scope {
  /** `run`, `group/NAME` or `agent/NAME`. */
  readonly key: string;
  readonly most: TrialBudget;
  readonly said: readonly Spoken[];
}

const spentOf = (said: readonly Spoken[]): Readonly<Record<BudgetKind, number>> => {
  const input = said.reduce((sum, { usage }) => sum + usage.input, 0);
  const output = said.reduce((sum, { usage }) => sum + usage.output, 0);
  return {
    calls: said.length,
    tokens: input + output,
    usd: costOfUsage({ input, cachedInput: 0, output }, PRICES.adversary),
  };
};

/** Whom each agent was hired under, the Boss first, itself not included. */
const hirersOf = ({ events }: TrialRun): ReadonlyMap<string, readonly string[]> => {
  const by = new Map(
    events.flatMap(({ type, agent, by: hirer }) => (type === 'hired' ? [[String(agent), String(hirer)] as const] : [])),
  );
  return new Map(
    [...by.keys()].map((name) => {
      const above: string[] = [];
      for (let next = by.get(name); next !== undefined && by.has(next) && !above.includes(next); next = by.get(next)) {
        above.unshift(next);
      }
      return [name, above];
    }),
  );
};

const own = <Value>(named: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(named, name) ? named[name] : undefined;

/** Every budget of a process, with what had been said by those who share it when it ended. */
const scopesOf = (run: TrialRun, { allowed, answers }: Life): readonly Scope[] => {
  const { groups, eachAgent } = allowed;
  const said = run.model.spoken.slice(0, answers);
  const scopes: Scope[] = [{ key: 'run', most: allowed.run, said }];
  if (groups !== null) {
    const led = new Set(said.flatMap((one) => one.groups));
    for (const name of led) {
      const most = own(groups.named, name) ?? groups.each;
      if (most !== null)
        scopes.push({ key: `group/${name}`, most, said: said.filter((one) => one.groups.includes(name)) });
    }
  }
  if (eachAgent !== null) {
    for (const name of new Set(said.map(({ agent }) => agent))) {
      scopes.push({
        key: `agent/${name}`,
        most: { calls: eachAgent },
        said: said.filter(({ agent }) => agent === name),
      });
    }
  }
  return scopes;
};

/** Whether the next call might have needed what is left. */
const isUsedUp = ({ limits }: Trial, { most, said }: Scope, what: BudgetKind): boolean => {
  const limit = most[what];
  if (limit === undefined) return false;
  const spent = spentOf(said)[what];
  if (what === 'calls') return spent === limit;
  const isLarge = said.some(({ kind }) => LARGE_KINDS.has(kind));
  const tokens = CALL_TOKENS_MAX + (isLarge ? PLANNER_WINDOWS * limits.historyTokensMax : 0);
  return spent + (what === 'tokens' ? tokens : (tokens * PRICES.adversary.output) / 1e6) > limit;
};

const mostOf = ({ allowed }: Life, { scope, what }: BudgetHold): number => {
  const [kind = '', ...rest] = scope.split('/');
  const name = rest.join('/');
  const { groups, eachAgent } = allowed;
  if (kind === 'agent') return (what === 'calls' ? eachAgent : null) ?? Number.POSITIVE_INFINITY;
  const most = groups === null ? null : (own(groups.named, name) ?? groups.each);
  return most?.[what] ?? Number.POSITIVE_INFINITY;
};

/** V2: a run has paused for a budget, so that one of these is used up. */
export const pausedRightly = (run: TrialRun, life: Life, what: BudgetKind): readonly string[] => {
  // Somebody may have been refused before anybody of the group had an answer.
  const waited = life.gathered.roster.rows.flatMap(({ held }) =>
    held === null ? [] : [{ key: held.scope, most: { [held.what]: mostOf(life, held) }, said: [] }],
  );
  const known = scopesOf(run, life);
  const scopes = [...known, ...waited.filter(({ key }) => !known.some((scope) => scope.key === key))];
  if (scopes.some((scope) => isUsedUp(run.trial, scope, what))) return [];
  const all = scopes.filter(({ most }) => most[what] !== undefined);
  const words = all.map(({ key, most, said }) => `${key}: ${spentOf(said)[what]} of ${most[what]}`);
  return [`budget-${what}, and nothing is used up (${words.join(', ')})`];
};

/** Budgets: never more than they allow, at any moment at which a process ended. */
export const budgetsKept = (run: TrialRun, life: Life): readonly string[] =>
  scopesOf(run, life).flatMap(({ key, most, said }) => {
    const spent = spentOf(said);
    return KINDS.filter((what) => spent[what] > (most[what] ?? Number.POSITIVE_INFINITY) + ROUNDING).map(
      (what) => `${spent[what]} ${what} of ${key}, whose budget is ${most[what]}`,
    );
  });

/** G3: who counts in which budget of a group follows from who hired whom. Only where no events died with their thread. */
export const groupsTrue = (run: TrialRun): readonly string[] => {
  const hirers = hirersOf(run);
  const wrong = run.model.spoken.filter(({ agent, groups }) => {
    const above = hirers.get(agent);
    // Whoever leads counts in its own group as well.
    return above !== undefined && groups.filter((name) => name !== agent).join() !== above.join();
  });
  return wrong.map(({ agent, groups }) => `a call of ${agent} counts for ${groups.join()}, under whom it is not`);
};

const isOpen = ({ status }: RosterRow): boolean => status === 'working' || status === 'review';

const isWaiting = ({ held, questions }: RosterRow): boolean => held !== null || questions.length > 0;

/**
 * G3: whoever waits for more of a budget does so because it is used up, and nobody waits where there is more; and a run
 * that paused for the budget of some has nobody left who could go on.
 */
export const heldRightly = (run: TrialRun, life: Life): readonly string[] => {
  const { outcome, gathered } = life;
  const { rows } = gathered.roster;
  const scopes = new Map(scopesOf(run, life).map((scope) => [scope.key, scope]));
  const wrong = rows.flatMap(({ name, held }) => {
    if (held === null) return [];
    if (mostOf(life, held) > held.limit) return [`${name} waits for more of ${held.scope}, of which there is more`];
    const scope = scopes.get(held.scope) ?? { key: held.scope, most: { [held.what]: held.limit }, said: [] };
    return isUsedUp(run.trial, scope, held.what)
      ? []
      : [`${name} waits for more of ${held.scope}, which is not used up`];
  });
  if (outcome.status !== 'paused' || !outcome.reason.startsWith('budget-')) return wrong;
  // The budget of the run stops everybody wherever they are.
  const what = outcome.reason.slice('budget-'.length) as BudgetKind;
  const all = scopes.get('run');
  if (all !== undefined && isUsedUp(run.trial, all, what)) return wrong;
  // It was that of whoever plans, before anybody was there.
  if (rows.length === 0) return wrong;
  if (!rows.some(({ held }) => held !== null)) return [...wrong, `${outcome.reason}, and nobody waits for a budget`];
  const byName = new Map(rows.map((row) => [row.name, row]));
  const leaderIsWaiting = (row: RosterRow): boolean => {
    let leader = byName.get(row.supervisor ?? BOSS);
    while (
      leader !== undefined &&
      leader.name !== BOSS &&
      (leader.status === 'failed' || leader.status === 'retired')
    ) {
      leader = byName.get(leader.supervisor ?? BOSS);
    }
    return leader !== undefined && isWaiting(leader);
  };
  const free = rows.filter(
    (row) =>
      row.name !== BOSS &&
      isOpen(row) &&
      !isWaiting(row) &&
      !leaderIsWaiting(row) &&
      !rows.some((other) => other.supervisor === row.name && isOpen(other)),
  );
  return [...wrong, ...free.map(({ name }) => `${outcome.reason}, and ${name} could go on`)];
};
