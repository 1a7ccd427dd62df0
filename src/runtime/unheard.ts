/**
 * Failures for good that nobody has heard of yet: they wait in the journal for whoever is above. For those who look at a
 * system, or at a journal, in between. What it does not do: take them.
 */
import type { Delivery } from '../journal/shard-log.ts';
import type { ActorAddress } from '../protocol/ids.ts';
import type { Signal } from './envelope.ts';

export interface UnheardFailure {
  readonly child: ActorAddress;
  readonly reason: string;
  /** The state it had committed; undefined for one that never got so far. */
  readonly last: unknown;
}

/** @param deliveries what is unconsumed in the inbox of a shard */
export const unheardIn = (deliveries: readonly Delivery[]): readonly UnheardFailure[] =>
  deliveries.flatMap(({ entry }) => {
    if (entry.kind !== 'signal') return [];
    const signal = entry.signal as Signal;
    return signal.kind === 'child-failed' ? [{ child: entry.from, reason: signal.reason, last: signal.last }] : [];
  });
