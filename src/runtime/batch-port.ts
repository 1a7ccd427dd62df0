/**
 * One end of a MessagePort that sends what a turn of the event loop has gathered as one array. A message that cannot be
 * cloned is given back alone; the others of its batch still go.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../platform/index.ts';

export interface BatchPortParts<Out, In> {
  readonly clock: Clock;
  readonly port: MessagePort;
  readonly onMessage: (message: In) => void;
  /** `message` cannot be sent. */
  readonly onRefused: (message: Out, error: unknown) => void;
  readonly onClose: () => void;
}

export class BatchPort<Out, In> {
  readonly #parts: BatchPortParts<Out, In>;
  #outbox: Out[] = [];
  #closed = false;

  constructor(parts: BatchPortParts<Out, In>) {
    this.#parts = parts;
    parts.port.on('message', (messages: readonly In[]) => {
      for (const message of messages) parts.onMessage(message);
    });
    parts.port.on('close', () => {
      if (this.#closed) return;
      this.#closed = true;
      parts.onClose();
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(message: Out): void {
    if (this.#closed) return;
    this.#outbox.push(message);
    if (this.#outbox.length === 1) this.#parts.clock.soon(() => this.flush());
  }

  flush(): void {
    const outbox = this.#outbox;
    if (this.#closed || outbox.length === 0) return;
    this.#outbox = [];
    try {
      this.#parts.port.postMessage(outbox);
    } catch {
      for (const message of outbox) this.#sendAlone(message);
    }
  }

  /** Sends what is left and closes; `onClose` is not called. */
  close(): void {
    this.flush();
    this.#closed = true;
    this.#parts.port.close();
  }

  #sendAlone(message: Out): void {
    try {
      this.#parts.port.postMessage([message]);
    } catch (thrown) {
      this.#parts.onRefused(message, thrown);
    }
  }
}
