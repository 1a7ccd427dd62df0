/**
 * Runs one program on one subject, in a process of its own: a warm-up, then the measured passes. Started with its
 * settings as one JSON argument; the last line is `{"count","seconds","wallSeconds"}`, or `{"bytes"}` for memory.
 *
 * 1. A wrong result is an error, and no figure.
 */
import { z } from 'zod';
import { runSubject } from '../harness/program.ts';
import { runOnErlang } from './peers/erlang.ts';
import { runOnEngine, withEngine } from './engine/run.ts';
import { arrayFloor, ringFloor } from './floors.ts';
import { heapBytes } from './heap.ts';
import type { Kernel } from './kernel.ts';
import { checkSeen, itemsOf, type Outcome } from './outcome.ts';
import { runOnKernel } from './programs/index.ts';
import { PROGRAMS, SUBJECTS, WARM_UP_ITEMS, type Program, type Size, type Subject } from './settings.ts';

const sizeSchema = z.strictObject({ actors: z.int().positive(), items: z.int().positive() });

export const subjectSettingsSchema = z.strictObject({
  subject: z.enum(SUBJECTS),
  program: z.enum(PROGRAMS),
  size: sizeSchema,
  passes: z.int().positive(),
  /** `memory`: of the actors that `create` has made. */
  measure: z.enum(['rate', 'memory']),
});
export type SubjectSettings = z.infer<typeof subjectSettingsSchema>;

export const rateSchema = z.strictObject({
  count: z.int().positive(),
  seconds: z.number().positive(),
  wallSeconds: z.number().positive(),
});
export const memorySchema = z.strictObject({ bytes: z.number() });

export type Rate = z.infer<typeof rateSchema>;
export type Memory = z.infer<typeof memorySchema>;

/** Runs a program once. */
export type Runner = (program: Program, size: Size) => Promise<Outcome>;

/** The same program, small enough to take no time and large enough to be compiled. */
export const warmUpOf = (program: Program, { actors, items }: Size): Size =>
  program === 'create'
    ? { actors: Math.min(actors, WARM_UP_ITEMS / 5), items: Math.min(actors, WARM_UP_ITEMS / 5) }
    : {
        actors,
        items: Math.max(1, Math.min(items, Math.ceil((items * WARM_UP_ITEMS) / itemsOf(program, { actors, items })))),
      };

/** @throws Error for a wrong result of any pass */
export const rateOf = async (run: Runner, program: Program, size: Size, passes: number): Promise<Rate> => {
  const warmUp = warmUpOf(program, size);
  checkSeen(program, warmUp, (await run(program, warmUp)).seen);
  let seconds = 0;
  let wallSeconds = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    const outcome = await run(program, size);
    checkSeen(program, size, outcome.seen);
    seconds += outcome.seconds;
    wallSeconds += outcome.wallSeconds;
  }
  return { count: itemsOf(program, size) * passes, seconds, wallSeconds };
};

/** @throws Error that says so when the package is missing */
const installed = async <Module>(name: string, load: () => Promise<Module>): Promise<Module> => {
  try {
    return await load();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw thrown;
    throw new Error(`${name} is not installed`, { cause: thrown });
  }
};

const kernelOf = async (subject: Exclude<Subject, 'megactor' | 'batch' | 'erlang'>): Promise<Kernel> => {
  switch (subject) {
    case 'array-floor':
      return arrayFloor();
    case 'ring-floor':
      return ringFloor();
    case 'nact':
      return (await installed(subject, () => import('./peers/nact.ts'))).nactKernel();
    case 'xstate':
      return (await installed(subject, () => import('./peers/xstate.ts'))).xstateKernel();
    default:
      return subject satisfies never;
  }
};

const memoryOnKernel = async (kernel: Kernel, size: Size): Promise<Memory> => {
  const warmUp = warmUpOf('create', size);
  checkSeen('create', warmUp, (await runOnKernel('create', warmUp, kernel)).seen);
  const before = heapBytes();
  checkSeen('create', size, (await runOnKernel('create', size, kernel)).seen);
  const bytes = (heapBytes() - before) / size.actors;
  // The kernel, and all its actors, are in use until here.
  kernel.drain?.();
  return { bytes };
};

export const measureSubject = async (settings: SubjectSettings): Promise<Rate | Memory> => {
  const { subject, program, size, passes, measure } = settings;
  if (subject === 'erlang') return runOnErlang(program, size);
  if (subject === 'megactor' || subject === 'batch') {
    return withEngine(async (system) => {
      const run: Runner = async (one, of) => (await runOnEngine(system, one, of, subject === 'batch')).outcome;
      if (measure === 'rate') return rateOf(run, program, size, passes);
      await runOnEngine(system, 'create', warmUpOf('create', size), false);
      const { outcome, bytes } = await runOnEngine(system, 'create', size, false);
      checkSeen('create', size, outcome.seen);
      return { bytes };
    });
  }
  const kernel = await kernelOf(subject);
  if (measure === 'memory') return memoryOnKernel(kernel, size);
  return rateOf((one, of) => runOnKernel(one, of, kernel), program, size, passes);
};

if (import.meta.main) await runSubject(subjectSettingsSchema, measureSubject);
