/** A service that counts charges per element in its own table: one per effect id, however often the effect is tried. */
import { z } from 'zod';
import type { CreateService, ServiceCallContext } from '../../../src/protocol/service.ts';

const chargeSchema = z.object({ element: z.string() });

export const LEDGER = 'ledger';

export const createService: CreateService = (_options, host) => {
  const table = host.store(LEDGER);
  return {
    methods: {
      charge: async (args: unknown, { effectId }: ServiceCallContext) => {
        const { element } = chargeSchema.parse(args);
        const before = ((await table.get(element)) as number | undefined) ?? 0;
        return table.commit({ effectId, result: element, changes: [{ key: element, value: before + 1 }] });
      },
    },
  };
};
