/** An inbox entry as it is stored and carried: packed, and decoded anew for whoever gets it, so that nobody shares it. */
import { packData, unpackData } from '../codec.ts';
import type { InboxEntry, Outgoing } from '../shard-log.ts';

export interface Parcel {
  readonly kind: InboxEntry['kind'];
  readonly bytes: Uint8Array;
}

/** Something for an inbox, packed by whoever sends it; `entry` is a copy. */
export interface PackedOutgoing {
  readonly shard: number;
  readonly entry: InboxEntry;
  readonly parcel: Parcel;
}

/** @throws MESSAGE_NOT_CLONEABLE */
export const packOutgoing = (outgoing: readonly Outgoing[]): PackedOutgoing[] =>
  outgoing.map(({ shard, entry }) => {
    const bytes = packData(entry);
    return { shard, entry: unpackData(bytes) as InboxEntry, parcel: { kind: entry.kind, bytes } };
  });

export const decodeParcel = (parcel: Parcel): InboxEntry => unpackData(parcel.bytes) as InboxEntry;
