/**
 * Whose fault the end of a host was, and what that costs him: charges that outlive the host, because the actor's own
 * memory of its restarts has died with it. What it does not do: decide what becomes of the actor (life.ts does, by its
 * policy), or watch hosts.
 *
 * Invariants: A7 Every message ends a bounded number of hosts: charges for the same message never grow old, and others
 * only by time in which the actor could run. G1 Nobody is charged unless it is known that his code ran, or the same message was
 * under way at three ends that nobody is known for.
 */
import { isCanary } from '../platform/index.ts';
import type { PulseReading, RunningTurn } from './host-pulse.ts';

/** Actors that are remembered; the longest without a charge are forgotten first. */
const ACTORS_MAX = 1_024;
/** Charges per actor that are remembered: more than any sensible intensity. */
const CHARGES_MAX = 64;

/** Ends that nobody is known for, at which the same message is under way, before it is charged with the last one. */
const SUSPICIONS_MAX = 3;

/** Plain data: goes to the thread that recovers the actor. */
export interface ActorCharge {
  readonly shard: number;
  readonly actor: number;
  /** How long ago the charges before were, in milliseconds, oldest first; those of the same message: 0. */
  readonly agesMs: readonly number[];
  /** True when it has not been answered for yet: the actor failed once more. */
  readonly fresh: boolean;
  /** Position of the message in the inbox; −1: it is not there. */
  readonly seq: number;
  /** The type of the message; '' when it is not known. */
  readonly type: string;
  readonly reason: string;
}

/** Whose code ended the host, as far as that is known. */
export const whoseFault = ({ culprit, mark, turns, more }: PulseReading): RunningTurn | null => {
  if (culprit !== null) return culprit === 'unknown' ? null : culprit;
  if (mark !== null) return mark;
  const [only] = turns;
  return turns.length === 1 && !more && only !== undefined ? only : null;
};

interface Entry {
  readonly shard: number;
  readonly seqs: number[];
  /** Moments on a clock that stood still while the actor could not run. */
  readonly times: number[];
  fresh: boolean;
  diedMs: number;
  type: string;
  reason: string;
}

export class Charges {
  readonly #entries = new Map<number, Entry>();
  /** By actor and message. */
  readonly #suspicions = new Map<string, number>();

  /** @param silentMs how long the host stood still before its end @param nowMs monotonic */
  add(turn: RunningTurn, type: string, reason: string, nowMs: number, silentMs: number): void {
    if (isCanary('charge-lost')) return;
    const { actor, shard, seq } = turn;
    const entry = this.#entries.get(actor) ?? { shard, seqs: [], times: [], fresh: true, diedMs: 0, type, reason };
    // Those that are charged again move to the end.
    this.#entries.delete(actor);
    this.#entries.set(actor, entry);
    postpone(entry, silentMs);
    entry.times.push(nowMs);
    entry.seqs.push(seq);
    if (entry.times.length > CHARGES_MAX) {
      entry.times.shift();
      entry.seqs.shift();
    }
    Object.assign(entry, { fresh: true, diedMs: nowMs, type, reason });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > ACTORS_MAX && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Nobody is known for an end. @param turns that were under way @returns who was there too often by now */
  suspect(turns: readonly RunningTurn[]): RunningTurn[] {
    const caught: RunningTurn[] = [];
    for (const turn of turns) {
      // What is in no inbox is not tried again.
      if (turn.seq < 0) continue;
      const key = `${turn.actor} ${turn.seq}`;
      const times = (this.#suspicions.get(key) ?? 0) + 1;
      this.#suspicions.delete(key);
      if (times >= SUSPICIONS_MAX) caught.push(turn);
      else this.#suspicions.set(key, times);
    }
    for (const [oldest] of this.#suspicions) {
      if (this.#suspicions.size <= ACTORS_MAX) break;
      this.#suspicions.delete(oldest);
    }
    return caught;
  }

  /** What the actors of these shards are charged with. */
  of(shards: readonly number[], nowMs: number): ActorCharge[] {
    const charges: ActorCharge[] = [];
    for (const [actor, { shard, seqs, times, fresh, type, reason, diedMs }] of this.#entries) {
      if (!shards.includes(shard)) continue;
      const seq = seqs.at(-1) ?? -1;
      const ages = times.map((time, index) => {
        if (!fresh) return nowMs - time;
        return seq >= 0 && seqs[index] === seq ? 0 : diedMs - time;
      });
      const agesMs = fresh ? ages.slice(0, -1) : ages;
      charges.push({ shard, actor, agesMs: agesMs.toSorted((a, b) => b - a), fresh, seq, type, reason });
    }
    return charges;
  }

  /** The actors of these shards run again and have answered for their charges. */
  answered(shards: readonly number[], nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (!entry.fresh || !shards.includes(entry.shard)) continue;
      entry.fresh = false;
      postpone(entry, nowMs - entry.diedMs);
    }
  }
}

const postpone = (entry: Entry, byMs: number): void => {
  entry.times.forEach((time, index) => {
    entry.times[index] = time + byMs;
  });
};
