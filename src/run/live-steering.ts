/**
 * What may be asked of a run that this process works on: by its handle (`Run`) and over its control socket alike. What
 * it does not do: end the run (`controller.ts`) or talk to sockets.
 *
 * Invariants: L1 A wish to end that comes before the run has a controller is kept for it; the first cause holds. L2 Mail
 * is taken only while the run can still act on it.
 */
import { ROSTER } from '../../actors/run-services.ts';
import type { JournalClient } from '../journal/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorSystem } from '../runtime/index.ts';
import type { Controller, Outcome } from './controller.ts';
import type { ControlHandler } from './control-server.ts';
import { checkUserText, postUserMail, type PostOffice } from './user-mail.ts';
import { FOUNDED_KEY, RUN_STORE } from './run-store.ts';
import type { PlanDesk } from './plan-consent.ts';
import type { Told } from './types.ts';
import { BOSS } from '../society/index.ts';

const WISHES = {
  pause: { status: 'paused', reason: 'paused-by-user', error: null },
  stop: { status: 'stopped', reason: 'stopped-by-user', error: null },
} as const satisfies Record<string, Outcome>;

/** Longest time that the roster may take to look somebody up. */
const LOOKUP_DEADLINE_MS = 20_000;

export interface LiveParts {
  readonly controller: Controller;
  readonly system: ActorSystem;
  readonly journal: JournalClient;
  /** Where the plan waits for consent. */
  readonly plan?: PlanDesk;
  /** Told of mail that was delivered. */
  readonly onTold: (agent: string, text: string) => void;
}

export class LiveSteering implements ControlHandler {
  #parts: LiveParts | null = null;
  #wish: Outcome | null = null;
  #closed = false;
  /** Settles when the run can be steered, or never will be. */
  readonly #started = Promise.withResolvers<void>();
  #posting: Promise<unknown> = Promise.resolve();

  /** The run can be steered from here on; a wish that came before takes effect. */
  attach(parts: LiveParts): void {
    this.#parts = parts;
    if (this.#wish !== null) parts.controller.end(this.#wish);
    this.#started.resolve();
  }

  /** The run is over or could not start: nothing can be asked of it any more. */
  close(): void {
    this.#closed = true;
    this.#parts = null;
    this.#started.resolve();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How the run is going to end, if that is known. */
  get ending(): Outcome | null {
    return this.#parts?.controller.ending ?? this.#wish;
  }

  /** @throws RUN_NOT_RUNNING */
  end(wish: 'pause' | 'stop'): Outcome {
    if (this.#closed) throw new MegactorError('RUN_NOT_RUNNING', 'the run is over');
    this.#wish ??= WISHES[wish];
    this.#parts?.controller.end(this.#wish);
    return this.ending ?? this.#wish;
  }

  /** Waits until the run has started. Resolves when the mail is durable, with what it answers. @throws USAGE, ALREADY_DECIDED, AGENT_NOT_FOUND, RUN_NOT_RUNNING, DISK */
  async tell(agent: string, text: string): Promise<Told> {
    checkUserText(text);
    if (this.ending === null) await this.#started.promise;
    if (this.#closed) throw new MegactorError('RUN_NOT_RUNNING', 'the run is over');
    const { ending } = this;
    if (ending !== null) {
      throw new MegactorError('RUN_NOT_RUNNING', `the run is ending (${ending.status}: ${ending.reason})`, {
        hint: 'Wait for it; mail to a run that has paused is read when it goes on.',
      });
    }
    if (this.#parts === null) throw new MegactorError('RUN_NOT_RUNNING', 'the run is over');
    const { system, journal, plan, onTold } = this.#parts;
    if (agent === BOSS && plan !== undefined) {
      const store = journal.store(RUN_STORE);
      const decided = await plan.decide(store, text, (await store.get(FOUNDED_KEY)) === true);
      if (decided !== null) {
        onTold(agent, text);
        return { answers: [0], decided };
      }
    }
    const options = { deadlineMs: LOOKUP_DEADLINE_MS };
    const office: PostOffice = {
      atRest: false,
      find: (name) => system.callService(ROSTER, 'find', { agent: name }, options),
      woken: (name) => system.callService(ROSTER, 'woken', { names: [name] }, options),
      answered: (args) => system.callService(ROSTER, 'answered', args, options),
      deliver: (outgoing) => journal.deliver(outgoing),
    };
    // One after another, so that of two who answer the same the second finds it answered.
    const posted = this.#posting.then(() => postUserMail(office, agent, text));
    this.#posting = posted.catch(() => undefined);
    const answers = await posted;
    onTold(agent, text);
    return { answers };
  }
}
