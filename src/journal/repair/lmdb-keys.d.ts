/** What lmdb exports and does not declare. */
import 'lmdb';

declare module 'lmdb' {
  /** The value of a key as it is stored. */
  export function bufferToKeyValue(bytes: Buffer): unknown;
}
