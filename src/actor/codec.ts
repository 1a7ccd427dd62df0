/**
 * Packs what travels between threads into bytes: MessagePack with plain objects, arrays, maps, sets, dates, typed
 * arrays, big integers and undefined. Class instances arrive as plain data, -0 as 0. What it does not do: check content.
 */
import { Packr } from 'msgpackr';
import { MegactorError } from '../protocol/errors.ts';

const refuse = (): never => {
  throw new MegactorError('MESSAGE_NOT_CLONEABLE', 'a message holds a function');
};

const packr = new Packr({ moreTypes: true });
(packr as Packr & { writeFunction: () => never }).writeFunction = refuse;

/** Bytes that own their buffer, so that it can be transferred. @throws MESSAGE_NOT_CLONEABLE */
export const pack = (value: unknown): Uint8Array<ArrayBuffer> => {
  try {
    return new Uint8Array(packr.pack(value));
  } catch (thrown) {
    if (thrown instanceof MegactorError) throw thrown;
    throw new MegactorError('MESSAGE_NOT_CLONEABLE', `a message cannot be packed: ${String(thrown)}`, {
      cause: thrown,
    });
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
