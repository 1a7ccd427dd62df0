/** Makes the models that a run calls, and the routes of its gate. What it does not do: admit or make calls. */
import { z } from 'zod';
import { loadPlaybook, playbookName } from '../../../actors/playbooks/index.ts';
import {
  createRehearsal,
  createScripted,
  parseRehearsalOptions,
  type ChatModel,
  type RouteOptions,
  type TokenCounter,
} from '../../model/index.ts';
import { createCassette, recordTo, Redaction } from '../../model/cassette/index.ts';
import { createTokenCounter } from '../../model/tokens.ts';
import type { Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { cassetteFile, modelsOf, modelConfigFields, modelName, type OtherModel } from '../model-settings.ts';

export const routeOptionsSchema = z.object({
  model: modelName,
  seed: z.int().nonnegative(),
  /** The content of a rehearsal file. */
  rehearsal: z.unknown().optional(),
  baseUrl: z.string().nullish(),
  agentHeaders: z.boolean().default(true),
  /** A cassette file for every answer; absent: nothing is recorded. */
  record: z.string().nullish(),
  config: z.object(modelConfigFields).default({}),
});

export type RoutesOptions = z.output<typeof routeOptionsSchema>;

const WINDOW_MS = 60_000;

type Settings = Pick<
  OtherModel,
  'inFlightMax' | 'requestTimeoutMs' | 'requestsPerMinute' | 'tokensPerMinute' | 'limitWindowMs' | 'fallbacks'
> &
  Pick<OtherModel, 'baseUrl' | 'keyVariable' | 'tokenizer' | 'contextTokens'>;

/** What the configuration says of one model. */
export const settingsFor = (name: string, { model, config }: Pick<RoutesOptions, 'model' | 'config'>): Settings => {
  const other = config.models?.[name];
  if (name !== model) return other ?? {};
  // What the configuration says of the run's own model by its name goes before what it says of `model`.
  const { temperature: _t, maxTokens: _m, outageMaxMs: _o, compaction: _c, ...own } = config.model ?? {};
  return { ...own, ...other };
};

const keyOf = (variable: string | undefined): string | undefined => {
  if (variable === undefined) return undefined;
  const key = process.env[variable];
  if (key === undefined || key === '') throw new MegactorError('KEY_MISSING', `${variable} is not set`);
  return key;
};

/** Every key that this process knows, and what the configuration adds. */
const redactionOf = ({ config }: RoutesOptions): Redaction => {
  const variables = ['OPENAI_API_KEY', ...Object.values(config.models ?? {}).map(({ keyVariable }) => keyVariable)];
  const secrets = variables.flatMap((variable) => process.env[variable ?? ''] ?? []);
  return new Redaction(secrets, config.cassette?.redact);
};

const modelNamed = async (
  name: string,
  settings: Settings,
  options: RoutesOptions,
  clock: Clock,
): Promise<ChatModel> => {
  const file = cassetteFile(name);
  if (file !== null) {
    const { otherwise } = options.config.cassette ?? {};
    return createCassette({
      file,
      redaction: redactionOf(options),
      otherwise:
        otherwise === undefined
          ? undefined
          : await modelNamed(otherwise, settingsFor(otherwise, options), options, clock),
    });
  }
  if (name === 'rehearsal') {
    return createRehearsal(parseRehearsalOptions(options.rehearsal, options.seed), { clock });
  }
  const playbook = playbookName(name);
  if (playbook !== null) {
    return createScripted(await loadPlaybook(playbook), parseRehearsalOptions(options.rehearsal, options.seed), {
      clock,
    });
  }
  const { createOpenAiModel } = await import('../../model/openai.ts');
  return createOpenAiModel({
    model: name.slice('openai:'.length),
    baseUrl: settings.baseUrl ?? options.baseUrl ?? undefined,
    apiKey: keyOf(settings.keyVariable),
    agentHeaders: options.agentHeaders,
    timeoutMs: settings.requestTimeoutMs,
  });
};

/** The embedder `openai:NAME`, on the server of the model of that name. @throws CONFIG_INVALID, KEY_MISSING */
export const makeEmbeddings = async (name: string, options: RoutesOptions): Promise<ChatModel> => {
  const settings = settingsFor(name, options);
  const { createOpenAiEmbeddings } = await import('../../model/openai-embeddings.ts');
  return createOpenAiEmbeddings({
    model: name.slice('openai:'.length),
    baseUrl: settings.baseUrl ?? options.baseUrl ?? undefined,
    apiKey: keyOf(settings.keyVariable),
    agentHeaders: options.agentHeaders,
    timeoutMs: settings.requestTimeoutMs,
  });
};

/** What a provider allows, as the configuration says it. */
export const rateLimitsOf = ({
  requestsPerMinute,
  tokensPerMinute,
  limitWindowMs,
}: Pick<Settings, 'requestsPerMinute' | 'tokensPerMinute' | 'limitWindowMs'>): RouteOptions['rateLimits'] => {
  if (requestsPerMinute === undefined && tokensPerMinute === undefined) return undefined;
  const windowMs = limitWindowMs ?? WINDOW_MS;
  const scaled = (perMinute: number | undefined): number | null =>
    perMinute === undefined ? null : Math.max(1, Math.floor((perMinute * windowMs) / WINDOW_MS));
  return { requests: scaled(requestsPerMinute), tokens: scaled(tokensPerMinute), windowMs };
};

/** The routes of a run, its own model's first. @throws CONFIG_INVALID, KEY_MISSING */
export const makeRoutes = async (options: RoutesOptions, clock: Clock): Promise<[RouteOptions, ...RouteOptions[]]> => {
  const make = async (name: string): Promise<RouteOptions> => {
    const settings = settingsFor(name, options);
    const model = await modelNamed(name, settings, options, clock);
    const { record: file } = options;
    return {
      name,
      model: typeof file === 'string' ? recordTo(model, { file, redaction: redactionOf(options), clock }) : model,
      fallbacks: settings.fallbacks,
      inFlightMax: settings.inFlightMax,
      rateLimits: rateLimitsOf(settings),
    };
  };
  const [own = options.model, ...others] = modelsOf(options.model, options.config);
  return [await make(own), ...(await Promise.all(others.map((name) => make(name))))];
};

/** The route of a call: by its agent, else by its level; undefined for the run's own model. */
export const routeOf = (
  { config }: Pick<RoutesOptions, 'config'>,
  { agent, role }: { readonly agent: string; readonly role?: 'boss' | 'admin' | 'ordinary' | undefined },
): string | undefined => {
  const { agents, ...levels } = config.modelOf ?? {};
  // Calls of the runtime itself, as for the plan, are the Boss's.
  // Agents may be called what every object has.
  const own = agents !== undefined && Object.hasOwn(agents, agent) ? agents[agent] : undefined;
  return own ?? levels[role ?? 'boss'];
};

/** How the model `name` counts tokens. */
export const makeCounter = (name: string, options: RoutesOptions): Promise<TokenCounter> =>
  createTokenCounter(
    settingsFor(name, options).tokenizer ?? (name.startsWith('openai:') ? 'o200k_base' : 'characters'),
  );

/** The context of each model that the configuration knows it of. */
export const contextsOf = (options: RoutesOptions): ReadonlyMap<string, number> =>
  new Map(
    modelsOf(options.model, options.config).flatMap((name) => {
      const { contextTokens } = settingsFor(name, options);
      return contextTokens === undefined ? [] : [[name, contextTokens]];
    }),
  );

/** How each route counts tokens; made when the first budget wants to know. */
export const makeCounters = async (options: RoutesOptions): Promise<(route: string) => TokenCounter> => {
  const names = modelsOf(options.model, options.config);
  const counters = new Map<string, TokenCounter>();
  for (const name of names) counters.set(name, await makeCounter(name, options));
  return (route) => {
    const counter = counters.get(route);
    if (counter === undefined) throw new MegactorError('INTERNAL', `nobody counts the tokens of '${route}'`);
    return counter;
  };
};
