/**
 * What an agent of the rehearsal knows: itself, its mail and its own earlier actions, asked in the ways the scenarios
 * need. What it does not do: choose the next action (the scenarios do).
 *
 * 1. Answers depend on mail only as a set: never on its order or grouping.
 * 2. Every repetition has a limit: `mayTry` ends it.
 */
import { WAITING, type Action, type Mail, type PastAnswer, type Transcript } from './transcript.ts';

/** A failing call is tried this often, and once more per nudge. */
const TRIES_MAX = 3;

/** A tool call to be made; `key` names it for the draws. */
export interface Call {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly key: string;
}

/** What an agent answers. */
export type Decision =
  | { readonly calls: readonly Call[]; /** What is waited for when they are made. */ readonly after?: string }
  | { readonly text: string; /** Nothing to do now, so there is nothing to fail at. */ readonly waiting: boolean };

export interface Persona {
  readonly name: string;
  /** `Admin`: whoever leads, or may hire. */
  readonly level: 'Boss' | 'Admin' | 'Ordinary';
  readonly supervisor: string;
  readonly slots: number;
  readonly reviews: boolean;
  readonly goal: string;
  readonly planned: readonly string[];
  readonly files: readonly string[];
}

const list = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const whole = (value: string | undefined, otherwise: number): number => {
  const number = Number.parseInt(value ?? '', 10);
  return Number.isFinite(number) && number >= 0 ? number : otherwise;
};

/** Reads the facts of the system prompt; `agent` is the name in the header, which the prompt may lack. */
export const readPersona = (transcript: Transcript, agent: string): Persona => {
  const { facts } = transcript;
  const level = facts.get('level');
  const slots = whole(facts.get('slots'), 0);
  return {
    name: facts.get('name') ?? agent,
    level: level === 'Boss' || level === 'Admin' ? level : slots > 0 ? 'Admin' : 'Ordinary',
    supervisor: facts.get('supervisor') ?? 'user',
    slots,
    reviews: facts.get('reviews') !== 'off',
    goal: facts.get('goal') ?? 'the goal',
    planned: list(facts.get('planned')),
    files: list(facts.get('files')),
  };
};

export const factNumber = (transcript: Transcript, key: string, otherwise: number): number =>
  whole(transcript.facts.get(key), otherwise);

type Where = (args: Readonly<Record<string, unknown>>) => boolean;

type ReadAction = Action & { readonly args: Readonly<Record<string, unknown>> };

const isRead = (action: Action): action is ReadAction => action.args !== null;

const matching = (actions: readonly ReadAction[] = [], where?: Where): readonly Action[] =>
  where === undefined ? actions : actions.filter((action) => where(action.args));

export class Progress {
  readonly #transcript: Transcript;
  /** Actions whose arguments could be read, by tool: leads of large groups ask for them hundreds of times. */
  readonly #byTool = new Map<string, { done: ReadAction[]; failed: ReadAction[] }>();
  readonly persona: Persona;
  readonly nudges: number;
  /** How often the Boss was asked for the final review. */
  readonly finalReviews: number;

  constructor(transcript: Transcript, persona: Persona) {
    this.#transcript = transcript;
    this.persona = persona;
    for (const action of transcript.actions) {
      if (!isRead(action)) continue;
      let same = this.#byTool.get(action.tool);
      if (same === undefined) this.#byTool.set(action.tool, (same = { done: [], failed: [] }));
      (action.ok ? same.done : same.failed).push(action);
    }
    const told = (kind: string): number =>
      transcript.mails.filter((mail) => mail.from === 'system' && mail.kind === kind).length;
    this.nudges = told('nudge');
    this.finalReviews = told('final-review');
  }

  get mails(): readonly Mail[] {
    return this.#transcript.mails;
  }

  get actions(): readonly Action[] {
    return this.#transcript.actions;
  }

  get answers(): readonly PastAnswer[] {
    return this.#transcript.answers;
  }

  /** A number among the facts of the prompt. */
  factNumber(key: string, otherwise: number): number {
    return factNumber(this.#transcript, key, otherwise);
  }

  get task(): string {
    return this.#transcript.task;
  }

  /** Whether `tool` is offered. A request that offers none at all is taken to have left them out. */
  can(tool: string): boolean {
    return this.#transcript.offered.size === 0 || this.#transcript.offered.has(tool);
  }

  done(tool: string, where?: Where): readonly Action[] {
    return matching(this.#byTool.get(tool)?.done, where);
  }

  failed(tool: string, where?: Where): readonly Action[] {
    return matching(this.#byTool.get(tool)?.failed, where);
  }

  /** Whether `tool` is offered and has not failed too often. */
  mayTry(tool: string, where?: Where): boolean {
    return this.can(tool) && this.failed(tool, where).length < TRIES_MAX + this.nudges;
  }

  /** A nudge found this agent waiting: whoever it waits for will not come. */
  get waitsInVain(): boolean {
    return this.#transcript.waitsInVain;
  }

  systemMails(kind: string): Mail[] {
    return this.mails.filter((mail) => mail.from === 'system' && mail.kind === kind);
  }

  /** How often this agent's work came back: from who leads it, or from the checks before it got there. */
  get revisions(): number {
    const { name } = this.persona;
    const rounds = this.mails
      .filter(({ from, kind, attributes }) =>
        from === 'system' ? kind === 'review' && attributes['agent'] === name : kind === 'revise',
      )
      .map((mail) => mail.attributes['round'] ?? '');
    return new Set(rounds).size;
  }

  /** Agents that nobody needs to wait for any more. */
  get gone(): ReadonlySet<string> {
    const names = this.mails
      .filter((mail) => mail.from === 'system' && (mail.kind === 'child-failed' || mail.kind === 'retired'))
      .map((mail) => mail.attributes['agent'] ?? '');
    return new Set(names);
  }

  /** Names of mail's senders whose text starts with one of `words`. */
  saidBy(words: RegExp): ReadonlySet<string> {
    return new Set(this.mails.filter((mail) => words.test(mail.text)).map((mail) => mail.from));
  }

  /** Names of those this agent has talked to. */
  get talkedTo(): ReadonlySet<string> {
    return new Set(this.done('talk').flatMap((action) => recipients(action.args)));
  }
}

/** The recipients of a `talk`. */
export const recipients = (args: Readonly<Record<string, unknown>> | null): string[] => {
  const messages = args?.['messages'];
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: unknown) => {
    const to = typeof message === 'object' && message !== null ? (message as Record<string, unknown>)['to'] : null;
    return typeof to === 'string' ? [to] : [];
  });
};

/** A waiting answer. */
export const waiting = (why: string): Decision => ({ text: `${WAITING} ${why}`, waiting: true });

export interface Item {
  readonly id: string;
  readonly text: string;
  readonly status: 'todo' | 'doing' | 'done' | 'blocked';
  readonly evidence?: string;
}

/** The call that opens the checklist, or null when it is open or cannot be. */
export const openList = (progress: Progress, items: readonly Item[]): Call | null => {
  if (progress.done('change_task_status').length > 0 || !progress.mayTry('change_task_status')) return null;
  return { tool: 'change_task_status', args: { items }, key: 'open' };
};

const statusesOf = (items: unknown): readonly unknown[] =>
  Array.isArray(items) ? items.map((item) => (item as Item | null)?.status) : [];

/** Whether this call closed the list in the way of `wanted`. */
const closes = (action: Action, wanted: readonly Item[]): boolean => {
  if (action.tool !== 'change_task_status' || !action.ok) return false;
  const statuses = statusesOf(action.args?.['items']);
  return statuses.length === wanted.length && statuses.every((status, at) => status === wanted[at]?.status);
};

/** Tools whose success says nothing about whether a refused `terminate` would pass now. */
const NOT_PROGRESS = new Set(['change_task_status', 'terminate']);
/** Refuses `terminate` for what stands before it in the same answer, and says nothing about the list. */
const FAILED_BEFORE = 'NOT_ALLOWED';

/**
 * The way out, as the last calls of an answer: close the checklist and, when `mayEnd`, `terminate`; none when there is
 * nothing to do or to gain.
 * @param submissions how often the work was asked for: once, and once per revision
 */
export const closing = (
  progress: Progress,
  plan: { items: readonly Item[]; summary: string; submissions: number; mayEnd: boolean },
): readonly Call[] => {
  const { actions } = progress;
  const ended = progress.done('terminate').length;
  if (ended >= plan.submissions) return [];
  const closedAt = actions.findLastIndex((action) => closes(action, plan.items));
  const refusedAt = actions.findLastIndex((action) => action.tool === 'terminate' && action.code === 'OPEN_ITEMS');
  const movedAt = actions.findLastIndex((action) => action.ok && !NOT_PROGRESS.has(action.tool));
  const refusals = actions.filter(
    ({ tool, ok, code }, index) => tool === 'terminate' && !ok && code !== FAILED_BEFORE && index > movedAt,
  ).length;
  const calls: Call[] = [];
  if ((closedAt === -1 || refusedAt > closedAt) && progress.mayTry('change_task_status') && refusals < 2) {
    calls.push({ tool: 'change_task_status', args: { items: plan.items }, key: `close/${ended}` });
  }
  if (plan.mayEnd && progress.can('terminate') && refusals < 2 + progress.nudges + progress.finalReviews) {
    calls.push({ tool: 'terminate', args: { summary: plan.summary }, key: `terminate/${ended}` });
  }
  return calls;
};

/** The same as an answer; null when there is nothing to do or to gain. */
export const finish = (...about: Parameters<typeof closing>): Decision | null => {
  const calls = closing(...about);
  return calls.length === 0 ? null : { calls };
};
