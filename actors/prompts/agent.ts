/**
 * The stable prompt of an agent. It never changes for an agent, and is laid out for providers that cache prompts by
 * their beginning: what all agents of a level share comes first (role, how the organisation works, leading), then what
 * the whole run shares (its goal), and last what is the agent's own (name, place, task). Who may hire and leads nobody yet is
 * Ordinary, and is told what hiring makes of it.
 *
 * Invariants: P1 The prompts of two agents of a level and a run, who both may hire or both may not, are equal up to the first
 * fact of their own.
 */
import { oneLine, type AgentSettings } from '../../src/society/index.ts';
import type { AgentInit } from '../agent-types.ts';
import { ADMIN_ROLE } from './admin.ts';
import { BOSS_ROLE } from './boss.ts';
import { leading } from './leading.ts';
import { ORDINARY_ROLE } from './ordinary.ts';
import { organisation, type Standing } from './organisation.ts';
import { PLANNED } from './planned.ts';
import { fillPrompt } from './prompt.ts';

const ROLES = { boss: BOSS_ROLE, admin: ADMIN_ROLE, hirer: ORDINARY_ROLE, ordinary: ORDINARY_ROLE } as const;
const LEVEL_NAMES = { boss: 'Boss', admin: 'Admin', hirer: 'Ordinary', ordinary: 'Ordinary' } as const;

const standingOf = ({ level, planned }: Pick<AgentInit, 'level' | 'planned'>): Standing =>
  level === 'admin' && planned.length === 0 ? 'hirer' : level;

const lineOf = ([key, value]: readonly [string, string]): string => `- ${key}: ${value}`;

/** What all agents of a level have in common, the facts of the run at its end (P1). */
const commonPart = (standing: Standing, { reviews, goal, prompts }: AgentSettings): string =>
  [
    fillPrompt(ROLES[standing], {}, prompts),
    '',
    organisation(standing, reviews, prompts),
    ...(standing === 'ordinary' ? [] : ['', leading(reviews, prompts)]),
    '',
    '# Facts',
    ...(
      [
        ['level', LEVEL_NAMES[standing]],
        ['reviews', reviews ? 'on' : 'off'],
        ['goal', oneLine(goal)],
      ] as const
    ).map(lineOf),
    '',
  ].join('\n');

const SLOTS = /^- slots: \d+$/mu;

/** Facts are one a line, `- key: value`: programs read them as well. */
const ownPart = (init: AgentInit): string => {
  const facts: (readonly [string, string])[] = [
    ['name', init.name],
    ['supervisor', init.supervisor],
    ['slots', String(init.slots)],
  ];
  if (init.planned.length > 0) facts.push(['planned', init.planned.join(', ')]);
  if (init.files.length > 0) facts.push(['files', init.files.map((file) => oneLine(file)).join(', ')]);
  return [
    ...facts.map(lineOf),
    ...(init.planned.length > 0 ? [fillPrompt(PLANNED, {}, init.settings.prompts)] : []),
    '',
    '# Your task',
    init.description,
    '',
    init.initialPrompt,
  ].join('\n');
};

export const agentPrompt = (init: AgentInit): string => commonPart(standingOf(init), init.settings) + ownPart(init);

/**
 * `prompt`, made by `agentPrompt` for somebody who may hire and leads nobody, as it is for one who may hire `slots` agents,
 * perhaps none.
 */
export const promptWithSlots = (prompt: string, settings: AgentSettings, slots: number): string => {
  const common = commonPart('hirer', settings);
  if (!prompt.startsWith(common)) return prompt;
  const own = prompt.slice(common.length).replace(SLOTS, `- slots: ${slots}`);
  return commonPart(slots === 0 ? 'ordinary' : 'hirer', settings) + own;
};
