/** Whatever a user may put into messages, states and results (docs/embedding-the-engine.md), nested. */
import * as fc from 'fast-check';
import { withoutMinusZero } from '../support/without-minus-zero.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 8 });
const key = fc.oneof({ weight: 9, arbitrary: word }, { weight: 1, arbitrary: fc.constant('__proto__') });

const typedArrays = fc.oneof(
  fc.int8Array(),
  fc.uint8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);

const leaf = fc.oneof(
  word,
  fc.integer(),
  fc.maxSafeInteger(),
  withoutMinusZero(fc.double()),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  typedArrays,
  // A part of a buffer only.
  typedArrays.map((array) => array.subarray(1)),
);

export const anyData: fc.Arbitrary<unknown> = fc.letrec((tie) => {
  const inner = tie('value');
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(inner, { maxLength: 4 }),
      fc.dictionary(key, inner, { maxKeys: 4, noNullPrototype: true }),
      fc.array(fc.tuple(inner, inner), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(inner, { maxLength: 4 }).map((values) => new Set(values)),
    ),
  };
}).value;
