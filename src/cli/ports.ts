/**
 * What the command line needs from outside, as interfaces, so that tests put a fake run, clock or terminal in place:
 * the run API (the surface of `src/run/index.ts`), and the process around it. No behaviour.
 */
import type { Clock } from '../platform/clock.ts';
import type { EventRecord } from '../protocol/event.ts';
import type { Terminal } from './view/terminal.ts';
import type { Forecast, ForecastOptions } from '../run/forecast/types.ts';
import type { RepairResult } from '../run/repair.ts';
import type {
  Compacted,
  FilesOptions,
  InspectOptions,
  Inspection,
  Replay,
  ReplayOptions,
  ResumeOptions,
  RunFiles,
  RunOptions,
  RunSummary,
  SteeringResult,
} from '../run/types.ts';

/** Counters of a run in progress, read without waiting for anything. */
export interface RunProgress {
  readonly phase: 'planning' | 'working' | 'closing' | 'done';
  readonly agents: number;
  readonly turns: number;
  readonly steps: number;
  readonly modelCalls: number;
  readonly callsInFlight: number;
  readonly messages: number;
  readonly files: number;
  readonly commits?: number;
  readonly tokens?: { readonly input: number; readonly cachedInput: number; readonly output: number };
  readonly costUsd?: number | null;
  readonly wallSeconds: number;
}

export interface Run {
  readonly runId: Promise<string>;
  readonly events: AsyncIterable<EventRecord>;
  readonly progress: () => RunProgress;
  /** Rejects with a MegactorError when the run could not start, or broke. */
  readonly report: Promise<RunSummary>;
  /** Mail from the user to an agent. */
  readonly tell?: (agent: string, text: string) => Promise<unknown>;
}

export interface RunApi {
  runSociety(goal: string, options: RunOptions): Run;
  resumeRun(runDir: string, options: ResumeOptions): Run;
  rehearse(goal: string, options: ForecastOptions): Promise<Forecast>;
  inspectRun(runDir: string, options: InspectOptions): Promise<Inspection>;
  runFiles(runDir: string, options: FilesOptions): Promise<RunFiles>;
  replayRun(runDir: string, options: ReplayOptions): Promise<Replay>;
  compactRun(runDir: string): Promise<Compacted>;
  repairRun(runDir: string): Promise<RepairResult>;
  continueRun(runDir: string, options: ResumeOptions): Run;
  tellRun(runDir: string, agent: string, text: string): Promise<SteeringResult>;
  pauseRun(runDir: string): Promise<SteeringResult>;
  stopRun(runDir: string): Promise<SteeringResult>;
}

/** Where interruptions (Ctrl-C) come from. */
export interface InterruptSource {
  /** Calls back once per interruption. @returns how to stop listening */
  subscribe(onInterrupt: () => void): () => void;
}

export interface CommandContext {
  /** Writes text as it is. */
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly clock: Clock;
  readonly interrupts: InterruptSource;
  /** Takes over the terminal that the user watches; absent when there is none. */
  readonly openTerminal?: () => Terminal;
  /** Ends the process at once; for the second Ctrl-C, which waits for nothing. */
  readonly exitNow: (code: number) => void;
  readonly cwd: string;
  /** How the user starts this program: `npm start --` in a checkout, `npx megactor` installed. */
  readonly program: string;
  readonly version: string;
  readonly readFile: (path: string) => Promise<string>;
  /** Loaded only by the commands that need it, so that help and usage errors come at once. */
  readonly loadRunApi: () => Promise<RunApi>;
}

/** Exit codes: the contract with scripts. */
export const EXIT = { completed: 0, failed: 1, usage: 2, paused: 3, interrupted: 130 } as const;
