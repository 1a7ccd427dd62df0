/**
 * A society of five levels by script: Boss → Region → District → Town → a team of houses. Each level is hired by the one
 * above; the District is woken by nobody, and the Town hires more than its quota allows. What an agent does next follows
 * from its conversation alone, so that a run that was interrupted goes on.
 */
import type { Plan } from '../../src/society/index.ts';

export interface Said {
  readonly role: string;
  readonly content: string | null;
  readonly calls: readonly { readonly name: string; readonly args: Readonly<Record<string, unknown>> }[];
}

export interface Act {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What the Region may hire, those below it included: the District, the Town and two houses. */
const SLOTS = 4;
export const DEPTH = 4;

export const FOUR_LEVELS: Plan = {
  goal: 'a map of the whole land',
  agents: [
    {
      name: 'Region',
      description: 'Answers for the region.',
      initial_prompt: 'Have every house drawn, then write region.md.',
      supervisor: 'Boss',
      files: ['region.md'],
      collaborators: ['Press'],
      slots: SLOTS,
    },
    {
      name: 'Press',
      description: 'Prints maps.',
      initial_prompt: 'Write press.md: the size of paper.',
      supervisor: 'Boss',
      files: ['press.md', 'paper/size.md'],
      collaborators: [],
      slots: 0,
    },
  ],
  items: [
    { id: 'land', text: 'the map is whole', owner: 'Boss' },
    { id: 'paper', text: 'the size is known', owner: 'Press' },
  ],
};

const hire = (name: string, more: object = {}): Act => ({
  name: 'add_agent',
  args: { name, description: `Answers for the ${name}.`, initial_prompt: `Lead the ${name}.`, ...more },
});
const write = (path: string): Act => ({ name: 'write_file', args: { path, content: `${path}\n` } });
const done = (id: string, text: string): Act => ({
  name: 'change_task_status',
  args: { items: [{ id, text, status: 'done' }] },
});

interface Role {
  readonly first: readonly Act[];
  readonly members: readonly string[];
  readonly last: readonly Act[];
}

const HOUSES = ['House_1', 'House_2'];

const ROLES: Readonly<Record<string, Role>> = {
  Boss: {
    first: [{ name: 'talk', args: { messages: [{ to: 'Region', content: 'Begin.' }] } }],
    members: ['Region', 'Press'],
    last: [done('land', 'the map is whole')],
  },
  Region: { first: [hire('District')], members: ['District'], last: [write('region.md')] },
  District: { first: [hire('Town', { first_message: 'Begin.' })], members: ['Town'], last: [write('district.md')] },
  Town: {
    first: [
      {
        name: 'add_team',
        args: {
          name: 'House',
          description: 'draws a house',
          initial_prompt: 'Draw it.',
          items: ['the mill', 'the inn'],
        },
      },
      hire('Extra'),
    ],
    members: HOUSES,
    last: [write('town.md')],
  },
  Press: { first: [write('press.md'), done('paper', 'the size is known')], members: [], last: [] },
  House_1: { first: [write('mill.md')], members: [], last: [] },
  House_2: { first: [write('inn.md')], members: [], last: [] },
};

/** Who has handed in, as far as `leader` was told. */
const handedIn = (messages: readonly Said[], members: readonly string[]): string[] => {
  const mails = messages.flatMap(({ role, content }) => (role === 'user' ? (content ?? '').split('\n') : []));
  return members.filter((name) => mails.some((line) => line.startsWith(`system: [review] agent=${name} `)));
};

/** The calls of the next answer; none: the agent waits. */
export const nextActs = (agent: string, messages: readonly Said[], reviews: boolean): readonly Act[] => {
  const role = ROLES[agent];
  if (role === undefined) return [];
  const calls = messages.flatMap((message) => message.calls);
  if (!calls.some(({ name }) => name === role.first[0]?.name)) return role.first;
  const { members } = role;
  if (reviews) {
    const reviewed = new Set(calls.flatMap(({ name, args }) => (name === 'review' ? [args['agent']] : [])));
    const due = handedIn(messages, members).filter((name) => !reviewed.has(name));
    if (due.length > 0)
      return due.map((name) => ({ name: 'review', args: { agent: name, verdict: 'accept', feedback: 'good' } }));
    if (reviewed.size < members.length) return [];
  } else {
    const text = messages.flatMap(({ role: by, content }) => (by === 'user' ? [content ?? ''] : [])).join('\n');
    const told = (name: string): boolean => text.includes(`\n${name}: Done: ${name}.`) || text.startsWith(`${name}: `);
    if (agent === 'Town' ? !text.includes('[hired] team=House') : !members.every(told)) return [];
  }
  const rest = role.last.filter(({ name }) => !calls.some((call) => call.name === name));
  return rest.length > 0 ? rest : [{ name: 'terminate', args: { summary: `Done: ${agent}.` } }];
};
