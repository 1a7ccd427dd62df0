/** The short form of `npm run adversarial`, and the broken builds that it must catch. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BAD_KINDS } from './behaviours.ts';
import { applyMutation, MUTANTS } from './mutants.ts';
import { CANARY_SEEDS_MAX, catchCanary, runSuite } from './suite.ts';
import { drawTrial } from './draw.ts';
import { playTrial } from './trial.ts';

/** As many as give every kind its turn. */
const SEEDS = Array.from({ length: BAD_KINDS.length }, (_, index) => index + 1);
/** The long form has all of them. */
const CANARIES = ['uncapped-nudge', 'uncounted-repair', 'quiescence-miscount'];

test('V1–V5: whatever the models say, a run ends within its limits with a true status, and nothing written is lost', async () => {
  const log: string[] = [];
  const result = await runSuite(SEEDS, (line) => log.push(line));
  expect(result.failures, log.join('\n')).toBe(0);
  expect(result.trials).toBe(SEEDS.length);
  // All kinds occur in the long form, whatever has become of these seeds.
  expect(BAD_KINDS.filter((kind) => (result.counters[kind] ?? 0) > 0).length).toBeGreaterThan(10);
  expect(result.counters['writes']).toBeGreaterThan(10);
});

test('every broken build breaks a text that is there, once', () => {
  for (const mutation of Object.values(MUTANTS)) {
    const source = readFileSync(new URL(`../../${mutation.file}`, import.meta.url), 'utf8');
    expect(applyMutation(source, mutation)).not.toBe(source);
  }
});

test('V1, A6: a host may die at any moment of the founding', async () => {
  const trial = drawTrial(1);
  const limits = { ...trial.limits, agentsMax: 3, turnsPerAgentMax: 2, stepsPerTurnMax: 1, finalReviewsMax: 1 };
  const plan = { members: [{ name: 'm1', supervisor: 'Boss', files: [] }], items: [] };
  const calm = {
    faults: {},
    budgets: [{}],
    programs: false,
    questions: false,
    approve: [],
    groups: null,
    refused: 0,
    eachAgent: null,
    interruptAfterMs: null,
    planlessAnswers: 0,
  };
  const small = { hosts: 1, shards: 2, latencyMs: 1 };
  let deaths = 0;
  for (let step = 75; step < 115; step += 1) {
    const killed = { ...trial, ...calm, ...small, limits, plan, boss: 'empty' as const, killAtSteps: [step] };
    const { wrong, counters } = await playTrial(killed);
    expect(wrong, `a host died at step ${step}`).toEqual([]);
    deaths += counters['host-killed'] ?? 0;
  }
  expect(deaths).toBeGreaterThan(30);
});

test.each(CANARIES)('a broken build is caught: %s', (canary) => {
  const seeds = catchCanary(canary, () => undefined);
  expect(seeds).not.toBeNull();
  expect(seeds).toBeLessThanOrEqual(CANARY_SEEDS_MAX);
});
