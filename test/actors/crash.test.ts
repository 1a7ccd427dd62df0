/** A society that is killed at any moment ends as if it had not been: same agents, files, mail; nothing paid twice. */
import { expect, test } from 'vitest';
import { createRehearsal, parseRehearsalOptions } from '../../src/model/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { BOSS, limitsWith, sumCounters } from '../../src/society/index.ts';
import { makePlan } from '../../actors/planner.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, script, tools } from './answers.ts';
import { Crash, Society } from './society.ts';

const seededCrash = (seed: number, rate: number) => {
  let state = seed;
  const points: string[] = [];
  return {
    points,
    crash: (point: string): void => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      if (state / 4_294_967_296 >= (point.startsWith('quiet') ? 0.5 : rate)) return;
      points.push(point);
      throw new Crash(point);
    },
  };
};

const play = async (crash?: (point: string) => void): Promise<Society> => {
  const model = createRehearsal(parseRehearsalOptions({ latencyMs: 0, failures: { badJson: 0.05, prose: 0.1 } }, 11));
  const { signal } = new AbortController();
  const limits = { agentsMax: 16 };
  const planning = await makePlan({ goal: 'g', run: 'r', limits: limitsWith(limits) }, (request) =>
    model.complete(request, signal),
  );
  if (planning.plan === null) throw new Error('no plan');
  const society = await Society.start({
    plan: planning.plan,
    answer: (request) => model.complete(request, signal),
    limits,
    ...(crash === undefined ? {} : { crash }),
  });
  await society.run();
  return society;
};

const outcome = (society: Society) => {
  const { rows, ...summary } = society.roster.summary();
  const actors = [...society.actors.values()].toSorted((left, right) => (left.ref.name < right.ref.name ? -1 : 1));
  const { repeatedCalls, ...counters } = sumCounters(actors.map((actor) => actor.state));
  return {
    same: {
      end: society.end,
      summary,
      rows: rows.toSorted((left, right) => left.id - right.id),
      files: Object.fromEntries(society.files),
      histories: actors.map((actor) => [actor.ref.name, actor.history]),
      counters,
    },
    repeatedCalls,
    requests: society.requests.length,
    calls: counters.calls,
  };
};

test.each([1, 2, 3, 4, 5])('seed %i', async (seed) => {
  const { crash, points } = seededCrash(seed, 0.15);
  const calm = outcome(await play());
  const killed = outcome(await play(crash));
  expect(points.length).toBeGreaterThan(50);
  expect(new Set(points.map((point) => point.split(' ')[0]))).toEqual(
    new Set(['before', 'sent', 'after', 'effect', 'commit', 'quiet']),
  );
  expect(killed.same).toEqual(calm.same);
  expect(calm.repeatedCalls).toBe(0);
  // Every call beyond the answers that count was one that a crash had cut off, and each step counts its own once.
  expect(killed.repeatedCalls).toBeGreaterThan(0);
  expect(killed.repeatedCalls).toBeLessThanOrEqual(killed.requests - killed.calls);
});

test('G3 a crash after the roster has heard of a refusal: whose repeated call is granted waits for no budget', async () => {
  const approve = tools(call('terminate', { summary: 'approved' }));
  const start = tools(call('talk', { messages: [{ to: 'A', content: 'begin' }] }));
  const accept = tools(call('review', { agent: 'A', verdict: 'accept', feedback: 'good' }));
  const details = { scope: 'agent/A', what: 'calls', limit: 1 };
  const refuse = (): never => {
    throw new MegactorError('BUDGET_SPENT', 'too little', { details });
  };
  const wait = prose('(waiting)');
  const crashes: string[] = [];
  const seen: string[] = [];
  const society = await Society.start({
    plan: planWith([{ name: 'A', slots: 0 }]),
    answer: script({
      [BOSS]: [start, wait, accept, wait, approve],
      // Granted, it ends its turn with its work undone and without a word to the roster.
      A: [refuse, wait, tools(call('terminate', { summary: 'it is done' }))],
    }),
    crash: (point) => {
      if (point.endsWith('roster.unhold')) seen.push(point);
      if (point !== 'after roster.hold') return;
      crashes.push(point);
      throw new Crash(point);
    },
  });
  await society.settle();
  expect(crashes).toHaveLength(1);
  expect(society.agent('A').state).toMatchObject({ held: null, phase: 'idle' });
  // The next quiet moment reminds it, and is no pause.
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  expect(society.roster.summary()).toMatchObject({ nudges: 1 });
  // Steps that nothing interrupted tell the roster nothing of the kind.
  expect(seen).toEqual(['before roster.unhold', 'after roster.unhold']);
});
