/** That a summary says of every run with synthetic answers that it is synthetic. */
import { expect, test } from 'vitest';
import { noSpend } from '../../src/model/budget/index.ts';
import { summaryOf } from '../../src/run/report.ts';
import { Draft, zeroCounters } from '../../src/society/index.ts';
import { summarize } from '../../src/society/roster-view.ts';
import { foundedMachine } from '../society/machine.ts';

type Parts = Parameters<typeof summaryOf>[0];

const parts = (synthetic: number, syntheticCalls: number, model = 'openai:m'): Parts =>
  ({
    run: {
      runId: 'r',
      settings: { seed: 1, model, sandbox: 'off', embedder: 'none', workspace: 'w', durability: 'flushed' },
      spent: { wallSeconds: 1, restarts: 0, deadLetters: 0 },
    },
    directory: { path: 'd' },
    outcome: { status: 'paused', reason: 'budget-calls', error: null },
    gathered: {
      roster: summarize(new Draft(foundedMachine().state)),
      questions: [],
      displaced: [],
      states: [{ counters: { ...zeroCounters(), calls: 1, syntheticCalls } }],
      spent: [['A', { level: 'admin', above: ['Boss'], models: { m: { ...noSpend(), calls: 2, synthetic } } }]],
      workspace: { files: 0, commits: 0 },
      files: [],
    },
    planner: { calls: 0, repeatedCalls: 0, input: 0, cachedInput: 0, output: 0 },
  }) as unknown as Parts;

test('a run is synthetic with a built-in model, or with one answer of a server that says so of itself', () => {
  expect(summaryOf(parts(0, 0)).synthetic).toBe(false);
  expect(summaryOf(parts(0, 0, 'rehearsal')).synthetic).toBe(true);
  expect(summaryOf(parts(1, 1)).synthetic).toBe(true);
  // Its agent has not lived to finish the step, or the journal is of before answers were counted so.
  expect(summaryOf(parts(1, 0)).synthetic).toBe(true);
  expect(summaryOf(parts(0, 1)).synthetic).toBe(true);
});
