/**
 * How values become bytes: the journal's own tuples, and the data of users within them, which come back exactly. What it
 * does not do: know what a tuple means.
 *
 * Invariants: V1 Objects, arrays, maps, sets, dates, typed arrays, big integers, `undefined` and other primitive values
 * come back equal, but for -0 outside of typed arrays, which becomes 0; so do array buffers, views of them and regular
 * expressions; errors keep name, message and cause. Instances of classes come back as plain data, a Buffer as a
 * Uint8Array. V2 What nobody could read back is refused when it is packed. V3 Values of JSON and Uint8Arrays have the
 * bytes that they always had, so that journals and their hashes stay what they are. V4 What was unpacked as data shares
 * no memory with the bytes.
 */
import { addExtension, Packr } from 'msgpackr/pack';
import { MegactorError } from '../protocol/errors.ts';

// Plain maps instead of msgpackr's record extension: every packed value can be read on its own, by any version.
const OPTIONS = {
  useRecords: false,
  mapsAsObjects: true,
  useBigIntExtension: true,
  // Left alone, msgpackr stores a function as null, and the loss would show only after a restart.
  writeFunction: () => {
    throw new TypeError('a function is not data');
  },
} as const;

/** A map on its way into bytes: MessagePack's own maps are what objects become. */
class PackedMap {
  readonly flat: readonly unknown[];

  constructor(flat: readonly unknown[]) {
    this.flat = flat;
  }
}

addExtension({
  Class: PackedMap,
  // 'm', beside msgpackr's own 's' of sets.
  type: 0x6d,
  write: ({ flat }: PackedMap) => flat,
  read: (flat: readonly unknown[]) => {
    const map = new Map<unknown, unknown>();
    for (let at = 0; at < flat.length; at += 2) map.set(flat[at], flat[at + 1]);
    return map;
  },
});

/**
 * Of anything but plain objects, arrays and primitive values msgpackr asks an option how to write it, and so says that it
 * has found some. What it writes of maps and sets is of no use.
 */
class PlainPackr extends Packr {
  /** Uint8Arrays are told apart from the rest of these no further. */
  hasOthers = false;
  hasTables = false;

  get mapAsEmptyObject(): boolean {
    this.hasTables = true;
    return true;
  }

  get setAsEmptyObject(): boolean {
    this.hasTables = true;
    return true;
  }

  get moreTypes(): boolean {
    this.hasOthers = true;
    return false;
  }
}

const packr = new Packr(OPTIONS);
const plainPackr = new PlainPackr(OPTIONS);
const richPackr = new Packr({ ...OPTIONS, moreTypes: true });
const dataUnpackr = new Packr({ ...OPTIONS, copyBuffers: true });

/** @throws MESSAGE_NOT_CLONEABLE */
const refusing = (packed: () => Uint8Array): Uint8Array => {
  try {
    return packed();
  } catch (error) {
    throw new MegactorError('MESSAGE_NOT_CLONEABLE', `cannot be journaled: ${(error as Error).message}`, {
      cause: error,
    });
  }
};

/** For what holds no user's maps, sets and the like. @throws MESSAGE_NOT_CLONEABLE for functions, symbols and the like */
export const pack = (value: unknown): Uint8Array => refusing(() => packr.pack(value));

/** Binary parts of the result are views into `bytes`. */
export const unpack = (bytes: Uint8Array): unknown => packr.unpack(bytes);

const TYPED_ARRAYS = {
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
} as const;
type TypedArrayName = keyof typeof TYPED_ARRAYS;

const isTypedArrayName = (name: string): name is TypedArrayName => Object.hasOwn(TYPED_ARRAYS, name);

/** As MessagePack's bytes if they are that, else as one of the kinds that can be read back, whatever its class. */
const richView = (view: ArrayBufferView): unknown => {
  const { buffer, byteOffset, byteLength } = view;
  if (view instanceof DataView) {
    // msgpackr gives back a view of all of a buffer.
    return new DataView(new Uint8Array(buffer, byteOffset, byteLength).slice().buffer);
  }
  const name = (view as Uint8Array)[Symbol.toStringTag] as string;
  if (name === 'Uint8Array') return Buffer.from(buffer, byteOffset, byteLength);
  if (!isTypedArrayName(name)) throw new TypeError(`${name} is not data`);
  const Kind = TYPED_ARRAYS[name];
  return new Kind(buffer as ArrayBuffer, byteOffset, byteLength / Kind.BYTES_PER_ELEMENT);
};

/** Built in, and given back by msgpackr itself. */
const isBuiltIn = (value: object): boolean =>
  value instanceof Error || value instanceof RegExp || value instanceof ArrayBuffer;

const ownJson = (value: object): unknown => {
  const { toJSON } = value as { readonly toJSON?: unknown };
  return value.constructor === Object || typeof toJSON !== 'function' ? value : toJSON.call(value);
};

/** The same value with everything in a form that `richPackr` gives back. */
const rich = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Array.from(value, rich);
  if (value instanceof Map) return new PackedMap([...value].flatMap(([key, inner]) => [rich(key), rich(inner)]));
  if (value instanceof Set) return new Set(Array.from(value, rich));
  if (ArrayBuffer.isView(value)) return richView(value);
  if (value instanceof Date || isBuiltIn(value)) return value;
  const json = ownJson(value);
  if (json !== value) return rich(json);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rich(inner)]));
};

/** Whether `value`, which holds neither maps nor sets, holds more than values of JSON, dates and Uint8Arrays. */
const isRich = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || value instanceof Date) return false;
  if (Array.isArray(value)) return value.some(isRich);
  if (ArrayBuffer.isView(value)) return (value as Uint8Array)[Symbol.toStringTag] !== 'Uint8Array';
  return isBuiltIn(value) || Object.values(value).some(isRich);
};

/** Null when it needs `richPackr`. */
const packPlain = (value: unknown): Uint8Array | null => {
  plainPackr.hasOthers = false;
  plainPackr.hasTables = false;
  try {
    const bytes = plainPackr.pack(value);
    return plainPackr.hasTables || (plainPackr.hasOthers && isRich(value)) ? null : bytes;
  } catch (error) {
    // It cannot even write some kinds of typed arrays.
    if (plainPackr.hasTables || plainPackr.hasOthers) return null;
    throw error;
  }
};

/** Bytes of a user's data, or of a tuple that holds some. @throws MESSAGE_NOT_CLONEABLE */
export const packData = (value: unknown): Uint8Array => refusing(() => packPlain(value) ?? richPackr.pack(rich(value)));

/** What `packData` was given. */
export const unpackData = (bytes: Uint8Array): unknown =>
  // Of a Buffer the binary parts would be Buffers.
  dataUnpackr.unpack(Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes);
