/**
 * Packs what travels between threads into bytes: MessagePack with plain objects, arrays, maps, sets, dates, typed
 * arrays, big integers and undefined. Class instances arrive as plain data, -0 as 0. What it does not do: check content.
 *
 * Invariant: whatever was packed can be unpacked, so that no message makes those beside it unreadable.
 */
import { MegactorError } from '../protocol/errors.ts';
import { NotDataError, packValue, unpackValue } from '../protocol/values.ts';

export { isPackable } from '../protocol/values.ts';

const refuse = (what = 'a function'): never => {
  throw new MegactorError('MESSAGE_NOT_CLONEABLE', `a message holds ${what}`);
};

/** Bytes that own their buffer, so that it can be transferred. @throws MESSAGE_NOT_CLONEABLE */
export const pack = (value: unknown): Uint8Array<ArrayBuffer> => {
  try {
    return new Uint8Array(packValue(value));
  } catch (thrown) {
    const why =
      thrown instanceof NotDataError
        ? `a message holds ${thrown.what}`
        : `a message cannot be packed: ${String(thrown)}`;
    throw new MegactorError('MESSAGE_NOT_CLONEABLE', why, { cause: thrown });
  }
};

export const unpack = unpackValue;

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
