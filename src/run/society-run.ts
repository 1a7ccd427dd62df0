/**
 * One run of a society in this process, from its start (new or resumed) to the moment everything is closed: takes the
 * lease, starts the system, lets the controller drive, then stops in order and writes the reports. `run.report` settles
 * last.
 *
 * Invariants: S1 Whatever happens, the system is stopped and the lease is released. S2 `run.json` says `running` only
 * while a process works on the run, or after it was killed. S3 A start that fails leaves nothing of a run behind.
 */
import { open } from 'node:fs/promises';
import { MODEL, ROSTER } from '../../actors/run-services.ts';
import type { JournalClient } from '../journal/index.ts';
import { acquireLease, type Lease } from '../journal/lease.ts';
import type { Clock, TimerHandle } from '../platform/index.ts';
import type { EventRecord } from '../protocol/event.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { ActorSystem } from '../runtime/index.ts';
import { EventWriter, type EventInput } from '../telemetry/index.ts';
import { type Plan, questionsOfRows, USER } from '../society/index.ts';
import { agentSettings, limitsOf } from './agent-settings.ts';
import { isBuiltIn } from './built-in.ts';
import { sendBudgetMail } from './budget-mail.ts';
import { watchBoss } from './boss-watch.ts';
import { closeWork } from './closing.ts';
import { startControlServer } from './control-server.ts';
import { Controller, failure, type Outcome } from './controller.ts';
import { deferred } from './deferred.ts';
import { EventChannel } from './event-channel.ts';
import type { FoundingParts } from './found.ts';
import { releaseHeld } from './held-budgets.ts';
import { LiveSteering } from './live-steering.ts';
import { budgetsOf } from './model-settings.ts';
import { PlanDesk, planQuestion } from './plan-consent.ts';
import { ProgressMeter } from './progress.ts';
import { keepPrompts, type PromptTexts } from './prompts.ts';
import { openQuestions, summaryOf, writeReports } from './report.ts';
import { hasEnded, keptOf, withWayOn } from './resumable.ts';
import { writeJson, type RunDirectory, type RunFile } from './run-directory.ts';
import { givenPlan, plannerUsage, RUN_STORE } from './run-store.ts';
import { agentsOf, serviceSpecs } from './services.ts';
import { TextStreams } from './text-streams.ts';
import type { ResumeOptions, Run, RunProgress, RunSummary, TextStream, Told } from './types.ts';

const STOP_DEADLINE_MS = 10_000;

/** Nobody can go on before the person has answered. */
const WAITING: EventInput = { type: 'human', status: 'waiting' };

/** A run directory that is ready to be run. */
export interface PreparedRun {
  readonly directory: RunDirectory;
  readonly run: RunFile;
  /** True when the directory was made for this start. */
  readonly fresh: boolean;
  /** Prompts of the run's own. */
  readonly prompts: PromptTexts | null;
}

/** The first event of a process: what is being run. */
const beginning = ({ directory, run, fresh }: PreparedRun): EventInput => ({
  type: 'run',
  status: 'running',
  resumed: !fresh,
  runId: run.runId,
  runDir: directory.path,
  goal: run.goal,
  model: run.settings.model,
  synthetic: isBuiltIn(run.settings.model),
  maxAgents: run.settings.maxAgents,
  reviews: run.settings.review !== 'none',
  sandbox: run.settings.sandbox,
  ...keptOf(run),
});

export interface SocietyRunOptions {
  readonly signal: AbortSignal | undefined;
  readonly waitForAnswers: AbortSignal | undefined;
  readonly clock: Clock;
  /** Goes on with a run that has paused, for `continue`. */
  readonly resume: (runDir: string, options: ResumeOptions) => Run;
}

export class SocietyRun implements Run {
  readonly #prepare: () => PreparedRun | Promise<PreparedRun>;
  readonly #options: SocietyRunOptions;
  readonly #plan = new PlanDesk();
  readonly #clock: Clock;
  readonly #channel = new EventChannel();
  readonly #streams = new TextStreams();
  readonly #runId = deferred<string>();
  readonly #meter: ProgressMeter;
  readonly #steering = new LiveSteering();
  readonly report: Promise<RunSummary>;

  /** @param prepare makes or opens the run directory; what it throws rejects `report` */
  constructor(prepare: () => PreparedRun | Promise<PreparedRun>, options: SocietyRunOptions) {
    this.#prepare = prepare;
    this.#options = options;
    this.#clock = options.clock;
    this.#meter = new ProgressMeter(options.clock);
    this.report = this.#main();
    // Whoever awaits the report gets the failure; whoever does not is not ended by it.
    this.report.catch(() => {});
  }

  get runId(): Promise<string> {
    return this.#runId.promise;
  }

  get events(): AsyncIterable<EventRecord> {
    return this.#channel;
  }

  progress(): RunProgress {
    return this.#meter.progress();
  }

  stream(agent?: string): TextStream {
    return this.#streams.stream(agent);
  }

  tell(agent: string, text: string): Promise<Told> {
    return this.#steering.tell(agent, text);
  }

  async pause(): Promise<RunSummary> {
    this.#steering.end('pause');
    return this.report;
  }

  async continue(options: ResumeOptions = {}): Promise<Run> {
    if (!this.#steering.closed && this.#steering.ending === null) {
      throw new MegactorError('RUN_DIR_IN_USE', 'the run is running: there is nothing to continue', {
        hint: 'Pause it first, or wait for its report.',
      });
    }
    const { runId, runDir, status, reason } = await this.report;
    if (!hasEnded({ status, reason })) return this.#options.resume(runDir, options);
    throw new MegactorError('RUN_NOT_RESUMABLE', `run ${runId} has ended: it is ${status} (${reason})`);
  }

  async stop(): Promise<RunSummary> {
    const live = !this.#steering.closed;
    if (live) this.#steering.end('stop');
    const summary = await this.report;
    // What ended it before the wish did is how it ended, but a pause is no end.
    if (live && summary.status !== 'paused') return summary;
    const { stopRun } = await import('./steering.ts');
    await stopRun(summary.runDir);
    return { ...summary, status: 'stopped', reason: 'stopped-by-user' };
  }

  async #main(): Promise<RunSummary> {
    try {
      // The caller gets the run before anything is done, so that no failure is thrown past it.
      await Promise.resolve();
      return await this.#withLease(await this.#prepare());
    } catch (error) {
      this.#runId.reject(error);
      throw toMegactorError(error);
    } finally {
      this.#steering.close();
      this.#meter.phase = 'done';
      this.#channel.close();
      this.#streams.close();
    }
  }

  async #withLease(prepared: PreparedRun): Promise<RunSummary> {
    const { directory } = prepared;
    const lease: Lease = acquireLease(directory.path, {
      pid: process.pid,
      startedAt: new Date(this.#clock.now()).toISOString(),
    });
    try {
      const { runId } = prepared.run;
      const control = await startControlServer({ directory, runId, handler: this.#steering, clock: this.#clock });
      try {
        return await this.#withEvents(prepared);
      } finally {
        this.#steering.close();
        await control.close();
      }
    } catch (error) {
      // Under the lease: what somebody else has begun in the same directory is not ours to remove.
      if (prepared.fresh && !this.#runId.settled) directory.discard();
      throw error;
    } finally {
      lease.release();
    }
  }

  async #withEvents(prepared: PreparedRun): Promise<RunSummary> {
    const writer = new EventWriter(await open(prepared.directory.file('events.jsonl'), 'a'));
    try {
      return await this.#withSystem(prepared, writer);
    } finally {
      await writer.close();
    }
  }

  async #withSystem(prepared: PreparedRun, writer: EventWriter): Promise<RunSummary> {
    const { directory, run } = prepared;
    if (prepared.fresh && run.plan !== null) givenPlan(run.plan, limitsOf(run));
    const startedAt = this.#clock.monotonic();
    const { settings } = run;
    let checkpoint = true;
    const early: unknown[] = [];
    let controller: Controller | null = null;
    let plan: Plan | null = null;
    let failedEarly: Outcome | null = null;
    const end = (outcome: Outcome): void => {
      if (controller === null) failedEarly ??= outcome;
      else controller.end(outcome);
    };
    if (prepared.fresh) {
      if (prepared.prompts !== null) keepPrompts(directory.path, prepared.prompts);
      directory.writeRun(run);
    }
    // Loaded while the threads start.
    const founding = import('./found.ts');
    const system = await ActorSystem.start({
      threads: settings.threads,
      shards: settings.shards,
      seed: settings.seed,
      deterministic: settings.deterministic,
      journal: {
        directory: settings.durability === 'none' ? null : directory.path,
        durability: settings.durability,
        leased: true,
      },
      services: serviceSpecs(run, directory.path),
      ...agentsOf(settings),
      onEvent: (event) => this.#onEvent(event, writer),
      onFailure: ({ error }) => end(failure(error)),
      onHostDeath: ({ replaced, error }) => {
        if (!replaced) end(failure(error));
      },
      onServiceMessage: (_service, message) => {
        if (this.#streams.push(message)) return;
        if (controller === null) early.push(message);
        else controller.onServiceMessage(message);
      },
    });
    try {
      const { journal } = system;
      if (journal === null) throw new MegactorError('INTERNAL', 'the system has no journal');
      directory.writeRun({ ...run, status: 'running', reason: null });
      this.#meter.attach(system);
      this.#streams.attach((agents) => void this.#watch(system, agents));
      this.#runId.resolve(run.runId);
      this.#onEvent(this.#dated(beginning(prepared)), writer);
      if (!prepared.fresh) void this.#tellRecovered(system);
      const { signal, waitForAnswers } = this.#options;
      const onWaiting = (): void => this.#onEvent(this.#dated(WAITING), writer);
      controller = new Controller({
        system,
        journal,
        signal,
        waitForAnswers,
        onWaiting,
        onBudget: (notice) => {
          const { scope, what, spent, limit } = notice;
          this.#onEvent(this.#dated({ type: 'limit', limit: `budget-${what}`, scope, spent, of: limit }), writer);
          sendBudgetMail(system, notice).catch((error: unknown) => end(failure(error)));
        },
        found: async () => {
          const { found, makeRunPlan } = await founding;
          const parts: FoundingParts = {
            system,
            journal,
            onPlan: (plan) => writeJson(directory.file('plan.json'), plan),
            goal: run.goal,
            shards: settings.shards,
            settings: agentSettings(run, prepared.prompts),
            plan: run.plan ?? null,
            planOnly: run.planOnly === true,
            onPlanWaits: () => this.#plan.wait({ there: waitForAnswers, onWaiting, end }),
            onEvent: (event) => this.#onEvent(this.#dated(event), writer),
          };
          if (run.planOnly === true) {
            plan = await makeRunPlan(parts);
            end({ status: 'completed', reason: 'done', error: null });
            return;
          }
          await found(parts);
          watchBoss(system, end);
          if (!prepared.fresh) await releaseHeld(system, budgetsOf(settings.config, settings.budget));
          this.#meter.phase = 'working';
        },
      });
      if (failedEarly !== null) controller.end(failedEarly);
      const onTold = (agent: string, text: string): void => {
        this.#onEvent(this.#dated({ type: 'message', agent: USER, to: agent, text: text.slice(0, 2_000) }), writer);
      };
      this.#steering.attach({ controller, system, journal, plan: this.#plan, onTold });
      for (const message of early) controller.onServiceMessage(message);
      const deadline = this.#setDeadline(run, end);
      const outcome = await controller.drive();
      deadline?.cancel();
      const summary = await this.#close(prepared, { system, journal, outcome, startedAt });
      // Nobody will go on with it.
      checkpoint = !hasEnded(summary);
      return plan === null ? summary : { ...summary, plan };
    } catch (error) {
      this.#endWithoutReport(prepared, controller?.ending?.status === 'failed' ? controller.ending : failure(error));
      throw error;
    } finally {
      await system.stop({ deadlineMs: STOP_DEADLINE_MS, checkpoint });
    }
  }

  /** Pauses the run when its processes have worked on it for so long in all. */
  #setDeadline({ settings, spent }: RunFile, end: (outcome: Outcome) => void): TimerHandle | null {
    const { deadlineMs } = settings.budget;
    if (deadlineMs === undefined) return null;
    const leftMs = Math.max(0, deadlineMs - spent.wallSeconds * 1_000);
    return this.#clock.after(leftMs, () => end({ status: 'paused', reason: 'deadline', error: null }), {
      keepAlive: true,
    });
  }

  /** Stops work in order, then writes what it came to. */
  async #close(
    prepared: PreparedRun,
    parts: { system: ActorSystem; journal: JournalClient; outcome: Outcome; startedAt: number },
  ): Promise<RunSummary> {
    const { system, journal, startedAt } = parts;
    const { directory, run } = prepared;
    this.#meter.phase = 'closing';
    const { outcome, gathered } = await closeWork({
      system,
      outcome: parts.outcome,
      programs: run.settings.sandbox !== 'off',
      memoryThreads: run.settings.memoryThreads,
    });
    const counters = system.stats().total;
    const ended: RunFile = {
      ...run,
      status: outcome.status,
      reason: outcome.reason,
      spent: {
        wallSeconds: run.spent.wallSeconds + (this.#clock.monotonic() - startedAt) / 1_000,
        restarts: run.spent.restarts + counters.restarts,
        deadLetters: run.spent.deadLetters + counters.deadLetters,
      },
    };
    const summary = summaryOf({ run: ended, directory, outcome, gathered, planner: await plannerUsage(journal) });
    writeReports({ directory, run: ended, summary, gathered });
    directory.writeRun(ended);
    if (outcome.status === 'failed' && outcome.error !== null && gathered.roster.agents === 0) {
      throw withWayOn(outcome.error, ended, directory.path);
    }
    return summary;
  }

  /** There will be no report; what the run is known to have come to is still written down (S2). */
  #endWithoutReport({ directory, run, fresh }: PreparedRun, { status, reason }: Outcome): void {
    if (fresh && !this.#runId.settled) return;
    try {
      if (directory.readRun().status === 'running') directory.writeRun({ ...run, status, reason });
    } catch {
      // The failure that led here is the one to be told.
    }
  }

  #dated(event: EventInput): EventRecord {
    return { time: new Date(this.#clock.now()).toISOString(), ...event } as EventRecord;
  }

  /** Who is there already, for the reader of the events only: the file has it from the process before. */
  async #tellRecovered(system: ActorSystem): Promise<void> {
    try {
      const { rows } = await system.callService(ROSTER, 'summary', {});
      for (const { name, supervisor, level, status } of rows) {
        const by = supervisor ?? 'user';
        this.#channel.push(this.#dated({ type: 'spawned', agent: name, by, level, status, recovered: true }));
      }
      const plan = system.journal === null ? null : await planQuestion(system.journal.store(RUN_STORE));
      const questions = [...(plan === null ? [] : [plan]), ...questionsOfRows(rows)];
      for (const question of openQuestions(questions))
        this.#channel.push(this.#dated({ ...question, recovered: true }));
    } catch {
      // Whoever watches sees less; the run itself does not need it.
    }
  }

  async #watch(system: ActorSystem, agents: readonly string[] | null): Promise<void> {
    try {
      await system.callService(MODEL, 'watch', { agents });
    } catch {
      // Whoever watches sees less; the run itself does not need it.
    }
  }

  #onEvent(event: EventRecord, writer: EventWriter): void {
    writer.write(event);
    this.#channel.push(event);
  }
}
