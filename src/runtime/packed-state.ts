/**
 * The state of a durable actor at a commit, as bytes: packed once, for the journal and for a restart without it. What it
 * does not do: say when a state is packed.
 */
import { packState, unpackState } from '../journal/codec.ts';

export class PackedState {
  /** As the journal's entries hold it. */
  readonly bytes: Uint8Array;

  /** @throws MESSAGE_NOT_CLONEABLE */
  constructor(state: unknown) {
    this.bytes = packState(state);
  }

  /** A state that shares nothing with the bytes. */
  unpack(): unknown {
    return unpackState(this.bytes);
  }

  equals(other: PackedState): boolean {
    return Buffer.compare(this.bytes, other.bytes) === 0;
  }
}
