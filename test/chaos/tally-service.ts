/** Counts in the journal, once per effect id, and answers slowly. */
import type { ServiceCallContext, ServiceHost, ServiceInstance } from '../../src/protocol/service.ts';

const SLOW_MS = 40;

export const createService = (_options: unknown, host: ServiceHost): ServiceInstance => {
  const store = host.store('tally');
  let counting: Promise<unknown> = Promise.resolve();
  const count = async (effectId: string | null): Promise<unknown> => {
    const total = ((await store.get('total')) as number | undefined) ?? 0;
    return store.commit({ effectId, result: total + 1, changes: [{ key: 'total', value: total + 1 }] });
  };
  return {
    methods: {
      // One after the other, so that none reads what another is about to change.
      count: (_args: null, { effectId }: ServiceCallContext) => (counting = counting.then(() => count(effectId))),
      total: () => store.get('total'),
      slow: (words: string) => new Promise((resolve) => setTimeout(resolve, SLOW_MS, words)),
    },
  };
};
