/** `add_team`: hires one agent for each item of work that can be divided by data; all of them or none. */
import { z } from 'zod';
import { itemOfTeam, nameSchema, systemMail } from '../../src/society/index.ts';
import { send } from '../mailing.ts';
import { enter, standingNote } from '../recruiting.ts';
import { callRoster } from '../services.ts';
import { defineTool, LEADS } from './tool.ts';

export const addTeam = defineTool({
  name: 'add_team',
  description: 'Hire and start one agent per item: NAME_1, NAME_2, … A [hired] mail lists what they came to.',
  schema: z.object({
    name: nameSchema.meta({ description: undefined }),
    description: z.string().min(1).max(2_000),
    initial_prompt: z.string().min(1),
    items: z.array(z.string().trim().min(1).max(4_000)).min(1),
  }),
  levels: LEADS,
  execute: async (args, run) => {
    const result = await callRoster(run, run.key, 'team', {
      hirer: run.state.name,
      name: args.name,
      description: args.description,
      initialPrompt: args.initial_prompt,
      items: args.items,
    });
    if (!result.ok) return result;
    const names = result.members.map(({ name }) => name);
    const colleagues = names.length < 2 ? [] : [`${names[0]} to ${names.at(-1)} do the same, each for its own item.`];
    for (const [index, member] of result.members.entries()) {
      // The item comes last: what members have in common is cached by its beginning.
      const others = [...colleagues, itemOfTeam(args.items[index] ?? '', index, args.items.length)];
      enter(run, { description: args.description, initialPrompt: args.initial_prompt, others }, member);
      send(run, member, systemMail('start', 'Begin with your task.'));
    }
    const team = result.team === args.name ? {} : { team: result.team };
    return { ok: true, ...team, names, ...standingNote(result.members) };
  },
});
