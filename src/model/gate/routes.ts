/** The lanes of a gate by the names of their routes, and which of them a call should take. */
import type { Clock, Random } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import type { Call, Settings } from './call.ts';
import { Lane } from './lane.ts';
import type { GateOptions, RouteOptions } from './types.ts';

interface Parts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly pump: (lane: Lane) => void;
}

export const noRoute = (name: string | undefined): MegactorError =>
  new MegactorError('CONFIG_INVALID', `no model is called '${name}'`);

export class Routes {
  /** The route of calls that name none. */
  readonly first: Lane;
  readonly #lanes = new Map<string, Lane>();

  /** @throws CONFIG_INVALID for two routes of one name, or a fallback that is none of them */
  constructor({ model, fallbacks, inFlightMax, rateLimits, routes }: GateOptions, parts: Parts) {
    this.first = this.#add({ name: model.name, model, fallbacks, inFlightMax, rateLimits }, parts);
    for (const route of routes ?? []) this.#add(route, parts);
    for (const name of this.all().flatMap((lane) => lane.fallbacks)) {
      if (!this.#lanes.has(name)) throw noRoute(name);
    }
  }

  /** @param name undefined: the first */
  find(name: string | undefined): Lane | undefined {
    return name === undefined ? this.first : this.#lanes.get(name);
  }

  all(): Lane[] {
    return [...this.#lanes.values()];
  }

  /** The lane that `call` is on. */
  of(call: Call): Lane {
    return this.#lanes.get(call.route) ?? this.first;
  }

  /** The first of a call's routes that can be used; else the first that is not given up; else undefined. */
  best(call: Call): Lane | undefined {
    const lanes = this.#lanesOf(call);
    return lanes.find((lane) => lane.usable) ?? lanes.find((lane) => lane.disabled === null);
  }

  /** Whether `call` can go another way than `lane` right now. */
  another(call: Call, lane: Lane): boolean {
    return this.#lanesOf(call).some((other) => other !== lane && other.usable);
  }

  #lanesOf(call: Call): Lane[] {
    return call.routes.flatMap((name) => this.#lanes.get(name) ?? []);
  }

  #add(options: RouteOptions, parts: Parts): Lane {
    if (this.#lanes.has(options.name)) {
      throw new MegactorError('CONFIG_INVALID', `two models are called '${options.name}'`);
    }
    const lane = new Lane(options, parts);
    this.#lanes.set(lane.name, lane);
    return lane;
  }
}
