/**
 * A whole society in one process: real definitions, real roster, a journal and a workspace in memory, and answers from
 * a script or from the rehearsal. Mail leaves with the step's commit; a crash loses what was not committed.
 */
import type { ActorContext, EffectOptions } from '../../src/actor/context.ts';
import type { ActorRef } from '../../src/actor/definition.ts';
import { ArrivingRequests, type RequestOnWire } from '../../src/model/request-wire.ts';
import type { ChatAnswer, ChatRequest } from '../../src/model/types.ts';
import { effectId as effectIdOf } from '../../src/protocol/ids.ts';
import {
  defaultPollIntervalMs,
  limitsWith,
  lookAt,
  questionsOfRows,
  Roster,
  type AgentMail,
  type AgentState,
  type ApprovalKind,
  type LimitsInput,
  type Look,
  type LookRequest,
  type Plan,
  type QuietResult,
  type ReportQuestion,
  type RosterEnd,
  type TerminateArgs,
} from '../../src/society/index.ts';
import type { AgentDefinition, AgentInit, HistoryEntry } from '../../actors/agent-types.ts';
import { bootstrap } from '../../actors/planner.ts';
import { findAgent } from '../../src/society/find-agent.ts';
import { postUserMail, type PostOffice } from '../../src/run/user-mail.ts';
import { memoryStore, type MemoryStore } from '../society/memory-store.ts';

export type Answerer = (request: ChatRequest) => ChatAnswer | Promise<ChatAnswer>;

interface Actor {
  readonly ref: ActorRef;
  readonly definition: AgentDefinition;
  state: AgentState;
  history: HistoryEntry[];
  step: number;
  /** How long it waits for more mail, when it has set that. */
  pollMs?: number;
  mailbox: AgentMail[];
  open: boolean;
  recorded: Map<string, unknown>;
  intents: Set<string>;
  taken: AgentMail[] | null;
}

type Out = { to: number; mail: AgentMail } | { spawn: Actor };

export class Crash extends Error {}

export interface SocietyOptions {
  readonly plan: Plan;
  readonly answer: Answerer;
  readonly limits?: LimitsInput;
  readonly reviews?: boolean;
  /** `--review auto`. */
  readonly checks?: boolean;
  readonly goal?: string;
  readonly compaction?: boolean;
  /** Answers calls of the sandbox; with it agents may run programs. */
  readonly sandbox?: (method: string, args: Record<string, unknown>) => unknown;
  /** Whose turn is next, of so many who have one to take. Absent: always the first. */
  readonly pick?: (ready: number) => number;
  /** What waits for consent. */
  readonly approve?: readonly ApprovalKind[];
  /** What the person says to a question, when all is quiet. */
  readonly person?: (question: ReportQuestion) => string;
  /** Throws `Crash` to lose the step in progress: called before and after every service call and before every commit. */
  readonly crash?: (point: string) => void;
}

export class Society {
  readonly actors = new Map<number, Actor>();
  readonly files = new Map<string, string>();
  /** Who wrote each file last. */
  readonly authors = new Map<string, string>();
  readonly events: Record<string, unknown>[] = [];
  readonly requests: ChatRequest[] = [];
  /** What the person was asked, in order. */
  readonly heard: string[] = [];
  readonly store: MemoryStore = memoryStore();
  readonly #options: SocietyOptions;
  readonly #arriving = new ArrivingRequests();
  readonly #answers = new Map<string, ChatAnswer>();
  /** How often a call was sent, by its effect id. */
  readonly #sent = new Map<string, number>();
  readonly #workspaceResults = new Map<string, unknown>();
  roster!: Roster;
  quietRounds = 0;
  end: RosterEnd | null = null;

  private constructor(options: SocietyOptions) {
    this.#options = options;
  }

  static async start(options: SocietyOptions): Promise<Society> {
    const society = new Society(options);
    society.roster = await Roster.open(society.store);
    const limits = limitsWith(options.limits);
    const reviews = options.reviews ?? true;
    const { hired } = await society.roster.do(
      'found',
      { plan: options.plan, shards: 4, reviews, checks: options.checks ?? false, limits },
      'run/0/found',
    );
    const { compaction = true } = options;
    const services = [
      ...(options.sandbox === undefined ? [] : ['sandbox']),
      ...(options.person === undefined ? [] : ['human']),
    ];
    const approve = options.approve === undefined ? {} : { approve: [...options.approve] };
    const common = { run: 'test', reviews, services, limits, compaction, ...approve };
    const settings = { ...common, pollIntervalMs: defaultPollIntervalMs };
    const first = bootstrap(options.plan, hired, options.goal ?? 'a goal', settings);
    for (const agent of first.agents) society.#add(agent.definition, agent.init, agent.address);
    for (const { to, mail } of first.mail) society.deliver(to.name, mail);
    return society;
  }

  agent(name: string): Actor {
    for (const actor of this.actors.values()) if (actor.ref.name === name) return actor;
    throw new Error(`no agent ${name}`);
  }

  /** What the model of `name` was shown last, without prompt and situation. */
  lastRequest(name: string): ChatRequest {
    const request = this.requests.findLast((candidate) => candidate.agent === name && candidate.sentAs === undefined);
    if (request === undefined) throw new Error(`${name} never asked`);
    return request;
  }

  deliver(name: string, mail: AgentMail): void {
    this.agent(name).mailbox.push(structuredClone(mail));
  }

  /** Runs turns until nobody has mail. */
  async settle(turnsMax = 20_000): Promise<void> {
    for (let turn = 0; turn < turnsMax; turn += 1) {
      const ready = [...this.actors.values()].filter((actor) => actor.mailbox.length > 0 || actor.open);
      const next = ready[this.#options.pick?.(ready.length) ?? 0];
      if (next === undefined) return;
      await this.#turn(next);
    }
    throw new Error('the society does not settle');
  }

  /** Runs until the roster says that it is over. */
  async run(quietMax = 500): Promise<RosterEnd> {
    for (let round = 0; round < quietMax; round += 1) {
      await this.settle();
      const result = await this.#askRoster();
      this.quietRounds += 1;
      if (result.end !== null) return (this.end = result.end);
      if (result.questions !== undefined) await this.#askPerson();
      for (const { to, mail } of result.mails) this.deliver(to.name, mail);
    }
    throw new Error('the society does not end');
  }

  /** Answers the oldest question, as `tell` does. */
  async #askPerson(): Promise<void> {
    const [question] = questionsOfRows(this.roster.summary().rows);
    if (question === undefined) throw new Error('the run waits for a person who was asked nothing');
    const words = this.#options.person?.(question) ?? 'as you like';
    this.heard.push(question.text);
    const office: PostOffice = {
      atRest: true,
      find: (name) => Promise.resolve(findAgent(this.roster.state, name)),
      woken: (name) => this.roster.do('woken', { names: [name] }),
      answered: (args) => this.roster.do('answered', args),
      deliver: (outgoing) => {
        for (const { entry } of outgoing) {
          if (entry.kind !== 'mail') throw new Error('no mail');
          this.actors.get(entry.mail.to)?.mailbox.push(structuredClone(entry.mail.body as AgentMail));
        }
        return Promise.resolve();
      },
    };
    await postUserMail(office, question.agent, words);
  }

  /** Asks what is to be done; a crash before the mail has left, or after, makes the next process ask again. */
  async #askRoster(): Promise<QuietResult> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const result: QuietResult = await this.roster.do('quiet', {});
      try {
        this.#options.crash?.('quiet asked');
      } catch {
        this.roster = await Roster.open(this.store);
        continue;
      }
      try {
        this.#options.crash?.('quiet sent');
      } catch {
        for (const { to, mail } of result.mails) this.deliver(to.name, mail);
        this.roster = await Roster.open(this.store);
        // The journal reports quiet again only when what was delivered has been read.
        await this.settle();
        continue;
      }
      return result;
    }
    throw new Error('crashed too often');
  }

  #add(definition: AgentDefinition, init: AgentInit, address: { id: number; shard: number }): Actor {
    const actor = this.#make(definition, init, address);
    this.actors.set(address.id, actor);
    return actor;
  }

  #make(definition: AgentDefinition, init: AgentInit, address: { id: number; shard: number }): Actor {
    return {
      ref: { ...address, name: init.name },
      definition,
      state: definition.state(structuredClone(init)),
      history: [],
      step: 0,
      mailbox: [],
      open: false,
      recorded: new Map(),
      intents: new Set(),
      taken: null,
    };
  }

  async #turn(actor: Actor): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const state = structuredClone(actor.state);
      const batch = actor.taken ?? (actor.open ? [] : actor.mailbox.splice(0));
      actor.taken = batch;
      const run = { state, history: [...actor.history], out: [] as Out[] };
      const mails = batch.map((body) => ({ type: 'mail' as const, body, sender: null, reply: () => {} }));
      try {
        await actor.definition.receiveBatch?.(state, mails, this.#context(actor, run));
        this.#commit(actor, run, false);
        return;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        // A restarted process reads its roster from the store.
        this.roster = await Roster.open(this.store);
      }
    }
    throw new Error('crashed too often');
  }

  #commit(actor: Actor, run: { state: AgentState; history: HistoryEntry[]; out: Out[] }, open: boolean): void {
    this.#options.crash?.(`commit ${actor.ref.name}`);
    actor.state = structuredClone(run.state);
    actor.history = [...run.history];
    actor.step += 1;
    actor.open = open;
    actor.recorded = new Map();
    actor.intents = new Set();
    // What a step took is consumed with it; an open turn goes on with an empty batch.
    actor.taken = null;
    for (const out of run.out.splice(0)) {
      if ('spawn' in out) {
        if (!this.actors.has(out.spawn.ref.id)) this.actors.set(out.spawn.ref.id, out.spawn);
      } else {
        const receiver = this.actors.get(out.to);
        if (receiver === undefined) throw new Error(`mail to nobody: ${out.to}`);
        receiver.mailbox.push(structuredClone(out.mail));
      }
    }
  }

  #context(actor: Actor, run: { state: AgentState; history: HistoryEntry[]; out: Out[] }): ActorContext<AgentState> {
    const interruptedKeys = new Set([...actor.recorded.keys(), ...actor.intents]);
    const context = {
      self: actor.ref,
      parent: null,
      sender: null,
      get step() {
        return actor.step;
      },
      durable: true,
      signal: new AbortController().signal,
      spawn: (definition: AgentDefinition, init: AgentInit, options: { id: number; shard: number }) => {
        const spawned = this.#make(definition, init, { id: options.id, shard: options.shard });
        run.out.push({ spawn: spawned });
        return spawned.ref;
      },
      tell: (ref: ActorRef, _type: string, mail: AgentMail) =>
        run.out.push({ to: ref.id, mail: structuredClone(mail) }) > 0,
      effect: async (key: string, fn: (id: string, signal: AbortSignal) => unknown, options: EffectOptions = {}) => {
        if (actor.recorded.has(key)) return structuredClone(actor.recorded.get(key));
        const now = options.record !== 'step';
        if (options.intent ?? now) actor.intents.add(key);
        const result = await fn(effectIdOf(actor.ref.name, actor.step, key), context.signal);
        this.#options.crash?.(`effect ${actor.ref.name} ${key}`);
        if (now) actor.recorded.set(key, structuredClone(result));
        return result;
      },
      setPollInterval: (ms: number) => {
        actor.pollMs = ms;
      },
      interrupted: (key: string) => interruptedKeys.has(key),
      service: async (name: string, method: string, args: unknown, options: { effectId?: string | null } = {}) => {
        this.#options.crash?.(`before ${name}.${method}`);
        const result = await this.#service(name, method, structuredClone(args), options.effectId ?? null);
        this.#options.crash?.(`after ${name}.${method}`);
        return structuredClone(result);
      },
      endStep: async () => {
        this.#commit(actor, run, true);
        interruptedKeys.clear();
      },
      get history() {
        return run.history;
      },
      appendHistory: (...entries: HistoryEntry[]) => run.history.push(...structuredClone(entries)),
      now: () => 0,
      random: () => 0.5,
      log: () => {},
      event: (event: Record<string, unknown>) => this.events.push(event),
    };
    return context as unknown as ActorContext<AgentState>;
  }

  async #service(name: string, method: string, args: unknown, effectId: string | null): Promise<unknown> {
    if (name === 'model') {
      const kept = this.#answers.get(effectId ?? '');
      const sentBefore = this.#sent.get(effectId ?? '') ?? 0;
      if (kept !== undefined) return { ...kept, repeats: sentBefore - 1 };
      const request = this.#arriving.receive(args as RequestOnWire);
      this.requests.push(request);
      if (effectId !== null) this.#sent.set(effectId, sentBefore + 1);
      this.#options.crash?.(`sent ${request.agent}`);
      const answer = await this.#options.answer(request);
      // As the service does: an answer is kept under its effect id before anybody is told of it.
      if (effectId !== null) this.#answers.set(effectId, answer);
      return { ...answer, repeats: sentBefore };
    }
    if (name === 'sandbox') return this.#options.sandbox?.(method, args as Record<string, unknown>);
    if (name === 'workspace') return this.#workspace(method, args as Record<string, string>, effectId);
    if (method === 'group') return this.roster.group((args as { agent: string }).agent);
    if (method === 'terminate') {
      const due = this.roster.lookDue(args as TerminateArgs);
      if (due !== null)
        return this.roster.do('terminate', { ...(args as TerminateArgs), look: await this.#look(due) }, effectId);
    }
    return this.roster.do(method as 'hire', args as never, effectId);
  }

  /** As the roster's service does, over the files in memory. */
  #look(request: LookRequest): Promise<Look> {
    return lookAt(request, {
      file: (path, { since, changesMax, textMax }) => {
        const text = this.files.get(path);
        if (text === undefined) return Promise.resolve(null);
        return Promise.resolve({
          path,
          base: `b${text.length}`,
          commit: 'c0ffee0123456789',
          author: this.authors.get(path) ?? '',
          bytes: text.length,
          text: text.length <= textMax ? text : null,
          changes: since !== undefined && changesMax > 0 ? text.replaceAll(/^/gmu, '+').slice(0, changesMax) : null,
        });
      },
      syntax: null,
    });
  }

  #workspace(method: string, args: Record<string, string>, effectId: string | null): unknown {
    if (effectId !== null && this.#workspaceResults.has(effectId)) return this.#workspaceResults.get(effectId);
    const path = args['path'] ?? '';
    const content = args['content'] ?? '';
    const author = args['author'] ?? '';
    const current = this.files.get(path);
    const base = (text: string): string => `b${text.length}`;
    const done = (result: unknown): unknown => {
      if (effectId !== null) this.#workspaceResults.set(effectId, result);
      return result;
    };
    switch (method) {
      case 'read':
        if (current === undefined)
          return { ok: false, error: { code: 'NOT_FOUND', message: 'no such file', hint: '' } };
        return { ok: true, content: current, base: base(current) };
      case 'write':
        if (current !== undefined && args['base'] !== base(current)) {
          return { ok: false, error: { code: 'EXISTS', message: 'it exists', hint: '', current, base: base(current) } };
        }
        this.files.set(path, content);
        this.authors.set(path, author);
        return done({ ok: true, base: base(content), merged: false });
      case 'edit': {
        const { old = '', new: made = '' } = args;
        const parts = current?.split(old) ?? [];
        if (parts.length !== 2) return { ok: false, error: { code: 'NO_MATCH', message: 'not there once', hint: '' } };
        this.files.set(path, parts.join(made));
        this.authors.set(path, author);
        return done({ ok: true, base: base(parts.join(made)) });
      }
      case 'append':
        this.files.set(path, (current ?? '') + content);
        this.authors.set(path, author);
        return done({ ok: true, base: base((current ?? '') + content) });
      default:
        return { ok: true, files: [...this.files.keys()].toSorted(), truncated: false };
    }
  }
}
