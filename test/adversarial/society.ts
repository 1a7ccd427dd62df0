/**
 * One run of a society whose models misbehave: the real agents, roster, model service, gate, budgets, controller and
 * reports on the simulated ground, process after process until the run is over. What it does not do: judge (`checks.ts`).
 */
import { closeWork } from '../../src/run/closing.ts';
import { Controller, failure, type Outcome } from '../../src/run/controller.ts';
import { agentSettings } from '../../src/run/agent-settings.ts';
import { sendBudgetMail } from '../../src/run/budget-mail.ts';
import { found, plannerUsage } from '../../src/run/found.ts';
import { releaseHeld } from '../../src/run/held-budgets.ts';
import { budgetsOf } from '../../src/run/model-settings.ts';
import { summaryOf, type Gathered } from '../../src/run/report.ts';
import { RunDirectory, type RunFile } from '../../src/run/run-directory.ts';
import { createService as createMemoryService } from '../../src/run/services/memory.ts';
import { createModelService } from '../../src/run/services/model.ts';
import { createRoster } from '../../src/run/services/roster.ts';
import { settingsOf } from '../../src/run/settings.ts';
import type { RunSummary } from '../../src/run/types.ts';
import type { Clock } from '../../src/platform/index.ts';
import type { EventRecord } from '../../src/protocol/event.ts';
import type { CreateService, ServiceCallContext, ServiceInstance } from '../../src/protocol/service.ts';
import type { ActorSnapshot } from '../../src/runtime/index.ts';
import type { QuietResult } from '../../src/society/roster-state.ts';
import { SimulatedSystem } from '../../src/testing/index.ts';
import { TrialFiles } from './files.ts';
import { Adversary } from './model.ts';
import type { Trial } from './draw.ts';

const MODULE = 'adversarial:services';
const RUN_ID = 'adversarial';
/** A run that takes longer does not end. Slow models alone take hours. */
const RUN_MAX_MS = 30 * 86_400_000;
/** As in a forecast: what is found by its words alone needs no threads of its own. */
const NO_VECTORS = { directory: null, embedder: 'none', deterministic: true } as const;
const STEPS_MAX = 3_000_000;

/** One process of the run, and how it ended. */
export interface Life {
  readonly outcome: Outcome;
  readonly summary: RunSummary;
  readonly gathered: Gathered;
  readonly actors: readonly ActorSnapshot[];
  /** Answers of the model so far. */
  readonly answers: number;
  /** Unread mail and open turns. */
  readonly pending: number;
  readonly budgetCalls: number | null;
  readonly eachAgent: number | null;
}

export class TrialRun {
  readonly trial: Trial;
  readonly files: TrialFiles;
  readonly events: EventRecord[] = [];
  readonly lives: Life[] = [];
  readonly wrong: string[] = [];
  hostKills = 0;
  /** What quiet moments had to say, and to whom. */
  readonly quietMails: { readonly kind: string; readonly to: string }[] = [];
  /** The quiet moments that asked for a final review. */
  readonly finalReviews: number[] = [];
  quietMoments = 0;
  /** The last quiet moment found that the run is over, and nobody had said so before. */
  endedQuietly = false;
  #model: Adversary | null = null;
  #simulation: SimulatedSystem | null = null;
  #controller: Controller | null = null;
  #early: ((controller: Controller) => void)[] = [];
  #budgetCalls: number | null = null;
  #eachAgent: number | null = null;
  #quietSeen = 0;

  constructor(trial: Trial, directory: string) {
    this.trial = trial;
    this.files = new TrialFiles(directory);
  }

  get model(): Adversary {
    if (this.#model === null) throw new Error('the model of the trial does not exist yet');
    return this.#model;
  }

  get simulation(): SimulatedSystem {
    if (this.#simulation === null) throw new Error('the simulation of the trial does not exist yet');
    return this.#simulation;
  }

  /** What has happened, as one number, and the last lines of it; nothing when it never began. */
  trace(lines: number): { readonly hash: string; readonly tail: readonly string[] } {
    const simulation = this.#simulation;
    return { hash: simulation?.traceHash ?? '', tail: simulation?.traceTail(lines) ?? [] };
  }

  /** Process after process, until the run has ended. */
  async toTheEnd(): Promise<void> {
    const budgets = [...this.trial.budgets];
    for (let life = 0; life <= this.trial.budgets.length + 1; life += 1) {
      const isLast = budgets.length <= 1 && life > 0;
      this.#budgetCalls = budgets.shift() ?? null;
      this.#eachAgent = isLast ? null : this.trial.eachAgent;
      const { outcome } = await this.#live(life);
      if (outcome.status !== 'paused') return;
    }
    this.wrong.push('it pauses again and again');
  }

  get #run(): RunFile {
    const { seed, limits, reviews, compaction, shards } = this.trial;
    const eachAgent = this.#eachAgent;
    const settings = settingsOf(
      {
        model: 'rehearsal',
        seed,
        shards,
        maxAgents: limits.agentsMax,
        review: reviews ? 'model' : 'none',
        ...(this.#budgetCalls === null ? {} : { budgetCalls: this.#budgetCalls }),
        config: {
          limits,
          model: { compaction },
          memory: { enabled: this.trial.memory },
          ...(eachAgent === null ? {} : { budgets: { eachAgent: { calls: eachAgent } } }),
        },
      },
      { workspace: this.files.directory, seed },
    );
    const spent = { wallSeconds: 0, restarts: 0, deadLetters: 0 };
    const createdAt = new Date(0).toISOString();
    return {
      format: 2,
      runId: RUN_ID,
      goal: 'Write a guide',
      createdAt,
      status: 'running',
      reason: null,
      settings,
      plan: null,
      spent,
    };
  }

  async #live(life: number): Promise<Life> {
    await this.files.open(RUN_ID);
    const run = this.#run;
    this.#controller = null;
    const simulation = await this.#process();
    const { system } = simulation;
    const { journal } = system;
    if (journal === null) throw new Error('the simulation has no journal');
    const interrupt = new AbortController();
    const { settings } = run;
    const controller = new Controller({
      system,
      journal,
      signal: interrupt.signal,
      onBudget: (notice) => {
        sendBudgetMail(system, notice).catch((error: unknown) => controller.end(failure(error)));
      },
      found: async () => {
        await found({
          system,
          journal,
          onPlan: () => undefined,
          goal: run.goal,
          shards: settings.shards,
          settings: agentSettings(run),
          plan: null,
          onEvent: (event) => void this.events.push({ time: '', ...event } as EventRecord),
        });
        if (life > 0) await releaseHeld(system, budgetsOf(settings.config, settings.budget));
      },
    });
    this.#controller = controller;
    for (const tell of this.#early.splice(0)) tell(controller);
    const { interruptAfterMs } = this.trial;
    if (life === 0 && interruptAfterMs !== null) void simulation.sleep(interruptAfterMs).then(() => interrupt.abort());
    const limits = { ms: RUN_MAX_MS, stepsMax: STEPS_MAX };
    const driven = await simulation.settle(controller.drive(), limits);
    const { outcome, gathered } = await simulation.settle(
      closeWork({
        system,
        outcome: driven,
        programs: settings.sandbox !== 'off',
        memoryThreads: settings.memoryThreads,
      }),
      limits,
    );
    const summary = summaryOf({
      run: { ...run, status: outcome.status, reason: outcome.reason },
      directory: new RunDirectory('', false),
      outcome,
      gathered,
      planner: await simulation.settle(plannerUsage(journal)),
    });
    const actors = await simulation.settle(system.inspect(gathered.roster.rows));
    const pending = await simulation.settle(journal.pending());
    const answers = this.model.spoken.length;
    const ended: Life = {
      outcome,
      summary,
      gathered,
      actors,
      answers,
      pending,
      budgetCalls: this.#budgetCalls,
      eachAgent: this.#eachAgent,
    };
    this.lives.push(ended);
    await simulation.stop();
    await this.files.close();
    return ended;
  }

  /** Starts a process: the first one, or another over the same disk. */
  async #process(): Promise<SimulatedSystem> {
    if (this.#simulation !== null) {
      await this.#simulation.restart();
      return this.#simulation;
    }
    const { seed, shards, hosts, faults } = this.trial;
    const services = ['roster', 'model', 'workspace', 'memory'].map((name) => ({
      name,
      module: MODULE,
      export: name,
      ...(name === 'memory' ? { options: NO_VECTORS } : {}),
      thread: name === 'roster' ? 'services' : name,
    }));
    const simulation = await SimulatedSystem.start({
      seed,
      hosts,
      shards,
      journal: 'flushed',
      faults,
      modules: (clock) => ({ [MODULE]: this.#services(clock) }),
      system: {
        checkMail: false,
        services,
        onEvent: (event) => void this.events.push(event),
        onFailure: ({ error }) => this.#tell((controller) => controller.end(failure(error))),
        onHostDeath: ({ replaced, error }) => {
          if (!replaced) this.#tell((controller) => controller.end(failure(error)));
        },
        onServiceMessage: (_, message) => this.#tell((controller) => controller.onServiceMessage(message)),
      },
    });
    this.#simulation = simulation;
    const kills = new Set(this.trial.killAtSteps);
    simulation.onStep((step) => {
      // A system whose host does not outlive its start does not start.
      if (this.#controller === null) return;
      if (kills.delete(step) && simulation.killHost(step % hosts)) this.hostKills += 1;
    });
    return simulation;
  }

  #services(clock: Clock): Record<string, CreateService> {
    this.#model ??= new Adversary(this.trial, clock);
    const { seed } = this.trial;
    const model: CreateService = (_, host) => {
      const { settings } = this.#run;
      return createModelService(
        { model: 'rehearsal', seed, config: { model: settings.config.model }, budgets: this.#budgets() },
        host,
        { clock, routes: [{ name: 'rehearsal', model: this.model }] },
      );
    };
    return {
      model,
      memory: createMemoryService,
      roster: async (_, host) => this.#watchQuiet(await createRoster({ seed }, host, clock)),
      workspace: () => this.files.service((promise) => this.simulation.outside(promise)),
    };
  }

  #budgets(): unknown {
    const eachAgent = this.#eachAgent;
    return {
      ...(this.#budgetCalls === null ? {} : { run: { calls: this.#budgetCalls } }),
      ...(eachAgent === null ? {} : { eachAgent: { calls: eachAgent } }),
    };
  }

  /** A quiet moment is one in which nobody is at work. */
  #watchQuiet(roster: ServiceInstance): ServiceInstance {
    const quiet = roster.methods['quiet'];
    if (quiet === undefined) throw new Error('the roster has no quiet moments');
    const watched = async (args: unknown, call: ServiceCallContext): Promise<unknown> => {
      this.quietMoments += 1;
      const { inFlight } = this.model;
      if (inFlight > 0) this.wrong.push(`a quiet moment with ${inFlight} model calls in flight`);
      const result = (await quiet(args as never, call)) as QuietResult;
      this.endedQuietly = result.end !== null;
      for (const { to, mail } of result.mails) {
        // What is given out again after a restart is the same mail.
        if ((mail.quiet ?? 0) <= this.#quietSeen) continue;
        this.#quietSeen = mail.quiet ?? 0;
        this.quietMails.push({ kind: mail.kind ?? '', to: to.name });
        if (mail.kind === 'final-review') this.finalReviews.push(result.round);
      }
      return result;
    };
    return { ...roster, methods: { ...roster.methods, quiet: watched } };
  }

  #tell(what: (controller: Controller) => void): void {
    if (this.#controller === null) this.#early.push(what);
    else what(this.#controller);
  }
}
