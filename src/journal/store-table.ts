/**
 * The tables of services (`ServiceStore`) as the journal's thread serves them. Reads see what is committed; the results
 * of effects also see what was accepted and is on its way, so that two commits of one effect id cannot both act.
 *
 * Invariant: T1 an effect id acts once; every repeat gets the result that was kept (D3).
 */
import { isCanary } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { type Backend, keyInStore, storeKey } from './backend.ts';
import { openValue, sealValue } from './codec.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import type { CommitMessage } from './wire.ts';

/** LMDB refuses keys above 1,978 bytes. */
const KEY_BYTES_MAX = 1_900;

/** Where a service's key is in the table of all services. @throws MESSAGE_INVALID for a name or a key that cannot be */
export const tableKey = (store: string, key: string): Uint8Array => {
  if (store.length === 0 || store.includes('\0')) {
    throw new MegactorError('MESSAGE_INVALID', `a store cannot be called ${JSON.stringify(store)}`);
  }
  const at = storeKey(store, key);
  if (at.length > KEY_BYTES_MAX) {
    throw new MegactorError(
      'MESSAGE_INVALID',
      `a key of store ${store} has ${at.length} bytes, at most ${KEY_BYTES_MAX}`,
    );
  }
  return at;
};

export class StoreTable {
  readonly #backend: Backend;
  readonly #commit: GroupCommit;
  /** Results accepted and not committed yet. */
  readonly #accepted = new Map<string, Uint8Array>();

  constructor(backend: Backend, commit: GroupCommit) {
    this.#backend = backend;
    this.#commit = commit;
  }

  get(store: string, key: string): Uint8Array | undefined {
    const at = tableKey(store, key);
    const record = this.#backend.value(at);
    return record === undefined ? undefined : openValue(at, record);
  }

  range(store: string, from: string, to: string): (readonly [string, Uint8Array])[] {
    const found: (readonly [string, Uint8Array])[] = [];
    for (const [at, record] of this.#backend.values(tableKey(store, from), tableKey(store, to))) {
      found.push([keyInStore(store, at), openValue(at, record)]);
    }
    return found;
  }

  result(store: string, effectId: string): Uint8Array | undefined {
    if (isCanary('missing-dedupe')) return undefined;
    const accepted = this.#accepted.get(`${store}\0${effectId}`);
    if (accepted !== undefined) return accepted;
    const at = tableKey(store, effectId);
    const record = this.#backend.result(at);
    return record === undefined ? undefined : openValue(at, record);
  }

  /** The result that was kept of an earlier commit of the effect id; null when this one acts, and its own result counts. */
  commit(message: CommitMessage): Uint8Array | null {
    const [, , store, effectId, result, changes] = message;
    if (effectId !== null) {
      const kept = this.result(store, effectId);
      if (kept !== undefined) return kept;
    }
    // All keys are checked before anything is gathered.
    const writes = changes.map(([key, value]) => {
      const at = tableKey(store, key);
      return { key: at, value: value === null ? null : sealValue(at, value) };
    });
    if (effectId === null && writes.length === 0) return null;
    const group = this.#commit.current();
    for (const write of writes) group.values.push(write);
    for (const { key, value } of writes) group.bytes += key.length + (value?.length ?? 0);
    if (effectId !== null) this.#keep(group, store, effectId, result);
    return null;
  }

  #keep(group: Group, store: string, effectId: string, result: Uint8Array): void {
    const at = tableKey(store, effectId);
    const name = `${store}\0${effectId}`;
    group.results.push({ key: at, value: sealValue(at, result) });
    group.bytes += at.length + result.length;
    this.#accepted.set(name, result);
    this.#commit.after('committed', () => this.#accepted.delete(name));
  }
}
