/** How both sides send: several messages as one byte array. */
import type { MessagePort } from 'node:worker_threads';
import { pack } from './codec.ts';
import type { ClientMessage, ServerMessage } from './wire.ts';

/** Packs and transfers: the receiver gets the bytes without another copy. */
export const postPacked = (port: MessagePort, messages: readonly (ClientMessage | ServerMessage)[]): void => {
  // The packer's result lies in a buffer that it goes on using, so it is copied into one of its own size.
  const bytes = new Uint8Array(pack(messages));
  port.postMessage(bytes, [bytes.buffer]);
};
