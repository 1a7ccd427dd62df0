/**
 * What the calls of a run have cost: kept in the model service's table, one row per agent, in the commit of each answer;
 * and the budgets over it. What it does not do: send mail (the run does, when it is notified).
 *
 * Invariants: M3 An answer and what it cost are one commit, so nothing is counted twice or lost, whenever the process dies.
 */
import {
  Budgets,
  leafSchema,
  priced,
  Ledger,
  priceOf,
  spendOf,
  type BudgetLimits,
  type Leaf,
  type Price,
} from '../../model/budget/index.ts';
import type { ChatAnswer, ChatRequest } from '../../model/index.ts';
import type { ServiceHost, ServiceTable } from '../../protocol/service.ts';
import { cassetteFile, isProviderItself } from '../model-settings.ts';
import type { BudgetNotice } from './budget-notice.ts';
import { makeCounters, type RoutesOptions } from './model-routes.ts';

const SPENT = 'spent/';
const SPENT_END = 'spent0';
const WARNED = 'warned/';
const WARNED_END = 'warned0';

export interface Spending {
  readonly budgets: Budgets | undefined;
  /** What is to be stored with an answer. */
  changes(request: ChatRequest, answer: ChatAnswer): readonly { readonly key: string; readonly value: unknown }[];
  /** Everybody's, for the report. */
  rows(): readonly (readonly [string, Leaf])[];
  /** Those concerned have had the mail. */
  warned(scope: string): Promise<void>;
}

const isLimited = ({ run, eachGroup, groups, eachAgent, agents }: BudgetLimits): boolean =>
  [run, eachGroup, groups, eachAgent, agents].some((limit) => limit !== undefined);

const countsTokens = ({ run, eachGroup, groups, eachAgent, agents }: BudgetLimits): boolean =>
  [run, eachGroup, eachAgent, ...Object.values(groups ?? {}), ...Object.values(agents ?? {})].some(
    (budget) => budget?.tokens !== undefined || budget?.usd !== undefined,
  );

export const openSpending = async (
  table: ServiceTable,
  host: Pick<ServiceHost, 'notify'>,
  options: RoutesOptions & { readonly budgets: BudgetLimits },
): Promise<Spending> => {
  const { config, baseUrl, budgets: limits } = options;
  const price = (model: string): Price | null => {
    // What of its answers another model gave is not known.
    if (cassetteFile(model) !== null && config.cassette?.otherwise !== undefined) return null;
    const server = config.models?.[model]?.baseUrl ?? baseUrl;
    return priceOf(model, config.prices ?? {}, isProviderItself(server));
  };
  const stored = (await table.range(SPENT, SPENT_END)).map(
    ([key, value]) => [key.slice(SPENT.length), priced(leafSchema.parse(value), price)] as const,
  );
  const ledger = new Ledger(stored);
  const counter = countsTokens(limits) ? await makeCounters(options) : null;
  const warned = (await table.range(WARNED, WARNED_END)).map(([key]) => key.slice(WARNED.length));
  const budgets = isLimited(limits)
    ? new Budgets({
        limits,
        priceOf: price,
        countInput: (request, route) => counter?.(route).count(request) ?? 0,
        onWarning: (warning) => host.notify({ kind: 'budget-warning', ...warning } satisfies BudgetNotice),
        warned,
      })
    : undefined;
  for (const [agent, leaf] of stored) budgets?.load(agent, leaf);
  return {
    budgets,
    changes: (request, answer) => {
      const route = answer.route ?? options.model;
      const leaf = ledger.add(request, route, spendOf(answer, price(route)));
      return [{ key: `${SPENT}${request.agent}`, value: leaf }];
    },
    rows: () => [...ledger.entries()],
    warned: async (scope) => {
      await table.commit({ effectId: null, result: null, changes: [{ key: `${WARNED}${scope}`, value: true }] });
    },
  };
};
