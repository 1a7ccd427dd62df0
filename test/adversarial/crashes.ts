/**
 * Agents whose turns fail, and how often they are started again: what was seen of it, and what must hold. Where a host or a
 * process has died, so has the memory of the restarts before (A9 is about those that a supervisor has counted).
 */
import { BOSS } from '../../src/society/index.ts';
import type { EventRecord } from '../../src/protocol/event.ts';
import type { Life, TrialRun } from './society.ts';

/** As the agents are spawned with. */
const INTENSITY = { max: 3, withinMs: 60_000 };
const IN_A_ROW_MAX = 8;

/** One failure of an agent. */
export interface AgentEnd {
  readonly agent: string;
  readonly restarted: boolean;
  readonly atMs: number;
  /** The process, from 0. */
  readonly life: number;
}

/** @param life the process in which it happened, whenever it is heard of */
export const endOf = ({ type, agent, exit, restarted, time }: EventRecord, life: number): AgentEnd | null =>
  type === 'restart' && exit === 'failure'
    ? { agent: String(agent), restarted: restarted === true, atMs: Date.parse(time), life }
    : null;

/** A9: three restarts within a minute and eight in a row, no more, and whoever is given up had as many. */
const restartsCounted = ({ ends, model }: TrialRun): readonly string[] =>
  ends.flatMap(({ agent, restarted, atMs, life }, index) => {
    const before = ends.slice(0, index).filter((one) => one.agent === agent && one.life === life && one.restarted);
    const recent = before.filter((one) => atMs - one.atMs < INTENSITY.withinMs);
    const { max } = INTENSITY;
    if (!restarted) {
      const isRight = recent.length === max || before.length >= IN_A_ROW_MAX;
      return isRight ? [] : [`${agent} was given up after ${recent.length} restarts within a minute`];
    }
    if (recent.length >= max) return [`${agent} was restarted ${recent.length + 1} times within a minute`];
    // No turn has ended well without an answer.
    const answered = model.spoken.findLast((one) => one.agent === agent && one.atMs <= atMs)?.atMs ?? 0;
    const inARow = before.filter((one) => one.atMs > answered).length + 1;
    return inARow <= IN_A_ROW_MAX ? [] : [`${agent} was restarted ${inARow} times in a row`];
  });

/** Whoever was given up asks for nothing any more, has failed or had ended before, and somebody was told, once. */
const givenUp = (run: TrialRun, { outcome }: Life): readonly string[] => {
  return run.ends.flatMap(({ agent, restarted, atMs }) => {
    if (restarted) return [];
    const wrong: string[] = [];
    const later = run.model.spoken.filter((one) => one.agent === agent && one.atMs > atMs).length;
    if (later > 0) wrong.push(`${agent} was given up and had ${later} answers more`);
    if (agent === BOSS) {
      if (outcome.reason !== 'boss-failed') wrong.push(`the Boss was given up, and it is ${outcome.reason}`);
      return wrong;
    }
    // Who comes to hear of it may not have, where the run was ended by somebody else at that moment.
    if (!run.endedQuietly) return wrong;
    // Nobody is above the Boss: of those right under it nobody hears when it is gone, and quiet moments come to the same.
    if (run.ends.some((one) => one.agent === BOSS && !one.restarted)) return wrong;
    const remedies = run.events.filter(
      ({ type, agent: whom, why }) => type === 'remedy' && why === 'crash' && whom === agent,
    );
    if (remedies.length !== 1) wrong.push(`${agent} was given up, and that was dealt with ${remedies.length} times`);
    if (outcome.status === 'completed' && !run.model.lamented.has(agent)) {
      wrong.push(`${agent} was given up, and nobody was told`);
    }
    return wrong;
  });
};

/** V2: whoever was given up is said to have failed, however its process ended, and whoever may have heard of it. */
const toldAsFailed = (run: TrialRun): readonly string[] =>
  run.lives.flatMap(({ gathered }, index) => {
    // Of the Boss nobody is told here, nor then of those under it; in a run somebody listens for its end.
    const boss = gathered.roster.rows.find(({ name }) => name === BOSS);
    if (boss?.status !== 'failed' && run.ends.some(({ agent, restarted }) => agent === BOSS && !restarted)) return [];
    const gone = new Set(
      run.ends.filter(({ life, restarted }) => life <= index && !restarted).map(({ agent }) => agent),
    );
    return gathered.roster.rows.flatMap(({ name, status }) =>
      gone.has(name) && (status === 'working' || status === 'review')
        ? [`${name} was given up, and is at ${status} in the report of process ${index}`]
        : [],
    );
  });

export const crashesCounted = (run: TrialRun, last: Life): readonly string[] =>
  run.hostKills > 0 ? [] : [...restartsCounted(run), ...givenUp(run, last), ...toldAsFailed(run)];
