/**
 * Starts a system on a run directory and says when the first of the waiting mail was served, and when all of it was.
 * Started with its settings as one JSON argument; the last line is `{"firstStepSeconds","servedSeconds","steps"}`.
 *
 * 1. The clock starts when the process is started, at `startedAtMs` (wall clock), so that loading Node and all modules
 *    is in it.
 * 2. Every mail that waited is one step, since no two are for the same actor. A step counts once it is flushed and its
 *    host knows.
 */
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';

export const resumeSettingsSchema = z.strictObject({
  directory: z.string(),
  shards: z.int().positive(),
  /** How much mail waits. */
  mail: z.int().positive(),
  /** Milliseconds since the epoch. */
  startedAtMs: z.number(),
});

export const resumeResultSchema = z.strictObject({
  firstStepSeconds: z.number().positive(),
  servedSeconds: z.number().positive(),
  steps: z.int().positive(),
});

export type ResumeSettings = z.infer<typeof resumeSettingsSchema>;
export type ResumeResult = z.infer<typeof resumeResultSchema>;

const LOOK_EVERY_MS = 1;
const LIMIT_S = 600;

export const measureResume = async ({
  directory,
  shards,
  mail,
  startedAtMs,
}: ResumeSettings): Promise<ResumeResult> => {
  const sinceStart = (): number => (systemClock.now() - startedAtMs) / 1_000;
  const system = await ActorSystem.start({ shards, seed: 1, journal: { directory, durability: 'flushed' } });
  try {
    let firstStepSeconds = 0;
    let steps = 0;
    while (steps < mail) {
      if (sinceStart() > LIMIT_S) throw new Error(`${steps} of ${mail} steps after ${LIMIT_S} s`);
      await systemClock.sleep(LOOK_EVERY_MS);
      ({ steps } = system.stats().total);
      if (steps > 0 && firstStepSeconds === 0) firstStepSeconds = sinceStart();
    }
    const servedSeconds = sinceStart();
    const pending = await system.journal?.pending();
    if (pending !== 0) throw new Error(`${pending} mails are left`);
    return { firstStepSeconds, servedSeconds, steps };
  } finally {
    await system.stop();
  }
};

if (import.meta.main) await runSubject(resumeSettingsSchema, measureResume);
