/**
 * What a file holds: text, or bytes that are not UTF-8. Text is kept as it came: byte order mark, line ends and all.
 *
 * Invariant: T1 a content is a string exactly when its bytes are UTF-8, so that the same bytes always are the same value.
 */

/** A string for UTF-8, bytes for everything else. */
export type Content = string | Uint8Array;

/** Bytes as text, or undefined when they are not UTF-8. A byte order mark is kept. */
export const decodeText = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/**
 * What was given as a content; bytes are copied, so that who gave them may use them on. Half of a surrogate pair has no
 * bytes in UTF-8; it becomes a replacement character.
 */
export const contentOf = (given: string | Uint8Array): Content =>
  typeof given === 'string' ? given.toWellFormed() : (decodeText(given) ?? new Uint8Array(given));

export const bytesOf = (content: Content): Buffer =>
  typeof content === 'string'
    ? Buffer.from(content, 'utf8')
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);

export const byteLengthOf = (content: Content): number =>
  typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
