/** That envelopes come out of the codec as they went in, all kinds and bodies, in order. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack } from '../../src/actor/index.ts';
import { packEnvelopes, unpackEnvelopes } from '../../src/runtime/envelope-codec.ts';
import type { Envelope, MailEnvelope } from '../../src/runtime/envelope.ts';
import { withoutMinusZero } from '../support/without-minus-zero.ts';

const number = fc.oneof(fc.integer({ min: -1, max: 70_000 }), fc.nat({ max: 2 ** 44 }));
const shard = fc.integer({ min: -1, max: 64 });
const ref = fc.record({ shard, id: number, name: fc.string() });
const body = fc.oneof(
  fc.constantFrom(undefined, null, true, Infinity, 2n ** 60n, new Date(5), new Map([[1, { a: 2 }]]), new Set(['x'])),
  withoutMinusZero(fc.anything({ withNullPrototype: false, maxDepth: 3 })).filter((value) => !hasOddKeys(value)),
  fc.uint8Array(),
);

/** Keys that are no data: a codec may drop them. */
const hasOddKeys = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).some(([key, part]) => key === 'toString' || hasOddKeys(part));

const mail = fc.record({
  kind: fc.constant('mail' as const),
  shard,
  source: shard,
  to: number,
  from: fc.option(ref),
  type: fc.string(),
  body,
  ask: number,
  seq: number,
});
const error = fc.record({ code: fc.constant('HOST_DIED' as const), message: fc.string() });
const reply = fc.record({
  kind: fc.constant('reply' as const),
  shard,
  source: shard,
  ask: number,
  value: body,
  error: fc.option(error),
});
const credit = fc.record({ kind: fc.constant('credit' as const), shard, source: shard, count: number });
const watch = fc.record({
  kind: fc.constant('watch' as const),
  shard,
  source: shard,
  to: number,
  watcher: fc.option(ref),
  as: fc.constantFrom('watcher' as const, 'parent' as const),
});
const signal = fc.record({
  kind: fc.constant('signal' as const),
  shard,
  source: shard,
  to: number,
  from: ref,
  signal: fc.record({ kind: fc.constant('terminated' as const), reason: fc.string() }),
  seq: number,
});

test('A2 what was packed comes out equal and in order, whatever is in one batch', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(mail, reply, credit, watch, signal), { maxLength: 12 }), (envelopes) => {
      expect(unpackEnvelopes(packEnvelopes(envelopes as Envelope[]))).toEqual(envelopes);
    }),
    { numRuns: 300 },
  );
});

const plain: MailEnvelope = {
  kind: 'mail',
  shard: 1,
  source: 0,
  to: 5,
  from: { shard: 0, id: 3, name: 'three' },
  type: 'item',
  body: 1,
  ask: 0,
  seq: -1,
};

test('A2 a zero arrives as 0, whatever its sign, but for those of a typed array', () => {
  const sent = { one: -0, list: [-0, 1], map: new Map([[1, -0]]), array: new Float64Array([-0]) };
  const [arrived] = unpackEnvelopes(packEnvelopes([{ ...plain, body: sent }]));
  expect(arrived).toEqual({
    ...plain,
    body: { one: 0, list: [0, 1], map: new Map([[1, 0]]), array: new Float64Array([-0]) },
  });
});

test('an envelope that cannot be packed fails its batch with its code', () => {
  const broken: MailEnvelope = { ...plain, body: { run: () => 1 } };
  expect(() => packEnvelopes([plain, broken])).toThrow(expect.objectContaining({ code: 'MESSAGE_NOT_CLONEABLE' }));
});

test('what another version has packed is refused', () => {
  expect(() => unpackEnvelopes(pack([1, []]))).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  expect(() => unpackEnvelopes(pack([2, [[99]]]))).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});
