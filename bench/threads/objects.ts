/** The objects that every one-way measurement sends: what the engine sends for one `tell`. */
import type { MailEnvelope } from '../../src/runtime/envelope.ts';

/** @param body from `count` down to 1, so that their sum shows whether all have come */
export const objectOf = (body: number): MailEnvelope => ({
  kind: 'mail',
  shard: 1,
  source: 0,
  to: 2_312,
  from: { shard: 0, id: 1_288, name: '1288' },
  type: 'item',
  body,
  ask: 0,
  seq: -1,
});

/** What the receiver has seen. */
export class Tally {
  count = 0;
  sum = 0;

  add(envelopes: readonly { readonly body: unknown }[]): void {
    for (const { body } of envelopes) this.sum += body as number;
    this.count += envelopes.length;
  }
}

/** @throws Error unless every body from 1 to `objects` has come once */
export const checkTally = ({ count, sum }: Pick<Tally, 'count' | 'sum'>, objects: number): void => {
  if (count === objects && sum === (objects * (objects + 1)) / 2) return;
  throw new Error(`the receiver has ${count} objects with the sum ${sum}, of ${objects}`);
};
