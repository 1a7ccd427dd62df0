/**
 * One client's port as the journal's thread sees it: unpacks what comes, packs what goes, once per turn of the event
 * loop. It does not know what the messages mean.
 */
import type { MessagePort } from 'node:worker_threads';
import { unpack } from './codec.ts';
import { postPacked } from './post-packed.ts';
import type { ClientMessage, ServerMessage } from './wire.ts';

export class ServerPort {
  readonly #port: MessagePort;
  #outbox: ServerMessage[] = [];
  #closed = false;

  constructor(port: MessagePort, onMessage: (message: ClientMessage) => void, onClose: () => void) {
    this.#port = port;
    port.on('message', (bytes: Uint8Array) => {
      for (const message of unpack(bytes) as ClientMessage[]) onMessage(message);
    });
    port.on('close', () => {
      this.#closed = true;
      this.#outbox = [];
      onClose();
    });
  }

  send(message: ServerMessage): void {
    if (this.#closed) return;
    this.#outbox.push(message);
    // A microtask runs when the request or the commit at hand is dealt with: all its answers travel together.
    if (this.#outbox.length === 1) queueMicrotask(() => this.flush());
  }

  flush(): void {
    if (this.#closed || this.#outbox.length === 0) return;
    const outbox = this.#outbox;
    this.#outbox = [];
    postPacked(this.#port, outbox);
  }

  close(): void {
    this.flush();
    this.#closed = true;
    this.#port.close();
  }
}
