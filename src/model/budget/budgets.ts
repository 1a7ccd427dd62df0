/**
 * Budgets of model calls as a tree: the run, each group (an Admin and everybody below), each agent. A request takes what
 * it may cost from every budget above it before it leaves, and gives back what it did not need. What it does not do: know
 * the time (the run's controller does), store anything, send mail.
 *
 * 1. What is spent and reserved never exceeds a limit together. So nothing is overspent when a request costs no more than
 *    was reserved for it: its input as counted, and `maxTokens` of output. Without `maxTokens` the output is guessed, and
 *    at most the calls in flight go beyond.
 * 2. A request that would fit if others cost less than reserved waits for them; nothing waits when nothing is under way.
 * 3. Each grant is settled once, whatever becomes of the request.
 * 4. The soft threshold of each limit is reported once, also over restarts.
 */
import { z } from 'zod';
import { MegactorError } from '../../protocol/errors.ts';
import type { GateStopReason, Grant, SpendingGuard } from '../gate/types.ts';
import type { ChatRequest, TokenUsage } from '../types.ts';
import { costOfUsage, type Price } from './prices.ts';
import type { Leaf } from './spend.ts';

const amount = z.number().positive();

export const budgetSchema = z.strictObject({
  /** Answers. */
  calls: amount.int().optional(),
  /** Input and output together, cached or not. */
  tokens: amount.int().optional(),
  /** US dollars. */
  usd: amount.optional(),
});

export type Budget = z.output<typeof budgetSchema>;

export const budgetsSchema = z.strictObject({
  run: budgetSchema.optional(),
  /** Of every group, and of some by the name of their Admin. */
  eachGroup: budgetSchema.optional(),
  groups: z.record(z.string(), budgetSchema).optional(),
  /** Of every agent, and of some by name. */
  eachAgent: budgetSchema.optional(),
  agents: z.record(z.string(), budgetSchema).optional(),
  /** The part of a budget at which those concerned are told. Default 0.8. */
  softAt: z.number().gt(0).max(1).optional(),
});

export type BudgetLimits = z.output<typeof budgetsSchema>;

const KINDS = ['calls', 'tokens', 'usd'] as const;
export type BudgetKind = (typeof KINDS)[number];

type Amounts = Record<BudgetKind, number>;

export interface BudgetScope {
  readonly kind: 'run' | 'group' | 'agent';
  /** Of the agent or the Admin; '' for the run. */
  readonly name: string;
}

/** A budget of which the soft threshold is reached. */
export interface BudgetWarning {
  readonly scope: BudgetScope;
  readonly what: BudgetKind;
  readonly spent: number;
  readonly limit: number;
}

interface Node {
  readonly scope: BudgetScope;
  readonly limit: Budget;
  readonly spent: Amounts;
  readonly reserved: Amounts;
}

const STOPS: Readonly<Record<BudgetKind, GateStopReason>> = {
  calls: 'budget-calls',
  tokens: 'budget-tokens',
  usd: 'budget-usd',
};

const RAISE = 'Resume the run with a larger budget; what is done stays.';

const nothing = (): Amounts => ({ calls: 0, tokens: 0, usd: 0 });

const add = (to: Amounts, what: Amounts, sign: 1 | -1): void => {
  for (const kind of KINDS) to[kind] = Math.max(0, to[kind] + sign * what[kind]);
};

const leads = (role: ChatRequest['role'] | 'runtime'): boolean => role === 'boss' || role === 'admin';

/** What is set for this very name: agents may be called what every object has (`constructor`). */
const own = (named: Readonly<Record<string, Budget>> | undefined, name: string): Budget | undefined =>
  named !== undefined && Object.hasOwn(named, name) ? named[name] : undefined;

/** How much of `what` a scope may spend, by its key; undefined: as much as it likes. */
export const limitOfScope = (limits: BudgetLimits, scope: string, what: BudgetKind): number | undefined => {
  const { run, eachGroup, groups, eachAgent, agents } = limits;
  const [kind, name = ''] = scope.split('/');
  const budget =
    kind === 'run' ? run : kind === 'group' ? (own(groups, name) ?? eachGroup) : (own(agents, name) ?? eachAgent);
  return budget?.[what];
};

export const scopeKey = ({ kind, name }: BudgetScope): string => (kind === 'run' ? 'run' : `${kind}/${name}`);

/** Under which a warning is remembered: `run/usd/5`, `group/NAME/calls/500`. A limit that was raised is another one. */
export const warningKey = ({ scope, what, limit }: Omit<BudgetWarning, 'spent'>): string =>
  `${scopeKey(scope)}/${what}/${limit}`;

export interface BudgetsOptions {
  readonly limits: BudgetLimits;
  /** Of the model behind a route; null when it is not known. */
  readonly priceOf: (route: string) => Price | null;
  /** Tokens of a request's input as its provider counts them. */
  readonly countInput: (request: ChatRequest, route: string) => number;
  readonly onWarning: (warning: BudgetWarning) => void;
  /** Keys of warnings that somebody has had already. */
  readonly warned?: Iterable<string>;
}

export class Budgets implements SpendingGuard {
  readonly #options: BudgetsOptions;
  readonly #nodes = new Map<string, Node>();
  readonly #warned: Set<string>;
  readonly #softAt: number;

  constructor(options: BudgetsOptions) {
    this.#options = options;
    this.#warned = new Set(options.warned);
    this.#softAt = options.limits.softAt ?? 0.8;
  }

  /** What was spent before, in an earlier process; what its price is not known of by what it would cost now. */
  load(agent: string, { above, level, models }: Leaf): void {
    for (const [model, spend] of Object.entries(models)) {
      const price = this.#options.priceOf(model);
      const usd = spend.usd ?? (price === null ? 0 : costOfUsage(spend, price));
      const spent: Amounts = { calls: spend.calls, tokens: spend.input + spend.output, usd };
      for (const node of this.#nodesOf(agent, above, leads(level))) add(node.spent, spent, 1);
    }
  }

  reserve(request: ChatRequest, about: { readonly route: string; readonly outputEstimate: number }): Grant {
    const nodes = this.#nodesOf(request.agent, request.above ?? [], leads(request.role));
    if (nodes.length === 0) return { kind: 'granted', settle: () => {} };
    const price = this.#options.priceOf(about.route);
    const need = this.#needOf(request, about, nodes, price);
    for (const node of nodes) {
      const short = KINDS.find(
        (kind) => node.spent[kind] + node.reserved[kind] + need[kind] > (node.limit[kind] ?? Number.POSITIVE_INFINITY),
      );
      if (short === undefined) continue;
      // What others have reserved may come back.
      const others = node.reserved.calls > 0;
      return others ? { kind: 'wait', all: node.scope.kind === 'run' } : this.#refuse(node, short, request);
    }
    for (const node of nodes) add(node.reserved, need, 1);
    return { kind: 'granted', settle: (usage) => this.#settle(nodes, need, usage, price) };
  }

  #needOf(
    request: ChatRequest,
    { route, outputEstimate }: { readonly route: string; readonly outputEstimate: number },
    nodes: readonly Node[],
    price: Price | null,
  ): Amounts {
    const counts = nodes.some(({ limit }) => limit.tokens !== undefined || limit.usd !== undefined);
    if (!counts) return { calls: 1, tokens: 0, usd: 0 };
    const input = this.#options.countInput(request, route);
    const output = request.maxTokens ?? outputEstimate;
    return {
      calls: 1,
      tokens: input + output,
      usd: price === null ? 0 : costOfUsage({ input, cachedInput: 0, output }, price),
    };
  }

  #settle(nodes: readonly Node[], need: Amounts, usage: TokenUsage | null, price: Price | null): void {
    for (const node of nodes) {
      add(node.reserved, need, -1);
      // Sums of fractions leave a rest that nobody has reserved.
      if (node.reserved.calls === 0) node.reserved.usd = 0;
      if (usage === null) continue;
      const usd = price === null ? 0 : costOfUsage(usage, price);
      add(node.spent, { calls: 1, tokens: usage.input + usage.output, usd }, 1);
      this.#warn(node);
    }
  }

  #warn({ scope, limit, spent }: Node): void {
    for (const what of KINDS) {
      const most = limit[what];
      if (most === undefined || spent[what] < most * this.#softAt) continue;
      const key = warningKey({ scope, what, limit: most });
      if (this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#options.onWarning({ scope, what, spent: spent[what], limit: most });
    }
  }

  #refuse({ scope, limit, spent }: Node, what: BudgetKind, { role }: ChatRequest): Grant {
    const whose = scope.kind === 'run' ? 'of the run' : `of ${scope.kind} ${scope.name}`;
    const text = `the budget ${whose} does not reach for another call: ${spent[what]} of ${limit[what]} ${what} are spent`;
    const details = { scope: scopeKey(scope), what, limit: limit[what] };
    const error = new MegactorError('BUDGET_SPENT', text, { hint: RAISE, details });
    // Agents wait for more while others go on; the planner, before whom nobody is there, cannot.
    const all = scope.kind === 'run' || role === undefined;
    return all ? { kind: 'stop', stop: { reason: STOPS[what], error } } : { kind: 'refused', error };
  }

  /** Every budget that calls of `agent` count in, the run's first. @param leadsGroup whether it is the Admin of a group */
  #nodesOf(agent: string, above: readonly string[], leadsGroup: boolean): Node[] {
    const { run, eachGroup, groups, eachAgent, agents } = this.#options.limits;
    const nodes: Node[] = [];
    const take = (scope: BudgetScope, limit: Budget | undefined): void => {
      if (limit === undefined) return;
      const key = scopeKey(scope);
      const node = this.#nodes.get(key) ?? { scope, limit, spent: nothing(), reserved: nothing() };
      this.#nodes.set(key, node);
      nodes.push(node);
    };
    take({ kind: 'run', name: '' }, run);
    for (const name of leadsGroup ? [...above, agent] : above) {
      take({ kind: 'group', name }, own(groups, name) ?? eachGroup);
    }
    take({ kind: 'agent', name: agent }, own(agents, agent) ?? eachAgent);
    return nodes;
  }
}
