/** Random plans and random behaviour of agents, for properties. */
import * as fc from 'fast-check';
import { BOSS, type Plan } from '../../src/society/index.ts';

export const agentName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,8}$/);

export const planWith = (agents: readonly Partial<Plan['agents'][number]>[], items: Plan['items'] = []): Plan => ({
  goal: 'a goal',
  items,
  agents: agents.map((agent, index) => ({
    name: `A${index}`,
    description: 'does something',
    initial_prompt: 'do it',
    supervisor: BOSS,
    files: [],
    collaborators: [],
    ...agent,
  })),
});

/** A tree of `size` agents: each stands under the Boss or under an earlier one. */
export const treePlan: fc.Arbitrary<Plan> = fc.array(fc.nat({ max: 1_000_000 }), { maxLength: 12 }).map((choices) =>
  planWith(
    choices.map((choice, index) => {
      const above = choice % (index + 1);
      return { supervisor: above === 0 ? BOSS : `A${above - 1}` };
    }),
  ),
);
