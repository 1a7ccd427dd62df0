/**
 * Plans for common kinds of goal, as data: a JSON file each, of the schema of a plan, in which `{goal}` stands for the goal.
 * What it does not do: fit them into limits; that is checked as with every plan.
 */
import decision from './templates/decision.json' with { type: 'json' };
import document from './templates/document.json' with { type: 'json' };
import software from './templates/software.json' with { type: 'json' };
import survey from './templates/survey.json' with { type: 'json' };
import { planSchema, type Plan } from './plan.ts';
import type { TemplateName } from './template-names.ts';

const TEMPLATES: Readonly<Record<TemplateName, unknown>> = { decision, document, software, survey };

const PLACE = '{goal}';

/** The plan of a template for `goal`. @throws ZodError never for a template of this folder: a test reads them all */
export const planFromTemplate = (name: TemplateName, goal: string): Plan => {
  const plan = planSchema.parse(TEMPLATES[name]);
  const fill = (text: string): string => text.replaceAll(PLACE, () => goal);
  return {
    ...plan,
    goal: fill(plan.goal),
    agents: plan.agents.map((agent) => ({ ...agent, initial_prompt: fill(agent.initial_prompt) })),
  };
};
