import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Budgets, limitOfScope, warningKey, type BudgetWarning } from '../../../src/model/budget/budgets.ts';
import type { BudgetLimits } from '../../../src/model/budget/index.ts';
import { noSpend } from '../../../src/model/budget/spend.ts';
import type { Grant } from '../../../src/model/gate/types.ts';
import type { ChatRequest } from '../../../src/model/types.ts';

const PRICE = { input: 1, cachedInput: 0.1, output: 10 };

const request = (agent: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  agent,
  run: 'r',
  level: 2,
  role: 'ordinary',
  above: ['Boss', 'Lead'],
  messages: [],
  tools: [],
  maxTokens: 100,
  ...more,
});

const setUp = (limits: BudgetLimits, warned: string[] = []) => {
  const warnings: BudgetWarning[] = [];
  const budgets = new Budgets({
    limits,
    priceOf: () => PRICE,
    countInput: () => 50,
    onWarning: (warning) => warnings.push(warning),
    warned,
  });
  const reserve = (agent: string, more: Partial<ChatRequest> = {}): Grant =>
    budgets.reserve(request(agent, more), { route: 'm', outputEstimate: 20 });
  return { budgets, warnings, reserve };
};

const settle = (grant: Grant, input = 50, output = 100): void => {
  if (grant.kind !== 'granted') throw new Error(`not granted: ${grant.kind}`);
  grant.settle({ input, cachedInput: 0, output });
};

describe('names', () => {
  test('an agent that is called what every object has spends what each may', () => {
    const limits: BudgetLimits = {
      groups: { Lead: { calls: 9 } },
      agents: {},
      eachGroup: { calls: 3 },
      eachAgent: { calls: 2 },
    };
    expect(limitOfScope(limits, 'group/constructor', 'calls')).toBe(3);
    expect(limitOfScope(limits, 'agent/toString', 'calls')).toBe(2);
    const { reserve } = setUp(limits);
    for (const grant of [reserve('constructor'), reserve('constructor')]) settle(grant);
    expect(reserve('constructor').kind).not.toBe('granted');
  });
});

describe('the run', () => {
  test('a limit of calls is reached and never passed', () => {
    const { reserve } = setUp({ run: { calls: 3 } });
    const grants = ['a', 'b', 'c'].map((agent) => reserve(agent));
    expect(reserve('d')).toEqual({ kind: 'wait', all: true });
    for (const grant of grants) settle(grant);
    expect(reserve('d')).toMatchObject({
      kind: 'stop',
      stop: { reason: 'budget-calls', error: { code: 'BUDGET_SPENT' } },
    });
  });

  test('what fails gives back everything', () => {
    const { reserve } = setUp({ run: { calls: 1, tokens: 150 } });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const grant = reserve('a');
      if (grant.kind === 'granted') grant.settle(null);
      expect(grant.kind).toBe('granted');
    }
  });

  test('tokens: input as counted and `maxTokens` are taken before, what was not needed comes back', () => {
    const { reserve } = setUp({ run: { tokens: 300 } });
    const first = reserve('a');
    const second = reserve('b');
    expect(reserve('c').kind).toBe('wait');
    settle(first, 50, 10);
    settle(second, 50, 10);
    const third = reserve('c');
    expect(third.kind).toBe('granted');
    settle(third, 50, 100);
    expect(reserve('d')).toMatchObject({ kind: 'stop', stop: { reason: 'budget-tokens' } });
  });

  test('money: at the price of the model, cached input as cheap as it is', () => {
    const { reserve } = setUp({ run: { usd: 0.002_5 } });
    const first = reserve('a');
    expect(reserve('b').kind).toBe('granted');
    expect(reserve('c').kind).toBe('wait');
    if (first.kind === 'granted') first.settle({ input: 50, cachedInput: 50, output: 0 });
    expect(reserve('c').kind).toBe('granted');
  });

  test('A3 nothing waits for money when nothing is under way: sums of fractions leave no rest', () => {
    const { reserve } = setUp({ run: { usd: 0.01 } });
    for (let first = 1; first < 30; first += 1) {
      for (let second = 1; second < 30; second += 1) {
        const grants = [first, second].map((maxTokens) => reserve('a', { maxTokens }));
        for (const grant of grants) if (grant.kind === 'granted') grant.settle(null);
        expect(reserve('b', { maxTokens: 2_000 })).toMatchObject({ kind: 'stop', stop: { reason: 'budget-usd' } });
      }
    }
  });

  test('what an earlier process spent counts', () => {
    const { budgets, reserve } = setUp({ run: { calls: 3 } });
    const spent = { ...noSpend(), calls: 3 };
    budgets.load('a', { level: 'ordinary', above: ['Boss'], models: { m: spent } });
    expect(reserve('b').kind).toBe('stop');
  });
});

describe('groups and agents', () => {
  test('a group is an Admin and everybody below: one that is used up refuses its calls, others go on', () => {
    const { reserve } = setUp({ groups: { Lead: { calls: 2 } } });
    settle(reserve('Lead', { role: 'admin', above: ['Boss'] }));
    settle(reserve('a'));
    expect(reserve('b')).toMatchObject({ kind: 'refused', error: { details: { scope: 'group/Lead', what: 'calls' } } });
    expect(reserve('c', { above: ['Boss', 'Other'] }).kind).toBe('granted');
  });

  test('every group and agent may have one, and some their own', () => {
    const { reserve } = setUp({ eachGroup: { calls: 5 }, eachAgent: { calls: 1 }, agents: { a: { calls: 2 } } });
    settle(reserve('a'));
    settle(reserve('a'));
    expect(reserve('a').kind).toBe('refused');
    settle(reserve('b'));
    expect(reserve('b').kind).toBe('refused');
    settle(reserve('c'));
    settle(reserve('d'));
    // Five of the group by now.
    expect(reserve('e')).toMatchObject({
      kind: 'refused',
      error: { details: { scope: expect.stringMatching(/^group/u) as string } },
    });
  });

  test('one who waits for what others of his group have reserved does not hold everybody', () => {
    const { reserve } = setUp({ eachGroup: { calls: 1 } });
    const first = reserve('a');
    expect(reserve('b')).toEqual({ kind: 'wait', all: false });
    settle(first);
    expect(reserve('b').kind).toBe('refused');
  });

  test('the Boss waits like everybody; without the runtime’s own calls nothing goes on', () => {
    const { budgets, reserve } = setUp({ eachAgent: { calls: 1 } });
    settle(reserve('Boss', { role: 'boss', above: [] }));
    expect(reserve('Boss', { role: 'boss', above: [] })).toMatchObject({
      kind: 'refused',
      error: { details: { scope: 'agent/Boss', what: 'calls', limit: 1 } },
    });
    const { role: _none, ...planning } = request('_planner');
    const plan = (): Grant => budgets.reserve(planning, { route: 'm', outputEstimate: 20 });
    settle(plan());
    expect(plan().kind).toBe('stop');
  });

  test('what a scope may spend: its own limit before that of each', () => {
    const limits = { run: { usd: 2 }, eachGroup: { calls: 5 }, eachAgent: { calls: 1 }, agents: { a: { tokens: 9 } } };
    expect(limitOfScope(limits, 'run', 'usd')).toBe(2);
    expect(limitOfScope(limits, 'group/g', 'calls')).toBe(5);
    expect(limitOfScope(limits, 'agent/b', 'calls')).toBe(1);
    expect(limitOfScope(limits, 'agent/a', 'tokens')).toBe(9);
    expect(limitOfScope(limits, 'agent/a', 'calls')).toBeUndefined();
  });
});

describe('the soft threshold', () => {
  test('is reported once for each limit, also over restarts', () => {
    const { warnings, reserve } = setUp({ run: { calls: 10 }, agents: { a: { calls: 5 } }, softAt: 0.4 });
    for (let call = 0; call < 5; call += 1) settle(reserve('a'));
    expect(warnings.map(({ scope, spent }) => [scope.kind, spent])).toEqual([
      ['agent', 2],
      ['run', 4],
    ]);
    const later = setUp({ run: { calls: 10 }, softAt: 0.1 }, warnings.map(warningKey));
    settle(later.reserve('a'));
    expect(later.warnings).toEqual([]);
    const raised = setUp({ run: { calls: 20 }, softAt: 0.1 }, warnings.map(warningKey));
    for (let call = 0; call < 2; call += 1) settle(raised.reserve('a'));
    expect(raised.warnings).toMatchObject([{ spent: 2, limit: 20 }]);
  });
});

test('no mix of calls, failures and answers within their reservation ever passes a limit', () => {
  fc.assert(
    fc.property(
      fc.record({
        calls: fc.integer({ min: 1, max: 20 }),
        tokens: fc.integer({ min: 150, max: 2_000 }),
        usd: fc.double({ min: 0.001, max: 0.02, noNaN: true }),
      }),
      fc.array(fc.tuple(fc.nat(4), fc.boolean(), fc.integer({ min: 0, max: 100 }), fc.nat(3)), { maxLength: 120 }),
      (run, actions) => {
        const { reserve } = setUp({ run });
        const open: Grant[] = [];
        let [calls, tokens, usd] = [0, 0, 0];
        for (const [agent, fails, output, which] of actions) {
          const grant = reserve(`a${agent}`);
          if (grant.kind === 'granted') open.push(grant);
          if (grant.kind === 'stop') expect(open).toEqual([]);
          if (open.length === 0 || (grant.kind === 'granted' && which > 1)) continue;
          const [one] = open.splice(which % open.length, 1);
          if (one?.kind !== 'granted') continue;
          one.settle(fails ? null : { input: 50, cachedInput: 0, output });
          if (fails) continue;
          calls += 1;
          tokens += 50 + output;
          usd += (50 * PRICE.input + output * PRICE.output) / 1e6;
          expect(calls).toBeLessThanOrEqual(run.calls);
          expect(tokens).toBeLessThanOrEqual(run.tokens);
          expect(usd).toBeLessThanOrEqual(run.usd + 1e-12);
        }
      },
    ),
    { seed: 21, numRuns: 300 },
  );
});
