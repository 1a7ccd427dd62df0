/**
 * How values become bytes, in the journal and between threads: tuples of the program's own, and the data of users within
 * them, which come back exactly. What it does not do: know what a tuple means.
 *
 * Invariants: V1 Objects, arrays, maps, sets, dates, typed arrays, big integers, `undefined` and other primitive values
 * come back equal, but for -0 outside of typed arrays, which becomes 0; so do array buffers, views of them and regular
 * expressions; errors keep name, message and cause. Instances of classes come back as plain data, those of kinds of maps and
 * sets as maps and sets, a Buffer as a Uint8Array; a key `__proto__` is a key like any other. V2 What nobody could read back
 * is refused when it is packed. V3 Values of JSON and Uint8Arrays have the
 * bytes that they always had, so that journals and their hashes stay what they are. V4 What was unpacked as data shares
 * no memory with the bytes.
 */
import { addExtension, Packr } from 'msgpackr/pack';

/** Thrown by what packs. */
export class NotDataError extends TypeError {
  readonly what: string;

  constructor(what: string) {
    super(`${what} is not data`);
    this.what = what;
  }
}

// Plain maps instead of msgpackr's record extension: every packed value can be read on its own, by any version.
const OPTIONS = {
  useRecords: false,
  mapsAsObjects: true,
  useBigIntExtension: true,
  // Left alone, msgpackr stores a function as null, and the loss would show only after a restart.
  writeFunction: () => {
    throw new NotDataError('a function');
  },
} as const;

/** A map on its way into bytes: MessagePack's own maps are what objects become. */
class PackedMap {
  readonly flat: readonly unknown[];

  constructor(flat: readonly unknown[]) {
    this.flat = flat;
  }
}

/** Objects are being read as maps, so that maps must be told apart from them. */
let readsMaps = false;

addExtension({
  Class: PackedMap,
  // 'm', beside msgpackr's own 's' of sets.
  type: 0x6d,
  write: ({ flat }: PackedMap) => flat,
  read: (flat: readonly unknown[]) => (readsMaps ? new PackedMap(flat) : mapOf(flat)),
});

const mapOf = (flat: readonly unknown[]): Map<unknown, unknown> => {
  const map = new Map<unknown, unknown>();
  for (let at = 0; at < flat.length; at += 2) map.set(flat[at], flat[at + 1]);
  return map;
};

/** An aggregate error on its way into bytes: msgpackr's reader takes its message for the errors that it holds. */
class PackedAggregate {
  readonly parts: readonly [message: string, cause: unknown];

  constructor(parts: PackedAggregate['parts']) {
    this.parts = parts;
  }
}

addExtension({
  Class: PackedAggregate,
  // 'a'.
  type: 0x61,
  write: ({ parts }: PackedAggregate) => parts,
  read: ([message, cause]: PackedAggregate['parts']) => new AggregateError([], message, { cause }),
});

/** Bytes of a value that was packed before, which stand for it in what is packed now; the reader finds the value. */
export class Packed {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** What msgpackr hands to its own extensions as well: it makes room, and says where. */
type Allocate = (bytes: number) => { readonly target: Uint8Array; readonly position: number };

addExtension({
  Class: Packed,
  // Asked for, and never written: the bytes stand alone.
  type: 0x50,
  pack: (({ bytes }: Packed, allocate: Allocate): void => {
    const { target, position } = allocate(bytes.length);
    target.set(bytes, position);
  }) as unknown as (value: Packed) => Uint8Array,
  unpack: () => {
    throw new TypeError('nothing is stored as packed before');
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

  /** Asked for instances of classes. */
  get useToJSON(): boolean {
    this.hasOthers = true;
    return true;
  }
}

// Nearly everything is packed by this one: what the compiler learns of one instance it does not know of another.
const packr = new PlainPackr(OPTIONS);
const richPackr = new Packr({ ...OPTIONS, moreTypes: true });
// For objects of more than 65,535 keys: small ones would have other bytes (V3).
const largePackr = new Packr({ ...OPTIONS, moreTypes: true, variableMapSize: true });

interface Readers {
  readonly usual: Packr;
  /** Gives maps for objects. */
  readonly byMaps: Packr;
}

const viewing: Readers = { usual: packr, byMaps: new Packr({ ...OPTIONS, mapsAsObjects: false }) };
const copying: Readers = {
  usual: new Packr({ ...OPTIONS, copyBuffers: true }),
  byMaps: new Packr({ ...OPTIONS, mapsAsObjects: false, copyBuffers: true }),
};

const holds = (bytes: Uint8Array, part: Buffer): boolean => Buffer.prototype.indexOf.call(bytes, part) !== -1;

/** A byte-order mark in UTF-8. */
const MARK = Buffer.from('\ufeff', 'utf8');
type Decode = (input: Uint8Array) => string;
const keepsMarks = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * msgpackr reads longer texts with a decoder that takes a mark at their beginning for no part of them. It cannot be given
 * another one; so where the bytes of a mark are, all decoders keep marks until it has read.
 */
const unpackMarked = (reader: Packr, bytes: Uint8Array): unknown => {
  if (!holds(bytes, MARK)) return reader.unpack(bytes);
  const usual = Object.getOwnPropertyDescriptor(TextDecoder.prototype, 'decode') as TypedPropertyDescriptor<Decode>;
  const value: Decode = (input) => Reflect.apply(usual.value as Decode, keepsMarks, [input]);
  Object.defineProperty(TextDecoder.prototype, 'decode', { ...usual, value });
  try {
    return reader.unpack(bytes);
  } finally {
    Object.defineProperty(TextDecoder.prototype, 'decode', usual);
  }
};

/** How a key `__proto__` begins in MessagePack, its length first: a longer part is looked for in a slower way. */
const PROTO = Buffer.from('\xa9__p', 'latin1');

/** Looking through fewer bytes here costs less than two calls that do. */
const FEW_BYTES = 96;

/** Whether neither of both can be there. */
const isUsual = (bytes: Uint8Array): boolean => {
  if (bytes.length > FEW_BYTES) return false;
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] === MARK[0] || bytes[at] === PROTO[0]) return false;
  return true;
};

/** What was read with maps for objects, with objects. */
const withObjects = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withObjects);
  if (value instanceof PackedMap) return mapOf(value.flat.map(withObjects));
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, inner]) => [key, withObjects(inner)]));
  if (value instanceof Set) return new Set(Array.from(value, withObjects));
  if (value instanceof Error && Object.hasOwn(value, 'cause')) value.cause = withObjects(value.cause);
  return value;
};

/**
 * msgpackr gives objects with a key `__proto__` another one, since it makes them by assignment. So where the bytes of such
 * a key are, it gives maps, and objects are made of them here, which sets no prototype.
 */
const unpackWith = ({ usual, byMaps }: Readers, bytes: Uint8Array): unknown => {
  if (isUsual(bytes)) return usual.unpack(bytes);
  if (!holds(bytes, PROTO)) return unpackMarked(usual, bytes);
  readsMaps = true;
  try {
    return withObjects(unpackMarked(byMaps, bytes));
  } finally {
    readsMaps = false;
  }
};

/** Binary parts of the result are views into `bytes`. */
export const unpackTuple = (bytes: Uint8Array): unknown => unpackWith(viewing, bytes);

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

/** The kind of a typed array, whatever its class. */
const kindOf = (view: ArrayBufferView): string => (view as Uint8Array)[Symbol.toStringTag];

/** Whether `view` can be packed: a Float16Array cannot. */
export const isPackable = (view: ArrayBufferView): boolean =>
  view instanceof DataView || isTypedArrayName(kindOf(view));

/** As MessagePack's bytes if they are that, else as one of the kinds that can be read back, whatever its class. */
const richView = (view: ArrayBufferView): unknown => {
  const { buffer, byteOffset, byteLength } = view;
  if (view instanceof DataView) {
    // msgpackr gives back a view of all of a buffer.
    return new DataView(new Uint8Array(buffer, byteOffset, byteLength).slice().buffer);
  }
  const name = kindOf(view);
  if (name === 'Uint8Array') return Buffer.from(buffer, byteOffset, byteLength);
  if (!isTypedArrayName(name)) throw new NotDataError(`a ${name}`);
  const Kind = TYPED_ARRAYS[name];
  return new Kind(buffer as ArrayBuffer, byteOffset, byteLength / Kind.BYTES_PER_ELEMENT);
};

/** Built in, and given back by msgpackr itself. */
const isBuiltIn = (value: object): boolean =>
  value instanceof Error || value instanceof RegExp || value instanceof ArrayBuffer;

/** With a cause that can be read back. */
const richError = ({ name, message, cause }: Error): unknown => {
  if (name === 'AggregateError') return new PackedAggregate([message, rich(cause)]);
  return Object.assign(new Error(message, { cause: rich(cause) }), { name });
};

/** Built in, and empty to whoever packs it. */
const isUnreadable = (value: object): boolean =>
  value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef;

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
  if (value instanceof Error) return richError(value);
  if (value instanceof Date || value instanceof Packed || isBuiltIn(value)) return value;
  const json = ownJson(value);
  if (json !== value) return rich(json);
  if (isUnreadable(value)) throw new NotDataError(`a ${value.constructor.name}`);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rich(inner)]));
};

/** Whether `value`, which holds neither plain maps nor sets, holds more than values of JSON, dates and Uint8Arrays. */
const isRich = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || value instanceof Date) return false;
  if (Array.isArray(value)) return value.some(isRich);
  if (ArrayBuffer.isView(value)) return kindOf(value) !== 'Uint8Array';
  const isPlain = value.constructor === Object;
  if (!isPlain && (isBuiltIn(value) || value instanceof Map || isUnreadable(value))) return true;
  return Object.values(value).some(isRich);
};

/** Null when that cannot bring it back. */
const packPlain = (value: unknown): Uint8Array | null => {
  packr.hasOthers = false;
  packr.hasTables = false;
  try {
    const bytes = packr.pack(value);
    return packr.hasTables || (packr.hasOthers && isRich(value)) ? null : bytes;
  } catch {
    // It cannot even write some kinds of typed arrays, nor objects of many keys.
    return null;
  }
};

const packRich = (value: unknown): Uint8Array => {
  const written = rich(value);
  try {
    return richPackr.pack(written);
  } catch {
    return largePackr.pack(written);
  }
};

/** For what holds no user's data: nothing looks whether it holds more than bytes. @throws NotDataError, or what msgpackr throws */
export const packTuple = (value: unknown): Uint8Array => {
  packr.hasTables = false;
  const bytes = packr.pack(value);
  return packr.hasTables ? packRich(value) : bytes;
};

/** Bytes of a user's data, or of a tuple that holds some. @throws NotDataError, or what msgpackr throws */
export const packValue = (value: unknown): Uint8Array => packPlain(value) ?? packRich(value);

/** What `packValue` was given. */
export const unpackValue = (bytes: Uint8Array): unknown =>
  // Of a Buffer the binary parts would be Buffers.
  unpackWith(copying, Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes);
