/**
 * The roster: who works in a society, and what became of their work. `applyCommand` is the pure state machine; `Roster`
 * keeps it in a `ServiceStore`. What it does not do: send mail or spawn actors; it answers whom to.
 *
 * Invariants: R2 Commands take effect one after the other, in the order in which they were decided. R3 A command with
 * an effect id changes the roster once; a repeat gets the first result, also after a restart. R4 What a command
 * answered is durable (level of the store) before the caller sees it.
 */
import type { ServiceStore } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import { quiet, type QuietArgs } from './quiet.ts';
import { found, hire, type Founded, type FoundArgs, type HireArgs, type HireResult } from './roster-hire.ts';
import {
  AGENT_PREFIX,
  Draft,
  emptyRoster,
  fold,
  META_KEY,
  QUIET_KEY,
  retiredRefusal,
  type QuietResult,
  type Remedied,
  type RosterAgent,
  type RosterChange,
  type RosterMeta,
  type RosterState,
} from './roster-state.ts';
import type { LookRequest } from './look.ts';
import { groupView, summarize, type GroupView, type RosterSummary } from './roster-view.ts';
import * as hand from './roster-hand-in.ts';
import * as leave from './roster-leave.ts';
import * as questions from './roster-questions.ts';
import { team, type TeamArgs, type TeamResult } from './roster-team.ts';
import * as texts from './roster-texts.ts';
import type { ToolFailure } from './tool-result.ts';
import * as work from './roster-work.ts';

/** Every command with its arguments and its result. */
export interface RosterCommands {
  found: { args: FoundArgs; result: Founded };
  hire: { args: HireArgs; result: readonly HireResult[] };
  team: { args: TeamArgs; result: TeamResult };
  retire: { args: leave.RetireArgs; result: leave.RetireResult };
  resolve: { args: work.ResolveArgs; result: work.ResolveResult };
  checklist: { args: work.ChecklistArgs; result: ReturnType<typeof work.checklist> };
  terminate: { args: hand.TerminateArgs; result: hand.TerminateResult };
  review: { args: work.ReviewArgs; result: work.ReviewResult };
  handback: { args: texts.HandbackArgs; result: texts.HandbackResult };
  remedy: { args: work.RemedyArgs; result: work.RemedyResult };
  failed: { args: leave.FailedArgs; result: leave.FailedResult };
  crashed: { args: leave.CrashedArgs; result: Record<string, never> };
  hold: { args: work.HoldArgs; result: Record<string, never> };
  unhold: { args: work.UnholdArgs; result: Record<string, never> };
  ask: { args: questions.AskArgs; result: questions.AskResult };
  consent: { args: questions.ConsentArgs; result: questions.ConsentResult };
  answered: { args: questions.AnsweredArgs; result: questions.AnsweredResult };
  heard: { args: questions.HeardArgs; result: questions.HeardResult };
  woken: { args: work.WokenArgs; result: { readonly known: readonly { name: string; shard: number; id: number }[] } };
  quiet: { args: QuietArgs; result: QuietResult };
}

export type CommandName = keyof RosterCommands;
export type CommandArgs<Name extends CommandName> = RosterCommands[Name]['args'];
export type CommandResult<Name extends CommandName> = RosterCommands[Name]['result'];

/** A command that a retired agent gives no more. @param giver who gives it */
const ofStaff =
  <Args, Result>(giver: (args: Args) => string, command: (draft: Draft, args: Args) => Result) =>
  (draft: Draft, args: Args): Result | ToolFailure =>
    retiredRefusal(draft, giver(args)) ?? command(draft, args);

const handlers: { readonly [Name in CommandName]: (draft: Draft, args: CommandArgs<Name>) => CommandResult<Name> } = {
  found,
  hire,
  team: ofStaff((args) => args.hirer, team),
  retire: ofStaff((args) => args.by, leave.retire),
  resolve: ofStaff((args) => args.sender, work.resolve),
  checklist: ofStaff((args) => args.agent, work.checklist),
  terminate: hand.terminate,
  review: ofStaff((args) => args.reviewer, work.review),
  handback: texts.handback,
  remedy: work.remedy,
  failed: leave.failed,
  crashed: leave.crashed,
  hold: work.hold,
  unhold: work.unhold,
  ask: ofStaff((args) => args.agent, questions.ask),
  consent: questions.consent,
  answered: questions.answered,
  heard: questions.heard,
  woken: work.woken,
  quiet,
};

export const COMMAND_NAMES = Object.keys(handlers) as readonly CommandName[];

/** What a command answers and what it would change; the state stays as it is. */
export const applyCommand = <Name extends CommandName>(
  state: RosterState,
  name: Name,
  args: CommandArgs<Name>,
): {
  readonly result: CommandResult<Name>;
  readonly changes: readonly RosterChange[];
  readonly remedied: readonly Remedied[];
} => {
  const draft = new Draft(state);
  const result = handlers[name](draft, args);
  return { result, changes: draft.changes(), remedied: draft.remedied };
};

/** The last step of a caller that this instance has seen, with its results by effect id. */
interface CallerSteps {
  readonly first: string;
  step: string;
  readonly results: Map<string, Promise<unknown>>;
}

const splitEffect = (effectId: string): { caller: string; step: string } => {
  const [caller = '', step = ''] = effectId.split('/');
  return { caller, step };
};

const changedAgents = (changes: readonly RosterChange[]): readonly RosterAgent[] =>
  changes.flatMap(({ key, value }) => (key === META_KEY || key === QUIET_KEY ? [] : [value]));

/** Each is told once what it is about is stored. */
export interface RosterListeners {
  /** Questions that were closed without an answer. */
  readonly onWithdrawn?: (withdrawn: readonly questions.Withdrawn[]) => void;
  /** Remedies of commands that no agent gave: an agent tells of its own. */
  readonly onRemedied?: (remedied: readonly Remedied[]) => void;
}

export interface QuietDue {
  /** The number of the final review that it would ask for, from 1; null when it would ask for none. */
  readonly review: number | null;
  /** Whether it would tell what files somebody has. */
  readonly files: boolean;
}

export class Roster {
  readonly #store: ServiceStore;
  readonly #recovered: boolean;
  readonly #listeners: RosterListeners;
  readonly #callers = new Map<string, CallerSteps>();
  /** Mail of the last quiet moment that may have been lost with the process before this one. */
  #unsent: QuietResult | null;
  #state: RosterState;
  #broken: unknown = null;

  private constructor(store: ServiceStore, state: RosterState, listeners: RosterListeners) {
    this.#store = store;
    this.#listeners = listeners;
    this.#state = state;
    this.#recovered = state.meta !== null;
    this.#unsent = state.lastQuiet;
  }

  /** Reads the roster that the store holds; an empty one is founded by the command `found`. */
  static async open(store: ServiceStore, listeners: RosterListeners = {}): Promise<Roster> {
    const changes: RosterChange[] = [];
    for (const [key, value] of await store.range(AGENT_PREFIX, `${AGENT_PREFIX}\u{10ffff}`)) {
      changes.push({ key: key as `agent/${string}`, value: value as RosterAgent });
    }
    // The order of hiring is the order of the ids.
    changes.sort((left, right) => (left.value as RosterAgent).id - (right.value as RosterAgent).id);
    const meta = (await store.get(META_KEY)) as RosterMeta | undefined | null;
    if (meta !== undefined && meta !== null) changes.push({ key: META_KEY, value: meta });
    const last = (await store.get(QUIET_KEY)) as QuietResult | undefined | null;
    if (last !== undefined && last !== null) changes.push({ key: QUIET_KEY, value: last });
    return new Roster(store, fold(emptyRoster(), changes), listeners);
  }

  /** Does a command once per effect id. Without one it is done every time. */
  async do<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
    effectId: string | null = null,
  ): Promise<CommandResult<Name>> {
    if (name === 'quiet') {
      const unsent = this.#unsent;
      this.#unsent = null;
      if (unsent !== null && unsent.end === null) return unsent;
    }
    if (effectId === null) return this.#commit(name, args, null);
    const seen = this.#seen(effectId);
    const running = seen.results.get(effectId);
    if (running !== undefined) return running as Promise<CommandResult<Name>>;
    const promise = this.#once(name, args, effectId, seen);
    seen.results.set(effectId, promise);
    // A command that failed may be tried again.
    promise.catch(() => seen.results.delete(effectId));
    return promise;
  }

  group(name: string): GroupView | null {
    const draft = new Draft(this.#state);
    return draft.founded && draft.find(name) !== undefined ? groupView(draft, name) : null;
  }

  /** Whether `name` has handed in its task, or will not act any more. */
  hasStopped(name: string): boolean {
    const draft = new Draft(this.#state);
    const agent = draft.founded ? draft.find(name) : undefined;
    return agent !== undefined && agent.status !== 'working';
  }

  isRetired(name: string): boolean {
    return this.#state.agents.get(name)?.status === 'retired';
  }

  /** The names of all that were retired. */
  retired(): readonly string[] {
    return [...this.#state.agents.values()].filter(({ status }) => status === 'retired').map(({ name }) => name);
  }

  summary(): RosterSummary {
    return summarize(new Draft(this.#state));
  }

  /** What a quiet moment would need to know of the shared files now. */
  quietDue(): QuietDue {
    const { meta } = this.#state;
    if (meta === null || meta.end !== null) return { review: null, files: false };
    const { mails } = applyCommand(this.#state, 'quiet', {}).result;
    const isFinal = mails.some(({ mail }) => mail.kind === 'final-review');
    return { review: isFinal ? meta.finalReviews + 1 : null, files: mails.some(({ mail }) => mail.kind === 'remedy') };
  }

  /**
   * What is to be looked at before this hand-in is taken in; null when it will be refused, changes nothing, or nobody
   * reviews it.
   */
  lookDue(args: hand.TerminateArgs): LookRequest | null {
    return hand.lookDue(new Draft(this.#state), args);
  }

  /** For tests and tools: the state as it is now. */
  get state(): RosterState {
    return this.#state;
  }

  async #once<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
    effectId: string,
    seen: CallerSteps,
  ): Promise<CommandResult<Name>> {
    // Only the step in which a caller was when this instance began can have left results in the store.
    if (this.#recovered && seen.first === seen.step) {
      const kept = await this.#store.result(effectId);
      if (kept !== undefined) return kept.result as CommandResult<Name>;
    }
    return this.#commit(name, args, effectId);
  }

  #seen(effectId: string): CallerSteps {
    const { caller, step } = splitEffect(effectId);
    let seen = this.#callers.get(caller);
    if (seen === undefined) {
      seen = { first: step, step, results: new Map() };
      this.#callers.set(caller, seen);
    } else if (seen.step !== step) {
      // A caller that began another step has committed the one before, and never repeats it.
      seen.step = step;
      seen.results.clear();
    }
    return seen;
  }

  async #commit<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
    effectId: string | null,
  ): Promise<CommandResult<Name>> {
    if (this.#broken !== null) throw this.#broken;
    const { result, changes, remedied } = applyCommand(this.#state, name, args);
    if (changes.length === 0 && effectId === null) return result;
    // Folding changes the state in place.
    const withdrawn = name === 'heard' ? [] : questions.withdrawnFrom(this.#state.agents, changedAgents(changes));
    this.#state = fold(this.#state, changes);
    try {
      await this.#store.commit({ effectId, result, changes });
    } catch (error) {
      // Memory is ahead of the store now: nothing may be decided from it any more.
      this.#broken = new MegactorError('DISK', 'The roster could not be stored; the run has to be resumed.', {
        cause: error,
      });
      throw error;
    }
    if (withdrawn.length > 0) this.#listeners.onWithdrawn?.(withdrawn);
    if (effectId === null && remedied.length > 0) this.#listeners.onRemedied?.(remedied);
    return result;
  }
}
