/**
 * The stable prompt of an agent. It never changes for an agent, and is laid out for providers that cache prompts by
 * their beginning: what all agents of a level share comes first (role, how the organisation works, leading), then what
 * the whole run shares (its goal), and last what is the agent's own (name, place, task).
 *
 * Invariants: P1 The prompts of two agents of a level and a run are equal up to the first fact of their own.
 */
import { oneLine } from '../../src/society/index.ts';
import type { AgentInit } from '../agent-types.ts';
import { leading } from './leading.ts';
import { organisation } from './organisation.ts';

const LEVEL_NAMES = { boss: 'Boss', admin: 'Admin', ordinary: 'Ordinary' } as const;

const ROLES = {
  boss: 'You are the Boss of an organisation of AI agents. You answer for the whole result: you divide the work, give it to your subordinates, keep track, judge what they hand in, and bring it together.',
  admin:
    'You are an Admin in an organisation of AI agents. You lead a group: divide your task, hire agents for its parts where that helps, judge what they hand in, and bring the results together for your supervisor.',
  ordinary:
    'You are a member of an organisation of AI agents. You do your own task carefully and completely, with the tools you have.',
} as const;

/** The facts of an agent, one a line, `- key: value`: programs read them as well. Those of the run come first (P1). */
export const agentFacts = (init: AgentInit): readonly string[] => {
  const facts: (readonly [string, string])[] = [
    ['level', LEVEL_NAMES[init.level]],
    ['reviews', init.settings.reviews ? 'on' : 'off'],
    ['goal', oneLine(init.settings.goal)],
    ['name', init.name],
    ['supervisor', init.supervisor],
    ['slots', String(init.slots)],
  ];
  if (init.planned.length > 0) facts.push(['planned', init.planned.join(', ')]);
  if (init.files.length > 0) facts.push(['files', init.files.map((file) => oneLine(file)).join(', ')]);
  return facts.map(([key, value]) => `- ${key}: ${value}`);
};

export const agentPrompt = (init: AgentInit): string => {
  const { level } = init;
  const { reviews } = init.settings;
  return [
    ROLES[level],
    '',
    organisation(level, reviews),
    ...(level === 'ordinary' ? [] : ['', leading(reviews)]),
    '',
    '# Facts',
    ...agentFacts(init),
    '',
    '# Your task',
    init.description,
    '',
    init.initialPrompt,
  ].join('\n');
};
