/**
 * One run against the user's own model server: `megactor run` in a process of its own, paused when it has made as many
 * calls as it may, and what its events say of the calls. It judges nothing: what a model does differs from run to run.
 *
 * 1. The events are read after the run; while it runs only their `modelCall` lines are counted.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { withDirectory } from '../harness/environment.ts';
import { runMegactor } from '../harness/programs.ts';
import { runWords } from '../harness/words.ts';
import { summaryOf, type Summary } from './play.ts';
import { SEED, SHORT_GOAL } from './settings.ts';

const COUNT_EVERY_MS = 50;
const READ_BYTES_MAX = 1 << 20;
const MODEL_CALL = '"type":"modelCall"';

export interface OwnModelRun {
  readonly wallSeconds: number;
  readonly processorMs: number | null;
  readonly peakMemoryMb: number | null;
  readonly summary: Summary;
  readonly calls: Calls;
}

/** What is known of the agents' calls; the planner's is not among them. */
export interface Calls {
  /** From the moment a call was let through to its answer, each with its repetitions; sorted. */
  readonly latenciesMs: readonly number[];
  /** Requests beyond the first of a call. */
  readonly repetitions: number;
}

const callSchema = z.object({ latencyMs: z.number(), attempts: z.int() });

/** @param events the text of `events.jsonl`; a line that was not written to its end is left out */
export const callsOf = (events: string): Calls => {
  const calls = events
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes(MODEL_CALL))
    .map((line) => callSchema.parse(JSON.parse(line)));
  return {
    latenciesMs: calls.map((call) => call.latencyMs).sort((left, right) => left - right),
    repetitions: calls.reduce((sum, call) => sum + Math.max(0, call.attempts - 1), 0),
  };
};

/** Counts the calls in a file of events that grows. A line that arrives in two parts counts once it is whole. */
export class CallCounter {
  readonly #path: string;
  #offset = 0;
  #rest = '';
  calls = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads what has come since, at most 1 MiB of it. */
  look(): void {
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      return;
    }
    try {
      const bytes = Buffer.alloc(READ_BYTES_MAX);
      const length = readSync(file, bytes, 0, READ_BYTES_MAX, this.#offset);
      this.#offset += length;
      // Only ASCII is looked for, so that a character cut in two does no harm.
      const lines = (this.#rest + bytes.toString('latin1', 0, length)).split('\n');
      this.#rest = lines.pop() ?? '';
      this.calls += lines.filter((line) => line.includes(MODEL_CALL)).length;
    } finally {
      closeSync(file);
    }
  }
}

/** @param callsMax null: as many as the run takes @throws Error with what `megactor run` said when it has no report */
export const runOwnModel = (model: string, agents: number, callsMax: number | null): Promise<OwnModelRun> =>
  withDirectory(async (folder) => {
    const runDir = join(folder, 'run');
    const events = join(runDir, 'events.jsonl');
    const words = runWords({ goal: SHORT_GOAL, model, agents, seed: SEED, runDir });
    const counter = new CallCounter(events);
    let pause: (() => void) | null = null;
    const counting = systemClock.every(COUNT_EVERY_MS, () => {
      if (callsMax === null || pause === null) return;
      counter.look();
      if (counter.calls < callsMax) return;
      pause();
      pause = null;
    });
    try {
      const finished = await runMegactor([...words, '--json', '--quiet'], {}, (child) => {
        pause = () => child.kill('SIGINT');
      });
      const summary = summaryOf(finished);
      return {
        wallSeconds: finished.wallMs / 1_000,
        processorMs: finished.processorMs,
        peakMemoryMb: finished.peakMemoryMb,
        summary,
        calls: callsOf(readFileSync(events, 'utf8')),
      };
    } finally {
      counting.cancel();
    }
  });
