/**
 * The embedder of a run on a model server, behind a gate of its own: with limits, retries and budgets like every call, as
 * `_embedder`, and apart, since a server that embeds nothing must not stop those that answer. A gate that has given a server up
 * is replaced by another with the next call: the memory asks again until the server is back.
 */
import { z } from 'zod';
import type { EmbedMethods } from '../../../actors/run-services.ts';
import { Gate, type ChatRequest } from '../../model/index.ts';
import { seededRandom, type Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import type { ServiceInstance, ServiceTable } from '../../protocol/service.ts';
import { checked } from './arguments.ts';
import { EMBEDDER, vectorsToWire } from './embedding-wire.ts';
import { makeEmbeddings, rateLimitsOf, settingsFor, type RoutesOptions } from './model-routes.ts';
import type { Spending } from './model-spend.ts';

const embedSchema = z.object({ texts: z.array(z.string()).min(1).max(256), urgent: z.boolean() });

/** Queries before what can wait. */
const LEVEL = { urgent: 0, background: 9 } as const;
/** Servers refuse an empty text. */
const NOTHING = '.';

export interface EmbeddingParts {
  /** `openai:NAME` */
  readonly name: string;
  readonly options: RoutesOptions & { readonly run?: string | undefined };
  readonly clock: Clock;
  readonly store: ServiceTable;
  readonly spending: Spending;
}

export interface ModelEmbedding {
  readonly embed: ServiceInstance<EmbedMethods>['methods']['embed'];
  readonly close: () => Promise<void>;
}

interface Opened {
  readonly gate: Gate;
  /** Rejects when the gate stops. */
  readonly stop: Promise<never>;
}

export const openEmbedding = async ({
  name,
  options,
  clock,
  store,
  spending,
}: EmbeddingParts): Promise<ModelEmbedding> => {
  const { embeddingsOf } = await import('../../model/openai-embeddings.ts');
  const model = await makeEmbeddings(name, options);
  const settings = settingsFor(name, options);
  let stopped: MegactorError | null = null;
  /** Gates that have given up, until they are drained. */
  const leaving = new Set<Promise<unknown>>();
  const openGate = (): Opened => {
    const gate = new Gate({
      model,
      clock,
      random: seededRandom(options.seed),
      spending: spending.budgets,
      inFlightMax: settings.inFlightMax,
      rateLimits: rateLimitsOf(settings),
    });
    const stop = Promise.withResolvers<never>();
    stop.promise.catch(() => undefined);
    gate.onStop(({ error }) => {
      const said = new MegactorError(error.code, error.message, { cause: error });
      if (said.retryable) {
        opened = null;
        const drained = gate.drain(0).finally(() => leaving.delete(drained));
        leaving.add(drained);
      } else {
        // Said as it is, and not tried again: words go on.
        stopped = said;
      }
      stop.reject(said);
    });
    return { gate, stop: stop.promise };
  };
  let opened: Opened | null = null;
  return {
    embed: async (args, { signal }) => {
      const { texts, urgent } = checked(embedSchema, args);
      if (stopped !== null) throw stopped;
      const request: ChatRequest = {
        agent: EMBEDDER,
        run: options.run ?? '',
        level: urgent ? LEVEL.urgent : LEVEL.background,
        messages: texts.map((text) => ({ role: 'user', content: text.trim() === '' ? NOTHING : text })),
        tools: [],
      };
      opened ??= openGate();
      const { gate, stop } = opened;
      const answer = await Promise.race([gate.complete(request, { effectId: null, signal }), stop]);
      const changes = spending.changes(request, { ...answer, route: answer.route ?? name });
      await store.commit({ effectId: null, result: null, changes });
      return vectorsToWire(embeddingsOf(answer));
    },
    close: async () => {
      await opened?.gate.drain(0);
      await Promise.all(leaving);
      await model.close();
    },
  };
};
