/** Every program as it runs on a bare kernel: the floors, and peers that are such a kernel. */
import type { Finish, Kernel } from '../kernel.ts';
import { Stopwatch, type Outcome } from '../outcome.ts';
import type { Program, Size } from '../settings.ts';
import { big, chameneos, philosophers } from './crowds.ts';
import { counting, create, forkJoin, pingpong, ring } from './pairs.ts';
import { bank, dictionary } from './tables.ts';

const ON_KERNEL: Readonly<Record<Program, (kernel: Kernel, size: Size, finish: Finish) => void>> = {
  pingpong,
  counting,
  create,
  'fork-join': forkJoin,
  ring,
  chameneos,
  big,
  bank,
  dictionary,
  philosophers,
};

/** Runs a program once. @throws Error when nobody has mail any more and the program is not over */
export const runOnKernel = (program: Program, size: Size, kernel: Kernel): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const watch = new Stopwatch();
    ON_KERNEL[program](kernel, size, (seen) => resolve(watch.outcome(seen)));
    if (kernel.drain === null) return;
    kernel.drain();
    // Does nothing after the end of the program.
    reject(new Error(`${program} does not come to its end: a message was lost`));
  });
