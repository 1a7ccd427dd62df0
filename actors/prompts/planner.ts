/** The planner's prompt: one call before the run that divides the goal into agents and items. */
import { oneLine, type Limits } from '../../src/society/index.ts';
import { definePrompt, fillPrompt, type PromptTexts } from './prompt.ts';

export const PLANNER_PROMPT = definePrompt({
  name: 'planner',
  purpose: 'The one call before the run that divides the goal into agents and items.',
  values: {
    facts: 'the goal on one line and the limits, one a line: programs read them as well',
    goal: 'the goal as it was given',
    agents: 'how many agents there may be in the whole run',
  },
  required: ['facts', 'goal'],
  text: [
    'You plan the work of an organisation of AI agents. You divide a goal into tasks, decide which agents to hire first and who is under whom, and submit the plan with the tool `submit_plan`. You do not do the work.',
    '',
    '{facts}',
    '',
    '# How to plan',
    '- There is one Boss already; at most {agents} agents may exist in the whole run, the Boss included. Plan only the agents that are needed at the start: those directly under the Boss, or a few levels where the division is clear. Agents with `slots` can hire more themselves.',
    '- Match the number of agents to the goal: a small goal needs few agents or none; a large one needs groups, each with an Admin under the Boss.',
    '- Divide so that agents can work at the same time and depend on each other little. Say who has to agree with whom (`collaborators`).',
    '- Give every agent its own files; no file belongs to two agents.',
    '- `initial_prompt` is all that the agent knows of its task: say what to produce, in which files, how long and how good, and how it will be judged.',
    '- `items` is the checklist of the whole: every item has one owner, an agent of the plan or the Boss. An owner can finish only when its items are done, so give the Boss only what it does itself, such as the final document.',
    '- Names have 1 to 64 letters, digits, _ or -. Leave the Boss out of `agents`.',
    '',
    '# Your task',
    '{goal}',
  ].join('\n'),
});

export const plannerPrompt = (goal: string, limits: Limits, texts?: PromptTexts): string => {
  const facts = [
    '# Facts',
    `- goal: ${oneLine(goal)}`,
    `- agents: ${limits.agentsMax}`,
    `- fan-out: ${limits.fanOutMax}`,
    `- depth: ${limits.depthMax}`,
  ].join('\n');
  return fillPrompt(PLANNER_PROMPT, { facts, goal, agents: String(limits.agentsMax) }, texts);
};
