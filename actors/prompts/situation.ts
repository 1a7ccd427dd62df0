/**
 * The `(situation)` message: what is true at the moment of a call. Last in the request, rebuilt for every call, never
 * part of the history.
 */
import { oneLine, openItems, renderChecklist, type AgentState, type GroupView } from '../../src/society/index.ts';

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

const groupLines = (group: GroupView): string[] => {
  if (group.subordinates.length === 0) return [];
  const settled = (status: string): boolean => status === 'finished' || status === 'failed' || status === 'retired';
  const counts = new Map<string, number>();
  for (const { status } of group.subordinates) counts.set(status, (counts.get(status) ?? 0) + 1);
  const summary = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  // Those who still work matter most; the others are in the counts.
  const shown = group.subordinates.toSorted(
    (left, right) => Number(settled(left.status)) - Number(settled(right.status)),
  );
  const lines = shown.slice(0, MEMBERS_MAX).map((member) => {
    const { open, closed } = member.checklist;
    const items = open + closed === 0 ? '' : `, ${closed}/${open + closed} items done`;
    return `- ${member.name}: ${member.status === 'review' ? 'waits for your review' : member.status}${items}`;
  });
  const left = shown.length - lines.length;
  return [`Your subordinates (${summary}):`, ...lines, ...(left > 0 ? [`- and ${left} more`] : [])];
};

/** Null when there is nothing to say. @param leftOut history entries that neither the window nor a summary has */
export const situation = (state: AgentState, group: GroupView | null, leftOut: number): string | null => {
  const lines = [
    ...checklistLines(state),
    ...(group === null ? [] : groupLines(group)),
    ...(group !== null && group.slots > 0 ? [`You may hire ${group.slots} more agents.`] : []),
    ...(leftOut > 0
      ? [`(${leftOut} earlier messages are not shown; what counts is in the files and your checklist.)`]
      : []),
  ];
  return lines.length === 0 ? null : ['(situation)', ...lines].join('\n');
};
