/**
 * From what the caller asked for to what a run does: every option and every field of `--config` checked by zod, every
 * default in one place. What leaves here is plain data, kept in `run.json`, and sufficient to resume the run.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { checkShapeFits, parseRehearsalOptions, rehearsalOptionsSchema } from '../model/rehearsal/options.ts';
import { OWNERS_MAX } from '../memory/owners.ts';
import { coreCount } from '../platform/index.ts';
import { MegactorError, type ErrorCode } from '../protocol/errors.ts';
import { SHARDS_MAX } from '../protocol/ids.ts';
import { programLimitsSchema } from '../sandbox/limits.ts';
import { approvalKindSchema, limitsSchema } from '../society/index.ts';
import { isBuiltIn } from './built-in.ts';
import {
  cassetteFile,
  checkPrices,
  modelConfigFields,
  modelName,
  modelsOf,
  runBudgetSchema,
  type RunBudget,
} from './model-settings.ts';
import type { BudgetOptions, ResumeOptions, RunOptions } from './types.ts';

const THREADS_MAX = 64;
const AGENTS_DEFAULT = 100;

/** The content of `--config FILE`. Unknown fields are refused, so that a misspelt limit does not silently do nothing. */
export const configSchema = z.strictObject({
  /** Structural limits of the society. */
  limits: limitsSchema.optional(),
  ...modelConfigFields,
  /** How long an idle agent waits for more reports before it spends a model call, at most; by level. */
  pollIntervalMs: z
    .strictObject({
      boss: z.int().nonnegative().optional(),
      admin: z.int().nonnegative().optional(),
      ordinary: z.int().nonnegative().optional(),
    })
    .optional(),
  memory: z
    .strictObject({
      /** False: agents have no memory beyond their window and its summary. Default true. */
      enabled: z.boolean().optional(),
      /** Threads that share the memories; fixed when a run begins. Default 1. */
      threads: z.int().min(1).max(OWNERS_MAX).optional(),
    })
    .optional(),
  /** Which agents stay in memory; as the options of the same names of `ActorSystem.start`. */
  actors: z
    .strictObject({
      /** Most agents in memory; those that have rested longest leave it. 0: no cap. Default 100,000. */
      residentMax: z.int().nonnegative().optional(),
      /** How long an idle agent stays in memory. 0: for ever. Default 300,000. */
      passivateAfterMs: z.int().nonnegative().optional(),
      /** How many entries the log of a shard may have that no snapshot holds. Default 4,000. */
      checkpointEntries: z.int().positive().optional(),
    })
    .optional(),
  /** What a person has to allow before it is done; fixed when a run begins. */
  approve: z.array(approvalKindSchema).optional(),
  human: z
    .strictObject({
      /** False: agents cannot ask the person anything, since nobody would answer. Default true. */
      questions: z.boolean().optional(),
    })
    .optional(),
  /** Limits of the programs that agents run. */
  programs: programLimitsSchema
    .extend({
      /** Programs at a time. Default: twice the number of processors, at least 4. */
      runningMax: z.int().min(1).max(10_000).optional(),
    })
    .optional(),
});

const embedderName = z.string().regex(/^(?:none|local|openai:\S+)$/u, 'must be `none`, `local` or `openai:NAME`');

export type RunConfig = z.infer<typeof configSchema>;

export const settingsSchema = z.strictObject({
  model: modelName.default('rehearsal'),
  /** Base URL of the model server; null for its default. Never a key. */
  baseUrl: z.string().nullable(),
  workspace: z.string(),
  shards: z.int().min(1).max(SHARDS_MAX),
  threads: z.int().min(1).max(THREADS_MAX),
  seed: z.int().nonnegative(),
  durability: z.enum(['none', 'committed', 'flushed']),
  maxAgents: z.int().min(1).max(1_000_000),
  review: z.enum(['model', 'auto', 'none']),
  rehearsal: rehearsalOptionsSchema.nullable(),
  config: configSchema,
  agentHeaders: z.boolean(),
  /** As the options say; the configuration has the others. */
  budget: runBudgetSchema.default({}),
  /** A cassette file for every answer; null: nothing is recorded. */
  record: z.string().nullable().default(null),
  /** One turn at a time on a virtual clock: the same seed gives the same log. */
  deterministic: z.boolean().default(false),
  /** What programs of agents run in; `off`: they run none. */
  sandbox: z.enum(['bwrap', 'none', 'off']).default('off'),
  sandboxNetwork: z.boolean().default(false),
  /** Threads that share the memories of the agents; 0: they have none. */
  memoryThreads: z.int().min(0).max(OWNERS_MAX).default(0),
  /** What finds memories by their meaning. */
  embedder: embedderName.default('none'),
  /** The run has prompts of its own, in `prompts/`; null: they are as they come. */
  prompts: z.object({ from: z.string().nullable(), sha256: z.string() }).nullable().default(null),
  /** What a person has to allow before it is done. */
  approve: z.array(approvalKindSchema).default([]),
});

export type RunSettings = z.infer<typeof settingsSchema>;

/** Parses caller input. @throws `code` with one line that names every field that is wrong */
export const parseInput = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
  code: ErrorCode = 'CONFIG_INVALID',
): z.infer<Schema> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || '(top)'}: ${issue.message}`);
  throw new MegactorError(code, `${what}: ${issues.join('; ')}`);
};

/** An embedder on a server is one of the run's models: it has a server, a price and limits. @throws CONFIG_INVALID */
const withEmbedder = (model: string, config: RunConfig, embedder: string | undefined): RunConfig => {
  if (embedder?.startsWith('openai:') !== true) return config;
  const { [embedder]: own = {}, ...models } = config.models ?? {};
  if (modelsOf(model, { ...config, models }).includes(embedder)) {
    throw new MegactorError('CONFIG_INVALID', `${embedder} cannot be both a model of agents and the embedder`, {
      hint: 'Give the name of a model for embeddings, such as --embedder openai:text-embedding-3-small.',
    });
  }
  return { ...config, models: { ...models, [embedder]: own } };
};

/** A cassette is found again from wherever the run is resumed. */
const absolute = (model: string): string => {
  const file = cassetteFile(model);
  return file === null || file === '' ? model : `cassette:${resolve(file)}`;
};

const callsServer = (model: string, config: RunConfig): boolean =>
  modelsOf(model, config).some((name) => name.startsWith('openai:'));

const threadsDefault = (shards: number, deterministic = false): number =>
  deterministic ? 1 : Math.min(coreCount(), shards);

/** @throws CONFIG_INVALID for what cannot repeat itself */
const checkDeterministic = (
  { deterministic, model: own, config, embedder }: RunSettings,
  threads: number | undefined,
): void => {
  if (!deterministic) return;
  if (embedder !== 'none') {
    throw new MegactorError('CONFIG_INVALID', `--deterministic goes with --embedder none, not with ${embedder}`, {
      hint: 'When a memory gets its vector depends on the machine.',
    });
  }
  const model = modelsOf(own, config).find((name) => name.startsWith('openai:'));
  if (model !== undefined) {
    throw new MegactorError(
      'CONFIG_INVALID',
      `--deterministic goes with the rehearsal or a cassette, not with ${model}`,
      {
        hint: 'A model server answers differently every time. `megactor replay` checks any run against its own journal.',
      },
    );
  }
  if (threads !== undefined && threads !== 1) {
    throw new MegactorError('CONFIG_INVALID', `--deterministic has one thread, not ${threads}`, {
      hint: 'Leave --threads out.',
    });
  }
};

const DEADLINE = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/u;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30m`, `90s`, `1.5h`, or milliseconds. @throws CONFIG_INVALID */
export const deadlineMsOf = (deadline: string | number): number => {
  if (typeof deadline === 'number') return deadline;
  const [, amount, unit] = DEADLINE.exec(deadline) ?? [];
  const factor = UNITS_MS[unit ?? ''];
  if (amount === undefined || factor === undefined) {
    throw new MegactorError('CONFIG_INVALID', `the deadline '${deadline}' is no time`, {
      hint: 'Write it as 90s, 30m or 1.5h.',
    });
  }
  return Number(amount) * factor;
};

/** The budgets among the options; those that are absent keep what they were `before`. @throws CONFIG_INVALID */
const budgetOf = (options: BudgetOptions, before: RunBudget = {}): RunBudget => {
  const { budgetCalls, budgetTokens, budgetUsd, deadline } = options;
  const given = {
    ...before,
    ...(budgetCalls === undefined ? {} : { calls: budgetCalls }),
    ...(budgetTokens === undefined ? {} : { tokens: budgetTokens }),
    ...(budgetUsd === undefined ? {} : { usd: budgetUsd }),
    ...(deadline === undefined ? {} : { deadlineMs: deadlineMsOf(deadline) }),
  };
  return parseInput(runBudgetSchema, given, 'budgets');
};

/** The settings of a new run. @throws CONFIG_INVALID */
export const settingsOf = (options: RunOptions, defaults: { workspace: string; seed: number }): RunSettings => {
  const shards = options.shards ?? 8;
  const model = absolute(options.model ?? 'rehearsal');
  const config = withEmbedder(model, parseInput(configSchema, options.config ?? {}, 'configuration'), options.embedder);
  if (options.rehearsal !== undefined && !isBuiltIn(model)) {
    throw new MegactorError(
      'CONFIG_INVALID',
      `--rehearsal goes with --model rehearsal or a playbook, not with ${model}`,
      {
        hint: 'Leave one of the two out.',
      },
    );
  }
  const settings = parseInput(
    settingsSchema,
    {
      model,
      baseUrl: callsServer(model, config) ? (process.env['OPENAI_BASE_URL'] ?? null) : null,
      workspace: options.workspace ?? defaults.workspace,
      shards,
      threads: Math.min(options.threads ?? threadsDefault(shards, options.deterministic), shards),
      seed: options.seed ?? defaults.seed,
      durability: options.durability ?? 'flushed',
      maxAgents: options.maxAgents ?? config.limits?.agentsMax ?? AGENTS_DEFAULT,
      review: options.review ?? 'model',
      rehearsal: isBuiltIn(model) ? (options.rehearsal ?? {}) : null,
      config,
      agentHeaders: options.noAgentHeaders !== true,
      budget: budgetOf(options),
      record: options.record === undefined ? null : resolve(options.record),
      deterministic: options.deterministic ?? false,
      memoryThreads: config.memory?.enabled === false ? 0 : (config.memory?.threads ?? 1),
      embedder: options.embedder ?? 'none',
      approve: [...new Set(options.approve ?? config.approve ?? [])],
    },
    'options',
  );
  if (settings.approve.length > 0 && settings.durability === 'none') {
    throw new MegactorError('CONFIG_INVALID', 'nothing can wait for consent in a run without a journal', {
      hint: 'Leave out --durability none, or --approve.',
    });
  }
  checkDeterministic(settings, options.threads);
  checkPrices(settings.model, settings.config, settings.budget, settings.baseUrl);
  if (settings.rehearsal !== null) {
    const rehearsal = parseRehearsalOptions(settings.rehearsal, settings.seed);
    checkShapeFits(rehearsal, settings.maxAgents, settings.config.limits?.fanOutMax);
  }
  return settings;
};

/** The settings of a resumed run: its own, with what may differ. @throws CONFIG_INVALID */
export const resumedSettings = (settings: RunSettings, options: ResumeOptions): RunSettings => {
  const { shards, deterministic } = settings;
  const resumed = parseInput(
    settingsSchema,
    {
      ...settings,
      // The server may have moved; the model and everything that shaped the society may not.
      baseUrl: callsServer(settings.model, settings.config)
        ? (process.env['OPENAI_BASE_URL'] ?? settings.baseUrl)
        : null,
      threads: Math.min(options.threads ?? threadsDefault(shards, deterministic), shards),
      durability: options.durability ?? settings.durability,
      config:
        options.config === undefined
          ? settings.config
          : withEmbedder(settings.model, parseInput(configSchema, options.config, 'configuration'), settings.embedder),
      budget: budgetOf(options, settings.budget),
    },
    'options',
  );
  checkDeterministic(resumed, options.threads);
  checkPrices(resumed.model, resumed.config, resumed.budget, resumed.baseUrl);
  return resumed;
};
