/** A service host for one service, with a store in memory that outlives it. */
import type {
  CreateService,
  ServiceCallContext,
  ServiceHost,
  ServiceInstance,
  ServiceTable,
} from '../../../src/protocol/service.ts';
import { memoryStore, type MemoryStore } from '../../society/memory-store.ts';

interface Hosted {
  readonly notices: unknown[];
  readonly events: Record<string, unknown>[];
  readonly instance: ServiceInstance;
  readonly call: (method: string, args: unknown, context?: Partial<ServiceCallContext>) => Promise<unknown>;
}

export interface HostedService extends Hosted {
  readonly store: MemoryStore;
}

/** Stands for every other service. */
export type OtherServices = (service: string, method: string, args: unknown) => Promise<unknown>;

const noOther: OtherServices = () => Promise.reject(new Error('there is no other service'));

/** Over any store. */
export const hostServiceOver = async (
  store: ServiceTable,
  create: CreateService,
  options: unknown,
  others: OtherServices = noOther,
): Promise<Hosted> => {
  const notices: unknown[] = [];
  const events: Record<string, unknown>[] = [];
  const host: ServiceHost = {
    store: () => store,
    call: others as ServiceHost['call'],
    notify: (message) => notices.push(structuredClone(message)),
    event: (event) => events.push(event),
  };
  const instance = await create(options, host);
  return {
    notices,
    events,
    instance,
    call: async (method, args, context = {}) => {
      const handler = instance.methods[method] as ((args: unknown, call: ServiceCallContext) => unknown) | undefined;
      if (handler === undefined) throw new Error(`no method ${method}`);
      const call = { effectId: null, caller: 'test', signal: new AbortController().signal, ...context };
      return structuredClone(await handler(structuredClone(args), call));
    },
  };
};

export const hostService = async (
  create: CreateService,
  options: unknown,
  store: MemoryStore = memoryStore(),
  others: OtherServices = noOther,
): Promise<HostedService> => ({ store, ...(await hostServiceOver(store, create, options, others)) });
