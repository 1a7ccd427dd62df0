/**
 * What must hold of a run, whatever its models said. Each check is a pure function from what was seen to what is wrong with
 * it. What was said and done is taken from the model's own record, the ledger of the files and the events, never from the
 * report that is judged.
 */
import { agentStateSchema, BOSS, buildReport, type AgentState } from '../../src/society/index.ts';
import type { RosterRow } from '../../src/society/roster-view.ts';
import type { RunReason, RunStatus } from '../../src/run/types.ts';
import { COMPACTOR } from '../../actors/compaction.ts';
import { budgetsKept, groupsTrue, heldRightly, pausedRightly } from './budgets.ts';
import { crashesCounted } from './crashes.ts';
import { PLANNER } from './model.ts';
import type { Life, TrialRun } from './society.ts';
import { spendAgrees, trailAgrees } from './trail.ts';

type Check = (run: TrialRun, last: Life) => readonly string[];

const unless = (holds: boolean, words: string): readonly string[] => (holds ? [] : [words]);

const statesOf = ({ actors }: Life): Map<string, AgentState> =>
  new Map(
    actors.flatMap(({ state }) => {
      const parsed = agentStateSchema.safeParse(state);
      return parsed.success ? [[parsed.data.name, parsed.data] as const] : [];
    }),
  );

const rowsOf = ({ gathered }: Life): readonly RosterRow[] => gathered.roster.rows;

const countBy = <Value>(values: Iterable<Value>, nameOf: (value: Value) => string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(nameOf(value), (counts.get(nameOf(value)) ?? 0) + 1);
  return counts;
};

/** Every way to end, with what must have happened for it. */
const reasons = (run: TrialRun, life: Life): readonly string[] => {
  const { outcome, gathered } = life;
  const { status, reason }: { status: RunStatus; reason: RunReason } = outcome;
  const { trial, model, events } = run;
  const { limits } = trial;
  const said = model.spoken.slice(0, life.answers);
  const boss = statesOf(life).get(BOSS);
  switch (`${status} ${reason}`) {
    case 'completed done': {
      const approved = said.some(
        ({ agent, tools, afterFinalReview }) =>
          agent === BOSS && tools.includes('terminate') && (afterFinalReview || !trial.reviews),
      );
      const done = events.some(
        ({ type, agent, tool, ok }) => type === 'tool' && agent === BOSS && tool === 'terminate' && ok === true,
      );
      return [
        ...unless(approved && (done || run.hostKills > 0), 'completed, and the Boss has not approved'),
        ...unless(
          gathered.roster.finalReview === 'approved' || (!trial.reviews && gathered.roster.finalReview === 'none'),
          `completed, and the final review is ${gathered.roster.finalReview}`,
        ),
        ...rowsOf(life)
          .filter(({ status: one, name }) => name !== BOSS && (one === 'working' || one === 'review'))
          .map(({ name, status: one }) => `completed, and ${name} is at ${one}`),
      ];
    }
    case 'stopped limit-turns':
      return [
        ...unless(
          boss?.counters.turns === limits.turnsPerAgentMax,
          `limit-turns after ${boss?.counters.turns} turns of the Boss`,
        ),
        ...unless(
          run.hostKills > 0 ||
            events.some(({ type, agent, limit }) => type === 'limit' && agent === BOSS && limit === 'turns'),
          'limit-turns without its event',
        ),
      ];
    case 'failed boss-failed': {
      const asked = new Set(run.finalReviews).size;
      const crashed = events.some(({ type, agent }) => type === 'restart' && agent === BOSS) && boss === undefined;
      const planless = said.length === limits.planAttemptsMax && said.every(({ agent }) => agent === PLANNER);
      return unless(
        asked === limits.finalReviewsMax || crashed || planless,
        `boss-failed after ${asked} final reviews`,
      );
    }
    case 'paused budget-calls':
      return pausedRightly(run, life, 'calls');
    case 'paused budget-tokens':
      return pausedRightly(run, life, 'tokens');
    case 'paused budget-usd':
      return pausedRightly(run, life, 'usd');
    case 'paused human-questions': {
      const asking = rowsOf(life).filter(({ questions }) => questions.length > 0);
      const asked = trial.approve.length > 0 || said.some(({ tools }) => tools.includes('ask_human'));
      return unless(trial.questions && asked && asking.length > 0, 'human-questions, and nobody asks');
    }
    case 'paused interrupted':
      return unless(trial.interruptAfterMs !== null && life === run.lives[0], 'interrupted, and nobody did');
    default:
      return [`it is ${status} (${reason}): ${outcome.error?.message ?? ''}`];
  }
};

/** The one state of a run that went beyond what its limits allow. */
const limitsKept: Check = (run, last) => {
  const { trial, model, quietMails, events } = run;
  const { limits } = trial;
  const wrong: string[] = [];
  const atMost = (what: string, count: number, most: number): void => {
    if (count > most) wrong.push(`${what}: ${count}, at most ${most}`);
  };
  const own = countBy(
    model.spoken.filter(({ sentAs }) => sentAs === null),
    ({ agent }) => agent,
  );
  const summaries = countBy(
    model.spoken.filter(({ sentAs }) => sentAs === COMPACTOR),
    ({ agent }) => agent,
  );
  const stepsMax = limits.turnsPerAgentMax * limits.stepsPerTurnMax;
  for (const [name, count] of own)
    atMost(`answers of ${name}`, count, name === PLANNER ? limits.planAttemptsMax : stepsMax);
  for (const [name, count] of summaries) atMost(`summaries of ${name}`, count, trial.compaction ? stepsMax : 0);
  // What a person can work out beforehand.
  const perStep = trial.compaction ? 2 : 1;
  atMost('model calls', model.spoken.length, limits.planAttemptsMax + limits.agentsMax * stepsMax * perStep);
  const rows = rowsOf(last);
  atMost('agents', rows.length, limits.agentsMax);
  for (const [name, { counters }] of statesOf(last)) {
    atMost(`turns of ${name}`, counters.turns, limits.turnsPerAgentMax);
    atMost(`steps of ${name}`, counters.steps, stepsMax);
  }
  for (const { name, depth, round } of rows) {
    atMost(`depth of ${name}`, depth, limits.depthMax);
    atMost(`review rounds of ${name}`, round, limits.reviewRoundsMax);
  }
  const nudges = countBy(
    quietMails.filter(({ kind }) => kind === 'nudge'),
    ({ to }) => to,
  );
  for (const [name, count] of nudges) atMost(`nudges of ${name}`, count, limits.nudgesPerAgentMax);
  atMost('final reviews', new Set(run.finalReviews).size, limits.finalReviewsMax);
  for (const [name, count] of model.repairs) atMost(`repairs in a row of ${name}`, count, limits.repairsPerAnswerMax);
  const replaced = countBy(
    events.filter(({ type, why }) => type === 'remedy' && (why === 'refusal' || why === 'silence')),
    ({ agent }) => String(agent),
  );
  for (const [name, count] of replaced) atMost(`replacements of ${name}`, count, limits.replacementsPerAgentMax);
  const hired = countBy(
    events.filter(({ type }) => type === 'hired'),
    ({ by }) => String(by),
  );
  // Whoever was let go has made room.
  const gone = countBy(
    rows.filter(({ status }) => status === 'retired'),
    ({ supervisor }) => String(supervisor),
  );
  for (const [name, count] of hired) {
    atMost(`subordinates hired by ${name}`, count - (gone.get(name) ?? 0), limits.fanOutMax);
  }
  return wrong;
};

/** W1: what had been acknowledged when a process paused was in git. */
const filesKeptInPause = ({ kept }: Life): readonly string[] =>
  kept === null
    ? []
    : [...kept.acknowledged]
        .filter(([path, { base }]) => kept.head.get(path) !== base)
        .map(([path]) => `${path} was acknowledged before the pause, and is not in git`);

/** W1, W7: what was acknowledged is in the last commit, and nothing else is. */
const filesKept: Check = ({ files, programs }, last) => {
  const head = files.head();
  const { acknowledged } = files;
  const lost = [...acknowledged].filter(([path, { base }]) => head.get(path) !== base);
  const added = [...head.keys()].filter((path) => !acknowledged.has(path));
  const rows = new Map(last.gathered.files.map((row) => [row.path, row]));
  const reported = [...acknowledged].filter(
    ([path, { author }]) => rows.get(path)?.author !== author || rows.get(path)?.commit === null,
  );
  const status = files.status();
  return [
    ...files.wrong,
    ...lost.map(([path, { base }]) => `${path} was acknowledged as ${base} and is ${head.get(path)}`),
    ...added.map((path) => `${path} is in the last commit, and nobody has written it`),
    ...reported.map(([path]) => `${path} is not in the report as it was written`),
    ...unless(
      last.summary.files === acknowledged.size,
      `${last.summary.files} files are reported, ${acknowledged.size} were written`,
    ),
    ...unless(
      files.applied === (programs?.left ?? 0),
      `${programs?.left} programs left files, those of ${files.applied} were brought back`,
    ),
    ...unless(status === '', `the work tree differs from the last commit: ${status}`),
  ];
};

/** What was cut off by the end of the run: a call under way, or the wait before another try. */
const CUT_OFF: readonly string[] = ['abandoned', 'restarting'];

/**
 * Nobody is left in a turn, except whom somebody else's end of the run has cut off. A run that came to its end in
 * a quiet moment has nobody at work and no unread mail.
 */
const turnsEnded: Check = (run, last) => {
  const inQuiet = run.endedQuietly;
  const left = last.actors.filter(({ state }) => {
    const parsed = agentStateSchema.safeParse(state);
    if (!parsed.success || parsed.data.turn === null) return false;
    // What waits for a person's consent is put aside with its turn; nobody is at work on it.
    return parsed.data.waits === undefined;
  });
  return [
    ...left
      .filter(({ status }) => inQuiet || !CUT_OFF.includes(status))
      .map(
        ({ name, status }) => `${name} is left in a turn (${status}), ${last.outcome.status} ${last.outcome.reason}`,
      ),
    ...unless(
      !inQuiet || last.pending === 0,
      `${last.pending} mails and turns are left by a run that ended in a quiet moment`,
    ),
  ];
};

/** The report says what the model, the events and the roster say. */
const reportTrue: Check = (run, last) => {
  const { summary, gathered } = last;
  const { model, events, quietMails, trial } = run;
  const { spoken } = model;
  const wrong: string[] = [];
  const same = (what: string, reported: number, seen: number): void => {
    if (reported !== seen) wrong.push(`${what}: ${reported} reported, ${seen} seen`);
  };
  // Of an agent that crashed for good the steps that were cut off are in no count of its own.
  const crashed = events.some(({ type, restarted }) => type === 'restart' && restarted === false);
  const counted = (what: string, reported: number, seen: number): void => {
    if (crashed ? reported > seen : reported !== seen) wrong.push(`${what}: ${reported} reported, ${seen} seen`);
  };
  counted('model calls', summary.modelCalls, spoken.length);
  if (summary.repeatedCalls > model.unanswered) {
    wrong.push(`calls made again: ${summary.repeatedCalls}, and only ${model.unanswered} had no answer`);
  }
  const eventsOf = (type: string): readonly (typeof events)[number][] => events.filter((event) => event.type === type);
  counted(
    'input tokens',
    summary.tokens.input,
    spoken.reduce((sum, { usage }) => sum + usage.input, 0),
  );
  same('nudges', summary.nudges, quietMails.filter(({ kind }) => kind === 'nudge').length);
  // The events of a thread that died may have died with it, and those of a step that was cut off were never there.
  const cutOff = last.actors.some(({ status }) => status === 'abandoned');
  const whole = run.hostKills === 0 && !crashed && !cutOff;
  if (run.hostKills === 0) wrong.push(...groupsTrue(run));
  wrong.push(...trailAgrees(run, last, whole), ...spendAgrees(run, last));
  if (whole) {
    same('events of model calls', spoken.filter(({ agent }) => agent !== PLANNER).length, eventsOf('modelCall').length);
    same('messages', summary.messages, eventsOf('message').filter(({ to }) => to !== 'user').length);
    same('agents', summary.agents, new Set(eventsOf('hired').map(({ agent }) => agent)).size);
  }
  same(
    'never woken',
    summary.neverWoken,
    rowsOf(last).filter(({ woken, status }) => !woken && status !== 'retired').length,
  );
  const silent = new Set(['empty', 'refusal', 'filtered']);
  const unusable = spoken.filter((one) => one.agent !== PLANNER && one.sentAs === null && silent.has(one.class)).length;
  // Each counts as bad format, or as what led to a fresh agent.
  const { format = 0, refusal = 0, silence = 0 } = summary.remedies;
  if (!crashed && format + refusal + silence < unusable) {
    wrong.push(`${unusable} answers could not be used, ${format + refusal + silence} are reported`);
  }
  const report = buildReport({
    roster: gathered.roster,
    files: gathered.files,
    synthetic: summary.synthetic,
    reviews: trial.reviews,
  });
  if (!crashed && !report.synthetic && spoken.some(({ agent }) => agent !== PLANNER))
    wrong.push('the report does not say that it is synthetic');
  const missing = new Set(report.missing.map(({ agent }) => agent));
  const silentRows = rowsOf(last).filter(
    ({ name, status }) => status !== 'finished' && status !== 'retired' && !missing.has(name),
  );
  wrong.push(...silentRows.map(({ name, status }) => `${name} is ${status}, and the report does not miss it`));
  return wrong;
};

/** Everything that is wrong with a run that has come to its end. */
export const judge = (run: TrialRun): readonly string[] => {
  const last = run.lives.at(-1);
  if (last === undefined) return ['it has never run'];
  const without = last.gathered.roster.agents === 0;
  return [
    ...run.wrong,
    ...run.lives.flatMap((life) => [
      ...reasons(run, life),
      ...budgetsKept(run, life),
      ...heldRightly(run, life),
      ...filesKeptInPause(life),
    ]),
    ...unless(last.outcome.status !== 'paused', 'it has paused, and nobody went on'),
    ...limitsKept(run, last),
    ...crashesCounted(run, last),
    ...(without ? [] : [...filesKept(run, last), ...turnsEnded(run, last), ...reportTrue(run, last)]),
  ];
};
