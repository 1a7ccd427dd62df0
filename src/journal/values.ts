/** Values of the journal as bytes (`protocol/values.ts`), and its word for what cannot be kept. */
import { MegactorError } from '../protocol/errors.ts';
import { packTuple, packValue } from '../protocol/values.ts';

export { Packed, unpackTuple as unpack, unpackValue as unpackData } from '../protocol/values.ts';

/** @throws MESSAGE_NOT_CLONEABLE */
const refusing = (packed: (value: unknown) => Uint8Array, value: unknown): Uint8Array => {
  try {
    return packed(value);
  } catch (error) {
    throw new MegactorError('MESSAGE_NOT_CLONEABLE', `cannot be journaled: ${(error as Error).message}`, {
      cause: error,
    });
  }
};

/** For what holds no user's maps, sets and the like. @throws MESSAGE_NOT_CLONEABLE for functions, symbols and the like */
export const pack = (value: unknown): Uint8Array => refusing(packTuple, value);

/** Bytes of a user's data, or of a tuple that holds some. @throws MESSAGE_NOT_CLONEABLE */
export const packData = (value: unknown): Uint8Array => refusing(packValue, value);
