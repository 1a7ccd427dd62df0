/**
 * The data plane between two threads: envelopes that were sent in one callback of the event loop, and in what followed
 * from it without waiting, travel as one packed, transferred array of bytes; or all of one turn of the event loop. While the other thread is down they wait, up to a limit.
 *
 * Invariants: K1 Envelopes arrive in the order in which they were sent (A2). K2 What cannot be packed or taken is given
 * back, never lost silently (A6).
 */
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { Envelope } from './envelope.ts';
import { packEnvelopes, unpackEnvelopes } from './envelope-codec.ts';

/** Envelopes that wait for a thread that is down. */
const WAITING_MAX = 65_536;
/** A batch leaves early at this size, so that a long turn does not collect without limit. */
const BATCH_ENVELOPES = 1_024;

export interface PeerLinkParts {
  readonly clock: Clock;
  /** Envelopes wait for others until the event loop comes round: where many share the link who do not wait for each other. */
  readonly gathers?: boolean;
  readonly onEnvelopes: (envelopes: readonly Envelope[]) => void;
  /** The envelope cannot be packed, or nobody will ever take it. */
  readonly onRefused: (envelope: Envelope, error: MegactorError) => void;
  /** What came that is no batch of envelopes. */
  readonly onOther?: (message: unknown) => void;
}

export class PeerLink {
  readonly #parts: PeerLinkParts;
  #port: MessagePort | null = null;
  #outbox: Envelope[] = [];
  #scheduled = false;
  #dead = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: PeerLinkParts) {
    this.#parts = parts;
  }

  /** Goes on over a new port; what has waited leaves. */
  attach(port: MessagePort): void {
    this.detach();
    this.#port = port;
    this.#ended = new Promise((resolve) => void port.on('close', resolve));
    port.on('message', (message: unknown) => {
      if (this.#port === port) this.#receive(message);
    });
    this.#schedule();
  }

  /** The other thread is down: keep what comes until it is back. */
  detach(): void {
    this.#port?.close();
    this.#port = null;
  }

  /** Resolves when the other end has closed the port, behind all that it had sent, or after so long. */
  endedWithin(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(limitMs, resolve, { keepAlive: true });
      void this.#ended.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** The other thread will not come back. */
  kill(): void {
    this.#dead = true;
    this.detach();
    const lost = new MegactorError('HOST_DIED', 'the thread of the receiver died and is not replaced');
    for (const envelope of this.#outbox.splice(0)) this.#parts.onRefused(envelope, lost);
  }

  /** False when it is refused. */
  send(envelope: Envelope): boolean {
    if (this.#dead || (this.#port === null && this.#outbox.length >= WAITING_MAX)) return false;
    // Before, not after: nothing is given back that its sender does not know of as under way.
    if (this.#outbox.length >= BATCH_ENVELOPES && this.#port !== null) this.flush();
    this.#outbox.push(envelope);
    this.#schedule();
    return true;
  }

  /** Anything else than envelopes, sent at once. */
  post(message: unknown): void {
    this.#port?.postMessage(message);
  }

  flush(): void {
    const port = this.#port;
    if (port === null || this.#outbox.length === 0) return;
    const envelopes = this.#outbox;
    this.#outbox = [];
    try {
      this.#post(port, envelopes);
    } catch {
      for (const envelope of envelopes) this.#postAlone(port, envelope);
    }
  }

  /** Sends what is left and closes. */
  close(): void {
    this.flush();
    this.#dead = true;
    this.detach();
  }

  #schedule(): void {
    if (this.#scheduled || this.#port === null || this.#outbox.length === 0) return;
    this.#scheduled = true;
    const { clock, gathers } = this.#parts;
    const flush = (): void => {
      this.#scheduled = false;
      this.flush();
    };
    // Whoever waits for a message waits for a turn of the event loop more with `soon`.
    if (gathers === true || clock.next === undefined) clock.soon(flush);
    else clock.next(flush);
  }

  #post(port: MessagePort, envelopes: readonly Envelope[]): void {
    const bytes = packEnvelopes(envelopes);
    port.postMessage(bytes, [bytes.buffer]);
  }

  #postAlone(port: MessagePort, envelope: Envelope): void {
    try {
      this.#post(port, [envelope]);
    } catch (thrown) {
      this.#parts.onRefused(envelope, toMegactorError(thrown, 'MESSAGE_NOT_CLONEABLE'));
    }
  }

  #receive(message: unknown): void {
    if (message instanceof Uint8Array) this.#parts.onEnvelopes(unpackEnvelopes(message));
    else this.#parts.onOther?.(message);
  }
}
