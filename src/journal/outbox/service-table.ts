/**
 * The table of one service, as a store of its own: what survives a crash. One call of `commit` is one transaction.
 *
 * Invariant: T1 an effect id acts once; every repeat gets the result that was kept (D3).
 */
import { tableKey } from '../store-table.ts';

interface Row {
  readonly key: string;
  readonly at: Buffer;
  readonly value: Uint8Array;
}

/** A change, packed; null removes. */
export type PackedChange = readonly [key: string, value: Uint8Array | null];

export class ServiceTable {
  readonly #name: string;
  readonly #rows = new Map<string, Row>();
  readonly #results = new Map<string, Uint8Array>();

  constructor(name: string) {
    this.#name = name;
  }

  get(key: string): Uint8Array | undefined {
    tableKey(this.#name, key);
    return this.#rows.get(key)?.value;
  }

  /** In the order of the keys' bytes. */
  range(from: string, to: string): (readonly [string, Uint8Array])[] {
    const [low, high] = [Buffer.from(tableKey(this.#name, from)), Buffer.from(tableKey(this.#name, to))];
    return [...this.#rows.values()]
      .filter(({ at }) => at.compare(low) >= 0 && at.compare(high) < 0)
      .sort((left, right) => left.at.compare(right.at))
      .map(({ key, value }) => [key, value] as const);
  }

  result(effectId: string): Uint8Array | undefined {
    tableKey(this.#name, effectId);
    return this.#results.get(effectId);
  }

  /** @returns the result that counts @throws MESSAGE_INVALID */
  commit(effectId: string | null, result: Uint8Array, changes: readonly PackedChange[]): Uint8Array {
    const kept = effectId === null ? undefined : this.result(effectId);
    if (kept !== undefined) return kept;
    // All keys are checked before anything changes.
    const places = changes.map(([key, value]) => ({ key, at: Buffer.from(tableKey(this.#name, key)), value }));
    for (const { key, at, value } of places) {
      if (value === null) this.#rows.delete(key);
      else this.#rows.set(key, { key, at, value });
    }
    if (effectId !== null) this.#results.set(effectId, result);
    return result;
  }
}
