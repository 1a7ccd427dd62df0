/**
 * Whom the roster has retired, as known to a service that does things in the name of agents: whatever reaches it from them
 * afterwards is refused. The roster tells every such service before anybody hears that an agent was retired; one that was
 * opened later asks the roster, once, before it does the first thing. What it does not do: undo what came before.
 *
 * Invariant L3: after `retire` is answered no file is written, and no program started, in the name of that agent.
 */
import { z } from 'zod';
import { ROSTER } from '../../../actors/run-services.ts';
import type { ServiceHost, ServiceInstance, ServiceMethod } from '../../protocol/service.ts';
import { fail } from '../../society/index.ts';

/** Methods of the services. */
export const LEAVE = 'leave';
export const RETIRED = 'retired';

const agentSchema = z.object({ agent: z.string() });
const namesSchema = z.array(z.string());

const REFUSAL = fail('NOT_ALLOWED', 'You no longer work here: you were retired.', 'Nothing more is to be done.', {
  retired: true,
});

export class Leavers {
  readonly #host: Pick<ServiceHost, 'call'>;
  readonly #names = new Set<string>();
  #known = false;

  /** @param hasRoster false where there is none: then nobody is retired unless `leave` says so */
  constructor(host: Pick<ServiceHost, 'call'>, hasRoster: boolean) {
    this.#host = host;
    this.#known = !hasRoster;
  }

  /** The method with which the roster tells of it. */
  readonly leave = (args: unknown): null => {
    this.#names.add(agentSchema.parse(args).agent);
    return null;
  };

  /** @throws what the roster throws */
  async #ask(): Promise<void> {
    for (const name of namesSchema.parse(await this.#host.call(ROSTER, RETIRED, {}))) this.#names.add(name);
    this.#known = true;
  }

  /**
   * `method`, but not for those who are gone.
   * @param nameOf the field of its arguments that says for whom it is
   * @param wasDone whether it is a repetition of what was done before, which is answered all the same
   */
  guard(method: ServiceMethod, nameOf: string, wasDone: (effectId: string) => Promise<boolean>): ServiceMethod {
    return (args: unknown, call) => {
      const name: unknown = typeof args === 'object' && args !== null ? Reflect.get(args, nameOf) : undefined;
      const isGone = (): boolean => typeof name === 'string' && this.#names.has(name);
      if (this.#known && !isGone()) return method(args as never, call);
      const decide = async (): Promise<unknown> => {
        if (!this.#known) await this.#ask();
        if (isGone() && (call.effectId === null || !(await wasDone(call.effectId)))) return REFUSAL;
        return method(args as never, call);
      };
      return decide();
    };
  }
}

/** An instance of which `names` are guarded, and that can be told who leaves. */
export const guarded = (
  instance: ServiceInstance,
  leavers: Leavers,
  options: {
    readonly names: readonly string[];
    readonly nameOf: string;
    readonly wasDone?: (effectId: string) => Promise<boolean>;
  },
): ServiceInstance => {
  const { names, nameOf, wasDone = () => Promise.resolve(false) } = options;
  const methods = Object.entries(instance.methods).map(
    ([name, method]) => [name, names.includes(name) ? leavers.guard(method, nameOf, wasDone) : method] as const,
  );
  return { ...instance, methods: { ...Object.fromEntries(methods), [LEAVE]: leavers.leave } };
};
