/** What `bench savina` measures, in one place: programs, sizes, targets. Measures nothing. */
import { z } from 'zod';
import { optionalRuns, runsOf, settingsWithRuns } from '../harness/settings.ts';

export const PROGRAMS = [
  'pingpong',
  'counting',
  'create',
  'fork-join',
  'ring',
  'chameneos',
  'big',
  'bank',
  'dictionary',
  'philosophers',
] as const;
export type Program = (typeof PROGRAMS)[number];

/** What the rate of a program counts. */
export const UNITS: Readonly<Record<Program, string>> = {
  pingpong: 'round trips/s',
  counting: 'messages/s',
  create: 'actors/s',
  'fork-join': 'messages/s',
  ring: 'hops/s',
  chameneos: 'meetings/s',
  big: 'pings/s',
  bank: 'transactions/s',
  dictionary: 'requests/s',
  philosophers: 'meals/s',
};

/** How large a program is. */
export interface Size {
  readonly actors: number;
  /** Per actor in `fork-join`, `big`, `dictionary` and `philosophers`; of all together elsewhere. */
  readonly items: number;
}

export const SIZES: Readonly<Record<Program, Size>> = {
  pingpong: { actors: 2, items: 1_000_000 },
  counting: { actors: 2, items: 5_000_000 },
  create: { actors: 1_000_000, items: 1_000_000 },
  'fork-join': { actors: 60, items: 100_000 },
  ring: { actors: 100, items: 1_000_000 },
  chameneos: { actors: 100, items: 400_000 },
  big: { actors: 120, items: 2_000 },
  bank: { actors: 1_000, items: 50_000 },
  dictionary: { actors: 20, items: 10_000 },
  philosophers: { actors: 20, items: 10_000 },
};

/** Repetitions within one process, so that no measurement is shorter than about a tenth of a second. */
export const PASSES: Readonly<Record<Program, number>> = {
  pingpong: 1,
  counting: 1,
  create: 1,
  'fork-join': 1,
  ring: 2,
  chameneos: 3,
  big: 8,
  bank: 10,
  dictionary: 5,
  philosophers: 5,
};

/** Creations of peers that take more than 10 s for a million. */
export const PEER_CREATIONS = 200_000;
/** A run before the measured one, of so many items (or actors, in `create`) at most. */
export const WARM_UP_ITEMS = 100_000;
/** Idle actors whose memory is measured. */
export const IDLE_ACTORS = 200_000;
/** Messages sent in a row by whoever sends without waiting for answers; well below the bound of a mailbox. */
export const BURST = 1_000;
export const SEED = 7;
export const OPENING_BALANCE = 1_000;
export const KEYS = 512;
/** One request of so many is a write. */
export const WRITE_EVERY = 10;

/** `batch` is the same engine with a handler that takes whole batches; only `counting` has it. */
export const SUBJECTS = ['array-floor', 'ring-floor', 'megactor', 'batch', 'nact', 'xstate', 'erlang'] as const;
export type Subject = (typeof SUBJECTS)[number];

export const SUBJECT_NAMES: Readonly<Record<Subject, string>> = {
  'array-floor': 'floor, one array per mailbox',
  'ring-floor': 'floor, one FIFO ring',
  megactor: 'megactor',
  batch: 'megactor, batch handler',
  nact: 'nact',
  xstate: 'XState',
  erlang: 'Erlang',
};

/** Ratios to the floor with one array per mailbox. */
export const TARGETS: Readonly<Record<Program, number>> = {
  pingpong: 0.5,
  counting: 0.5,
  create: 0.45,
  'fork-join': 0.8,
  ring: 0.5,
  chameneos: 0.5,
  big: 0.5,
  bank: 0.65,
  dictionary: 0.5,
  philosophers: 0.5,
};
export const BATCH_TARGET = 1.1;
export const IDLE_BYTES_TARGET = 400;

/** Runs are processes of each subject and program, and of each peer. */
export const settingsSchema = settingsWithRuns.extend({
  peerRuns: optionalRuns,
  programs: z.array(z.enum(PROGRAMS)).min(1).optional(),
});

export type SavinaSettings = z.infer<typeof settingsSchema>;

/** All that one measurement depends on; tests use smaller sizes. */
export interface Plan {
  readonly runs: number;
  readonly peerRuns: number;
  readonly programs: readonly Program[];
  readonly sizes: Readonly<Record<Program, Size>>;
  readonly passes: Readonly<Record<Program, number>>;
  readonly peerCreations: number;
  readonly idleActors: number;
}

export const planOf = ({ quick, runs, peerRuns, programs }: SavinaSettings): Plan => ({
  runs: runsOf({ quick, runs }),
  peerRuns: peerRuns ?? (quick ? 1 : 3),
  programs: PROGRAMS.filter((program) => programs?.includes(program) ?? true),
  sizes: SIZES,
  passes: PASSES,
  peerCreations: PEER_CREATIONS,
  idleActors: IDLE_ACTORS,
});
