/**
 * Steers a run by its directory, whoever works on it: `tell`, `pause`, `stop`. A run with a process is asked over its
 * control socket; one without is changed in place, under its lease.
 *
 * Invariants: D1 Nothing in a run directory is changed but by the holder of its lease. D2 A run that ends, starts or
 * changes hands meanwhile is met again as what it then is; the number of tries is limited.
 */
import { existsSync, readFileSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { z } from 'zod';
import { createJournalClient } from '../journal/client.ts';
import type { JournalClient } from '../journal/index.ts';
import { acquireLease, isLeaseHeld } from '../journal/lease.ts';
import { JournalServer } from '../journal/server.ts';
import { systemClock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { BOSS, renderReport, Roster, type ReportNumbers, type SocietyReport } from '../society/index.ts';
import { askRun } from './control-client.ts';
import { CONTROL_VERSION, type ControlRequest, type ControlSuccess } from './control-protocol.ts';
import { findAgent } from '../society/find-agent.ts';
import { RUN_STORE } from './run-store.ts';
import { decidePlan } from './plan-consent.ts';
import { RunDirectory, writeJson, writeWhole, type RunFile } from './run-directory.ts';
import { hasEnded, keptOf, mayResume } from './resumable.ts';
import type { Inspection, SteeringResult, Told } from './types.ts';
import { checkUserText, postUserMail } from './user-mail.ts';

/** How long a process that holds the lease may be without an open socket: while it starts, and while it ends. */
const REACH_DEADLINE_MS = 10_000;
const RETRY_MS = 100;
/** A run waits for the calls in flight, then writes its files and reports. */
const END_DEADLINE_MS = 180_000;
/** How often a run may change hands while it is being steered. */
const TRIES_MAX = 5;

const isCode = (error: unknown, code: string): boolean => error instanceof MegactorError && error.code === code;

/** Does `act` under the lease; null when somebody else has it. */
const underLease = async <Value>(
  directory: RunDirectory,
  act: (run: RunFile) => Promise<Value>,
): Promise<Value | null> => {
  let lease;
  try {
    lease = acquireLease(directory.path, {
      pid: process.pid,
      startedAt: new Date(systemClock.now()).toISOString(),
    });
  } catch (error) {
    if (isCode(error, 'RUN_DIR_IN_USE')) return null;
    throw error;
  }
  try {
    return await act(directory.readRun());
  } finally {
    lease.release();
  }
};

/** Asks the process of a live run; null when nobody works on the run any more. @throws RUN_UNREACHABLE and its answer */
const askLive = async (directory: RunDirectory, request: ControlRequest): Promise<ControlSuccess | null> => {
  const giveUpAt = systemClock.monotonic() + REACH_DEADLINE_MS;
  for (;;) {
    try {
      return await askRun(directory, request);
    } catch (error) {
      if (!isCode(error, 'RUN_UNREACHABLE')) throw error;
      if (!isLeaseHeld(directory.path)) return null;
      if (systemClock.monotonic() >= giveUpAt) throw error;
    }
    await systemClock.sleep(RETRY_MS);
  }
};

/** Does what is asked with the run as it is: live, or at rest. */
const steer = async <Value>(
  runDir: string,
  live: (directory: RunDirectory) => Promise<Value | null>,
  atRest: (directory: RunDirectory, run: RunFile) => Promise<Value>,
): Promise<Value> => {
  const { directory } = RunDirectory.open(runDir);
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const done = isLeaseHeld(directory.path)
      ? await live(directory)
      : await underLease(directory, (run) => atRest(directory, run));
    if (done !== null) return done;
  }
  throw new MegactorError('RUN_UNREACHABLE', `${runDir} changes hands too often to be steered`);
};

/** `running` in the file of a run that nobody works on means that its process was killed. */
const restingStatus = (run: RunFile): Exclude<Inspection['status'], 'running'> =>
  run.status === 'running' ? 'killed' : run.status;

const resultOf = (command: SteeringResult['command'], run: RunFile, live: boolean): SteeringResult => ({
  runId: run.runId,
  command,
  status: live ? 'running' : restingStatus(run),
  reason: live ? null : (run.reason as SteeringResult['reason']),
  ...keptOf(run),
});

const toldResult = (
  run: RunFile,
  live: boolean,
  { agent, answers, decided }: Told & { readonly agent: string },
): SteeringResult => ({
  ...resultOf('tell', run, live),
  agent,
  ...(answers.length === 0 ? {} : { answers }),
  ...(decided === undefined ? {} : { decided }),
});

const notRunning = (run: RunFile, what: string): MegactorError => {
  const status = restingStatus(run);
  const how = status === 'killed' ? 'its process was killed' : `it is ${status} (${run.reason ?? 'unknown'})`;
  return new MegactorError('RUN_NOT_RUNNING', `run ${run.runId} is not running, ${how}: ${what}`, {
    hint: mayResume(run) ? 'Go on with it by `megactor continue RUN_DIR`.' : undefined,
  });
};

/** Opens the journal of a run at rest, whose lease is held. */
const withJournal = async (
  directory: RunDirectory,
  run: RunFile,
  act: (journal: JournalClient) => Promise<void>,
): Promise<void> => {
  const { shards, durability } = run.settings;
  const server = await JournalServer.open({ directory: directory.path, shards, durability });
  try {
    const { port1, port2 } = new MessageChannel();
    server.attach(port1);
    const journal = createJournalClient(port2);
    await act(journal);
    await journal.close();
  } finally {
    await server.close();
  }
};

const postAtRest = async (
  directory: RunDirectory,
  run: RunFile,
  agent: string,
  text: string,
): Promise<SteeringResult> => {
  if (!mayResume(run)) throw notRunning(run, 'nobody reads mail any more');
  let told: Told = { answers: [] };
  await withJournal(directory, run, async (journal) => {
    const roster = await Roster.open(journal.store('roster'));
    if (agent === BOSS) {
      const decided = await decidePlan(journal.store(RUN_STORE), text, roster.state.meta !== null);
      if (decided !== null) {
        told = { answers: [0], decided };
        return;
      }
    }
    const answers = await postUserMail(
      {
        atRest: true,
        find: (name) => Promise.resolve(findAgent(roster.state, name)),
        woken: (name) => roster.do('woken', { names: [name] }),
        answered: (args) => roster.do('answered', args),
        deliver: (outgoing) => journal.deliver(outgoing, 'flushed'),
      },
      agent,
      text,
    );
    told = { answers };
  });
  return toldResult(run, false, { agent, ...told });
};

/**
 * Puts mail from `user` into an agent's mailbox. It is durable when this resolves. An agent of a run at rest reads it
 * when the run goes on.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, USAGE, ALREADY_DECIDED, AGENT_NOT_FOUND, RUN_NOT_RUNNING, RUN_UNREACHABLE
 */
export const tellRun = async (runDir: string, agent: string, text: string): Promise<SteeringResult> => {
  const checked = checkUserText(text);
  return steer(
    runDir,
    async (directory) => {
      const answer = await askLive(directory, { version: CONTROL_VERSION, command: 'tell', agent, text: checked });
      if (answer === null) return null;
      const { answers = [], decided } = answer;
      return toldResult(directory.readRun(), true, { agent, answers, ...(decided === undefined ? {} : { decided }) });
    },
    (directory, run) => postAtRest(directory, run, agent, checked),
  );
};

/** Asks a live run to end and waits until its process has let go of the directory. */
const endLive = async (directory: RunDirectory, command: 'pause' | 'stop'): Promise<SteeringResult | null> => {
  const answer = await askLive(directory, { version: CONTROL_VERSION, command });
  if (answer === null) return null;
  const giveUpAt = systemClock.monotonic() + END_DEADLINE_MS;
  while (isLeaseHeld(directory.path)) {
    // It was asked and will end; only this wait is over.
    if (systemClock.monotonic() >= giveUpAt) return resultOf(command, directory.readRun(), true);
    await systemClock.sleep(RETRY_MS);
  }
  return resultOf(command, directory.readRun(), false);
};

/**
 * Pauses a live run as Ctrl-C does, and waits until it is at rest. What came before the pause shows in `status`.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_NOT_RUNNING, RUN_UNREACHABLE
 */
export const pauseRun = (runDir: string): Promise<SteeringResult> =>
  steer(
    runDir,
    (directory) => endLive(directory, 'pause'),
    (_directory, run) => Promise.reject(notRunning(run, 'there is nothing to pause')),
  );

const reportSchema = z.looseObject({ status: z.string(), reason: z.string(), fileCount: z.number() });

/** The reports of a paused run say how it ended as well. */
const stopReports = (directory: RunDirectory, ended: Pick<RunFile, 'status' | 'reason'>): void => {
  const file = directory.file('report.json');
  if (!existsSync(file)) return;
  const parsed = reportSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) return;
  // Who stopped it ended it: what it had paused for is no advice to resume it any more.
  const { error: _, ...kept } = parsed.data;
  const report = { ...kept, ...ended };
  writeJson(file, report);
  // It was made of these two, and has all of their fields.
  const whole = report as unknown as SocietyReport & ReportNumbers;
  writeWhole(directory.file('report.md'), renderReport(whole, whole));
};

const stopAtRest = (directory: RunDirectory, run: RunFile): Promise<SteeringResult> => {
  if (hasEnded(run)) throw notRunning(run, 'there is nothing to stop');
  const ended = { status: 'stopped', reason: 'stopped-by-user' } as const;
  stopReports(directory, ended);
  directory.writeRun({ ...run, ...ended });
  return Promise.resolve(resultOf('stop', { ...run, ...ended }, false));
};

/**
 * Ends a run for good: a live one as soon as its calls are in, one at rest by marking it. Its files stay.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_NOT_RUNNING when it has ended already, RUN_UNREACHABLE
 */
export const stopRun = (runDir: string): Promise<SteeringResult> =>
  steer(
    runDir,
    async (directory) => {
      const result = await endLive(directory, 'stop');
      // It was pausing already, or was killed meanwhile: now it is at rest, and is marked.
      return result?.status === 'paused' || result?.status === 'killed' ? null : result;
    },
    // Async, so that what it throws rejects.
    async (directory, run) => stopAtRest(directory, run),
  );
