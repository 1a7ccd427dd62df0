/** The local embedder as a service on a thread of its own, for all owners of memories. Method: `embed`. */
import { z } from 'zod';
import type { EmbedMethods } from '../../../actors/run-services.ts';
import { EmbedderQueue } from '../../memory/embedder-queue.ts';
import { loadLocalModel } from '../../memory/local-model.ts';
import { systemClock } from '../../platform/index.ts';
import type { ServiceInstance } from '../../protocol/service.ts';
import { checked } from './arguments.ts';
import { vectorsToWire } from './embedding-wire.ts';

const embedSchema = z.object({ texts: z.array(z.string()).max(256), urgent: z.boolean() });

export const createService = (): ServiceInstance<EmbedMethods> => {
  const queue = new EmbedderQueue(loadLocalModel, systemClock);
  return {
    methods: {
      embed: async (args, call) => {
        const { texts, urgent } = checked(embedSchema, args);
        return vectorsToWire(await queue.embed(texts, urgent, call.signal));
      },
    },
  };
};
