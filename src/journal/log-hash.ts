/**
 * The hash of a run log: equal for two runs whose actors did the same, whatever the grouping of appends, commits and
 * threads was. It is not a checksum of the files.
 *
 * Per shard two sha256 chains, in log order: one over step entries `[actor id, actor name, step, taken, state, history,
 * effects, open, stopped]`, and the changes of timers if there are any, where `effects` are all results of the step sorted
 * by key, whether they were recorded on their own or with the step; one over what was sent, `[shard, entry]`. Two chains,
 * because how many steps share an append depends on timing. Values are hashed as packed with their object keys sorted. A
 * chain begins with 32 zero bytes, and each value makes the next: sha256(chain, packed value); so a chain goes on from its
 * 32 bytes after the entries before them were cut off. The log's hash is the sha256 over both chains of every shard, in
 * order of shards.
 */
import { createHash } from '../platform/index.ts';
import { packData } from './codec.ts';
import type { Outgoing, StepLogEntry } from './shard-log.ts';

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [sorted(key), sorted(inner)]));
  if (value instanceof Set) return new Set([...value].map(sorted));
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
};

/** Equal for equal values, whatever the order of the keys in their objects. */
export const canonicalBytes = (value: unknown): Uint8Array => packData(sorted(value));

const CHAIN_BYTES = 32;

const link = (chain: Uint8Array, value: unknown): Uint8Array =>
  createHash('sha256').update(chain).update(canonicalBytes(value)).digest();

/** Both chains of a shard at some place of its log. */
export interface HashChains {
  readonly steps: Uint8Array;
  readonly sent: Uint8Array;
}

export const CHAINS_START: HashChains = { steps: new Uint8Array(CHAIN_BYTES), sent: new Uint8Array(CHAIN_BYTES) };

export class ShardHash {
  #steps: Uint8Array;
  #sent: Uint8Array;
  /** Results recorded on their own, of the step that each actor is in. */
  readonly #recorded = new Map<number, { readonly step: number; readonly results: Map<string, unknown> }>();

  constructor(start: HashChains = CHAINS_START) {
    this.#steps = start.steps;
    this.#sent = start.sent;
  }

  /** Entries that are in the chains already, of steps that go on. */
  remember(entries: readonly StepLogEntry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'effect') this.#record(entry.actor, entry.step, entry.key, entry.result);
    }
  }

  /** @param nameOf the name of an actor of this shard */
  add(entries: readonly StepLogEntry[], outgoing: readonly Outgoing[], nameOf: (actor: number) => string): void {
    for (const entry of entries) {
      if (entry.kind === 'effect') this.#record(entry.actor, entry.step, entry.key, entry.result);
      if (entry.kind === 'drop' && entry.stopped) this.#recorded.delete(entry.actor);
      if (entry.kind !== 'step') continue;
      const { actor, step, taken, state, history, open, stopped, timers = [] } = entry;
      for (const [key, result] of entry.effects) this.#record(actor, step, key, result);
      const results = [...(this.#recorded.get(actor)?.results ?? [])];
      this.#recorded.delete(actor);
      const effects = results.sort(([left], [right]) => (left < right ? -1 : 1));
      const hashed = [actor, nameOf(actor), step, taken, state, history, effects, open, stopped];
      this.#steps = link(this.#steps, timers.length === 0 ? hashed : [...hashed, timers]);
    }
    for (const { shard, entry } of outgoing) this.#sent = link(this.#sent, [shard, entry]);
  }

  #record(actor: number, step: number, key: string, result: unknown): void {
    let recorded = this.#recorded.get(actor);
    if (recorded?.step !== step) {
      recorded = { step, results: new Map() };
      this.#recorded.set(actor, recorded);
    }
    if (!recorded.results.has(key)) recorded.results.set(key, result);
  }

  get chains(): HashChains {
    return { steps: this.#steps, sent: this.#sent };
  }
}

/** The hash of the whole log as lower-case hexadecimal digits. @param shards their chains, in order */
export const logHashOf = (shards: readonly HashChains[]): string => {
  const hash = createHash('sha256');
  for (const { steps, sent } of shards) hash.update(steps).update(sent);
  return hash.digest('hex');
};
