/**
 * One direction between two stores: the outbox of the sender for one receiver. Sequences count from 0 per pair; an
 * acknowledgement names the next sequence that the receiver expects, as in TCP, so that a later one makes up for a lost
 * one. It carries nothing itself (`pump.ts`), and the receiver's half is one number (`accept`).
 *
 * Invariants: O1 what was added and not acknowledged is here. O2 sequences have no gap. O3 an acknowledgement never
 * brings anything back, whatever the order in which acknowledgements come.
 */
import type { Parcel } from './parcel.ts';

/** Some entries of one pair, in order, from sequence `first` on. */
export interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly parcels: readonly Parcel[];
}

export class OutPair {
  #acknowledged = 0;
  #parcels: Parcel[] = [];

  /** The sequence that the next entry gets. */
  get next(): number {
    return this.#acknowledged + this.#parcels.length;
  }

  /** Everything before this sequence has arrived. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  add(parcel: Parcel): void {
    this.#parcels.push(parcel);
  }

  /** At most `max` entries from sequence `first` on, which is not acknowledged. */
  from(first: number, max: number): readonly Parcel[] {
    const start = first - this.#acknowledged;
    return this.#parcels.slice(start, start + max);
  }

  /** Removes what is before sequence `through`. */
  trim(through: number): void {
    if (through <= this.#acknowledged) return;
    this.#parcels = this.#parcels.slice(through - this.#acknowledged);
    this.#acknowledged = through;
  }
}

/** The entries of a transfer that a receiver who expects sequence `expected` has to take: none twice, none early. */
export const accept = (expected: number, { first, parcels }: Transfer): readonly Parcel[] =>
  first > expected ? [] : parcels.slice(expected - first);
