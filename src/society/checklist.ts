/**
 * Checklists: what an agent has set itself or was given to do. Replaced whole by `change_task_status`.
 *
 * Invariant X7: an item that is not done stays known until it is listed again. An agent may write its list anew in other
 * words, under other ids, and nothing of that is refused; what is gone without having been closed is named to who reviews.
 */
import { z } from 'zod';
import { oneLine } from './mail.ts';

export const TASK_STATUSES = ['todo', 'doing', 'done', 'blocked'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const checklistItemSchema = z.object({
  id: z.string().min(1).max(64),
  text: z.string().min(1).max(2_000),
  status: z.enum(TASK_STATUSES),
  evidence: z.string().max(2_000).optional(),
});

export type ChecklistItem = z.output<typeof checklistItemSchema>;

export const openItems = (items: readonly ChecklistItem[]): readonly ChecklistItem[] =>
  items.filter((item) => item.status !== 'done');

export interface ChecklistCount {
  readonly open: number;
  readonly closed: number;
}

export const countItems = (items: readonly ChecklistItem[]): ChecklistCount => {
  const open = openItems(items).length;
  return { open, closed: items.length - open };
};

/** An item that was left out of a list without having been closed. */
export interface DroppedItem {
  readonly id: string;
  /** On one line, clipped. */
  readonly text: string;
  /** It came with the plan. */
  readonly planned: boolean;
}

/** Of one agent; of more, those of the plan and then the oldest are kept. */
export const DROPPED_MAX = 100;
const DROPPED_CHARS_MAX = 200;
const DROPPED_SHOWN_MAX = 20;

const wordsOf = (text: string): string =>
  oneLine(text, DROPPED_CHARS_MAX)
    .toLowerCase()
    .replace(/[.:;!]+$/u, '');

/** Whether two texts say the same item, but for space, capitals and what stands at its end. */
export const isSameItem = (one: string, other: string): boolean => wordsOf(one) === wordsOf(other);

/**
 * What is missing from `items` of what was there before, open or dropped: neither its id nor its text is in them.
 * @param planned ids that came with the plan
 */
export const droppedItems = (
  before: { readonly checklist: readonly ChecklistItem[]; readonly dropped?: readonly DroppedItem[] | undefined },
  items: readonly ChecklistItem[],
  planned: ReadonlySet<string>,
): readonly DroppedItem[] => {
  const ids = new Set(items.map(({ id }) => id));
  const texts = new Set(items.map(({ text }) => wordsOf(text)));
  const known = [
    ...(before.dropped ?? []),
    ...openItems(before.checklist).map(({ id, text }) => ({
      id,
      text: oneLine(text, DROPPED_CHARS_MAX),
      planned: planned.has(id),
    })),
  ];
  return known
    .filter(({ id, text }) => !ids.has(id) && !texts.has(wordsOf(text)))
    .toSorted((left, right) => Number(right.planned) - Number(left.planned))
    .slice(0, DROPPED_MAX);
};

/** As whoever reviews reads them; nothing when there are none. */
export const renderDropped = (dropped: readonly DroppedItem[] = []): readonly string[] => {
  if (dropped.length === 0) return [];
  const shown = dropped.slice(0, DROPPED_SHOWN_MAX).map(({ id, text, planned }) => {
    return `${id}: ${text}${planned ? ' (of the plan)' : ''}`;
  });
  const left = dropped.length - shown.length;
  return [`DROPPED WITHOUT BEING DONE: ${shown.join('; ')}${left === 0 ? '' : `; and ${left} more`}`];
};

/** Why `items` cannot be a checklist, or null. */
export const checklistIssue = (items: readonly ChecklistItem[], itemsMax: number): string | null => {
  if (items.length > itemsMax) return `a checklist has at most ${itemsMax} items, not ${items.length}`;
  const seen = new Set<string>();
  for (const item of items) {
    if (seen.has(item.id)) return `two items have the id "${item.id}"`;
    seen.add(item.id);
  }
  return null;
};

/** One line per item, as models and people read it. */
export const renderChecklist = (items: readonly ChecklistItem[]): readonly string[] =>
  items.map(
    (item) =>
      `- [${item.status}] ${item.id}: ${item.text}${item.evidence === undefined ? '' : ` (evidence: ${item.evidence})`}`,
  );
