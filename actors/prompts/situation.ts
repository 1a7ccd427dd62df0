/**
 * The `(situation)` message: what is true at the moment of a call. Last in the request, rebuilt for every call, never
 * part of the history. Its size is bounded, however large a group is.
 */
import {
  oneLine,
  openItems,
  renderChecklist,
  type AgentState,
  type GroupView,
  type MemberView,
} from '../../src/society/index.ts';
import { definePrompt, fillPrompt } from './prompt.ts';

export const SITUATION = definePrompt({
  name: 'situation',
  purpose: 'The last message of every request: how things stand at that moment. Text of its own goes with every call.',
  values: {
    checklist: 'the agent’s own checklist; nothing without one',
    subordinates: 'who is under it and how they stand; nothing when nobody is',
    hiring: 'how many agents it may still hire; nothing when none',
    memories: 'what its memory has of it; nothing without',
    left_out: 'how much of its history is not shown; nothing when it is all there',
  },
  required: ['checklist', 'subordinates'],
  text: '{checklist}\n{subordinates}\n{hiring}\n{memories}\n{left_out}',
});

const MEMBERS_MAX = 40;
const ITEMS_MAX = 40;
const TEXT_CHARS_MAX = 160;

const checklistLines = (state: AgentState): string[] => {
  if (state.checklist.length === 0) return [];
  const open = openItems(state.checklist).length;
  const lines = renderChecklist(state.checklist.slice(0, ITEMS_MAX)).map((line) => oneLine(line, TEXT_CHARS_MAX));
  const left = state.checklist.length - lines.length;
  return [`Your checklist (${open} open):`, ...lines, ...(left > 0 ? [`- and ${left} more`] : [])];
};

/** Those who still work matter most, the others are last and may be left out. */
const STATUSES: readonly MemberView['status'][] = ['review', 'working', 'finished', 'failed', 'retired'];

const memberOf = ({ name, held, asks, checklist: { open, closed } }: MemberView): string => {
  const about = [
    ...(open + closed === 0 ? [] : [`${closed}/${open + closed} items done`]),
    ...(asks === 0 ? [] : ['waits for the person']),
    ...(held === null ? [] : ['waits for a larger budget']),
  ];
  return about.length === 0 ? name : `${name} (${about.join(', ')})`;
};

/** A line for each status that somebody has; who waits for a budget still works. */
const groupLines = (group: GroupView): string[] => {
  if (group.subordinates.length === 0) return [];
  let left = MEMBERS_MAX;
  const lines = STATUSES.flatMap((status) => {
    const members = group.subordinates.filter((member) => member.status === status);
    if (members.length === 0) return [];
    const shown = members.slice(0, left);
    left -= shown.length;
    const names = shown.map(memberOf);
    if (shown.length > 0 && shown.length < members.length) names.push(`and ${members.length - shown.length} more`);
    const head = `- ${members.length} ${status === 'review' ? 'wait for your review' : status}`;
    return [names.length === 0 ? head : `${head}: ${names.join(', ')}`];
  });
  return ['Your subordinates:', ...lines];
};

/** How many it may hire itself, and how many those that it hires may. */
const hiringLine = ({ slots, room }: GroupView): string => {
  if (room === 0) return '';
  const below = slots > room ? ` They may hire ${slots - room} more.` : '';
  return `You may hire ${room} more agents.${below}`;
};

const remindersOf = ({ turn }: AgentState): string[] => {
  const reminders = turn?.reminders ?? [];
  return reminders.length === 0 ? [] : ['From your memory, as far as it may matter now:', ...reminders];
};

/** Lines of a text as they stand outside of mail: none looks like the beginning of one. */
const unlikeMail = (text: string): string => text.replace(/^(?=[A-Za-z0-9_-]{1,64}:)/gmu, '  ');

/** Null when there is nothing to say. @param leftOut history entries that neither the window nor a summary has */
export const situation = (state: AgentState, group: GroupView | null, leftOut: number): string | null => {
  const own = state.settings.prompts?.[SITUATION.name];
  const text = fillPrompt(
    SITUATION,
    {
      checklist: checklistLines(state).join('\n'),
      subordinates: group === null ? '' : groupLines(group).join('\n'),
      hiring: group === null ? '' : hiringLine(group),
      memories: remindersOf(state).join('\n'),
      left_out:
        leftOut > 0
          ? `(${leftOut} earlier messages are not shown; what counts is in the files and your checklist.)`
          : '',
    },
    own === undefined ? {} : { [SITUATION.name]: unlikeMail(own) },
  );
  return text.trim() === '' ? null : `(situation)\n${text}`;
};
