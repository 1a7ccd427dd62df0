/**
 * The model calls of a forecast: the gate of a run, before providers that are played in virtual time, and what their
 * answers came to. What it does not do: budgets, journaling, calling anybody.
 *
 * Invariant FC4: every answer counts once, for the model that gave it, as it would be paid for.
 */
import { z } from 'zod';
import type { ModelMethods } from '../../../actors/run-services.ts';
import {
  costOfUsage,
  Gate,
  type ChatAnswer,
  type ChatRequest,
  type Price,
  type RehearsalOptions,
  type RouteOptions,
  type ServedAnswer,
} from '../../model/index.ts';
import { ArrivingRequests } from '../../model/request-wire.ts';
import type { RateLimits } from '../../model/rehearsal-server/limits.ts';
import { createRehearsedProvider } from '../../model/rehearsal-server/provider.ts';
import { seededRandom, type Clock } from '../../platform/index.ts';
import { errorToWire } from '../../protocol/errors.ts';
import type { ServiceCallContext, ServiceHost, ServiceInstance } from '../../protocol/service.ts';
import type { RunConfig } from '../settings.ts';
import { checked } from '../services/arguments.ts';
import { routeOf } from '../services/model-routes.ts';
import type { RunSummary } from '../types.ts';

const REQUEST_TIMEOUT_MS = 60_000;

/** One model that a run would call. */
export interface ForecastRoute {
  readonly name: string;
  readonly price: Price | null;
  /** What its provider allows. */
  readonly provider: RateLimits;
  /** What the gate is told of that; otherwise it learns from headers. */
  readonly known: RouteOptions['rateLimits'];
  readonly inFlightMax: number | undefined;
  readonly requestTimeoutMs: number | undefined;
  readonly fallbacks: readonly string[] | undefined;
}

export interface CallsOptions {
  readonly routes: readonly [ForecastRoute, ...ForecastRoute[]];
  readonly rehearsal: RehearsalOptions;
  readonly config: RunConfig;
  readonly clock: Clock;
}

type Tokens = RunSummary['tokens'];

export interface CallsResult {
  readonly calls: number;
  readonly tokens: Tokens;
  /** US dollars; null when a model that answered has no price. */
  readonly costUsd: number | null;
  /** Requests that were refused by a limit. */
  readonly limited: number;
  /** Requests that were sent again. */
  readonly retries: number;
  readonly maxInFlight: number;
}

const drainSchema = z.object({ deadlineMs: z.number() });

export class ForecastCalls {
  readonly #options: CallsOptions;
  readonly #gate: Gate;
  readonly #arriving = new ArrivingRequests();
  readonly #byRoute = new Map<string, Tokens & { readonly calls: number }>();
  /** The effect id of each agent's last call, whose answer is kept no longer than its next. */
  readonly #last = new Map<string, string>();

  constructor(options: CallsOptions) {
    this.#options = options;
    const { rehearsal, clock, config } = options;
    const make = (route: ForecastRoute): RouteOptions => ({
      name: route.name,
      model: createRehearsedProvider(rehearsal, {
        name: route.name,
        clock,
        limits: route.provider,
        timeoutMs: route.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      }),
      fallbacks: route.fallbacks,
      inFlightMax: route.inFlightMax,
      rateLimits: route.known,
    });
    const [own, ...others] = options.routes;
    this.#gate = new Gate({
      ...make(own),
      routes: others.map((route) => make(route)),
      clock,
      random: seededRandom(rehearsal.seed),
      outageMaxMs: config.model?.outageMaxMs,
      onAnswer: (_, answer) => {
        this.#count(answer);
        return Promise.resolve();
      },
    });
  }

  /** Answers so far. */
  get calls(): number {
    return this.#gate.stats().calls;
  }

  result(): CallsResult {
    const tokens = { input: 0, cachedInput: 0, output: 0 };
    let costUsd: number | null = 0;
    let calls = 0;
    for (const { name, price } of this.#options.routes) {
      const spent = this.#byRoute.get(name);
      if (spent === undefined) continue;
      calls += spent.calls;
      tokens.input += spent.input;
      tokens.cachedInput += spent.cachedInput;
      tokens.output += spent.output;
      costUsd = price === null || costUsd === null ? null : costUsd + costOfUsage(spent, price);
    }
    const { limited, retries, maxInFlight } = this.#gate.stats();
    return { calls, tokens, costUsd, limited, retries, maxInFlight };
  }

  /** The service `model` of a forecast. */
  service() {
    return (_: unknown, host: ServiceHost): ServiceInstance<Pick<ModelMethods, 'complete' | 'drain'>> => {
      this.#gate.onStop(({ reason, error }) => host.notify({ kind: 'model-stop', reason, error: errorToWire(error) }));
      return {
        methods: {
          complete: (sent, call) => this.#complete(this.#arriving.receive(sent), call),
          drain: (args) => this.#gate.drain(checked(drainSchema, args).deadlineMs),
        },
      };
    };
  }

  async #complete(request: ChatRequest, { effectId, signal }: ServiceCallContext): Promise<ServedAnswer> {
    const before = this.#last.get(request.agent);
    if (before !== undefined && before !== effectId) this.#gate.release([before]);
    if (effectId !== null) this.#last.set(request.agent, effectId);
    const { config } = this.#options;
    const answer = await this.#gate.complete(request, { effectId, signal, route: routeOf({ config }, request) });
    return { ...answer, joined: false, repeats: 0 };
  }

  #count({ route = '', usage }: ChatAnswer): void {
    const before = this.#byRoute.get(route) ?? { calls: 0, input: 0, cachedInput: 0, output: 0 };
    this.#byRoute.set(route, {
      calls: before.calls + 1,
      input: before.input + usage.input,
      cachedInput: before.cachedInput + usage.cachedInput,
      output: before.output + usage.output,
    });
  }
}
