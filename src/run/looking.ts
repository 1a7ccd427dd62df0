/**
 * What is done with a run beside running it. Each is loaded by whoever first does it: together they take as much code as a
 * run, and a run that starts has no use for any of it.
 */
import type {
  Compacted,
  FilesOptions,
  Inspection,
  InspectOptions,
  Replay,
  ReplayOptions,
  RunFiles,
  SteeringResult,
} from './types.ts';
import type { RepairResult } from './repair.ts';

export type { RepairResult } from './repair.ts';

/**
 * Makes the journal of a run that nobody works on small. The run goes on from where it is, as it would have.
 * @throws RUN_DIR_NOT_FOUND (also when the run has no journal), RUN_DIR_FOREIGN, RUN_DIR_IN_USE while a process works on
 * the run, RUN_FORMAT, JOURNAL_DAMAGED, DISK; whatever it throws, the journal is whole
 */
export const compactRun = async (runDir: string): Promise<Compacted> =>
  (await import('./compact.ts')).compactRun(runDir);

/**
 * The files of a run, their history and whose lines they hold, while the run is on and after it.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_FORMAT, FILE_NOT_FOUND, USAGE, JOURNAL_DAMAGED, WORKSPACE_FOREIGN, DISK
 */
export const runFiles = async (runDir: string, options: FilesOptions = {}): Promise<RunFiles> =>
  (await import('./files.ts')).runFiles(runDir, options);

/**
 * Looks into a run, live or at rest, without taking part in it.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_FORMAT, AGENT_NOT_FOUND, JOURNAL_DAMAGED, DISK
 */
export const inspectRun = async (runDir: string, options: InspectOptions = {}): Promise<Inspection> =>
  (await import('./inspect.ts')).inspectRun(runDir, options);

/**
 * Examines the journal of a run at rest and repairs what is damaged.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_DIR_IN_USE for a live run, RUN_FORMAT, DISK, JOURNAL_DAMAGED when
 * nothing in it can be proven
 */
export const repairRun = async (runDir: string): Promise<RepairResult> =>
  (await import('./repair.ts')).repairRun(runDir);

/**
 * Replays the log of a run: live, at rest or killed. Asks no model and touches no file.
 * @throws RUN_DIR_NOT_FOUND (also when the run has no journal), RUN_DIR_FOREIGN, RUN_FORMAT, JOURNAL_DAMAGED,
 * DEFINITION_INVALID, DISK, and the reason of `options.signal`
 */
export const replayRun = async (runDir: string, options: ReplayOptions = {}): Promise<Replay> =>
  (await import('./replay.ts')).replayRun(runDir, options);

/**
 * Puts mail from `user` into an agent's mailbox. It is durable when this resolves. An agent of a run at rest reads it
 * when the run goes on.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, USAGE, AGENT_NOT_FOUND, RUN_NOT_RUNNING, RUN_UNREACHABLE
 */
export const tellRun = async (runDir: string, agent: string, text: string): Promise<SteeringResult> =>
  (await import('./steering.ts')).tellRun(runDir, agent, text);

/**
 * Pauses a live run as Ctrl-C does, and waits until it is at rest. What came before the pause shows in `status`.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_NOT_RUNNING, RUN_UNREACHABLE
 */
export const pauseRun = async (runDir: string): Promise<SteeringResult> =>
  (await import('./steering.ts')).pauseRun(runDir);

/**
 * Ends a run for good: a live one as soon as its calls are in, one at rest by marking it. Its files stay.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_NOT_RUNNING when it has ended already, RUN_UNREACHABLE
 */
export const stopRun = async (runDir: string): Promise<SteeringResult> =>
  (await import('./steering.ts')).stopRun(runDir);
