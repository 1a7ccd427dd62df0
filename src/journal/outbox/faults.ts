/**
 * What goes wrong between the stores of an outbox journal and within one, as functions that a test gives. It injects
 * nothing itself.
 */
import type { Random } from '../../platform/index.ts';
import type { LogAppend } from '../shard-log.ts';

/** How many milliseconds after it left each copy arrives: `[]` is lost, `[0, 0]` duplicated. */
export type TransferFate = readonly number[];

/** Something that travels between two stores; `to` of an acknowledgement is the sender of the mail. */
export interface Travel {
  readonly kind: 'mail' | 'acknowledgement';
  readonly from: number;
  readonly to: number;
}

/**
 * What becomes of a commit: it works; it is lost with the process, or written and the answer is lost with the process,
 * so that the caller never hears; or the disk refuses it, nothing has changed, and the caller gets DISK.
 */
export type CommitFate = 'works' | 'lost' | 'unanswered' | 'fails';

/** What is about to be committed. */
export type CommitAttempt =
  | { readonly kind: 'append'; readonly shard: number; readonly group: LogAppend }
  | { readonly kind: 'snapshot'; readonly shard: number }
  | { readonly kind: 'deliver' }
  | { readonly kind: 'service'; readonly store: string; readonly effectId: string | null };

export interface OutboxFaults {
  /** Default: everything arrives once and at once. */
  readonly travel?: (travel: Travel) => TransferFate;
  /** How long the next commit of store number `store` takes, milliseconds. Default 0. */
  readonly commitMs?: (store: number) => number;
  /** Default: everything works. */
  readonly commit?: (attempt: CommitAttempt) => CommitFate;
}

/**
 * Deliberate defects of the protocol, to prove that a suite finds them: a receiver that takes what comes without looking
 * at its sequence, an outbox that forgets what it has sent, an acknowledgement that does not wait for the commit.
 */
export const OUTBOX_DEFECTS = ['no-dedupe', 'trimmed-when-sent', 'acknowledged-before-commit'] as const;
export type OutboxDefect = (typeof OUTBOX_DEFECTS)[number];

/** Shares of travels, 0…1, that meet each fault, and how long a delay lasts. Different delays change the order. */
export interface TravelRates {
  readonly lost: number;
  readonly duplicated: number;
  readonly delayed: number;
  readonly delayMaxMs: number;
}

/** Draws the fate of every travel. Each copy of a duplicated one is delayed, or not, on its own. */
export const drawTravels = (random: Random, rates: TravelRates): ((travel: Travel) => TransferFate) => {
  const delay = (): number => (random() < rates.delayed ? Math.ceil(random() * rates.delayMaxMs) : 0);
  return () => {
    if (random() < rates.lost) return [];
    return random() < rates.duplicated ? [delay(), delay()] : [delay()];
  };
};
