/**
 * What a run keeps in the journal that belongs to no agent: its names, and what was used for the plan. Apart from `found.ts`,
 * which brings the code of the agents along.
 */
import { z } from 'zod';
import type { JournalClient } from '../journal/shard-log.ts';
import { effectId } from '../protocol/ids.ts';
import { MegactorError } from '../protocol/errors.ts';
import { checkGivenPlan, type Limits, type Plan } from '../society/index.ts';
import { checkPath } from '../workspace/path-jail.ts';

export const PLANNER = '_planner';
/** The table of what belongs to the run and to no agent. */
export const RUN_STORE = 'run';
/** The roster keeps whom it hired at the beginning under this id. */
export const FOUND_EFFECT = effectId(PLANNER, 0, 'found');
export const PLANNER_KEY = 'planner';
export const FOUNDED_KEY = 'founded';

const plannerUsageSchema = z.object({
  calls: z.number(),
  repeatedCalls: z.number(),
  input: z.number(),
  cachedInput: z.number(),
  output: z.number(),
});

/** Model calls that belong to no agent. */
export type PlannerUsage = z.infer<typeof plannerUsageSchema>;

export const plannerUsage = async (journal: JournalClient): Promise<PlannerUsage> => {
  const parsed = plannerUsageSchema.safeParse(await journal.store(RUN_STORE).get(PLANNER_KEY));
  return parsed.success ? parsed.data : { calls: 0, repeatedCalls: 0, input: 0, cachedInput: 0, output: 0 };
};

/** A directory may stand for the files in it. */
const pathIssue = (path: string): string | null => {
  const check = checkPath(path.replace(/(?<=.)\/$/u, ''));
  return check.ok ? null : check.error.message;
};

/** A plan that a user gave, checked. @throws CONFIG_INVALID with every issue */
export const givenPlan = (raw: unknown, limits: Limits): Plan => {
  const check = checkGivenPlan(raw, limits, pathIssue);
  if (check.ok) return check.plan;
  throw new MegactorError('CONFIG_INVALID', `the plan: ${check.issues.join('; ')}`, {
    hint: 'Correct the plan file; its schema is that of submit_plan.',
  });
};
