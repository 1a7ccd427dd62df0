/** The test kit: a whole system in one thread, in which a seed decides what goes on next and what fails. */
export type { SimulatedFaults } from './faults.ts';
export { Probe, type ProbeMail } from './probe.ts';
export { forEachSeed, SEED_VARIABLE, type SeedsOptions } from './seeds.ts';
export { SimulatedSystem, type RunLimits, type SimulationOptions } from './simulated-system.ts';
export type { CrashKind } from './simulated-disk.ts';
