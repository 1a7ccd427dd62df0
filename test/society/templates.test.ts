/** Plans for common kinds of goal: that each is one, and that the goal stands in it. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkPlan, isTemplateName, limitsWith, planFromTemplate, TEMPLATE_NAMES } from '../../src/society/index.ts';

test('every file of the folder is a template, and there are no others', () => {
  const files = readdirSync(new URL('../../src/society/templates/', import.meta.url));
  expect(files.toSorted()).toEqual(TEMPLATE_NAMES.map((name) => `${name}.json`));
  expect(TEMPLATE_NAMES.every(isTemplateName)).toBe(true);
  expect(isTemplateName('poem')).toBe(false);
});

test.each(TEMPLATE_NAMES)('%s is a plan that a small run has room for, with the goal in every task', (name) => {
  const goal = 'Write about $& and {ants}';
  const plan = planFromTemplate(name, goal);
  const check = checkPlan(plan, limitsWith({ agentsMax: 8, depthMax: 2 }));
  expect(check).toMatchObject({ ok: true });
  expect(plan.goal).toBe(goal);
  for (const agent of plan.agents) expect(agent.initial_prompt).toContain(goal);
  expect(JSON.stringify(plan)).not.toContain('{goal}');
  // Somebody may hire, or a larger run would have no use for its agents.
  expect(plan.agents.some(({ slots }) => slots === undefined)).toBe(true);
  const files = plan.agents.flatMap((agent) => agent.files);
  expect(new Set(files).size).toBe(files.length);
});
