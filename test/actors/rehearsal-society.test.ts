/** Real agents play whole societies with the rehearsal model, in one process. */
import { expect, test } from 'vitest';
import { createRehearsal, parseRehearsalOptions } from '../../src/model/index.ts';
import { limitsWith, sumCounters } from '../../src/society/index.ts';
import { makePlan } from '../../actors/planner.ts';
import { Society, type SocietyOptions } from './society.ts';

const play = async (agents: number, rehearsal: Record<string, unknown>, more: Partial<SocietyOptions> = {}) => {
  const model = createRehearsal(parseRehearsalOptions({ latencyMs: 0, ...rehearsal }, 7));
  const { signal } = new AbortController();
  const limits = { agentsMax: agents };
  const planning = await makePlan({ goal: 'a policy for a city', run: 'r', limits: limitsWith(limits) }, (request) =>
    model.complete(request, signal),
  );
  expect(planning.issues).toEqual([]);
  if (planning.plan === null) throw new Error('no plan');
  const society = await Society.start({
    plan: planning.plan,
    goal: 'a policy for a city',
    answer: (request) => model.complete(request, signal),
    limits,
    ...more,
  });
  await society.run();
  return society;
};

test.each([1, 2, 5, 12, 60])('a society of %i agents completes and is exactly as large as allowed', async (agents) => {
  const society = await play(agents, {});
  const summary = society.roster.summary();
  expect(society.end).toEqual({ status: 'completed', reason: 'done' });
  expect(summary.agents).toBe(agents);
  expect(summary.neverWoken).toBe(0);
  expect(summary.rows.filter((row) => row.status !== 'finished')).toEqual([]);
});

test('scenario team completes without reviews', async () => {
  const society = await play(13, { scenario: 'team' }, { reviews: false });
  expect(society.end).toEqual({ status: 'completed', reason: 'done' });
  expect(society.roster.summary().agentsByLevel).toEqual({ boss: 1, admin: 2, ordinary: 10 });
});

test('a society whose model fails in every way ends, and says what became of everybody', async () => {
  const failures = {
    badJson: 0.05,
    prose: 0.05,
    refusal: 0.03,
    silence: 0.03,
    repetition: 0.03,
    unfinished: 0.03,
    badOutput: 0.03,
  };
  const society = await play(40, { failures });
  const summary = society.roster.summary();
  expect(society.end?.status).toBe('completed');
  expect(sumCounters([...society.actors.values()].map((actor) => actor.state)).repairs).toBeGreaterThan(0);
  expect(summary.nudges).toBeGreaterThan(0);
});
