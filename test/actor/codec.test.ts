import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deepCopy, deepFreeze, pack, unpack } from '../../src/actor/index.ts';
import { withoutMinusZero } from '../support/without-minus-zero.ts';

/** Its key `__proto__` has a test of its own. */
const withoutProto = withoutMinusZero(fc.jsonValue()).filter((value) => !JSON.stringify(value).includes('__proto__'));

describe('codec', () => {
  test('plain data comes back equal and shares nothing', () => {
    fc.assert(
      fc.property(withoutProto, (value) => {
        expect(unpack(pack(value))).toEqual(value);
        const copy = deepCopy(value);
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
      }),
    );
  });

  test('a key __proto__ arrives as __proto_, so that no message changes a prototype', () => {
    const copy = deepCopy(JSON.parse('{"__proto__":{"a":1},"b":2}') as object);
    expect(Object.keys(copy)).toEqual(['__proto_', 'b']);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  test('keeps what JSON does not: undefined, maps, sets, dates, bytes, big integers', () => {
    const value = {
      nothing: undefined,
      map: new Map([[1, { a: 2 }]]),
      set: new Set(['x']),
      date: new Date(5),
      bytes: new Uint8Array([1, 2]),
      big: 2n ** 70n,
    };
    expect(deepCopy(value)).toEqual(value);
  });

  test.each([{ f: () => 1 }, [Symbol('x')], () => 1])('refuses what cannot travel', (value) => {
    expect(() => deepCopy<unknown>(value)).toThrowError(expect.objectContaining({ code: 'MESSAGE_NOT_CLONEABLE' }));
  });

  test('packed bytes own their buffer, so that it can be transferred', () => {
    const bytes = pack({ a: 1 });
    expect(bytes.byteOffset).toBe(0);
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
  });

  test('freezes all the way down', () => {
    const frozen = deepFreeze({ list: [{ a: 1 }], bytes: new Uint8Array(2) });
    expect(() => {
      (frozen.list[0] as { a: number }).a = 2;
    }).toThrow(TypeError);
  });
});
