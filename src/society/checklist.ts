/** Checklists: what an agent has set itself or was given to do. Replaced whole by `change_task_status`. */
import { z } from 'zod';

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
