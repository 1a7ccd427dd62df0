import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeLogEntries, encodeLogEntries, packState, unpackState } from '../../src/journal/codec.ts';
import { decodeActorRow, encodeSnapshot } from '../../src/journal/snapshot-codec.ts';
import type { StepEntry, StepLogEntry } from '../../src/journal/shard-log.ts';
import { PackedState } from '../../src/runtime/packed-state.ts';

const stepWith = (state: unknown, more: object = {}): StepLogEntry => ({
  kind: 'step',
  actor: 300,
  step: 7,
  taken: [1, 70_000],
  state,
  history: [{ role: 'user', content: 'x' }],
  effects: [['model', { text: 'answer' }]],
  open: true,
  stopped: false,
  ...more,
});

const begin = (step: number): StepLogEntry => ({ kind: 'begin', actor: 300, step, taken: [], key: 'model' });

test('J6 a step with its state packed before is stored as one that is packed whole', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(12), fc.boolean(), (state, others, hasTimers) => {
      const timers = hasTimers ? { timers: [{ key: 'k', timer: null }] } : {};
      const entries = [stepWith(state, timers), ...Array.from({ length: others }, (_, index) => begin(index + 8))];
      const bytes = packState(state);
      const stored = encodeLogEntries(entries, bytes);
      expect(Buffer.compare(stored, encodeLogEntries(entries))).toBe(0);
      expect(unpackState(bytes)).toEqual((decodeLogEntries(stored)[0] as StepEntry).state);
    }),
  );
});

test('J6 a snapshot with its state packed before is stored as one that is packed whole, and its state is not read', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.boolean(), (state, isRich) => {
      const init = isRich ? new Map([[1, state]]) : state;
      const record = { id: 4, name: 'a', module: 'm', export: 'e', init, parent: null, options: {} };
      const rest = { record, step: 1, open: false, timers: [], children: [], history: [state], historyBefore: 2 };
      const unread = {
        get state(): unknown {
          throw new Error('was read');
        },
      };
      const [id, name, row] = encodeSnapshot(3, Object.assign(unread, rest, { packedState: packState(state) }));
      const [, , whole] = encodeSnapshot(3, { ...rest, state });
      expect([id, name]).toEqual([4, 'a']);
      expect(Buffer.compare(row, whole)).toBe(0);
      expect(decodeActorRow(3, 4, row).state).toEqual(unpackState(packState(state)));
    }),
  );
});

test.each([
  ['undefined', undefined],
  ['a map', { a: [new Map([[1, { b: 2 }]])] }],
  ['a set', { a: new Set(['x']) }],
  ['typed arrays', { a: new Float32Array([1, 2]) }],
  ['a date', { at: new Date(5) }],
])('a state that is %s comes back from its commit', (_name, state) => {
  expect(new PackedState(state).unpack()).toEqual(state);
  expect(new PackedState(state).equals(new PackedState(structuredClone(state)))).toBe(true);
});

test('states are told apart, whatever they hold', () => {
  const states = [{ a: 1 }, { a: 2 }, new Map([['a', 1]]), new Map([['a', 2]]), new Set([1]), [1]];
  const packed = states.map((state) => new PackedState(state));
  for (const [index, one] of packed.entries()) {
    for (const [other, two] of packed.entries()) expect(one.equals(two)).toBe(index === other);
  }
});

test.each([
  ['bytes', { a: Buffer.from('abc') }],
  ['bytes beside a map', { a: Buffer.from('abc'), m: new Map([[1, Buffer.from('x')]]) }],
])('what a handler does to a state that was given back changes nothing of what is kept: %s', (_what, state) => {
  const packed = new PackedState(state);
  const given = packed.unpack() as { a: Uint8Array };
  given.a[0] = 0;
  expect((packed.unpack() as { a: Uint8Array }).a[0]).toBe(97);
});

test('a function in a state is refused', () => {
  expect(() => new PackedState({ f: () => 1 })).toThrow(expect.objectContaining({ code: 'MESSAGE_NOT_CLONEABLE' }));
});
