/** Runs programs on a real system: one shard on one host thread, through the public interface alone. */
import type { ActorDefinition } from '../../../src/actor/index.ts';
import { ActorSystem } from '../../../src/runtime/index.ts';
import type { Outcome } from '../outcome.ts';
import type { Program, Size } from '../settings.ts';
import { big, chameneos, philosophers } from './crowds.ts';
import { counting, create, forkJoin, pingpong, ring } from './pairs.ts';
import type { REPORT } from './report.ts';
import { bank, dictionary } from './tables.ts';

const OUTCOME_DEADLINE_MS = 120_000;

type Reports = typeof REPORT;
type Reporting = ActorDefinition<never, undefined, Reports>;

/** All of them take what `REPORT` says, beside messages of their own. */
const OTHERS = {
  pingpong,
  'fork-join': forkJoin,
  ring,
  chameneos,
  big,
  bank,
  dictionary,
  philosophers,
} as unknown as Readonly<Record<Exclude<Program, 'counting' | 'create'>, Reporting>>;

export const withEngine = async <Result>(use: (system: ActorSystem) => Promise<Result>): Promise<Result> => {
  const system = await ActorSystem.start({ threads: 1, shards: 1, seed: 1 });
  try {
    return await use(system);
  } finally {
    await system.stop();
  }
};

/** @param batch for `counting`: with the handler that takes whole batches. `bytes`: per actor, of `create` alone */
export const runOnEngine = async (
  system: ActorSystem,
  program: Program,
  size: Size,
  batch: boolean,
): Promise<{ readonly outcome: Outcome; readonly bytes: number }> => {
  const deadline = { deadlineMs: OUTCOME_DEADLINE_MS };
  if (program === 'create') {
    const maker = await system.spawn(create, undefined);
    const before = await maker.ask('heap', undefined, deadline);
    maker.tell('begin', size);
    const outcome = settled(await maker.ask('outcome', undefined, deadline));
    const after = await maker.ask('heap', undefined, deadline);
    return { outcome, bytes: (after - before) / size.actors };
  }
  const ref =
    program === 'counting' ? await system.spawn(counting, batch) : await system.spawn(OTHERS[program], undefined);
  ref.tell('begin', size);
  return { outcome: settled(await ref.ask('outcome', undefined, deadline)), bytes: 0 };
};

const settled = (outcome: Outcome | null): Outcome => {
  if (outcome === null) throw new Error('a program has no outcome');
  return outcome;
};
