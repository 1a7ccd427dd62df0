/**
 * The `(situation)` message: what is true at the moment of a call. Last in the request, rebuilt for every call, never
 * part of the history.
 */
import {
  oneLine,
  openItems,
  renderChecklist,
  type AgentState,
  type GroupView,
  type MemberView,
} from '../../src/society/index.ts';

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

const remindersOf = ({ turn }: AgentState): string[] => {
  const reminders = turn?.reminders ?? [];
  return reminders.length === 0 ? [] : ['From your memory, as far as it may matter now:', ...reminders];
};

/** Null when there is nothing to say. @param leftOut history entries that neither the window nor a summary has */
export const situation = (state: AgentState, group: GroupView | null, leftOut: number): string | null => {
  const lines = [
    ...checklistLines(state),
    ...(group === null ? [] : groupLines(group)),
    ...(group !== null && group.slots > 0 ? [`You may hire ${group.slots} more agents.`] : []),
    ...remindersOf(state),
    ...(leftOut > 0
      ? [`(${leftOut} earlier messages are not shown; what counts is in the files and your checklist.)`]
      : []),
  ];
  return lines.length === 0 ? null : ['(situation)', ...lines].join('\n');
};
