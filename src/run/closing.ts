/**
 * The end of a process's work on a run: nothing new begins, what is under way may end, the files are brought to where they
 * are said to be, and everybody is asked once what it came to. What it does not do: write reports, or stop the system.
 *
 * Invariant C3: no model call begins any more.
 */
import { MODEL, SANDBOX, WORKSPACE } from '../../actors/run-services.ts';
import { z } from 'zod';
import type { ActorSystem } from '../runtime/index.ts';
import { failure, type Outcome } from './controller.ts';
import { gatherFiles, gatherSociety, type Gathered } from './report.ts';

/** How long model calls in flight may still answer when a run is paused; what they answer is paid for and kept. */
const DRAIN_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 10_000;
const PROGRAMS_DEADLINE = { deadlineMs: 60_000 };
const FINISH_DEADLINE = { deadlineMs: 120_000 };

export interface ClosingParts {
  readonly system: ActorSystem;
  readonly outcome: Outcome;
  /** Whether agents may run programs. */
  readonly programs: boolean;
  readonly memoryThreads: number;
}

export interface ClosedWork {
  /** As it was, unless the files could not be brought to their place. */
  readonly outcome: Outcome;
  readonly gathered: Gathered;
}

const failureOf = async (work: Promise<unknown>): Promise<Outcome | null> => {
  try {
    await work;
    return null;
  } catch (error) {
    return failure(error);
  }
};

/** The details of a failure to bring all files. */
const detailsSchema = z.object({ displaced: z.array(z.string()) });

/** Brings the work tree to the last commit. */
const bringFiles = async (
  system: ActorSystem,
): Promise<{ readonly failed: Outcome | null; readonly displaced: readonly string[] }> => {
  try {
    const { displaced } = await system.callService(WORKSPACE, 'finish', {}, FINISH_DEADLINE);
    return { failed: null, displaced };
  } catch (error) {
    const failed = failure(error);
    return { failed, displaced: detailsSchema.safeParse(failed.error?.details).data?.displaced ?? [] };
  }
};

/** @throws what the services throw */
export const closeWork = async ({ system, programs, memoryThreads, ...parts }: ClosingParts): Promise<ClosedWork> => {
  let { outcome } = parts;
  await system.quiesce();
  if (outcome.status !== 'completed') {
    // Nobody will come for the answers of a run that cannot go on.
    const deadlineMs = outcome.status === 'stopped' ? 0 : DRAIN_DEADLINE_MS;
    await system.callService(MODEL, 'drain', { deadlineMs }, { deadlineMs: DRAIN_DEADLINE_MS * 2 });
  }
  await system.drain({ deadlineMs: STOP_DEADLINE_MS });
  // What programs have written until now belongs to the run.
  const ended = programs ? await failureOf(system.callService(SANDBOX, 'finish', {}, PROGRAMS_DEADLINE)) : null;
  // Files change nothing in the society any more.
  const [{ failed, displaced }, society] = await Promise.all([
    ended === null ? bringFiles(system) : { failed: ended, displaced: [] },
    gatherSociety(system, memoryThreads),
  ]);
  // The run is not complete while its files are not where they are said to be.
  if (failed !== null) outcome = failed;
  return { outcome, gathered: { ...society, displaced, ...(await gatherFiles(system, programs)) } };
};
