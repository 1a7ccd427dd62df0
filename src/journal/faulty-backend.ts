/**
 * A backend on a bad disk, for tests: fails a chosen group, flushes late, and keeps a shadow of what was flushed, from
 * which `restoreFlushed` makes the journal that a loss of power would have left. Everything else is the backend's own.
 *
 * Invariants: B1 a group that fails is not written. B2 the shadow has a group before anybody is told that it is flushed,
 * and never a group that the backend has not flushed.
 */
import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, DiskFaults } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { Backend, BackendWrite } from './backend.ts';
import { pack, unpack } from './codec.ts';
import { journalDirectory } from './paths.ts';

const LENGTH_BYTES = 4;

const framed = (group: BackendWrite): Uint8Array => {
  const body = pack(group);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
};

/** The groups of a shadow, oldest first; the last one may have been cut off by a kill and is left out then. */
function* groupsOf(file: string): Iterable<BackendWrite> {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  for (let at = 0; at + LENGTH_BYTES <= bytes.length;) {
    const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
    if (end > bytes.length) return;
    yield unpack(bytes.subarray(at + LENGTH_BYTES, end)) as BackendWrite;
    at = end;
  }
}

class FaultyWriter {
  readonly #backend: Backend;
  readonly #faults: DiskFaults;
  readonly #clock: Clock;
  /** Groups that are not flushed, oldest first; only with a shadow. */
  readonly #unflushed: BackendWrite[] = [];
  #groups = 0;

  constructor(backend: Backend, faults: DiskFaults, clock: Clock) {
    this.#backend = backend;
    this.#faults = faults;
    this.#clock = clock;
  }

  readonly write: Backend['write'] = (group, onCommitted, onFlushed, onFailed) => {
    this.#groups += 1;
    if (this.#groups === this.#faults.failAt) {
      this.#clock.soon(() => onFailed(new MegactorError('DISK', 'the journal could not be written: a planted fault')));
      return;
    }
    const { slowMs, shadow } = this.#faults;
    if (shadow !== null) this.#unflushed.push(group);
    const flushed = (): void => {
      if (shadow !== null) this.#keep(shadow, group);
      onFlushed();
    };
    const later = (): void => void this.#clock.after(slowMs, flushed, { keepAlive: true });
    this.#backend.write(group, onCommitted, slowMs > 0 ? later : flushed, onFailed);
  };

  /** What is flushed has everything before it flushed. */
  #keep(shadow: string, group: BackendWrite): void {
    const flushed = this.#unflushed.splice(0, this.#unflushed.indexOf(group) + 1);
    if (flushed.length > 0) appendFileSync(shadow, Buffer.concat(flushed.map(framed)));
  }
}

/** `backend` with `faults`. */
export const withDiskFaults = (backend: Backend, faults: DiskFaults, clock: Clock): Backend => {
  const writer = new FaultyWriter(backend, faults, clock);
  return new Proxy(backend, {
    get: (target, key): unknown => {
      if (key === 'write') return writer.write;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
};

/**
 * Replaces the journal of a run directory that nobody has open by what was flushed: `base` (the data file before the
 * shadow was begun; null when there was none) and every group of the shadow.
 */
export const restoreFlushed = async (
  runDirectory: string,
  base: string | null,
  shadow: string,
  open: (runDirectory: string) => Promise<Backend>,
): Promise<void> => {
  const file = join(journalDirectory(runDirectory), 'data.mdb');
  rmSync(file, { force: true });
  rmSync(join(journalDirectory(runDirectory), 'lock.mdb'), { force: true });
  if (base !== null) copyFileSync(base, file);
  const backend = await open(runDirectory);
  try {
    for (const group of groupsOf(shadow)) {
      await new Promise<void>((resolve, reject) => backend.write(group, () => undefined, resolve, reject));
    }
  } finally {
    await backend.close();
  }
};
