/**
 * One run of a society whose models misbehave: the real agents, roster, model service, gate, budgets, controller and
 * reports on the simulated ground, process after process until the run is over. What it does not do: judge (`checks.ts`).
 */
import { closeWork } from '../../src/run/closing.ts';
import { Controller, failure, type Outcome } from '../../src/run/controller.ts';
import { agentSettings } from '../../src/run/agent-settings.ts';
import { sendBudgetMail } from '../../src/run/budget-mail.ts';
import { found } from '../../src/run/found.ts';
import { plannerUsage } from '../../src/run/run-store.ts';
import { releaseHeld } from '../../src/run/held-budgets.ts';
import { budgetsOf } from '../../src/run/model-settings.ts';
import { summaryOf, type Gathered } from '../../src/run/report.ts';
import { RunDirectory, type RunFile } from '../../src/run/run-directory.ts';
import { createService as createMemoryService } from '../../src/run/services/memory.ts';
import { createModelService } from '../../src/run/services/model.ts';
import { createRoster } from '../../src/run/services/roster.ts';
import { createPrograms } from '../../src/run/services/sandbox.ts';
import { settingsOf } from '../../src/run/settings.ts';
import type { RunSummary } from '../../src/run/types.ts';
import { z } from 'zod';
import type { Clock } from '../../src/platform/index.ts';
import type { EventRecord } from '../../src/protocol/event.ts';
import type { CreateService, ServiceCallContext, ServiceInstance } from '../../src/protocol/service.ts';
import type { ActorSnapshot } from '../../src/runtime/index.ts';
import type { QuietResult } from '../../src/society/roster-state.ts';
import { SimulatedSystem } from '../../src/testing/index.ts';
import { TrialFiles, type Acknowledged } from './files.ts';
import { allowedAfter, budgetsConfig, costs, NOTHING_ALLOWED, PRICES, type Allowed } from './budgets.ts';
import { endOf, type AgentEnd } from './crashes.ts';
import { Adversary } from './model.ts';
import { answerQuestions } from './person.ts';
import { TrialPrograms } from './programs.ts';
import { streamOf } from './random.ts';
import { modelOf, type Trial } from './draw.ts';

const MODULE = 'adversarial:services';
const SANDBOX = { mode: 'none', network: false, roster: true } as const;
const RUN_ID = 'adversarial';
/** A run that takes longer does not end. Slow models alone take hours. */
const RUN_MAX_MS = 30 * 86_400_000;
/** As in a forecast: what is found by its words alone needs no threads of its own. */
const NO_VECTORS = { directory: null, embedder: 'none', deterministic: true } as const;
/** More than agents have turns in which to ask. */
const LIVES_MAX = 150;
const STEPS_MAX = 3_000_000;

const retiredSchema = z.looseObject({ ok: z.literal(true), retired: z.looseObject({ name: z.string() }) });
const okSchema = z.looseObject({ ok: z.literal(true) });

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
  readonly allowed: Allowed;
  /** What git and the ledger had, when it paused. */
  readonly kept: KeptFiles | null;
}

export interface KeptFiles {
  readonly head: ReadonlyMap<string, string>;
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
}

export class TrialRun {
  readonly trial: Trial;
  readonly files: TrialFiles;
  readonly events: EventRecord[] = [];
  readonly lives: Life[] = [];
  readonly wrong: string[] = [];
  /** Agents that failed. */
  readonly ends: AgentEnd[] = [];
  hostKills = 0;
  /** Agents that a person has answered. */
  answered = 0;
  /** What quiet moments had to say, and to whom. */
  readonly quietMails: { readonly kind: string; readonly to: string }[] = [];
  /** The quiet moments that asked for a final review. */
  readonly finalReviews: number[] = [];
  quietMoments = 0;
  /** The last quiet moment found that the run is over, and nobody had said so before. */
  endedQuietly = false;
  programs: TrialPrograms | null = null;
  #model: Adversary | null = null;
  #simulation: SimulatedSystem | null = null;
  #controller: Controller | null = null;
  #early: ((controller: Controller) => void)[] = [];
  #allowed: Allowed = NOTHING_ALLOWED;
  #life = 0;
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
    const { budgets } = this.trial;
    let grants = 0;
    for (let life = 0; life < LIVES_MAX; life += 1) {
      this.#allowed = allowedAfter(this.trial, grants);
      const { outcome } = await this.#live(life);
      if (outcome.status !== 'paused') return;
      // Who has been answered needs no more money for it.
      if (outcome.reason !== 'human-questions') grants += 1;
      if (grants > budgets.length + 1) break;
    }
    this.wrong.push('it pauses again and again');
  }

  get #run(): RunFile {
    const { seed, limits, reviews, compaction, shards, programs } = this.trial;
    const { calls, tokens, usd } = this.#allowed.run;
    const hasPrices = costs(this.trial);
    const settings = settingsOf(
      {
        model: modelOf(this.trial),
        seed,
        shards,
        maxAgents: limits.agentsMax,
        review: reviews ? 'model' : 'none',
        approve: this.trial.approve,
        ...(calls === undefined ? {} : { budgetCalls: calls }),
        ...(tokens === undefined ? {} : { budgetTokens: tokens }),
        ...(usd === undefined ? {} : { budgetUsd: usd }),
        config: {
          limits,
          model: { compaction, ...(hasPrices ? { tokenizer: 'characters' as const } : {}) },
          ...(hasPrices ? { prices: PRICES } : {}),
          memory: { enabled: this.trial.memory },
          human: { questions: this.trial.questions },
          ...budgetsConfig(this.#allowed),
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
      settings: { ...settings, sandbox: programs ? 'none' : 'off' },
      plan: null,
      spent,
    };
  }

  async #live(life: number): Promise<Life> {
    this.#life = life;
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
        if (this.lives.at(-1)?.outcome.reason === 'human-questions') {
          const random = streamOf(settings.seed, 'person', life);
          this.answered += await answerQuestions({ system, journal, controller, random });
        }
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
      allowed: this.#allowed,
      kept:
        outcome.status === 'paused'
          ? { head: this.files.head(), acknowledged: new Map(this.files.acknowledged) }
          : null,
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
    const names = ['roster', 'model', 'workspace', 'memory', ...(this.trial.programs ? ['sandbox'] : [])];
    const services = names.map((name) => ({
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
        onEvent: (event) => this.#note(event),
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
    const programs = (this.programs ??= new TrialPrograms(seed, clock));
    const model: CreateService = (_, host) => {
      const { settings } = this.#run;
      const { model: name, config, budget } = settings;
      const { model: own, prices } = config;
      return createModelService(
        { model: name, seed, config: { model: own, prices }, budgets: budgetsOf(config, budget) },
        host,
        { clock, routes: [{ name, model: this.model }] },
      );
    };
    const leave = ['workspace', ...(this.trial.programs ? ['sandbox'] : [])];
    return {
      model,
      memory: createMemoryService,
      roster: async (_, host) =>
        this.#watchRoster(
          await createRoster({ seed, programs: this.trial.programs, commits: false, leave }, host, clock),
        ),
      workspace: (_, host) => this.files.service(host, (promise) => this.simulation.outside(promise)),
      sandbox: (_, host) => this.#watchPrograms(createPrograms(SANDBOX, host, programs)),
    };
  }

  /** L3: nobody who was retired runs anything. */
  #watchPrograms(sandbox: ServiceInstance): ServiceInstance {
    const { run } = sandbox.methods;
    if (run === undefined) throw new Error('the sandbox runs nothing');
    const watched = async (args: unknown, call: ServiceCallContext): Promise<unknown> => {
      const { agent } = z.looseObject({ agent: z.string() }).parse(args);
      const isGone = this.files.gone.has(agent);
      const result = await run(args as never, call);
      if (isGone && okSchema.safeParse(result).success) this.wrong.push(`${agent} was retired and runs a program`);
      return result;
    };
    return { ...sandbox, methods: { ...sandbox.methods, run: watched } };
  }

  #watchRoster(roster: ServiceInstance): ServiceInstance {
    const { retire } = roster.methods;
    if (retire === undefined) throw new Error('the roster retires nobody');
    const watched = async (args: unknown, call: ServiceCallContext): Promise<unknown> => {
      const result = await retire(args as never, call);
      const { agent } = z.looseObject({ agent: z.string() }).parse(args);
      if (retiredSchema.safeParse(result).success) this.files.gone.add(agent);
      return result;
    };
    return this.#watchQuiet({ ...roster, methods: { ...roster.methods, retire: watched } });
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

  #note(event: EventRecord): void {
    this.events.push(event);
    const end = endOf(event, this.#life);
    if (end !== null) this.ends.push(end);
  }

  #tell(what: (controller: Controller) => void): void {
    if (this.#controller === null) this.#early.push(what);
    else what(this.#controller);
  }
}
