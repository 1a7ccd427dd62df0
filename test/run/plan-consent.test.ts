/** Consent to a plan: H9 a decision is about the plan that was shown, H10 and there is one. */
import { describe, expect, test } from 'vitest';
import { allowsAllHires, decidePlan, PlanDesk, planDecision, planQuestion } from '../../src/run/plan-consent.ts';
import { renderPlan } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { memoryStore, type MemoryStore } from '../society/memory-store.ts';

const plan = planWith([{ name: 'A', slots: 0 }]);

/** A store in which so many plans were refused, and another one waits. @param last no other would be made after it */
const waiting = async (refused = 0, last = false): Promise<MemoryStore> => {
  const store = memoryStore();
  // An answer that is no plan at all is an attempt as well, and has no number.
  for (let attempt = 0; attempt < refused; attempt += 1) {
    await planDecision(store, { plan, attempt: 2 * attempt, last: false });
    const label = attempt === 0 ? '#0' : `#0.${attempt + 1}`;
    expect(await decidePlan(store, `${label} deny no`, false)).toMatchObject({ plan: attempt + 1, another: true });
  }
  expect(await planDecision(store, { plan, attempt: 2 * refused, last })).toMatchObject({
    number: refused + 1,
    state: 'asks',
  });
  return store;
};

const end = (): void => {
  throw new Error('nobody is to be sent away');
};

describe('H9 which plan is meant', () => {
  test.each(['approve', 'Approve', '#0 approve', ' #0  approve all '])('of the first one: %j', async (words) => {
    expect(await decidePlan(await waiting(), words, false)).toEqual({ plan: 1, verdict: 'approve', another: false });
  });

  test('what is shown names it, and says that nobody is hired yet', async () => {
    expect(await planQuestion(await waiting())).toMatchObject({ id: 0, plan: 1, text: renderPlan(plan, 'proposed') });
    expect(await planQuestion(await waiting(2))).toMatchObject({ id: 0, plan: 3 });
    expect(renderPlan(plan, 'proposed')).not.toContain('already hired');
  });

  test('one that came after another is decided on by its own label alone', async () => {
    const store = await waiting(1);
    const before = structuredClone(store.rows);
    const refused = (words: string) => expect(decidePlan(store, words, false)).rejects;
    await refused('approve').toMatchObject({
      code: 'USAGE',
      message: /another one waits: #0\.2/u,
      hint: /"#0\.2 approve"/u,
    });
    await refused('deny too long').toMatchObject({ code: 'USAGE', hint: /"#0\.2 deny REASON"/u });
    await refused('#0 approve').toMatchObject({
      code: 'ALREADY_DECIDED',
      message: 'the plan #0 was refused already',
      hint: /"#0\.2 approve"/u,
    });
    await refused('#0.1 approve').toMatchObject({ code: 'ALREADY_DECIDED' });
    await refused('#0.3 approve').toMatchObject({ code: 'USAGE', message: /no plan #0\.3/u });
    await refused('#0.2 fine').toMatchObject({ code: 'USAGE', message: /waits for your consent/u });
    await refused('#0.2approve').toMatchObject({ code: 'USAGE', message: /waits for your consent/u });
    expect(store.rows).toEqual(before);
    expect(await decidePlan(store, '#0.2 approve all', false)).toMatchObject({ plan: 2, verdict: 'approve' });
    expect(await allowsAllHires(store)).toBe(true);
  });

  test('after the last one no other is made', async () => {
    const store = await waiting(1, true);
    expect(await decidePlan(store, '#0.2 deny too long', false)).toEqual({ plan: 2, verdict: 'deny', another: false });
    expect(await planDecision(store, { plan, attempt: 2, last: true })).toMatchObject({
      state: 'decided',
      decision: { verdict: 'deny', reason: 'too long', told: false },
    });
  });
});

describe('H10 a plan is decided on once', () => {
  test.each(['approve', 'deny no', '#0 approve', '#0 deny no', '#0'])('then %j is refused', async (words) => {
    const store = await waiting();
    await decidePlan(store, 'approve', false);
    await expect(decidePlan(store, words, false)).rejects.toMatchObject({
      code: 'ALREADY_DECIDED',
      message: 'the plan #0 was approved already',
    });
  });

  test('other words are for the Boss, and in a society also those without a label', async () => {
    const store = await waiting();
    await decidePlan(store, 'approve', false);
    expect(await decidePlan(store, 'hello', false)).toBeNull();
    for (const words of ['approve', 'deny it', '#3 approve', '#00 x'])
      expect(await decidePlan(store, words, true)).toBeNull();
    await expect(decidePlan(store, '#0 approve', true)).rejects.toMatchObject({ code: 'ALREADY_DECIDED' });
    // Where no plan had to be allowed there is nothing to decide.
    expect(await decidePlan(memoryStore(), '#0 approve', true)).toBeNull();
  });

  test('of two at one moment the first wins, and the second is told so', async () => {
    const store = await waiting();
    const desk = new PlanDesk();
    const there = new AbortController().signal;
    const waited = desk.wait({ there, onWaiting: () => undefined, end });
    const both = await Promise.allSettled([
      desk.decide(store, 'deny first', false),
      desk.decide(store, '#0 approve', false),
    ]);
    await waited;
    expect(both).toMatchObject([
      { status: 'fulfilled', value: { verdict: 'deny' } },
      { status: 'rejected', reason: { code: 'ALREADY_DECIDED' } },
    ]);
    expect(await planDecision(store, { plan, attempt: 0, last: false })).toMatchObject({
      decision: { verdict: 'deny', reason: 'first' },
    });
  });

  test('one that comes before anybody waits for it is waited for no more', async () => {
    const store = await waiting();
    const desk = new PlanDesk();
    await desk.decide(store, 'approve', false);
    await desk.wait({ there: undefined, onWaiting: end, end });
    const gone = new AbortController();
    const next = desk.wait({ there: gone.signal, onWaiting: () => undefined, end: () => undefined });
    gone.abort();
    await expect(next).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
