/**
 * Who takes part: how many ministries, experts and citizens a number of agents makes, and the plan with which a run begins.
 * Pure. What it does not do: hire; ministers do that with the slots they get.
 *
 * 1. For every number of agents from 6 to 2,322 that the limits allow, everybody of the plan and of its groups together is
 *    exactly that number; beyond it, the rest stays away.
 */
import { MINISTRIES } from './ministries.ts';
import { chapterPath, EDITOR, NATIONAL } from './texts.ts';

/** Agents for each ministry from which on there is another one. */
const AGENTS_PER_MINISTRY = 9;
const CITIZENS_PER_EXPERT = 3;
const QUESTIONS_MAX = 8;
/** The Boss and the editor. */
const OTHERS = 2;

export interface Group {
  readonly experts: number;
  readonly citizens: number;
}

/** The group that a minister hires with so many slots. */
export const groupOf = (slots: number, fanOutMax: number = Number.POSITIVE_INFINITY): Group => {
  const all = Math.min(slots, fanOutMax);
  const experts = Math.min(QUESTIONS_MAX, Math.max(1, Math.floor(all / (CITIZENS_PER_EXPERT + 1))), all);
  return { experts, citizens: all - experts };
};

/** The citizens, numbered from 1, whom the expert at `index` interviews: they are dealt out one by one. */
export const dealt = ({ experts, citizens }: Group, index: number): readonly number[] =>
  Array.from({ length: citizens }, (_, at) => at + 1).filter((number) => (number - 1) % experts === index);

/** Slots of each ministry. @param agents of the whole run @param fanOutMax direct subordinates of one agent */
export const slotsOf = (agents: number, fanOutMax: number): readonly number[] => {
  const free = Math.max(0, agents - OTHERS);
  const most = Math.min(MINISTRIES.length, Math.max(1, fanOutMax - 1));
  const ministries = Math.max(1, Math.min(most, Math.floor(free / AGENTS_PER_MINISTRY)));
  const slots = free - ministries;
  return Array.from({ length: ministries }, (_, index) =>
    Math.min(fanOutMax, Math.floor(slots / ministries) + (index < slots % ministries ? 1 : 0)),
  );
};

export const planOf = (goal: string, agents: number, fanOutMax: number): object => {
  const slots = slotsOf(agents, fanOutMax);
  const ministries = MINISTRIES.slice(0, slots.length);
  return {
    goal,
    agents: [
      ...ministries.map(({ name }, index) => ({
        name,
        description: `Minister: leads the Ministry of ${name}.`,
        initial_prompt: [
          `You are the minister of ${name} (scripted).`,
          `Hire experts who draft the policies of your ministry, and citizens whom they interview. Accept a draft when it was revised after the interviews and says who is responsible.`,
          `Then write your chapter, ${chapterPath(name)}, out of the drafts.`,
        ].join('\n'),
        supervisor: 'Boss',
        files: [chapterPath(name)],
        collaborators: [],
        slots: slots[index],
      })),
      {
        name: EDITOR,
        description: 'Editor: puts the national policy together.',
        initial_prompt: `You are the editor (scripted). When the Boss sends you the chapters, write ${NATIONAL} out of all of them.`,
        supervisor: 'Boss',
        files: [NATIONAL],
        collaborators: [],
        slots: 0,
      },
    ],
    items: [
      ...ministries.map(({ name }) => ({ id: chapterPath(name), text: `The chapter of ${name}`, owner: name })),
      { id: NATIONAL, text: 'The national policy', owner: EDITOR },
      { id: 'leading', text: 'All chapters and the national policy are accepted', owner: 'Boss' },
    ],
  };
};
