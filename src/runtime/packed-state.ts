/**
 * The state of a durable actor at a commit, as bytes: packed once, for the journal and for a restart without it. What it
 * does not do: say when a state is packed.
 */
import { pack, unpack } from '../actor/index.ts';
import { packState, unpackState } from '../journal/index.ts';

export class PackedState {
  /** As the journal's entries hold it. */
  readonly bytes: Uint8Array;
  /** What gives all of it back, where `bytes` do not. */
  readonly #whole: Uint8Array | null;

  /** @throws MESSAGE_NOT_CLONEABLE */
  constructor(state: unknown) {
    const { bytes, isExact } = packState(state);
    this.bytes = bytes;
    this.#whole = isExact ? null : pack(state);
  }

  /** Shares nothing with what is kept. */
  unpack(): unknown {
    return this.#whole === null ? unpackState(this.bytes) : unpack(this.#whole.slice());
  }

  equals(other: PackedState): boolean {
    return Buffer.compare(this.#whole ?? this.bytes, other.#whole ?? other.bytes) === 0;
  }
}
