/** What a trial does, drawn from its seed: the world, and the shares of what is done in it. */
import { seededRandom, type Random } from '../../src/platform/index.ts';
import type { SimulatedFaults } from '../../src/testing/index.ts';

export const between = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

export const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)] as Value;

/** Faults as the counters name them. */
export const FAULTS = [
  'host-killed',
  'host-blocked',
  'commit-failed',
  'process-killed',
  'power-lost',
  'late-links',
  'slow-consumer',
  'full-mailbox',
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface World {
  readonly seed: number;
  readonly hosts: number;
  readonly shards: number;
  readonly journal: 'flushed' | 'committed';
  readonly faults: SimulatedFaults;
  readonly creditLimit: number;
  readonly passivateAfterMs: number;
  readonly residentMax: number;
  readonly checkpointEntries: number;
  readonly operations: number;
  /** Threads, disk and process stay whole, so that what arrives can be counted exactly. */
  readonly whole: boolean;
  /** How often a fault is drawn among operations. */
  readonly faultShare: number;
}

export const drawWorld = (seed: number): World => {
  const random = seededRandom(seed, 11);
  const hosts = between(random, 1, 4);
  const whole = random() < 0.3;
  return {
    seed,
    hosts,
    shards: between(random, hosts, 6),
    journal: random() < 0.7 ? 'flushed' : 'committed',
    faults: {
      lateChance: pick(random, [0, 0.1, 0.4]),
      lateMaxMs: pick(random, [5, 40, 300]),
      commitMaxMs: pick(random, [0, 3, 20]),
      flushMaxMs: pick(random, [0, 10, 60]),
      startMaxMs: pick(random, [0, 30]),
      stepTakesChance: pick(random, [0, 0.05, 0.3]),
      stepTakesMaxMs: pick(random, [1, 3]),
      slowLanes: pick(random, [0, 0.15, 0.4]),
    },
    creditLimit: pick(random, [2, 8, 64, 16_384]),
    passivateAfterMs: pick(random, [20, 200, 2_000, 300_000]),
    residentMax: pick(random, [2, 6, 1_000]),
    checkpointEntries: pick(random, [5, 40, 4_000]),
    operations: between(random, 30, 110),
    whole,
    faultShare: whole ? 0 : pick(random, [0.01, 0.04, 0.1]),
  };
};
