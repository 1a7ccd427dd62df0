import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { describe, expect, test } from 'vitest';
import { deepCopy, deepFreeze, pack, unpack } from '../../src/actor/index.ts';
import { withoutMinusZero } from '../support/without-minus-zero.ts';

describe('codec', () => {
  test('plain data comes back equal and shares nothing', () => {
    fc.assert(
      fc.property(withoutMinusZero(fc.jsonValue()), (value) => {
        expect(isDeepStrictEqual(unpack(pack(value)), value)).toBe(true);
        const copy = deepCopy(value);
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
      }),
    );
  });

  test('a key __proto__ arrives as a key, and changes no prototype', () => {
    const sent = JSON.parse('{"__proto__":{"a":1,"__proto__":null},"b":2}') as object;
    const copy = deepCopy(sent);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(sent));
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Reflect.get({}, 'a')).toBeUndefined();
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

  test('an object may have more keys than MessagePack counts with two bytes', () => {
    const many = Object.fromEntries(Array.from({ length: 65_537 }, (_, key) => [`k${key}`, key]));
    expect(isDeepStrictEqual(deepCopy(many), many)).toBe(true);
  });

  test('the list of many objects alike, and numbers and names of every length, come back equal', () => {
    const rows = Array.from({ length: 300 }, (_, index) => ({
      id: index * 2 ** 24,
      name: 'é'.repeat(index),
      on: null,
    }));
    expect(deepCopy(rows)).toEqual(rows);
  });

  test.each([
    { f: () => 1 },
    [Symbol('x')],
    () => 1,
    { later: Promise.resolve() },
    new WeakMap(),
    [new WeakSet()],
    new Map([[1, new WeakRef({})]]),
    new (class Kind extends Promise<void> {})(() => undefined),
  ])('refuses what cannot travel', (value) => {
    expect(() => deepCopy<unknown>(value)).toThrowError(expect.objectContaining({ code: 'MESSAGE_NOT_CLONEABLE' }));
  });

  test.runIf('Float16Array' in globalThis)('refuses typed arrays of a kind that could not be read back', () => {
    const value: unknown = Reflect.construct(Reflect.get(globalThis, 'Float16Array') as new () => object, [2]);
    for (const holder of [value, { a: [value] }, new Map([[1, value]]), new Set([value])]) {
      expect(() => pack(holder)).toThrowError(
        expect.objectContaining({ code: 'MESSAGE_NOT_CLONEABLE', message: 'a message holds a Float16Array' }),
      );
    }
  });

  class Pixels extends Uint8ClampedArray {}
  class Bytes extends Buffer {}
  test.each([
    ['a kind of typed array as one of the built-in kind', new Pixels([1, 300]), new Uint8ClampedArray([1, 255])],
    ['a part of its buffer', new Pixels([1, 2, 3]).subarray(1), new Uint8ClampedArray([2, 3])],
    ['a kind of Buffer as bytes', Object.setPrototypeOf(Buffer.from('a'), Bytes.prototype), new Uint8Array([97])],
    ['a Buffer as bytes', Buffer.from('a'), new Uint8Array([97])],
    ['a view', new DataView(new Uint8Array([1, 2]).buffer, 1), new DataView(new Uint8Array([2]).buffer)],
  ])('brings back %s, and what stands beside it', (_name, value: unknown, expected) => {
    const arrived = unpack(pack([value, 'beside'])) as [ArrayBufferView, string];
    expect(arrived).toEqual([expected, 'beside']);
    expect(arrived[0].constructor).toBe(expected.constructor);
  });

  test('leaves what others pack with the same library as it is', () => {
    const others = new Packr();
    const bytes = Buffer.from(others.pack({ own: new Pixels([1, 2]) }));
    pack([new Pixels([1])]);
    expect(Buffer.compare(others.pack({ own: new Pixels([1, 2]) }), bytes)).toBe(0);
    expect(others.unpack(bytes)).toEqual({ own: Buffer.from([1, 2]) });
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
