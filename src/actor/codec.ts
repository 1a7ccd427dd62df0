/**
 * Packs what travels between threads into bytes: MessagePack with plain objects, arrays, maps, sets, dates, typed
 * arrays, big integers and undefined. Class instances arrive as plain data, -0 as 0. What it does not do: check content.
 *
 * Invariant: whatever was packed can be unpacked, so that no message makes those beside it unreadable.
 */
import { addExtension, Packr } from 'msgpackr/pack';
import { MegactorError } from '../protocol/errors.ts';

const refuse = (what = 'a function'): never => {
  throw new MegactorError('MESSAGE_NOT_CLONEABLE', `a message holds ${what}`);
};

const packr = new Packr({ moreTypes: true });
(packr as Packr & { writeFunction: () => never }).writeFunction = () => refuse();

/** The kinds of typed arrays that msgpackr reads. */
const KINDS = new Map<string, new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView>(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map((Kind) => [Kind.name, Kind]),
);

const kindOf = (view: ArrayBufferView): string => (view as Uint8Array)[Symbol.toStringTag];

/** Whether `view` can be sent: a Float16Array cannot. */
export const isPackable = (view: ArrayBufferView): boolean => view instanceof DataView || KINDS.has(kindOf(view));

/** The extension below is of this codec, not of whoever else uses msgpackr in this process. */
let isPacking = false;

/** Typed arrays that msgpackr would write by the name of a class that it does not know when it reads. */
const UnknownTypedArray = Object.defineProperty(() => {}, Symbol.hasInstance, {
  value: (view: unknown): boolean => {
    if (!isPacking || !ArrayBuffer.isView(view) || view instanceof DataView) return false;
    return view.constructor !== Buffer && view.constructor !== KINDS.get(kindOf(view));
  },
});

addExtension({
  Class: UnknownTypedArray,
  write: (view: Uint8Array<ArrayBuffer>) => {
    const kind = kindOf(view);
    const Kind = KINDS.get(kind) ?? refuse(`a ${kind}`);
    return new Kind(view.buffer, view.byteOffset, view.length);
  },
});

/** Bytes that own their buffer, so that it can be transferred. @throws MESSAGE_NOT_CLONEABLE */
export const pack = (value: unknown): Uint8Array<ArrayBuffer> => {
  const isWithin = isPacking;
  isPacking = true;
  try {
    return new Uint8Array(packr.pack(value));
  } catch (thrown) {
    if (thrown instanceof MegactorError) throw thrown;
    throw new MegactorError('MESSAGE_NOT_CLONEABLE', `a message cannot be packed: ${String(thrown)}`, {
      cause: thrown,
    });
  } finally {
    isPacking = isWithin;
  }
};

export const unpack = (bytes: Uint8Array): unknown => packr.unpack(bytes);

/** A copy that shares nothing with `value`. @throws MESSAGE_NOT_CLONEABLE */
export const deepCopy = <Value>(value: Value): Value => {
  // Most states and bodies of small actors are not objects.
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') refuse();
    return value;
  }
  return unpack(pack(value)) as Value;
};

/** Freezes plain objects and arrays all the way down, so that a test sees who changes what it was sent. */
export const deepFreeze = <Value>(value: Value): Value => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
};
