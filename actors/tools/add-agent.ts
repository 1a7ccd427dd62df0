/**
 * `add_agent`: hires. All calls of one answer go to the roster together, so that slots are divided over the recruits of
 * the step and not by the order of the calls.
 */
import { z } from 'zod';
import type { HireResult, ToolResult } from '../../src/society/index.ts';
import { fail, nameSchema } from '../../src/society/index.ts';
import { spawnOptionsOf, type AgentInit, type Turn } from '../agent-types.ts';
import { sendText } from '../mailing.ts';
import { callRoster } from '../services.ts';
import { defineTool, LEADS } from './tool.ts';

const schema = z.object({
  name: nameSchema,
  description: z.string().min(1).max(2_000).describe('One sentence'),
  initial_prompt: z.string().min(1).describe('Its whole task'),
  first_message: z.string().min(1).optional().describe('Starts it at once; else start it with talk'),
});

export type AddAgentArgs = z.output<typeof schema>;

const initOf = (turn: Turn, args: AddAgentArgs, hired: HireResult & { ok: true }): AgentInit => ({
  name: hired.name,
  level: hired.level,
  depth: hired.depth,
  above: [...turn.state.above, turn.state.name],
  supervisor: turn.state.name,
  slots: hired.slots,
  description: args.description,
  initialPrompt: args.initial_prompt.slice(0, turn.state.settings.limits.promptCharsMax),
  files: [],
  planned: [],
  checklist: [],
  settings: turn.state.settings,
});

const enter = (turn: Turn, args: AddAgentArgs, hired: HireResult & { ok: true }): ToolResult => {
  const { ctx, state, recruits } = turn;
  const init = initOf(turn, args, hired);
  const { admin, ordinary } = recruits();
  ctx.spawn(hired.level === 'ordinary' ? ordinary : admin, init, spawnOptionsOf(init, hired));
  state.hired += 1;
  ctx.event({ type: 'hired', agent: hired.name, by: state.name, level: hired.level, slots: hired.slots });
  if (args.first_message !== undefined) sendText(turn, hired, args.first_message, { fromSupervisor: true });
  return { ok: true, name: hired.name, slots: hired.slots };
};

/** Hires all recruits of an answer; one result each, in their order. */
export const addAgents = async (turn: Turn, all: readonly AddAgentArgs[]): Promise<readonly ToolResult[]> => {
  const results = await callRoster(turn, 'hire', 'hire', {
    hirer: turn.state.name,
    recruits: all.map((args) => ({
      name: args.name,
      description: args.description,
      initialPrompt: args.initial_prompt,
      woken: args.first_message !== undefined,
    })),
  });
  return results.map((result, index) => {
    const args = all[index];
    if (args === undefined) throw new Error('the roster answered for more recruits than there are');
    return result.ok ? enter(turn, args, result) : result;
  });
};

export const addAgent = defineTool({
  name: 'add_agent',
  description:
    'Hire an agent; calls in one answer share your slots evenly. The result has its real name and its slots.',
  schema,
  levels: LEADS,
  execute: async (args, run) => {
    const [result] = await addAgents(run, [args]);
    return result ?? fail('REJECTED', 'The roster did not answer.', 'Try again.');
  },
});
