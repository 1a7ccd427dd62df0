import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { describe, expect, test } from 'vitest';
import {
  decodeInboxEntry,
  decodeLogEntries,
  encodeInboxEntry,
  encodeLogEntries,
  pack,
  packData,
  packState,
  unpack,
  unpackData,
  unpackState,
} from '../../src/journal/codec.ts';
import { canonicalBytes } from '../../src/journal/log-hash.ts';
import type { ActorSnapshot, InboxEntry, StepLogEntry } from '../../src/journal/shard-log.ts';
import { decodeActorRow, decodeHistory, encodeActorRow, encodeHistory } from '../../src/journal/snapshot-codec.ts';
import { anyData } from './any-data.ts';

const same = (found: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(found, expected)) expect(found).toStrictEqual(expected);
  expect(isDeepStrictEqual(found, expected)).toBe(true);
};

const timer = (body: unknown) => ({ key: 'k', dueMs: 1, periodMs: null, type: 'due', body });
const stepOf = (value: unknown): StepLogEntry => ({
  kind: 'step',
  actor: 1,
  step: 2,
  taken: [3],
  state: value,
  history: [value],
  effects: [['call', value]],
  open: false,
  stopped: false,
  timers: [{ key: 'k', timer: timer(value) }],
});

describe('what users put into the journal', () => {
  test('D8 comes back equal: states, mail, results, histories, timers, what actors begin with', () => {
    fc.assert(
      fc.property(anyData, (value) => {
        const effect: StepLogEntry = { kind: 'effect', actor: 1, step: 2, key: 'now', result: value };
        const entries = [stepOf(value), effect];
        same(decodeLogEntries(encodeLogEntries(entries)), entries);
        same(decodeLogEntries(encodeLogEntries(entries, packState(value))), entries);
        same(unpackState(packState(value)), value);

        const mail: InboxEntry = { kind: 'mail', mail: { to: 1, from: null, type: 'put', body: value } };
        same(decodeInboxEntry(encodeInboxEntry(mail)), mail);

        const actor = { id: 4, name: 'a', module: 'm', export: 'e', init: value, parent: null, options: {} };
        const spawn: InboxEntry = { kind: 'spawn', actor };
        same(decodeInboxEntry(encodeInboxEntry(spawn)), spawn);
        const row = { record: actor, step: 1, state: value, open: false, timers: [timer(value)], children: [] };
        const snapshot: ActorSnapshot = { ...row, history: [value, value], historyBefore: 0 };
        same(decodeActorRow(0, 4, encodeActorRow(0, { ...row, historyLength: 2 })), { ...row, historyLength: 2 });
        same(decodeHistory(0, 4, [[0, encodeHistory(0, 4, 0, snapshot.history)]], 2), snapshot.history);
      }),
    );
  });

  test('D5 two packings of equal values are equal, so are the hashes of what was kept and what is replayed', () => {
    fc.assert(
      fc.property(anyData, (value) => {
        expect(Buffer.compare(canonicalBytes(value), canonicalBytes(unpackData(packData(value))))).toBe(0);
      }),
    );
  });

  test('values of JSON and bytes are stored as they always were, so that hashes of logs do not change', () => {
    const before = new Packr({ useRecords: false, mapsAsObjects: true });
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.jsonValue(),
        fc.uint8Array(),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(values, (value) => {
        expect(Buffer.compare(packData(value), before.pack(value))).toBe(0);
      }),
    );
  });

  test('D8 a byte-order mark is part of a text, wherever it stands and however long the text is', () => {
    const marked = fc
      .tuple(fc.nat(200), fc.constantFrom('x', 'é'), fc.nat(3))
      .map(([length, letter, marks]) => '\ufeff'.repeat(marks) + letter.repeat(length));
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        marked,
        fc.double().map((number) => (number === 0 ? 0 : number)),
        fc.constant(new Uint8Array([0xef, 0xbb, 0xbf])),
        tie('list'),
        tie('table'),
      ),
      list: fc.array(tie('any'), { maxLength: 4 }),
      table: fc.dictionary(marked, tie('any'), { maxKeys: 4 }),
    })).any;
    const decoder = (): unknown => Object.getOwnPropertyDescriptor(TextDecoder.prototype, 'decode')?.value;
    const before = decoder();
    fc.assert(
      fc.property(value, (sent) => {
        const plain: unknown = structuredClone(sent);
        expect(unpackData(packData(plain))).toEqual(plain);
      }),
    );
    expect(decoder()).toBe(before);
    expect(unpack(pack([`\ufeff${'x'.repeat(5_000)}`]))).toEqual([`\ufeff${'x'.repeat(5_000)}`]);
    expect(() => unpackData(Uint8Array.of(0xd9, 0xff, 0xef, 0xbb, 0xbf))).toThrow();
    expect(decoder()).toBe(before);
  });

  test('D8 a key __proto__ is a key like any other, beside whatever else, and was written as it is always', () => {
    const proto = (value: unknown): object => Object.fromEntries([['__proto__', value]]);
    const values = [
      proto({ a: 1 }),
      { 9: [proto(proto(undefined))], text: '__proto__'.repeat(40) },
      new Map<unknown, unknown>([[proto(1), new Map([[1, proto(new Set([proto(2), '__proto__']))]])]]),
      [proto(new Float32Array([1.5])), new Date(5), 2n ** 70n, proto('\ufeff'.repeat(40)), /a/u, -1.5],
      new Error('words', { cause: proto({ a: [1] }) }),
    ];
    for (const value of values) same(unpackData(packData(value)), value);
    same(unpack(pack(values[1])), values[1]);
    expect(({} as { a?: number }).a).toBeUndefined();
    const old = new Packr({ useRecords: false, mapsAsObjects: true }).pack(proto({ a: new Uint8Array([1]) }));
    same(unpackData(old), proto({ a: new Uint8Array([1]) }));
  });

  test('D8 what an error was caused by comes back as it was, or is refused; an aggregate error keeps its words', () => {
    const cause = { map: new Map<unknown, unknown>([[{ a: 1 }, new Map([[1, new Set([2])]])]]), at: new Date(5) };
    const error = unpackData(packData(new TypeError('words', { cause: new Error('inner', { cause }) }))) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('words');
    same((error.cause as Error).cause, cause);
    expect(() => packData(new Error('words', { cause: Promise.resolve() }))).toThrow('a Promise is not data');
    const all = unpackData(packData([new AggregateError([error], 'none of both', { cause })])) as [Error];
    expect(all[0]).toBeInstanceOf(AggregateError);
    expect(all[0].message).toBe('none of both');
    same(all[0].cause, cause);
    expect(Buffer.compare(canonicalBytes(all), canonicalBytes(unpackData(packData(all))))).toBe(0);
  });

  test('is read from journals of older versions', () => {
    const before = new Packr({ useRecords: false, mapsAsObjects: true });
    const old = before.pack({
      map: new Map([['a', 1]]),
      set: new Set([1]),
      at: new Date(5),
      bytes: new Uint8Array([1]),
    });
    expect(unpackData(old)).toEqual({ map: { a: 1 }, set: [1], at: new Date(5), bytes: new Uint8Array([1]) });
  });

  test.each([
    ['-0 as 0', { a: [-0] }, { a: [0] }],
    ['a Buffer as a Uint8Array', Buffer.from([1, 2]), new Uint8Array([1, 2])],
    ['a kind of Map', new (class Kind extends Map<number, number> {})([[2, 3]]), new Map([[2, 3]])],
    [
      'a kind of Map within plain data',
      { a: [new (class Kind extends Map<number, object> {})([[2, { at: new Float32Array([1]) }]])] },
      { a: [new Map([[2, { at: new Float32Array([1]) }]])] },
    ],
    ['a kind of Set', { a: new (class Kind extends Set<number> {})([2]) }, { a: new Set([2]) }],
    [
      'a kind of Map as a Map',
      new Map([[1, new (class Kind extends Map<number, number> {})([[2, 3]])]]),
      new Map([[1, new Map([[2, 3]])]]),
    ],
    [
      'an instance as its fields',
      new Map([
        [
          1,
          new (class Point {
            x = 1;
          })(),
        ],
      ]),
      new Map([[1, { x: 1 }]]),
    ],
    [
      'what says how',
      new Map([
        [
          1,
          new (class {
            toJSON = () => 5;
          })(),
        ],
      ]),
      new Map([[1, 5]]),
    ],
    ['a buffer', new Uint16Array([1, 2]).buffer, new Uint16Array([1, 2]).buffer],
    ['a view', [new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1)], [new DataView(new Uint8Array([2]).buffer)]],
    ['a pattern in a set', new Set([/a/u]), new Set([/a/u])],
    ['a pattern', /a/u, /a/u],
    ['a kind of typed array', new (class Kind extends Float32Array {})([1.5]), new Float32Array([1.5])],
  ])('comes back: %s', (_name, value, expected) => {
    same(unpackData(packData(value)), expected);
  });

  test('shares no memory with the bytes it was read from', () => {
    const bytes = packState({ raw: Buffer.from([1]), array: new Uint8Array([1]), floats: new Float32Array([1]) });
    const state = unpackState(bytes) as { raw: Uint8Array; array: Uint8Array; floats: Float32Array };
    for (const part of [state.raw, state.array, state.floats]) part[0] = 9;
    expect(unpackState(bytes)).toEqual({
      raw: new Uint8Array([1]),
      array: new Uint8Array([1]),
      floats: new Float32Array([1]),
    });
  });

  const circle = new Map<string, unknown>();
  circle.set('self', circle);
  const refused: readonly (readonly [string, unknown])[] = [
    ['a function', () => 1],
    ['a function in a map', new Map([['f', () => 1]])],
    ['a symbol in a set', new Set([Symbol('s')])],
    ['a promise', { later: [Promise.resolve(1)] }],
    ['a promise in a map', new Map([['later', Promise.resolve(1)]])],
    ['a weak map', new WeakMap()],
    ['a weak set', [new WeakSet()]],
    ['a weak reference', { a: { b: new WeakRef({}) } }],
    ['a circle through a map', circle],
  ];
  test.each(refused)('is refused: %s', (_name, value) => {
    expect(() => packData(value)).toThrow(expect.objectContaining({ code: 'MESSAGE_NOT_CLONEABLE' }));
  });

  test.runIf('Float16Array' in globalThis)('is refused: typed arrays of a kind that could not be read back', () => {
    const value: unknown = Reflect.construct(Reflect.get(globalThis, 'Float16Array') as new () => object, [2]);
    expect(() => packData({ a: [value] })).toThrow('Float16Array is not data');
  });
});
