/**
 * The stable prompt of an agent: who it is, the facts, how the organisation works, its task. It never changes for an
 * agent, so that a provider may cache it.
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

/** The facts of an agent, one a line, `- key: value`: programs read them as well. */
export const agentFacts = (init: AgentInit): readonly string[] => {
  const facts: (readonly [string, string])[] = [
    ['name', init.name],
    ['level', LEVEL_NAMES[init.level]],
    ['supervisor', init.supervisor],
    ['slots', String(init.slots)],
    ['reviews', init.settings.reviews ? 'on' : 'off'],
    ['goal', oneLine(init.settings.goal)],
  ];
  if (init.planned.length > 0) facts.push(['planned', init.planned.join(', ')]);
  if (init.files.length > 0) facts.push(['files', init.files.map((file) => oneLine(file)).join(', ')]);
  return facts.map(([key, value]) => `- ${key}: ${value}`);
};

export const agentPrompt = (init: AgentInit): string =>
  [
    `${ROLES[init.level]} Your name is ${init.name}.`,
    '',
    '# Facts',
    ...agentFacts(init),
    '',
    organisation(init),
    ...(init.level === 'ordinary' ? [] : ['', leading(init)]),
    '',
    '# Your task',
    init.description,
    '',
    init.initialPrompt,
  ].join('\n');
