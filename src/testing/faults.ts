/** How long things take in a simulation, drawn from its seed. */
import type { Random } from '../platform/index.ts';

/** Times in milliseconds, chances 0…1. */
export interface SimulatedFaults {
  /** Share of what is posted between threads that is late, and how late at most. */
  readonly lateChance: number;
  readonly lateMaxMs: number;
  /** How long a transaction and its flush take at most. */
  readonly commitMaxMs: number;
  readonly flushMaxMs: number;
  /** How long a thread takes to start at most. */
  readonly startMaxMs: number;
  /** Share of steps after which time passes, and how much at most. */
  readonly stepTakesChance: number;
  readonly stepTakesMaxMs: number;
  /** Share of queues (of timers, of a port, of a thread) that are served seldom. */
  readonly slowLanes: number;
}

export const NO_FAULTS: SimulatedFaults = {
  lateChance: 0,
  lateMaxMs: 0,
  commitMaxMs: 0,
  flushMaxMs: 0,
  startMaxMs: 0,
  stepTakesChance: 0,
  stepTakesMaxMs: 0,
  slowLanes: 0,
};

export interface Draws {
  readonly linkMs: () => number;
  readonly commitMs: () => number;
  readonly flushMs: () => number;
  readonly startMs: () => number;
  /** Nothing takes time any more. */
  readonly calm: () => void;
}

export const drawFaults = (faults: SimulatedFaults, random: Random): Draws => {
  let calm = false;
  const upTo = (maxMs: number): number => (calm || maxMs <= 0 ? 0 : Math.floor(random() * (maxMs + 1)));
  return {
    linkMs: () => (calm || faults.lateChance <= 0 || random() >= faults.lateChance ? 0 : upTo(faults.lateMaxMs)),
    commitMs: () => upTo(faults.commitMaxMs),
    flushMs: () => upTo(faults.flushMaxMs),
    startMs: () => upTo(faults.startMaxMs),
    calm: () => {
      calm = true;
    },
  };
};
