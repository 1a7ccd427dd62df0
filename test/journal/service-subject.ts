/** A service as the suites of effects see it (`service-conformance.ts`); also loaded by processes that are killed. */
import type { ServiceStore } from '../../src/journal/index.ts';

/** The effect ids that the suite uses. */
export const EFFECTS = ['Agent/3/first', 'Agent/4/second'] as const;
/** Two of one step: a step that a crash has cut off is repeated whole, and no step before it is. */
export const STEP_EFFECTS = ['Agent/3/first', 'Agent/3/second'] as const;

export interface OpenedService {
  /** Does act number `number` (1 or 2, of different effect) under the id. @returns plain data, the same for a repeat */
  act(effectId: string, number: 1 | 2): Promise<unknown>;
  /** What the acts have changed, as plain data. */
  observe(): Promise<unknown>;
  /** Ends what the service still does by itself; absent: nothing. Not for one whose store is dead. */
  close?(): Promise<void>;
}

/** What outlives the processes of one test: a directory, a server … */
export interface ServiceWorld {
  /** A new process of the service over the store; an earlier one is closed, or waits for a dead store for ever. */
  open(store: ServiceStore): Promise<OpenedService>;
  /** What the acts have cost outside, which a crash before the commit cannot take back; absent: nothing. */
  cost?(): number;
  close(): Promise<void>;
}

export interface ServiceSubject {
  readonly name: string;
  start(): Promise<ServiceWorld>;
}
