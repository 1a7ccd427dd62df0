/**
 * The model as a service: the chat models of the run behind their gate. Methods: `complete release drain stats spent
 * warned watch`. Main is told with `{kind: 'model-stop', reason, error}` when going on is pointless, and with a `BudgetNotice`
 * when a budget is nearly used up, and with `DeltaNotice`s of what those say who are watched.
 *
 * Invariants: M1 An answer is in the journal before anybody is told of it, and as soon as it arrives: whoever asks again
 * under its effect id gets the same answer, marked `joined`, in this process or a later one. M2 No key is in the options. M3 An
 * answer and what it cost are one commit (`model-spend.ts`).
 */
import { z } from 'zod';
import type { ModelMethods } from '../../../actors/run-services.ts';
import {
  budgetsSchema,
  Gate,
  type ChatAnswer,
  type ChatModel,
  type ChatRequest,
  type RouteOptions,
  type ServedAnswer,
} from '../../model/index.ts';
import { ArrivingRequests, type RequestOnWire } from '../../model/request-wire.ts';
import { isCanary, seededRandom, systemClock, VirtualClock, type Clock, type Random } from '../../platform/index.ts';
import { errorToWire, toMegactorError } from '../../protocol/errors.ts';
import { hashString } from '../../protocol/ids.ts';
import type { CreateService, ServiceCallContext, ServiceHost, ServiceInstance } from '../../protocol/service.ts';
import { checked } from './arguments.ts';
import { openContextCheck } from './model-context.ts';
import { makeRoutes, routeOf, routeOptionsSchema } from './model-routes.ts';
import { SentCalls } from './sent-calls.ts';
import { openEmbedding } from './model-embedding.ts';
import { openSpending } from './model-spend.ts';
import { Watch, watchSchema } from './model-watch.ts';

const optionsSchema = routeOptionsSchema.extend({
  budgets: budgetsSchema.default({}),
  /** `openai:NAME`: what embeds the memories of the run; null: not a model server. */
  embedder: z.string().nullable().default(null),
  run: z.string().optional(),
  /** Longest time of one call on the wire. */
  callDeadlineMs: z.int().positive().optional(),
  /**
   * Calls come one at a time; time is virtual and passes from timer to timer, and what is drawn depends on the call
   * alone. Only for a model that asks nobody.
   */
  deterministic: z.boolean().default(false),
});

export type ModelServiceOptions = z.input<typeof optionsSchema>;

/** What a simulation puts in the place of the process's time and of the models that the options name. */
export interface ModelSurroundings {
  readonly clock: Clock;
  readonly routes: readonly [RouteOptions, ...RouteOptions[]];
}

export const createModelService = async (
  raw: unknown,
  host: ServiceHost,
  surroundings?: ModelSurroundings,
): Promise<ServiceInstance<ModelMethods>> => {
  const options = optionsSchema.parse(raw);
  const time = surroundings?.clock ?? systemClock;
  const clock = options.deterministic ? new VirtualClock({ selfDriven: true }) : time;
  const [own, ...routes] = surroundings?.routes ?? (await makeRoutes(options, clock));
  const models: readonly ChatModel[] = [own, ...routes].map(({ model }) => model);
  const store = host.store('model');
  const spending = await openSpending(store, host, options);
  const context = openContextCheck(options);
  const watch = new Watch(time, (notice) => host.notify(notice));
  const sentCalls = await SentCalls.read(store, time);
  const arriving = new ArrivingRequests();
  const { embedder } = options;
  const embedding =
    embedder === null ? null : await openEmbedding({ name: embedder, options, clock: systemClock, store, spending });
  const gate = new Gate({
    ...own,
    routes,
    clock,
    random: options.deterministic ? () => drawn() : seededRandom(options.seed),
    deadlineMs: options.callDeadlineMs,
    outageMaxMs: options.config.model?.outageMaxMs,
    spending: spending.budgets,
    onRouteChange: ({ route, state, error, waitMs }) =>
      host.event({
        type: 'limit',
        limit: 'model',
        model: route,
        state,
        ...(error === null ? {} : { code: error.code, message: error.message }),
        ...(waitMs === undefined ? {} : { waitMs }),
      }),
    onSent: (effectId) => sentCalls.left(effectId),
    onAnswer: async (effectId, answer, request) => {
      if (isCanary('effect-late')) return;
      const shared = answer.attempts === 0 ? [sentCalls.shared(effectId)] : [];
      const changes = [...spending.changes(request, answer), ...shared];
      await store.commit({ effectId, result: answer, changes });
    },
  });
  gate.onStop((stop) => host.notify({ kind: 'model-stop', reason: stop.reason, error: errorToWire(stop.error) }));
  /** What a deterministic gate draws from: it begins anew with every call. */
  let drawn: Random = seededRandom(options.seed);
  /** The effect id of each agent's last call, in flight or answered. */
  const last = new Map<string, string>();

  /** Neither whether a process died in between nor whether somebody watched must show where runs are to be equal. */
  const same = ({ firstTokenMs: _time, ...served }: ServedAnswer): ServedAnswer => ({ ...served, joined: false });

  const complete = (sent: RequestOnWire, call: ServiceCallContext): Promise<ServedAnswer> => {
    const request = arriving.receive(sent);
    return options.deterministic ? serve(request, call).then(same) : serve(request, call);
  };

  const send = (
    request: ChatRequest,
    { effectId, signal }: ServiceCallContext,
    route?: string,
  ): Promise<ChatAnswer> => {
    const onDelta = watch.listener(request);
    if (onDelta === undefined) return gate.complete(request, { effectId, signal, route });
    return gate.complete(request, { effectId, signal, route, onDelta }).then((answer) => {
      onDelta('\n');
      return answer;
    });
  };

  const serve = async (request: ChatRequest, call: ServiceCallContext): Promise<ServedAnswer> => {
    const { effectId } = call;
    drawn = seededRandom(hashString(effectId ?? request.agent, options.seed));
    const before = last.get(request.agent);
    if (before !== undefined && before !== effectId) gate.release([before]);
    if (effectId === null) last.delete(request.agent);
    else last.set(request.agent, effectId);
    const joined = effectId !== null && before === effectId;
    try {
      const sent = sentCalls.before(request.agent);
      const again = effectId !== null && sent?.effectId === effectId ? sent : null;
      if (again !== null) {
        const kept = await store.result(again.effectId);
        // The last one that sent it got the answer.
        if (kept !== undefined) return { ...(kept.result as ChatAnswer), joined: true, repeats: again.processes - 1 };
      }
      const route = routeOf(options, request);
      // What was sent once fitted, or will say itself that it does not.
      const isNew = effectId === null || !gate.knows(effectId);
      if (context !== null && isNew) await context.check(request, route ?? options.model);
      return { ...(await send(request, call, route)), joined, repeats: again?.processes ?? 0 };
    } catch (error) {
      // Only a call whose caller went away may still be answered; every other failure begins anew.
      if (toMegactorError(error).code !== 'ABORTED' && last.get(request.agent) === effectId) last.delete(request.agent);
      throw error;
    }
  };

  return {
    methods: {
      complete,
      ...(embedding === null ? {} : { embed: embedding.embed }),
      release: (args) => gate.release(args.effectIds),
      drain: (args) => gate.drain(args.deadlineMs),
      stats: () => gate.stats(),
      spent: () => spending.rows(),
      warned: (args) => spending.warned(args.scope),
      watch: (args) => watch.set(checked(watchSchema, args).agents),
    },
    close: async () => {
      watch.flush();
      await gate.drain(0);
      await embedding?.close();
      await Promise.all(models.map((model) => model.close()));
    },
  };
};

export const createService: CreateService = (options, host) => createModelService(options, host);
