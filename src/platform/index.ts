/**
 * The one adapter folder: the clock, randomness, timers, threads and child processes. Everything else takes them as
 * arguments (`Platform`), so that tests and the simulation can put their own in their place. Kill points, planted faults of a
 * disk and planted defects, which only tests switch on, are here too, since every room may need them.
 */
export * from './canary.ts';
export * from './clock.ts';
export * from './directories.ts';
export * from './disk-fault.ts';
export * from './hash.ts';
export * from './kill-point.ts';
export * from './programs.ts';
export * from './random.ts';
export * from './threads.ts';
export * from './virtual-clock.ts';
