/** A rehearsed society from its goal to its end, in one process. */
import { expect } from 'vitest';
import { createRehearsal, parseRehearsalOptions } from '../../src/model/index.ts';
import { limitsWith, type LimitsInput } from '../../src/society/index.ts';
import { makePlan } from '../../actors/planner.ts';
import { Society, type SocietyOptions } from './society.ts';

const GOAL = 'a policy for a city';

export const play = async (
  agents: number,
  rehearsal: Record<string, unknown>,
  { limits: own, ...more }: Partial<SocietyOptions> = {},
): Promise<Society> => {
  const model = createRehearsal(parseRehearsalOptions({ latencyMs: 0, ...rehearsal }, 7));
  const { signal } = new AbortController();
  const limits: LimitsInput = { agentsMax: agents, ...own };
  const planning = await makePlan({ goal: GOAL, run: 'r', limits: limitsWith(limits) }, (request) =>
    model.complete(request, signal),
  );
  expect(planning.issues).toEqual([]);
  if (planning.plan === null) throw new Error('no plan');
  const society = await Society.start({
    plan: planning.plan,
    goal: GOAL,
    answer: (request) => model.complete(request, signal),
    limits,
    ...more,
  });
  await society.run();
  return society;
};
