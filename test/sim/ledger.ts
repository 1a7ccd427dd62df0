/** A service that counts what it was asked to do, once per effect id. */
import type { CreateService } from '../../src/protocol/service.ts';

export const createService: CreateService = (_options, host) => {
  const table = host.store('ledger');
  return {
    methods: {
      add: async (key: string, { effectId }) => {
        const kept = effectId === null ? undefined : await table.result(effectId);
        if (kept !== undefined) return kept.result;
        const count = (((await table.get(key)) as number | undefined) ?? 0) + 1;
        return table.commit({ effectId, result: count, changes: [{ key, value: count }] });
      },
      read: async (key: string) => (await table.get(key)) ?? 0,
    },
  };
};
