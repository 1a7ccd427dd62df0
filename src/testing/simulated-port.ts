/**
 * Ports between simulated threads, with what the project uses of Node's `MessagePort`: messages are copied when they are
 * sent, arrive in their order after a drawn delay, wait until somebody listens, and both ends hear of a close.
 *
 * Invariants: W5 What is posted over one port arrives in that order (A2). W6 The end of a thread closes its ports: the
 * other end hears of it behind what had left before.
 */
import type { MessagePort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import type { Item, Lane, Scheduler, Thread } from './scheduler.ts';

type Listener = (message: unknown) => void;
type Kind = 'message' | 'close';

export interface SimulatedPortParts {
  readonly scheduler: Scheduler;
  /** How long a message takes, in milliseconds. */
  readonly delayMs: () => number;
}

/** What a label says of a message: enough to see that two runs differ, and nothing that is random by design. */
const wordsFor = (message: unknown): string =>
  message instanceof Uint8Array ? `${message.length} bytes, ${crc32(message).toString(16)}` : 'message';

export class SimulatedPort {
  readonly #parts: SimulatedPortParts;
  readonly #lane: Lane;
  readonly #listeners: Record<Kind, readonly Listener[]> = { message: [], close: [] };
  /** Ports that travel in messages which have not arrived yet. */
  readonly #travelling = new Map<Item, readonly SimulatedPort[]>();
  #peer: SimulatedPort | null = null;
  #closed = false;
  #lastDueMs = 0;
  #thread: Thread;

  private constructor(parts: SimulatedPortParts, name: string, thread: Thread) {
    this.#parts = parts;
    this.#thread = thread;
    this.#lane = parts.scheduler.lane(name, thread);
    this.#lane.held = true;
    this.#belongTo(thread);
  }

  /** Two connected ends. @param name for the trace */
  static pair(parts: SimulatedPortParts, name: string, left: Thread, right: Thread): [SimulatedPort, SimulatedPort] {
    const ends: [SimulatedPort, SimulatedPort] = [
      new SimulatedPort(parts, `${name}<`, left),
      new SimulatedPort(parts, `${name}>`, right),
    ];
    const [a, b] = ends;
    a.#peer = b;
    b.#peer = a;
    return ends;
  }

  /** As whoever knows only Node's ports sees it. Nothing else of a `MessagePort` is there. */
  asMessagePort(): MessagePort {
    return this as unknown as MessagePort;
  }

  static of(port: unknown): SimulatedPort | null {
    return port instanceof SimulatedPort ? port : null;
  }

  /** It was handed to another thread. */
  moveTo(thread: Thread): void {
    this.#thread = thread;
    this.#lane.thread = thread;
    this.#belongTo(thread);
  }

  on(kind: Kind, listener: Listener): this {
    this.#listeners[kind] = [...this.#listeners[kind], listener];
    if (kind === 'message') this.start();
    return this;
  }

  off(kind: Kind, listener: Listener): this {
    this.#listeners[kind] = this.#listeners[kind].filter((one) => one !== listener);
    return this;
  }

  start(): void {
    this.#lane.held = false;
  }

  ref(): void {}

  unref(): void {}

  /** @throws DataCloneError, as Node does */
  postMessage(message: unknown, transfer: readonly unknown[] = []): void {
    const ports = transfer.map((one) => SimulatedPort.of(one)).filter((port) => port !== null);
    const copy =
      ports.length > 0
        ? copyAround(message)
        : structuredClone(message, { transfer: transfer as never as ArrayBuffer[] });
    const peer = this.#peer;
    if (!this.#closed && peer !== null) peer.#arrive(copy, ports);
  }

  close(): void {
    if (this.#closed) return;
    this.#end();
    this.#tellPeer();
    // Its own side hears of it as well, but not before it has gone on.
    this.#later('closes', () => this.#emit('close', undefined));
  }

  #belongTo(thread: Thread): void {
    thread.onDeath.push(() => {
      if (this.#thread !== thread || this.#closed) return;
      this.#end();
      this.#tellPeer();
    });
  }

  #arrive(message: unknown, ports: readonly SimulatedPort[]): void {
    if (this.#closed) {
      for (const port of ports) port.close();
      return;
    }
    const item = this.#later(wordsFor(message), () => {
      this.#travelling.delete(item);
      for (const port of ports) port.moveTo(this.#thread);
      this.#emit('message', message);
    });
    if (ports.length > 0) this.#travelling.set(item, ports);
  }

  #tellPeer(): void {
    const peer = this.#peer;
    if (peer !== null) peer.#hearOfEnd();
  }

  #hearOfEnd(): void {
    if (this.#closed) return;
    this.#lane.held = false;
    this.#later('closes', () => {
      if (this.#closed) return;
      this.#end();
      this.#emit('close', undefined);
    });
  }

  /** What was on its way to it is lost. */
  #end(): void {
    this.#closed = true;
    this.#parts.scheduler.clear(this.#lane);
    const lost = [...this.#travelling.values()].flat();
    this.#travelling.clear();
    for (const port of lost) port.close();
  }

  #later(label: string, run: () => void): Item {
    const { scheduler, delayMs } = this.#parts;
    this.#lastDueMs = Math.max(this.#lastDueMs, scheduler.nowMs + delayMs());
    const item: Item = { dueMs: this.#lastDueMs, label, kind: 'work', run };
    scheduler.push(this.#lane, item);
    return item;
  }

  #emit(kind: Kind, message: unknown): void {
    for (const listener of this.#listeners[kind]) listener(message);
  }
}

/** A copy in which ports are the same: only the control plane sends them, in plain data. */
const copyAround = (value: unknown): unknown => {
  if (value instanceof SimulatedPort || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyAround);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyAround(inner)]));
};
