/**
 * Forecasts a run: plays the whole society with the rehearsal in one thread and in virtual time, through the real agents,
 * roster, runtime and gate, so that calls, tokens and waiting come from the protocol itself. Nothing is written to the
 * disk and nobody is called. What it does not do: budgets, approvals, git; they cost no calls.
 *
 * Invariants: FC1 The same goal, options and seed give the same forecast. FC2 Time is virtual: it passes only while calls
 * are under way or held back, never for this machine's work. FC3 What is not known is null, never 0.
 */
import { ROSTER } from '../../../actors/run-services.ts';
import { PRICES_AS_OF, parseRehearsalOptions, priceOf, type Price, type RehearsalOptions } from '../../model/index.ts';
import type { RateLimits } from '../../model/rehearsal-server/limits.ts';
import { systemClock, type Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import type { CreateService } from '../../protocol/service.ts';
import type { RosterSummary } from '../../society/index.ts';
import { SimulatedSystem } from '../../testing/index.ts';
import { agentSettings } from '../agent-settings.ts';
import { Controller, failure, type Outcome } from '../controller.ts';
import { found } from '../found.ts';
import { isProviderItself, modelsOf } from '../model-settings.ts';
import { createService as createMemoryService } from '../services/memory.ts';
import { createRoster } from '../services/roster.ts';
import { rateLimitsOf, settingsFor } from '../services/model-routes.ts';
import { settingsOf, type RunSettings } from '../settings.ts';
import { ForecastCalls, type ForecastRoute } from './calls.ts';
import { ForecastFiles, filesService } from './files.ts';
import type { Assumptions, Forecast, ForecastOptions, ForecastProgress } from './types.ts';

const SEED_DEFAULT = 1;
/** About what a small hosted model takes for an answer of a few hundred tokens. */
const LATENCY_DEFAULT_MS = 2_000;
const MINUTE_MS = 60_000;
const CHARACTERS_PER_TOKEN = 4;
const PROGRESS_EVERY_MS = 1_000;
/** Far more than any society needs: a forecast ends. */
const STEPS_MAX = 1_000_000_000;
const MODULE = 'forecast:services';
/** One owner of all memories, by their words. */
const NO_VECTORS = { directory: null, embedder: 'none', deterministic: true } as const;
const RUN_ID = 'forecast';

interface Setting {
  readonly settings: RunSettings;
  readonly rehearsal: RehearsalOptions;
  readonly routes: readonly [ForecastRoute, ...ForecastRoute[]];
}

const saysLatency = (rehearsal: unknown): boolean =>
  typeof rehearsal === 'object' && rehearsal !== null && 'latencyMs' in rehearsal;

const routesOf = (options: ForecastOptions, { config }: RunSettings): Setting['routes'] => {
  const model = options.model ?? 'rehearsal';
  const baseUrl = process.env['OPENAI_BASE_URL'] ?? null;
  const routeOf = (name: string): ForecastRoute => {
    const { inFlightMax, requestTimeoutMs, fallbacks, ...limits } = settingsFor(name, { model, config });
    const known = rateLimitsOf(limits);
    const { requestsPerMinute, tokensPerMinute } = name === model ? options : {};
    const priced = isProviderItself(config.models?.[name]?.baseUrl ?? baseUrl);
    const windowMs = limits.limitWindowMs ?? MINUTE_MS;
    const scaled = (perMinute: number | undefined, otherwise: number | null): number | null =>
      perMinute === undefined ? otherwise : Math.max(1, Math.floor((perMinute * windowMs) / MINUTE_MS));
    const provider: RateLimits = {
      requests: scaled(requestsPerMinute, known?.requests ?? null),
      tokens: scaled(tokensPerMinute, known?.tokens ?? null),
      quota: null,
      windowMs,
    };
    return {
      name,
      // The rehearsal costs nothing; whatever is rehearsed here does.
      price: name === 'rehearsal' ? null : priceOf(name, config.prices ?? {}, priced),
      provider,
      known,
      inFlightMax,
      requestTimeoutMs,
      fallbacks,
    };
  };
  const [own = model, ...others] = modelsOf(model, config);
  return [routeOf(own), ...others.map((name) => routeOf(name))];
};

/** @throws CONFIG_INVALID */
const settle = (options: ForecastOptions): Setting => {
  const { model, rehearsal = {}, config, maxAgents, review, seed, latencyMs } = options;
  if (model !== undefined && !/^openai:\S+$/u.test(model)) {
    throw new MegactorError('CONFIG_INVALID', `a forecast is for openai:NAME, not for ${model}`, {
      hint: 'Every forecast is played by the rehearsal; the model is whose price is taken.',
    });
  }
  const settings = settingsOf(
    {
      model: 'rehearsal',
      rehearsal,
      ...(config === undefined ? {} : { config }),
      ...(maxAgents === undefined ? {} : { maxAgents }),
      ...(review === undefined ? {} : { review }),
      ...(seed === undefined ? {} : { seed }),
    },
    { workspace: '', seed: SEED_DEFAULT },
  );
  const parsed = parseRehearsalOptions(settings.rehearsal, settings.seed);
  const given = latencyMs ?? (saysLatency(rehearsal) ? parsed.latencyMs : LATENCY_DEFAULT_MS);
  return { settings, rehearsal: { ...parsed, latencyMs: given }, routes: routesOf(options, settings) };
};

const perMinute = (limit: number | null, windowMs: number): number | null =>
  limit === null ? null : Math.round((limit * MINUTE_MS) / windowMs);

const notesOf = ({ routes }: Setting, model: string | undefined): string[] => [
  'All texts are synthetic: a rehearsal played the protocol, and no model was called. A real model needs more or fewer calls, and other lengths of texts.',
  `Tokens are ${CHARACTERS_PER_TOKEN} characters each. What an agent's request before had as well counts as cached, from 1,024 tokens on.`,
  'The wall time is that of model calls, their limits and their repetitions. Work of this machine and the way to a server take no time.',
  'Budgets, deadlines and embeddings are left out.',
  ...(model === undefined ? ['Without --model openai:NAME no price is known.'] : []),
  ...(routes.some(({ price }) => price !== null)
    ? [`Prices are those of the configuration, else those published in ${PRICES_AS_OF}.`]
    : []),
];

const assumptionsOf = (setting: Setting, options: ForecastOptions, cacheHitRate: number): Assumptions => {
  const { settings, rehearsal, routes } = setting;
  const [{ provider, known, inFlightMax }] = routes;
  const limited = provider.requests !== null || provider.tokens !== null;
  const prices = routes.map(({ name, price }): [string, Price | null] => [name, price]);
  return {
    model: options.model ?? null,
    prices: Object.fromEntries(prices.filter(([name]) => name !== 'rehearsal')),
    maxAgents: settings.maxAgents,
    scenario: rehearsal.scenario,
    shape: rehearsal.shape ?? null,
    review: settings.review,
    seed: settings.seed,
    latencyMs: rehearsal.latencyMs,
    charactersPerToken: CHARACTERS_PER_TOKEN,
    tokens: rehearsal.tokens,
    cacheHitRate,
    limits: {
      requestsPerMinute: perMinute(provider.requests, provider.windowMs),
      tokensPerMinute: perMinute(provider.tokens, provider.windowMs),
      inFlight: inFlightMax ?? null,
      knownFrom: limited ? (known === undefined ? 'headers' : 'configuration') : null,
    },
    failures: rehearsal.failures,
    outage: rehearsal.outage ?? null,
    notes: notesOf(setting, options.model),
  };
};

interface Played {
  readonly outcome: Outcome;
  readonly roster: RosterSummary;
  readonly wallSeconds: number;
}

/** The run that is played: its system, and who drives it. */
class Rehearsed {
  readonly files = new ForecastFiles();
  readonly #setting: Setting;
  #calls: ForecastCalls | null = null;
  #controller: Controller | null = null;
  #simulation: SimulatedSystem | null = null;
  readonly #early: ((controller: Controller) => void)[] = [];

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  get calls(): ForecastCalls {
    if (this.#calls === null) throw new MegactorError('INTERNAL', 'the model service of a forecast has not started');
    return this.#calls;
  }

  progress(): ForecastProgress {
    return { calls: this.#calls?.calls ?? 0, wallSeconds: (this.#simulation?.nowMs ?? 0) / 1_000 };
  }

  async play(goal: string, signal: AbortSignal | undefined): Promise<Played> {
    const { settings } = this.#setting;
    const simulation = await this.#start();
    const { system } = simulation;
    const { journal } = system;
    if (journal === null) throw new MegactorError('INTERNAL', 'the simulation has no journal');
    const beganMs = simulation.nowMs;
    const founding = {
      system,
      journal,
      onPlan: () => {},
      goal,
      shards: settings.shards,
      settings: agentSettings({
        runId: RUN_ID,
        settings: { ...settings, memoryThreads: Math.min(1, settings.memoryThreads) },
      }),
      plan: null,
      onEvent: () => {},
    };
    const controller = new Controller({ system, journal, signal, onBudget: () => {}, found: () => found(founding) });
    this.#controller = controller;
    for (const tell of this.#early.splice(0)) tell(controller);
    try {
      const outcome = await simulation.settle(controller.drive(), { ms: Infinity, stepsMax: STEPS_MAX });
      if (signal?.aborted === true) throw new MegactorError('ABORTED', 'the forecast was interrupted');
      const wallSeconds = (simulation.nowMs - beganMs) / 1_000;
      const roster = await simulation.settle(system.callService(ROSTER, 'summary', {}));
      return { outcome, roster, wallSeconds };
    } finally {
      // Nothing of it is kept: it is over at once.
      simulation.crash();
    }
  }

  async #start(): Promise<SimulatedSystem> {
    const { settings, rehearsal, routes } = this.#setting;
    const { config, seed, shards } = settings;
    const modules = (clock: Clock): Record<string, Record<string, CreateService>> => {
      const calls = new ForecastCalls({ routes, rehearsal, config, clock });
      this.#calls = calls;
      return {
        [MODULE]: {
          roster: (options, host) => createRoster(options, host, clock),
          model: calls.service(),
          workspace: filesService(this.files),
          memory: createMemoryService,
        },
      };
    };
    this.#simulation = await SimulatedSystem.start({
      seed,
      hosts: 1,
      shards,
      journal: 'committed',
      modules,
      system: {
        checkMail: false,
        // Who rests costs no time here, and would only be read back.
        passivateAfterMs: 0,
        residentMax: 0,
        services: [
          { name: 'roster', module: MODULE, export: 'roster', thread: 'services', options: { seed } },
          { name: 'model', module: MODULE, export: 'model', thread: 'services' },
          { name: 'workspace', module: MODULE, export: 'workspace', thread: 'services' },
          ...(settings.memoryThreads === 0
            ? []
            : [{ name: 'memory', module: MODULE, export: 'memory', thread: 'services', options: NO_VECTORS }]),
        ],
        onFailure: ({ error }) => this.#tell((controller) => controller.end(failure(error))),
        onServiceMessage: (_, message) => this.#tell((controller) => controller.onServiceMessage(message)),
      },
    });
    return this.#simulation;
  }

  #tell(what: (controller: Controller) => void): void {
    if (this.#controller === null) this.#early.push(what);
    else what(this.#controller);
  }
}

/**
 * Forecasts what a run of `goal` would come to.
 * @throws CONFIG_INVALID, USAGE; ABORTED when `options.signal` is; what a run that cannot begin throws
 */
export const rehearse = async (goal: string, options: ForecastOptions = {}): Promise<Forecast> => {
  if (typeof goal !== 'string' || goal.trim() === '') {
    throw new MegactorError('USAGE', 'the goal is empty', { hint: 'Say what the society is to do.' });
  }
  const setting = settle(options);
  const rehearsed = new Rehearsed(setting);
  const { onProgress, signal } = options;
  const beat =
    onProgress === undefined ? null : systemClock.every(PROGRESS_EVERY_MS, () => onProgress(rehearsed.progress()));
  try {
    const { outcome, roster, wallSeconds } = await rehearsed.play(goal, signal);
    const { calls, tokens, costUsd, retries, limited, maxInFlight } = rehearsed.calls.result();
    if (outcome.error !== null && roster.agents === 0) throw outcome.error;
    return {
      calls,
      tokens,
      costUsd,
      wallSeconds,
      assumptions: assumptionsOf(setting, options, tokens.input === 0 ? 0 : tokens.cachedInput / tokens.input),
      synthetic: true,
      status: outcome.status,
      reason: outcome.reason,
      agents: roster.agents,
      files: rehearsed.files.size,
      retries,
      limited,
      maxInFlight,
    };
  } finally {
    beat?.cancel();
  }
};
