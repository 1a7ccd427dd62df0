/**
 * The same misbehaviour on real threads: `runSociety` over a journal on the disk, a workspace in git, and a model server on
 * loopback that says what the seed's models say. What was answered is counted by the server, who is at work is read with
 * `inspectRun`, and what is written is read by git. No two runs of a seed are alike.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { inspectRun, resumeRun, runSociety, type EventRecord, type Run, type RunSummary } from '../../src/index.ts';
import type { ChatRequest } from '../../src/model/index.ts';
import { hashString } from '../../src/protocol/ids.ts';
import { BOSS } from '../../src/society/index.ts';
import { temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer, type ScriptedRequest } from '../support/scripted-server.ts';
import { drawTrial, type Trial } from './draw.ts';
import { completionOf, sayTo } from './model.ts';
import { chance, streamOf } from './random.ts';

/** Of so many seeds of the long form one is played on real threads as well. */
export const REAL_EVERY = 50;

export interface RealOutcome {
  readonly seed: number;
  readonly wrong: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
}

/** What happens on real threads, as the counters name it. */
export const REAL_HAPPENINGS = ['real', 'real-completed', 'real-paused', 'real-answers'] as const;

const FINAL = /^system: \[final-review\]/mu;
const SLOW_MS = 150;
const LIVES_MAX = 4;
const ENOUGH_CALLS = 1_000_000;
/** Where a run is over, nobody is at one of these. */
const AT_WORK = new Set(['processing', 'responding']);

interface Served {
  readonly agent: string;
  readonly afterFinalReview: boolean;
  readonly tools: readonly string[];
}

/** A model server that answers as the trial's models do. */
class Misbehaving {
  readonly served: Served[] = [];
  errors = 0;
  readonly #trial: Trial;
  readonly #attempts = new Map<string, number>();

  constructor(trial: Trial) {
    this.#trial = trial;
  }

  readonly script = async ({ agent, body }: ScriptedRequest): Promise<ScriptedAnswer> => {
    const messages = body.messages as ChatRequest['messages'];
    const tools = (body.tools ?? []) as ChatRequest['tools'];
    const request = agent === '_compactor' ? { agent, sentAs: agent, messages, tools } : { agent, messages, tools };
    const { said, kind, story } = sayTo(this.#trial, request);
    const random = streamOf(this.#trial.seed, 'time', agent, hashString(story));
    if (kind === 'slow') await sleep(random() * SLOW_MS);
    const attempt = this.#attempts.get(story) ?? 0;
    this.#attempts.set(story, attempt + 1);
    if (kind === 'failing' && attempt === 0 && chance(random, 0.3)) {
      this.errors += 1;
      return { status: 500, raw: { error: { message: 'the server fails', type: 'server_error', code: null } } };
    }
    this.served.push({
      agent,
      tools: (said.calls ?? []).map(({ name }) => name),
      afterFinalReview: messages.some(({ role, content }) => role === 'user' && FINAL.test(content ?? '')),
    });
    return { raw: completionOf(said, story.length) };
  };
}

/** The trial of the seed as far as it can be had in seconds: fewer turns, nothing that the simulation alone can do. */
const realTrial = (seed: number): Trial => {
  const trial = drawTrial(seed);
  const { turnsPerAgentMax, stepsPerTurnMax, agentsMax } = trial.limits;
  const limits = {
    ...trial.limits,
    agentsMax: Math.min(agentsMax, 6),
    turnsPerAgentMax: Math.min(turnsPerAgentMax, 8),
    stepsPerTurnMax: Math.min(stepsPerTurnMax, 4),
  };
  const members = trial.plan.members.slice(0, limits.agentsMax - 1).filter(({ supervisor }) => supervisor === BOSS);
  const names = new Set([BOSS, ...members.map(({ name }) => name)]);
  const items = trial.plan.items.filter(({ owner }) => names.has(owner));
  return {
    ...trial,
    limits,
    plan: { members: members.slice(0, limits.fanOutMax), items: members.length > limits.fanOutMax ? [] : items },
  };
};

const git = (directory: string, ...words: readonly string[]): string =>
  execFileSync('git', ['-C', directory, '-c', 'core.quotePath=false', ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const eventsOf = async (run: Run, into: EventRecord[]): Promise<void> => {
  for await (const event of run.events) into.push(event);
};

class RealTrial {
  readonly trial: Trial;
  readonly wrong: string[] = [];
  readonly events: EventRecord[] = [];
  readonly summaries: RunSummary[] = [];
  readonly server: Misbehaving;
  readonly #runDir: string;

  constructor(seed: number, directory: string) {
    this.trial = realTrial(seed);
    this.server = new Misbehaving(this.trial);
    this.#runDir = join(directory, 'run');
  }

  async play(): Promise<void> {
    const { seed, limits, reviews, compaction, shards, hosts, budgets } = this.trial;
    const calls = budgets[0]?.calls;
    const config = {
      limits,
      model: { compaction },
      memory: { enabled: this.trial.memory },
      human: { questions: false },
    };
    let run = runSociety('Write a guide', {
      model: 'openai:adversary',
      runDir: this.#runDir,
      seed,
      shards,
      threads: hosts,
      durability: 'committed',
      maxAgents: limits.agentsMax,
      review: reviews ? 'model' : 'none',
      sandbox: 'off',
      config,
      ...(calls === undefined ? {} : { budgetCalls: calls }),
    });
    for (let life = 0; life < LIVES_MAX; life += 1) {
      const reading = eventsOf(run, this.events);
      const summary = await run.report;
      await reading;
      this.summaries.push(summary);
      await this.#look(summary, life === 0 ? calls : undefined);
      if (summary.status !== 'paused') return;
      run = resumeRun(this.#runDir, { budgetCalls: ENOUGH_CALLS });
    }
    this.wrong.push('it pauses again and again');
  }

  /** What has to hold whenever a process has ended. */
  async #look(summary: RunSummary, budget: number | undefined): Promise<void> {
    const { status, reason } = summary;
    const { limits } = this.trial;
    const served = this.server.served;
    if (budget !== undefined && served.length > budget) this.#say(`${served.length} calls with a budget of ${budget}`);
    const most = limits.planAttemptsMax + limits.agentsMax * limits.turnsPerAgentMax * limits.stepsPerTurnMax * 2;
    if (served.length > most) this.#say(`${served.length} answers, at most ${most}`);
    if (summary.modelCalls > served.length)
      this.#say(`${summary.modelCalls} calls are reported, ${served.length} were answered`);
    // What was cut off with the run was answered, and heard by nobody.
    if (status !== 'stopped' && status !== 'failed' && summary.modelCalls !== served.length) {
      this.#say(`${summary.modelCalls} calls are reported, ${served.length} were answered (${status} ${reason})`);
    }
    this.#reason(summary, budget);
    await this.#atRest(summary);
    if (summary.agents > 0) this.#files(summary);
  }

  #reason({ status, reason }: RunSummary, budget: number | undefined): void {
    const { served } = this.server;
    switch (`${status} ${reason}`) {
      case 'completed done': {
        const approved = served.some(
          ({ agent, tools, afterFinalReview }) =>
            agent === BOSS && tools.includes('terminate') && (afterFinalReview || !this.trial.reviews),
        );
        const done = this.events.some(
          ({ type, agent, tool, ok }) => type === 'tool' && agent === BOSS && tool === 'terminate' && ok === true,
        );
        if (!approved || !done) this.#say('completed, and the Boss has not approved');
        return;
      }
      case 'stopped limit-turns':
        if (!this.events.some(({ type, agent, limit }) => type === 'limit' && agent === BOSS && limit === 'turns')) {
          this.#say('limit-turns without its event');
        }
        return;
      case 'failed boss-failed':
        return;
      case 'paused budget-calls':
        if (served.length !== budget) this.#say(`budget-calls after ${served.length} calls of ${budget}`);
        return;
      default:
        this.#say(`it is ${status} (${reason})`);
    }
  }

  /** V5: nobody is shown at work by a run that is not worked on, also when it has paused. */
  async #atRest({ status, reason, agents: count }: RunSummary): Promise<void> {
    const { agents, status: shown } = await inspectRun(this.#runDir);
    if (shown !== status) this.#say(`inspect says ${shown}, the summary ${status}`);
    if (agents.length !== count) this.#say(`inspect shows ${agents.length} agents, the summary ${count}`);
    if (status === 'paused') return;
    for (const { name, state } of agents) if (AT_WORK.has(state)) this.#say(`${name} is ${state}, ${status} ${reason}`);
    const unread = agents.filter(({ mail }) => mail > 0);
    if (status === 'completed' && unread.length > 0) this.#say(`completed, and ${unread[0]?.name} has unread mail`);
  }

  /** V4, W7. */
  #files({ workspace, files }: RunSummary): void {
    const dirty = git(workspace, 'status', '--porcelain');
    if (dirty !== '') this.#say(`the work tree differs from the last commit: ${dirty}`);
    git(workspace, 'fsck', '--strict');
    const isEmpty = git(workspace, 'rev-list', '--all', '--max-count=1') === '';
    const head = new Set(
      isEmpty ? [] : git(workspace, 'ls-tree', '-r', '-z', '--name-only', 'HEAD').split('\0').filter(Boolean),
    );
    if (head.size !== files) this.#say(`${files} files are reported, ${head.size} are in git`);
    const report = JSON.parse(readFileSync(join(this.#runDir, 'report.json'), 'utf8')) as { files: { path: string }[] };
    for (const { path } of report.files) if (!head.has(path)) this.#say(`${path} is in the report and not in git`);
    const written = this.events.filter(
      ({ type, tool, ok }) => type === 'tool' && ok === true && WRITES.has(String(tool)),
    );
    // Events show a path as it was given, and long ones in part.
    const plain = written.map(({ path }) => String(path)).filter((path) => /^[\w-]+(?:\.\w+)?$/u.test(path));
    for (const path of new Set(plain)) if (!head.has(path)) this.#say(`${path} was written and is not in git`);
  }

  #say(what: string): void {
    this.wrong.push(what);
  }
}

const WRITES = new Set(['write_file', 'append_file', 'edit_file']);

/** @param seed also of the simulated trial that it is like */
export const runReal = async (seed: number): Promise<RealOutcome> => {
  const directory = temporaryDirectory();
  const trial = new RealTrial(seed, directory.path);
  const server = await startScriptedServer(trial.server.script);
  const before = { url: process.env['OPENAI_BASE_URL'], key: process.env['OPENAI_API_KEY'] };
  process.env['OPENAI_BASE_URL'] = server.baseUrl;
  process.env['OPENAI_API_KEY'] = 'none';
  try {
    await trial.play();
  } catch (error) {
    // A society that could not be planned has no report.
    const planless = error instanceof Error && error.message.includes('no usable plan');
    const expected = trial.trial.planlessAnswers >= trial.trial.limits.planAttemptsMax;
    if (!planless || !expected)
      trial.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    restore('OPENAI_BASE_URL', before.url);
    restore('OPENAI_API_KEY', before.key);
    await server.stop();
    directory.cleanUp();
  }
  const { summaries, server: model } = trial;
  const ended = (status: string): number => summaries.filter((summary) => summary.status === status).length;
  const counters = {
    real: 1,
    'real-completed': ended('completed'),
    'real-paused': ended('paused'),
    'real-answers': model.served.length,
    'real-errors': model.errors,
  };
  return { seed, wrong: trial.wrong, counters };
};

const restore = (name: string, value: string | undefined): void => {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
};
