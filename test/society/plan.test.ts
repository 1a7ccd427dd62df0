import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BOSS,
  checkGivenPlan,
  checkPlan,
  limitsWith,
  planForBoss,
  plannedSlots,
  renderPlan,
  type PlanCheck,
} from '../../src/society/index.ts';
import { planWith, treePlan } from './arbitraries.ts';

const limits = limitsWith({ agentsMax: 50, depthMax: 3, fanOutMax: 4 });
const issuesOf = (check: PlanCheck): string => (check.ok ? '' : check.issues.join('\n'));

describe('checkPlan', () => {
  test('fills in what may be left out', () => {
    const check = checkPlan({ goal: 'g', agents: [{ name: 'A', description: 'd', initial_prompt: 'p' }] }, limits);
    expect(check).toEqual({
      ok: true,
      plan: {
        goal: 'g',
        items: [],
        agents: [{ name: 'A', description: 'd', initial_prompt: 'p', supervisor: BOSS, files: [], collaborators: [] }],
      },
    });
  });

  test('a plan without agents is a plan', () => {
    expect(checkPlan({ goal: 'g', agents: [] }, limits).ok).toBe(true);
  });

  test.each([
    ['no object', 'text', 'plan'],
    ['a missing goal', { agents: [] }, 'goal'],
    ['an unknown supervisor', planWith([{ supervisor: 'Nobody' }]), 'no agent "Nobody"'],
    ['a name twice', planWith([{ name: 'X' }, { name: 'X' }]), 'occurs twice'],
    ['a reserved name', planWith([{ name: 'Group' }]), 'is reserved'],
    ['a name that calls of the runtime are counted under', planWith([{ name: '_planner' }]), 'is reserved'],
    ['the Boss in another spelling', planWith([{ name: 'BOSS' }]), 'is reserved'],
    ['the Boss', planWith([{ name: BOSS }]), 'is there already'],
    ['a name that is none', planWith([{ name: 'two words' }]), 'is not a name'],
    ['a circle', planWith([{ supervisor: 'A1' }, { supervisor: 'A0' }]), 'in a circle'],
    ['its own supervisor', planWith([{ supervisor: 'A0' }]), 'in a circle'],
    ['too many agents', planWith([{ slots: 49 }]), 'at most 50'],
    [
      'too many levels',
      planWith([{}, { supervisor: 'A0' }, { supervisor: 'A1' }, { supervisor: 'A2' }]),
      'at most 3 are allowed',
    ],
    ['too wide a group', planWith([{}, {}, {}, {}, {}]), 'at most 4 are allowed'],
    ['too few slots', planWith([{ slots: 0 }, { supervisor: 'A0' }]), 'too few'],
    ['an unknown owner', planWith([{}], [{ id: '1', text: 't', owner: 'Nobody' }]), 'items[0].owner'],
    ['an unknown colleague', planWith([{ collaborators: ['Nobody'] }]), 'collaborators'],
    [
      'an item twice',
      planWith(
        [],
        [
          { id: '1', text: 't', owner: BOSS },
          { id: '1', text: 'u', owner: BOSS },
        ],
      ),
      'items[1].id',
    ],
  ])('says what is wrong: %s', (_, plan, issue) => {
    expect(issuesOf(checkPlan(plan, limits))).toContain(issue);
  });

  test('of what a person gave, fields that no plan has and files that nobody could write are issues', () => {
    const agent = { name: 'A', description: 'd', initial_prompt: 'p' };
    const pathIssue = (path: string): string | null => (path.startsWith('/') ? `${path} is not relative` : null);
    const issues = (raw: unknown): string[] => {
      const check = checkGivenPlan(raw, limits, pathIssue);
      return check.ok ? [] : [...check.issues];
    };
    expect(issues({ goal: 'g', agents: [{ ...agent, files: ['a.md'] }] })).toEqual([]);
    expect(issues({ goal: 'g', agents: [{ ...agent, superviser: 'B', slot: 4 }], itmes: [] })).toEqual([
      expect.stringMatching(/^agents\.0: .*"superviser", "slot"/u),
      expect.stringMatching(/^plan: .*"itmes"/u),
    ]);
    const item = { id: '1', text: 't', owner: BOSS, done: true };
    expect(issues({ goal: 'g', agents: [], items: [item] })).toEqual([expect.stringMatching(/^items\.0: .*"done"/u)]);
    expect(issues({ goal: 'g', agents: [{ ...agent, files: ['a.md', '/b.md'] }] })).toEqual([
      'A.files: /b.md is not relative',
    ]);
    expect(checkPlan({ goal: 'g', agents: [{ ...agent, slot: 4, files: ['/b.md'] }] }, limits).ok).toBe(true);
  });

  test('names at most twenty issues', () => {
    const check = checkPlan(planWith(Array.from({ length: 50 }, () => ({ supervisor: 'Nobody' }))), limits);
    expect(check.ok ? [] : check.issues).toHaveLength(20);
  });
});

describe('slots of a plan', () => {
  test('those without share evenly, the rest stays with the Boss', () => {
    const check = checkPlan(planWith([{ slots: 5 }, {}, {}]), limitsWith({ agentsMax: 20 }));
    if (!check.ok) throw new Error(issuesOf(check));
    const { slots } = plannedSlots(check.plan, limitsWith({ agentsMax: 20 }));
    // 19 − 3 agents − 5 slots = 11 for two.
    expect(Object.fromEntries(slots)).toEqual({ Boss: 1, A0: 5, A1: 5, A2: 5 });
  });

  test('agents and slots together are exactly as many as allowed, and supervisors come first', () => {
    fc.assert(
      fc.property(treePlan, fc.integer({ min: 13, max: 300 }), (plan, agentsMax) => {
        const wide = limitsWith({ agentsMax, depthMax: 20 });
        const check = checkPlan(plan, wide);
        if (!check.ok) throw new Error(issuesOf(check));
        const seen = new Set<string>([BOSS]);
        for (const agent of check.plan.agents) {
          expect(seen.has(agent.supervisor)).toBe(true);
          seen.add(agent.name);
        }
        const { slots } = plannedSlots(check.plan, wide);
        const total = [...slots.values()].reduce((sum, value) => sum + value, 0);
        expect([...slots.values()].every((value) => value >= 0)).toBe(true);
        expect(total + check.plan.agents.length + 1).toBe(agentsMax);
      }),
    );
  });
});

test('the text of a plan names everybody and everything', () => {
  const text = renderPlan(
    planWith([{ name: 'Health', files: ['h.md'] }], [{ id: 'i1', text: 'write', owner: 'Health' }]),
  );
  expect(text).toContain('Health (under Boss)');
  expect(text).toContain('h.md');
  expect(text).toContain('i1 (Health): write');
});

test('I1 the Boss has a small plan whole, and of a large one its own part first; it does not grow with the plan', () => {
  const small = planWith([{ name: 'Health', files: ['h.md'] }], [{ id: 'i1', text: 'write', owner: 'Health' }]);
  expect(planForBoss(small)).toBe(renderPlan(small));
  const agentsOf = (count: number) => [
    ...Array.from({ length: count }, (_, index) => ({ name: `N${index}`, supervisor: 'Top' })),
    { name: 'Top', description: 'leads\nall' },
  ];
  const items = Array.from({ length: 2_000 }, (_, index) => ({
    id: `i${index}`,
    text: 'x'.repeat(2_000),
    owner: 'Top',
  }));
  const large = planForBoss({ ...planWith(agentsOf(2_000)), items });
  expect(large.split('\n')[2]).toBe('- Top (under Boss): leads all');
  expect(large).toMatch(/\nand 1941 more agents and 1940 more items\.$/u);
  expect(large.length).toBeLessThan(60_000);
});
