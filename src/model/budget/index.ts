/** Prices, what was spent, and budgets. */
export {
  Budgets,
  budgetsSchema,
  limitOfScope,
  warningKey,
  type BudgetKind,
  type BudgetLimits,
  type BudgetScope,
  type BudgetWarning,
} from './budgets.ts';
export { costOfUsage, priceOf, PRICES_AS_OF, pricesSchema, type Price } from './prices.ts';
export { addSpend, leafSchema, priced, Ledger, noSpend, spendOf, sumSpend, type Leaf, type Spend } from './spend.ts';
