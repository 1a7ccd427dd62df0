/**
 * Carries what is in the outboxes to the receivers' stores, over a way that may lose, double, delay and reorder, and
 * carries the acknowledgements back. It keeps nothing that a crash could lose: after a restart it begins with what is not
 * acknowledged.
 *
 * Invariants: U1 entries are sent in order of their sequence and again until they are acknowledged; there is no limit to
 * the number of times, since mail of a committed step may not be given up (D1), but each wait is longer, up to a limit.
 * U2 at most `WINDOW_MAX` entries of a pair are on their way.
 */
import type { Clock, TimerHandle } from '../../platform/index.ts';
import type { OutboxFaults, Travel } from './faults.ts';
import type { OutPair, Transfer } from './pair.ts';

const WINDOW_MAX = 256;
const RETRY_DOUBLINGS_MAX = 6;

/** What a pump needs of the journal it works for. */
export interface PumpPort {
  readonly clock: Clock;
  readonly travel: NonNullable<OutboxFaults['travel']>;
  pair(from: number, to: number): OutPair;
  /** A transfer has come to its receiver, which answers with `acknowledge`. */
  arrived(transfer: Transfer): void;
  /** Trims the outbox in a transaction of the sender; calls back when it is committed. */
  trim(from: number, to: number, through: number, trimmed: () => void): void;
}

export interface PumpOptions {
  /** Wait before what is not acknowledged is sent again, milliseconds; doubles with each try. */
  readonly retryMs: number;
  /** Entries of one transfer. */
  readonly batchMax: number;
  /** A deliberate defect: see `faults.ts`. */
  readonly trimWhenSent: boolean;
}

/** How far one pair is, as this process knows it. */
interface Flow {
  readonly from: number;
  readonly to: number;
  readonly pair: OutPair;
  /** The sequence to be sent next. */
  sent: number;
  tries: number;
  scheduled: boolean;
  timer: TimerHandle | null;
  waiters: { readonly through: number; readonly callback: () => void }[];
}

export class Pump {
  readonly #port: PumpPort;
  readonly #options: PumpOptions;
  readonly #flows = new Map<string, Flow>();
  #stopped = false;

  constructor(port: PumpPort, options: PumpOptions) {
    this.#port = port;
    this.#options = options;
  }

  /** There is something new in the outbox of `from` for `to`. */
  kick(from: number, to: number): void {
    this.#kick(this.#flow(from, to));
  }

  /** Calls back when everything of the pair before `through` is acknowledged. */
  whenAcknowledged(from: number, to: number, through: number, callback: () => void): void {
    const flow = this.#flow(from, to);
    if (flow.pair.acknowledged >= through) callback();
    else flow.waiters.push({ through, callback });
  }

  /** The receiver `to` has everything of `from` before `through`. */
  acknowledge(from: number, to: number, through: number): void {
    this.#carry({ kind: 'acknowledgement', from: to, to: from }, () =>
      this.#port.trim(from, to, through, () => this.#trimmed(this.#flow(from, to))),
    );
  }

  /** What is on its way arrives nowhere. */
  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#flows.values()) timer?.cancel();
  }

  #flow(from: number, to: number): Flow {
    const name = `${from}>${to}`;
    let flow = this.#flows.get(name);
    if (flow === undefined) {
      const pair = this.#port.pair(from, to);
      flow = { from, to, pair, sent: pair.acknowledged, tries: 0, scheduled: false, timer: null, waiters: [] };
      this.#flows.set(name, flow);
    }
    return flow;
  }

  #kick(flow: Flow): void {
    if (flow.scheduled || this.#stopped) return;
    flow.scheduled = true;
    // The outgoing mail of steps that commit together travels together.
    this.#port.clock.soon(() => {
      flow.scheduled = false;
      if (!this.#stopped) this.#send(flow);
    });
  }

  #send(flow: Flow): void {
    const { from, to, pair } = flow;
    flow.sent = Math.max(flow.sent, pair.acknowledged);
    const windowEnd = pair.acknowledged + WINDOW_MAX;
    while (flow.sent < windowEnd) {
      const first = flow.sent;
      const parcels = pair.from(first, Math.min(this.#options.batchMax, windowEnd - first));
      if (parcels.length === 0) break;
      flow.sent += parcels.length;
      this.#carry({ kind: 'mail', from, to }, () => this.#port.arrived({ from, to, first, parcels }));
      if (this.#options.trimWhenSent) pair.trim(flow.sent);
    }
    if (flow.timer === null && flow.sent > pair.acknowledged) this.#arm(flow);
  }

  #arm(flow: Flow): void {
    const delayMs = this.#options.retryMs * 2 ** Math.min(flow.tries, RETRY_DOUBLINGS_MAX);
    flow.timer = this.#port.clock.after(delayMs, () => {
      flow.timer = null;
      flow.tries += 1;
      flow.sent = flow.pair.acknowledged;
      this.#send(flow);
    });
  }

  #trimmed(flow: Flow): void {
    flow.timer?.cancel();
    flow.timer = null;
    flow.tries = 0;
    const { acknowledged } = flow.pair;
    const due = flow.waiters.filter(({ through }) => through <= acknowledged);
    flow.waiters = flow.waiters.filter(({ through }) => through > acknowledged);
    for (const { callback } of due) callback();
    this.#send(flow);
  }

  #carry(travel: Travel, arrive: () => void): void {
    const arrival = (): void => {
      if (!this.#stopped) arrive();
    };
    for (const delayMs of this.#port.travel(travel)) {
      if (delayMs > 0) this.#port.clock.after(delayMs, arrival);
      else this.#port.clock.soon(arrival);
    }
  }
}
