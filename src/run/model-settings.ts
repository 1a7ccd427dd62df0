/**
 * What a run may say about its models: limits of a provider, fallbacks, a model per level or agent, prices, budgets. The
 * schemas, and the checks that need all of them together. What it does not do: make models (`services/model-routes.ts`).
 */
import { z } from 'zod';
import { budgetsSchema, priceOf, pricesSchema, type BudgetLimits } from '../model/budget/index.ts';
import { tokenizerSchema } from '../model/tokens.ts';
import { MegactorError } from '../protocol/errors.ts';

export const modelName = z
  .string()
  .regex(
    /^(?:rehearsal|openai:\S+|cassette:.+|playbook:\S+)$/u,
    'must be `rehearsal`, `openai:NAME`, `cassette:FILE` or `playbook:NAME`',
  );

/** The file of `cassette:FILE`; null for every other model. */
export const cassetteFile = (model: string): string | null =>
  model.startsWith('cassette:') ? model.slice('cassette:'.length) : null;

const positive = z.int().positive();

const isPattern = (text: string): boolean => {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
};

/** Of one model on one server. */
const routeFields = {
  /** Most calls at once, over all agents. Absent: no cap until the server pushes back. */
  inFlightMax: positive.optional(),
  /** Longest time of one request; longer answers never arrive. Default 60,000. */
  requestTimeoutMs: positive.max(86_400_000).optional(),
  /** What the provider allows; absent: what its headers say, or nothing is known. */
  requestsPerMinute: positive.optional(),
  /** Tokens that it has to work out: input that is not cached, and output. */
  tokensPerMinute: positive.optional(),
  /** The window over which both are counted: a scaled minute, for tests. Default 60,000. */
  limitWindowMs: positive.max(86_400_000).optional(),
  /** Models to ask instead, in this order, while this one cannot be used. */
  fallbacks: z.array(modelName).max(8).optional(),
  /** How the model counts tokens. Default o200k_base; the rehearsal's own for it. */
  tokenizer: tokenizerSchema.optional(),
  /** Tokens of a request and its answer together. Absent: as much as the server takes. */
  contextTokens: positive.min(1_000).optional(),
};

export const modelSchema = z.strictObject({
  ...routeFields,
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: positive.optional(),
  /** False: what no longer fits into an agent's window is left out without a summary. Default true. */
  compaction: z.boolean().optional(),
  /** How long a server that has answered before may answer nobody until the run ends. Default 600,000. */
  outageMaxMs: positive.max(86_400_000).optional(),
});

export const otherModelSchema = z.strictObject({
  ...routeFields,
  /** Where its server is; absent: OPENAI_BASE_URL. */
  baseUrl: z.url({ protocol: /^https?$/u }).optional(),
  /** The name of the environment variable that has its key, never the key. Absent: OPENAI_API_KEY. */
  keyVariable: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]*$/u, 'must be the name of an environment variable')
    .optional(),
});

export type OtherModel = z.output<typeof otherModelSchema>;

export const modelOfSchema = z.strictObject({
  boss: modelName.optional(),
  admin: modelName.optional(),
  ordinary: modelName.optional(),
  /** By the agent's name; goes first. */
  agents: z.record(z.string(), modelName).optional(),
});

export type ModelOf = z.output<typeof modelOfSchema>;

/** The part of a run's configuration that is about models. */
export const modelConfigFields = {
  model: modelSchema.optional(),
  /** Settings of other models, by their names. */
  models: z.record(modelName, otherModelSchema).optional(),
  /** Who uses which model; everybody else the run's. */
  modelOf: modelOfSchema.optional(),
  /** US dollars per million tokens, by the name after `openai:`. */
  prices: pricesSchema.optional(),
  budgets: budgetsSchema.optional(),
  /** For `cassette:FILE` and `--record`. */
  cassette: z
    .strictObject({
      /** Who answers what was not recorded. Absent: nobody, and the run fails. */
      otherwise: modelName.optional(),
      /** Regular expressions of what is blotted out in what is recorded, and in requests before they are compared. */
      redact: z.array(z.string().min(1).refine(isPattern, 'must be a regular expression')).max(100).optional(),
    })
    .optional(),
};

const modelConfig = z.object(modelConfigFields);
export type ModelConfig = z.output<typeof modelConfig>;

/** Budgets as options of a run give them; what is absent comes from the configuration. */
export const runBudgetSchema = z.strictObject({
  calls: positive.optional(),
  tokens: positive.optional(),
  usd: z.number().positive().optional(),
  /** Of all processes that work on the run together, in milliseconds. */
  deadlineMs: z.number().positive().optional(),
});

export type RunBudget = z.output<typeof runBudgetSchema>;

/** Every model that a run may call, its own first. */
export const modelsOf = (model: string, config: ModelConfig): string[] => {
  const { models = {}, modelOf = {} } = config;
  const { agents = {}, boss, admin, ordinary } = modelOf;
  const levels = [boss, admin, ordinary].filter((name) => name !== undefined);
  const names = [model, ...levels, ...Object.values(agents), ...(config.model?.fallbacks ?? [])];
  if (config.cassette?.otherwise !== undefined) names.push(config.cassette.otherwise);
  for (const [name, other] of Object.entries(models)) names.push(name, ...(other.fallbacks ?? []));
  return [...new Set(names)];
};

/** The budgets of a run: those of its configuration, with its options before them. */
export const budgetsOf = (config: ModelConfig, { calls, tokens, usd }: RunBudget): BudgetLimits => {
  const { run, ...rest } = config.budgets ?? {};
  const merged = {
    ...run,
    ...(calls === undefined ? {} : { calls }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(usd === undefined ? {} : { usd }),
  };
  return Object.keys(merged).length === 0 ? rest : { ...rest, run: merged };
};

/** Whether prices as the provider publishes them hold at this server. */
export const isProviderItself = (baseUrl: string | null | undefined): boolean =>
  baseUrl === null ||
  baseUrl === undefined ||
  // An empty variable is one that is not set; what is no URL is refused where the model is made.
  baseUrl.trim() === '' ||
  (URL.canParse(baseUrl) && new URL(baseUrl).hostname === 'api.openai.com');

const hasMoney = ({ run, eachGroup, groups, eachAgent, agents }: BudgetLimits): boolean =>
  [run, eachGroup, eachAgent, ...Object.values(groups ?? {}), ...Object.values(agents ?? {})].some(
    (budget) => budget?.usd !== undefined,
  );

/** A budget of money needs the price of every model that may be called. @throws CONFIG_INVALID */
export const checkPrices = (model: string, config: ModelConfig, budget: RunBudget, baseUrl: string | null): void => {
  if (!hasMoney(budgetsOf(config, budget))) return;
  const unpriced = modelsOf(model, config).filter((name) => {
    const server = config.models?.[name]?.baseUrl ?? baseUrl;
    return priceOf(name, config.prices ?? {}, isProviderItself(server)) === null;
  });
  if (unpriced.length === 0) return;
  throw new MegactorError('CONFIG_INVALID', `a budget of money needs the price of ${unpriced.join(', ')}`, {
    hint: 'Give it with `prices` in --config: {"prices":{"NAME":{"input":1.25,"cachedInput":0.125,"output":10}}}, in US dollars per million tokens; 0 for a server of your own.',
  });
};
