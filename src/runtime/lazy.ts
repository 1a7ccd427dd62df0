/** A map and a set that cost next to nothing while they are empty, which most of those of a step are to its end. */

export class LazyMap<Key, Value> {
  #entries: Map<Key, Value> | null = null;

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get(key: Key): Value | undefined {
    return this.#entries?.get(key);
  }

  has(key: Key): boolean {
    return this.#entries?.has(key) ?? false;
  }

  set(key: Key, value: Value): void {
    this.#entries ??= new Map();
    this.#entries.set(key, value);
  }

  delete(key: Key): void {
    this.#entries?.delete(key);
  }

  keys(): Iterable<Key> {
    return this.#entries?.keys() ?? NOTHING;
  }

  values(): Iterable<Value> {
    return this.#entries?.values() ?? NOTHING;
  }

  [Symbol.iterator](): Iterator<[Key, Value]> {
    return (this.#entries ?? NOTHING)[Symbol.iterator]();
  }
}

export class LazySet<Value> {
  #values: Set<Value> | null = null;

  has(value: Value): boolean {
    return this.#values?.has(value) ?? false;
  }

  add(value: Value): void {
    this.#values ??= new Set();
    this.#values.add(value);
  }

  delete(value: Value): void {
    this.#values?.delete(value);
  }

  [Symbol.iterator](): Iterator<Value> {
    return (this.#values ?? NOTHING)[Symbol.iterator]();
  }
}

const NOTHING: readonly never[] = [];
