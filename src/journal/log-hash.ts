/**
 * The hash of a run log: equal for two runs whose actors did the same, whatever the grouping of appends, commits and
 * threads was. It is not a checksum of the files.
 *
 * Per shard two sha256 chains, in log order: one over step entries `[actor id, actor name, step, taken, state, history,
 * effects, open, stopped]`, where `effects` are all results of the step sorted by key, whether they were recorded on
 * their own or with the step; one over what was sent, `[shard, entry]`. Two chains, because how many steps share an
 * append depends on timing. Values are hashed as packed with their object keys sorted, each with its length before it.
 * The log's hash is the sha256 over both digests of every shard, in order of shards.
 */
import { createHash, type Hash } from 'node:crypto';
import { pack } from './codec.ts';
import type { Outgoing, StepLogEntry } from './shard-log.ts';

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
};

const update = (hash: Hash, value: unknown): void => {
  const bytes = pack(sorted(value));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  hash.update(length).update(bytes);
};

export class ShardHash {
  readonly #steps = createHash('sha256');
  readonly #sent = createHash('sha256');
  /** Results recorded on their own, of the step that each actor is in. */
  readonly #recorded = new Map<number, { readonly step: number; readonly results: Map<string, unknown> }>();

  /** @param nameOf the name of an actor of this shard */
  add(entries: readonly StepLogEntry[], outgoing: readonly Outgoing[], nameOf: (actor: number) => string): void {
    for (const entry of entries) {
      if (entry.kind === 'effect') this.#record(entry.actor, entry.step, entry.key, entry.result);
      if (entry.kind === 'drop' && entry.stopped) this.#recorded.delete(entry.actor);
      if (entry.kind !== 'step') continue;
      const { actor, step, taken, state, history, open, stopped } = entry;
      for (const [key, result] of entry.effects) this.#record(actor, step, key, result);
      const results = [...(this.#recorded.get(actor)?.results ?? [])];
      this.#recorded.delete(actor);
      const effects = results.sort(([left], [right]) => (left < right ? -1 : 1));
      update(this.#steps, [actor, nameOf(actor), step, taken, state, history, effects, open, stopped]);
    }
    for (const { shard, entry } of outgoing) update(this.#sent, [shard, entry]);
  }

  #record(actor: number, step: number, key: string, result: unknown): void {
    let recorded = this.#recorded.get(actor);
    if (recorded?.step !== step) {
      recorded = { step, results: new Map() };
      this.#recorded.set(actor, recorded);
    }
    if (!recorded.results.has(key)) recorded.results.set(key, result);
  }

  /** Ends both chains. */
  digest(): Buffer {
    return createHash('sha256').update(this.#steps.digest()).update(this.#sent.digest()).digest();
  }
}

/** The hash of the whole log as lower-case hexadecimal digits. @param shards their digests, in order */
export const logHashOf = (shards: readonly Buffer[]): string => {
  const hash = createHash('sha256');
  for (const digest of shards) hash.update(digest);
  return hash.digest('hex');
};
