/**
 * `add_agent`: hires. All calls of one answer go to the roster together, so that slots are divided over the recruits of
 * the step and not by the order of the calls.
 */
import { z } from 'zod';
import type { ToolResult } from '../../src/society/index.ts';
import { describeColleagues, fail, nameSchema } from '../../src/society/index.ts';
import type { Turn } from '../agent-types.ts';
import { sendText } from '../mailing.ts';
import { enter, standingNote } from '../recruiting.ts';
import { callRoster } from '../services.ts';
import { defineTool, LEADS } from './tool.ts';

const schema = z.object({
  name: nameSchema.meta({ description: undefined }),
  description: z.string().min(1).max(2_000),
  initial_prompt: z.string().min(1),
  first_message: z.string().min(1).optional(),
});

export type AddAgentArgs = z.output<typeof schema>;

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
  const recruited = results.flatMap((result, index) =>
    result.ok ? [{ name: result.name, description: all[index]?.description ?? '' }] : [],
  );
  return results.map((result, index) => {
    const args = all[index];
    if (args === undefined) throw new Error('the roster answered for more recruits than there are');
    if (!result.ok) return result;
    const others = describeColleagues('Hired with you', recruited, [result.name]);
    enter(turn, { description: args.description, initialPrompt: args.initial_prompt, others }, result);
    if (args.first_message !== undefined) sendText(turn, result, args.first_message);
    return { ok: true, name: result.name, slots: result.slots, ...standingNote([result]) };
  });
};

export const addAgent = defineTool({
  name: 'add_agent',
  description:
    'Hire an agent; the result has its real name. `initial_prompt` is its whole task, `first_message` starts it (or talk does).',
  schema,
  levels: LEADS,
  execute: async (args, run) => {
    const [result] = await addAgents(run, [args]);
    return result ?? fail('REJECTED', 'The roster did not answer.', 'Try again.');
  },
});
