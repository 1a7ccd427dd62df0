/**
 * The trail of a run against its end: whoever is said to have finished has handed in and was accepted, whoever is said to be
 * gone was let go, and what the report counts is what the events say. Nothing here asks the roster about itself.
 */
import { agentStateSchema, BOSS } from '../../src/society/index.ts';
import type { EventRecord } from '../../src/protocol/event.ts';
import type { RosterRow } from '../../src/society/roster-view.ts';
import { costOfUsage } from '../../src/model/budget/index.ts';
import { costs, PRICES } from './budgets.ts';
import type { Life, TrialRun } from './society.ts';

type Events = readonly EventRecord[];

const has = (events: Events, type: string, fields: Readonly<Record<string, unknown>>): boolean =>
  events.some((event) => event.type === type && Object.entries(fields).every(([key, value]) => event[key] === value));

const count = (events: Events, type: string, fields: Readonly<Record<string, unknown>> = {}): number =>
  events.filter((event) => event.type === type && Object.entries(fields).every(([key, value]) => event[key] === value))
    .length;

/** How an agent came to what the roster says of it; null when nothing shows it. */
const missingProof = (run: TrialRun, row: RosterRow): string | null => {
  const { events, trial, quietMails } = run;
  const { name: agent, status, verdict } = row;
  const { limits } = trial;
  const handedIn = has(events, 'tool', { agent, tool: 'terminate', ok: true });
  switch (status) {
    case 'working':
      return null;
    case 'review':
      return handedIn ? null : 'is in review and never handed in';
    case 'finished':
      if (!handedIn) return 'is finished and never handed in';
      if (verdict === 'accepted' && !has(events, 'review', { agent, verdict: 'accept' })) {
        return 'is accepted, and nobody accepted it';
      }
      // The rounds ran out, or nobody could be brought to review it.
      return null;
    case 'retired':
      return has(events, 'retired', { agent }) ? null : 'is retired, and nobody let it go';
    case 'failed': {
      const nudged = quietMails.filter(({ kind, to }) => kind === 'nudge' && to === agent).length;
      const gaveUp = nudged === limits.nudgesPerAgentMax;
      const usedUp = has(events, 'limit', { agent, limit: 'turns' });
      const letGo = has(events, 'limit', { agent, limit: 'stuck-reports' });
      return gaveUp || usedUp || letGo || has(events, 'restart', { agent, restarted: false }) || agent === BOSS
        ? null
        : 'has failed, and nothing led to it';
    }
    default:
      return status satisfies never;
  }
};

/** Statuses against what was done. Only where no events died with their thread. */
const statusesEarned = (run: TrialRun, { gathered }: Life): readonly string[] =>
  gathered.roster.rows.flatMap((row) => {
    if (row.name === BOSS) return [];
    const missing = missingProof(run, row);
    return missing === null ? [] : [`${row.name} ${missing}`];
  });

/** Whoever is there was woken, has left, or is missed by name; and nobody has finished without a word. */
const nobodyForgotten = (run: TrialRun, { gathered, outcome }: Life): readonly string[] => {
  const heard = new Set(run.model.asked);
  return gathered.roster.rows
    .filter(({ name, status }) => !heard.has(name) && (status === 'finished' || status === 'review'))
    .map(({ name, status }) => `${name} is ${status}, and was never asked anything`)
    .concat(
      outcome.status !== 'completed'
        ? []
        : gathered.roster.rows
            .filter(({ name, status }) => !heard.has(name) && status !== 'retired' && status !== 'failed')
            .map(({ name }) => `completed, and ${name} was never asked anything`),
    );
};

/** Whoever has approved has closed its own list. */
const bossIsDone = (_run: TrialRun, { actors, outcome }: Life): readonly string[] => {
  if (outcome.status !== 'completed') return [];
  const states = actors.map(({ state }) => agentStateSchema.safeParse(state).data);
  const boss = states.find((state) => state?.name === BOSS);
  const open = boss?.checklist.filter(({ status }) => status !== 'done');
  return (open ?? []).map(({ id }) => `completed, and item ${id} of the Boss is open`);
};

/** What the report counts against events. @param whole no events died with their threads, and no step was cut off */
const countsAgree = (run: TrialRun, { summary }: Life): readonly string[] => {
  const { events } = run;
  const pairs: readonly (readonly [string, number, number])[] = [
    ['reviews that accept', summary.reviews.accept, count(events, 'review', { verdict: 'accept' })],
    // At the last round work is kept, with the reviewer's reservation.
    [
      'reviews that send back',
      summary.reviews.revise,
      count(events, 'review', { verdict: 'revise' }) -
        count(events, 'review', { verdict: 'revise', status: 'finished' }),
    ],
    ['refusals', summary.remedies['refusal'] ?? 0, count(events, 'remedy', { why: 'refusal' })],
    ['silence', summary.remedies['silence'] ?? 0, count(events, 'remedy', { why: 'silence' })],
    ['repetition', summary.remedies['repetition'] ?? 0, count(events, 'remedy', { why: 'repetition' })],
  ];
  return pairs
    .filter(([, reported, seen]) => reported !== seen)
    .map(([what, reported, seen]) => `${what}: ${reported} reported, ${seen} in the events`);
};

/** M3: what was paid for is in the ledger, answer by answer, and what it cost is in the summary. */
export const spendAgrees = (run: TrialRun, { gathered, summary }: Life): readonly string[] => {
  const { spoken } = run.model;
  const leaves = gathered.spent.flatMap(([, { models }]) => Object.values(models));
  const sum = (of: (leaf: (typeof leaves)[number]) => number): number =>
    leaves.reduce((all, leaf) => all + of(leaf), 0);
  const said = { calls: spoken.length, input: 0, output: 0 };
  for (const { usage } of spoken) {
    said.input += usage.input;
    said.output += usage.output;
  }
  const usd = costs(run.trial) ? costOfUsage({ ...said, cachedInput: 0 }, PRICES.adversary) : 0;
  const pairs: readonly (readonly [string, number, number])[] = [
    ['calls', sum(({ calls }) => calls), said.calls],
    ['input tokens', sum(({ input }) => input), said.input],
    ['output tokens', sum(({ output }) => output), said.output],
    ['micro dollars', Math.round((summary.costUsd ?? -1) * 1e6), Math.round(usd * 1e6)],
  ];
  return pairs
    .filter(([, kept, seen]) => kept !== seen)
    .map(([what, kept, seen]) => `${what} that are paid for: ${kept} kept, ${seen} seen`);
};

/** @param whole no events died with their threads, and no step was cut off */
export const trailAgrees = (run: TrialRun, last: Life, whole: boolean): readonly string[] => [
  ...nobodyForgotten(run, last),
  ...bossIsDone(run, last),
  ...(whole ? [...statusesEarned(run, last), ...countsAgree(run, last)] : []),
];
