/**
 * Text of models where a person reads it on a terminal. Pure.
 *
 * Invariant X1: what comes back neither moves the cursor nor is shown in another order than it has.
 */

/** Control characters but tabs and line ends, and bidirectional controls, become visible. */
export const plainText = (text: string): string => text.replace(/(?![\t\n])\p{Cc}|\p{Bidi_Control}/gu, '\uFFFD');
