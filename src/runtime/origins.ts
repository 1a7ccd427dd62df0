/**
 * What ephemeral actors of one definition and one set of options share, made once for many of them, wherever they were
 * spawned. What it does not do: remember more than one set of options of a definition.
 *
 * Invariant: actors share an origin only when module, export and every option are the same.
 */
import type { ActorOptions } from '../actor/index.ts';
import type { Origin } from './cell.ts';
import { toModuleId } from './module-id.ts';

/** What a definition says of itself. */
export interface DefinitionName {
  readonly module: string;
  readonly export: string;
}

const isSame = (a: ActorOptions, b: ActorOptions): boolean => {
  if (a === b) return true;
  if (a.ancestors !== undefined || b.ancestors !== undefined) return false;
  const { restart, intensity, backoff, inARowMax } = a.supervision;
  const other = b.supervision;
  return (
    restart === other.restart &&
    intensity.max === other.intensity.max &&
    intensity.withinMs === other.intensity.withinMs &&
    backoff.minMs === other.backoff.minMs &&
    backoff.maxMs === other.backoff.maxMs &&
    inARowMax === other.inARowMax &&
    a.mailbox.capacity === b.mailbox.capacity &&
    a.mailbox.overflow === b.mailbox.overflow &&
    a.pollIntervalMs === b.pollIntervalMs &&
    a.passivateAfterMs === b.passivateAfterMs &&
    a.stopTimeoutMs === b.stopTimeoutMs &&
    a.supervised === b.supervised
  );
};

export class Origins {
  /** By module id and export: the last one. */
  readonly #last = new Map<string, Map<string, Origin>>();
  /** Whoever spawns many actors spawns them of one definition. */
  #definition: DefinitionName | null = null;
  #origin: Origin | null = null;

  /** @param definition as its module exports it */
  ofDefinition(definition: DefinitionName, options: ActorOptions): Origin {
    const origin = this.#origin;
    if (origin !== null && definition === this.#definition && isSame(origin.options, options)) return origin;
    this.#definition = definition;
    this.#origin = this.of(toModuleId(definition.module), definition.export, options);
    return this.#origin;
  }

  /** @param module a module id */
  of(module: string, name: string, options: ActorOptions): Origin {
    let byExport = this.#last.get(module);
    if (byExport === undefined) {
      byExport = new Map();
      this.#last.set(module, byExport);
    }
    const last = byExport.get(name);
    if (last !== undefined && isSame(last.options, options)) return last;
    const origin: Origin = { module, export: name, options, loaded: last?.loaded ?? null };
    byExport.set(name, origin);
    return origin;
  }
}
