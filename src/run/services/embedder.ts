/** The local embedder as a service on a thread of its own, for all owners of memories. Method: `embed`. */
import { z } from 'zod';
import { EmbedderQueue } from '../../memory/embedder-queue.ts';
import { loadLocalModel } from '../../memory/local-model.ts';
import { systemClock } from '../../platform/index.ts';
import type { CreateService, ServiceCallContext } from '../../protocol/service.ts';
import { vectorsToWire, type VectorsWire } from './embedding-wire.ts';

const embedSchema = z.object({ texts: z.array(z.string()).max(256), urgent: z.boolean() });

export const createService: CreateService = () => {
  const queue = new EmbedderQueue(loadLocalModel, systemClock);
  return {
    methods: {
      embed: async (args: unknown, call: ServiceCallContext): Promise<VectorsWire> => {
        const { texts, urgent } = embedSchema.parse(args);
        return vectorsToWire(await queue.embed(texts, urgent, call.signal));
      },
    },
  };
};
