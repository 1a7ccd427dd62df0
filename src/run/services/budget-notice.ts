/** What the model service tells the main thread when a budget is nearly used up; apart from the service, whose code main has no use for. */
import { z } from 'zod';
import type { BudgetWarning } from '../../model/budget/index.ts';

/** What main is told when a budget is nearly used up; it sends the mail, and then says so (`warned`). */
export type BudgetNotice = { readonly kind: 'budget-warning' } & BudgetWarning;

export const budgetNoticeSchema = z.object({
  kind: z.literal('budget-warning'),
  scope: z.object({ kind: z.enum(['run', 'group', 'agent']), name: z.string() }),
  what: z.enum(['calls', 'tokens', 'usd']),
  spent: z.number(),
  limit: z.number(),
});
