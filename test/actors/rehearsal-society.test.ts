/** Real agents play whole societies with the rehearsal model, in one process. */
import { expect, test } from 'vitest';
import { placeholdersIn, sumCounters } from '../../src/society/index.ts';
import { play } from './rehearsed.ts';

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

test.each([true, false])('bad work is sent back and is good in the end, checks: %s (X2)', async (checks) => {
  const society = await play(40, { failures: { badOutput: 0.15 } }, { checks });
  expect(society.end).toEqual({ status: 'completed', reason: 'done' });
  expect([...society.files].filter(([path, text]) => placeholdersIn(path, text).length > 0)).toEqual([]);
  const { reviews, checks: counted } = society.roster.summary();
  expect(reviews.accept).toBe(39);
  expect(reviews.revise).toBeGreaterThan(2);
  const revised = society.events.filter(({ type, verdict }) => type === 'review' && verdict === 'revise');
  expect(revised).toHaveLength(reviews.revise);
  // What checks cannot see is for the reader.
  const byChecks = revised.filter(({ by }) => by === 'system').length;
  expect(counted?.sentBack ?? 0).toBe(byChecks);
  expect(byChecks > 0).toBe(checks);
});
