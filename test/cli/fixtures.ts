/** A run that the test moves by hand, and a command context that records what the command line does with it. */
import { MegactorError } from '../../src/protocol/errors.ts';
import type { Clock, TimerHandle } from '../../src/platform/index.ts';
import type { CommandContext, Run, RunApi, RunProgress } from '../../src/cli/ports.ts';
import type { Inspection, ResumeOptions, RunOptions, RunSummary, SteeringResult } from '../../src/run/types.ts';

export const summaryOf = (changes: Partial<RunSummary> = {}): RunSummary => ({
  runId: 'abc123',
  status: 'completed',
  reason: 'done',
  seed: 7,
  model: 'rehearsal',
  synthetic: true,
  agents: 590,
  agentsByLevel: { boss: 1, admin: 23, ordinary: 566 },
  neverWoken: 0,
  finalReview: 'approved',
  missing: {},
  turns: 3100,
  steps: 4200,
  modelCalls: 4200,
  repeatedCalls: 0,
  messages: 1234,
  tokens: { input: 1_160_000, cachedInput: 800_000, output: 69_000 },
  costUsd: null,
  wallSeconds: 41.27,
  files: 492,
  commits: 100,
  nudges: 0,
  reviews: { accept: 589, revise: 3 },
  remedies: {},
  restarts: 0,
  deadLetters: 0,
  embedder: 'none',
  workspace: '/data/runs/abc123/workspace',
  runDir: '/data/runs/abc123',
  ...changes,
});

export const progressOf = (changes: Partial<RunProgress> = {}): RunProgress => ({
  phase: 'working',
  agents: 12,
  turns: 3,
  steps: 4,
  modelCalls: 5,
  callsInFlight: 2,
  messages: 6,
  files: 1,
  wallSeconds: 2,
  ...changes,
});

/** A clock whose periods pass when the test says so. */
export class HandClock implements Clock {
  nowMs = 0;
  readonly #periods = new Set<() => void>();
  now = (): number => this.nowMs;
  monotonic = (): number => this.nowMs;
  after = (): TimerHandle => ({ cancel: () => undefined });
  soon = (callback: () => void): void => callback();
  sleep = (): Promise<void> => Promise.resolve();
  every = (_periodMs: number, callback: () => void): TimerHandle => {
    this.#periods.add(callback);
    return { cancel: () => void this.#periods.delete(callback) };
  };
  period(): void {
    for (const callback of this.#periods) callback();
  }
  get periodsActive(): number {
    return this.#periods.size;
  }
}

export interface FakeRun {
  readonly run: Run;
  progress: RunProgress;
  readonly finish: (summary: RunSummary) => void;
  readonly fail: (error: unknown) => void;
}

const fakeRun = (): FakeRun => {
  const report = Promise.withResolvers<RunSummary>();
  const runId = Promise.withResolvers<string>();
  const fake: FakeRun = {
    progress: progressOf(),
    run: {
      runId: runId.promise,
      report: report.promise,
      progress: () => fake.progress,
      events: {
        [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true as const, value: undefined }) }),
      },
    },
    finish: (summary) => {
      runId.resolve(summary.runId);
      report.resolve(summary);
    },
    fail: (error) => {
      runId.reject(error);
      report.reject(error);
    },
  };
  return fake;
};

export interface Recorded {
  stdout: string;
  stderr: string;
  readonly exits: number[];
  /** What the run API was called with. */
  readonly started: { goal: string; options: RunOptions }[];
  readonly resumed: { runDir: string; options: ResumeOptions }[];
  /** The calls of tell, pause and stop: the command and its arguments. */
  readonly steered: (readonly string[])[];
  readonly inspected: { runDir: string; agent: string | undefined }[];
  readonly clock: HandClock;
  readonly interrupt: () => void;
  readonly listeners: () => number;
  /** Resolves when the run was started and is being watched. */
  readonly begun: () => Promise<void>;
  readonly current: FakeRun;
  readonly context: CommandContext;
  loads: number;
}

/** @param files the content of every file that exists */
export const recorder = (files: Record<string, string> = {}, inspection?: Inspection): Recorded => {
  const clock = new HandClock();
  const subscribers = new Set<() => void>();
  const current = fakeRun();
  const steered = (
    result: Pick<SteeringResult, 'command' | 'status'> & Partial<SteeringResult>,
    ...words: readonly string[]
  ): Promise<SteeringResult> => {
    recorded.steered.push([result.command, ...words]);
    return Promise.resolve({ runId: 'abc123', reason: null, ...result });
  };
  const api: RunApi = {
    runSociety: (goal, options) => {
      recorded.started.push({ goal, options });
      return current.run;
    },
    resumeRun: (runDir, options) => {
      recorded.resumed.push({ runDir, options });
      return current.run;
    },
    continueRun: (runDir, options) => {
      recorded.resumed.push({ runDir, options });
      return current.run;
    },
    tellRun: (runDir, agent, text) => steered({ command: 'tell', status: 'running', agent }, runDir, agent, text),
    pauseRun: (runDir) => steered({ command: 'pause', status: 'paused', reason: 'paused-by-user' }, runDir),
    stopRun: (runDir) => steered({ command: 'stop', status: 'stopped', reason: 'stopped-by-user' }, runDir),
    rehearse: () => Promise.reject(new Error('nobody rehearses here')),
    replayRun: () => Promise.resolve({ entries: 2, logHash: 'abc', diverged: null }),
    compactRun: (runDir) => Promise.reject(new MegactorError('RUN_DIR_IN_USE', `${runDir} is held by another process`)),
    repairRun: () => Promise.reject(new MegactorError('INTERNAL', 'no repair here')),
    runFiles: () => Promise.reject(new Error('no files')),
    inspectRun: (runDir, { agent }) => {
      recorded.inspected.push({ runDir, agent });
      return inspection === undefined
        ? Promise.reject(new MegactorError('RUN_DIR_NOT_FOUND', `there is no directory ${runDir}`))
        : Promise.resolve(inspection);
    },
  };
  const recorded: Recorded = {
    stdout: '',
    stderr: '',
    exits: [],
    started: [],
    resumed: [],
    steered: [],
    inspected: [],
    loads: 0,
    clock,
    current,
    interrupt: () => {
      for (const subscriber of subscribers) subscriber();
    },
    listeners: () => subscribers.size,
    begun: async () => {
      while (subscribers.size === 0) await new Promise(setImmediate);
    },
    context: {
      stdout: (text) => void (recorded.stdout += text),
      stderr: (text) => void (recorded.stderr += text),
      clock,
      interrupts: {
        subscribe: (callback) => {
          subscribers.add(callback);
          return () => void subscribers.delete(callback);
        },
      },
      exitNow: (code) => void recorded.exits.push(code),
      cwd: '/data',
      program: 'npm start --',
      version: '1.2.3',
      readFile: (path) => {
        const text = files[path];
        return text === undefined
          ? Promise.reject(Object.assign(new Error('missing'), { code: 'ENOENT' }))
          : Promise.resolve(text);
      },
      loadRunApi: () => {
        recorded.loads += 1;
        return Promise.resolve(api);
      },
    },
  };
  return recorded;
};
