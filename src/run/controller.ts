/**
 * Drives one run from its first call to its end: the plan, the first agents, what is to be done whenever all is quiet,
 * and the one outcome. It does not build the system (`start.ts`), write reports (`report.ts`) or decide what quiet
 * means for a society (the roster).
 *
 * Invariants: C1 A run has exactly one outcome; the first cause wins. C2 The roster is asked at most once per quiet
 * moment (again when somebody it waits for turns out to be gone), and its mail is in the journal before the next one can
 * be seen. C3 After a pause or a failure no new model call begins.
 */
import { ROSTER } from '../../actors/run-services.ts';
import type { JournalClient } from '../journal/index.ts';
import type { ActorSystem } from '../runtime/index.ts';
import { MegactorError, toMegactorError, type ErrorCode } from '../protocol/errors.ts';
import type { AgentMail, BudgetHold, QuietResult } from '../society/index.ts';
import { deferred, type Deferred } from './deferred.ts';
import { closeGivenUp } from './given-up.ts';
import { budgetNoticeSchema, type BudgetNotice } from './services/budget-notice.ts';
import type { RunReason, RunStatus } from './types.ts';

/** The table of what belongs to the run and to no agent. */
const STORE = 'run';
/** The number of the last quiet moment whose mail is known to be in the journal. */
const QUIET_KEY = 'quiet';

/** How a run ended, or why it was put aside. */
export interface Outcome {
  readonly status: RunStatus;
  readonly reason: RunReason;
  readonly error: MegactorError | null;
}

/** What a caller of the model service is told when calls have stopped for good. */
const MODEL_STOPS: Readonly<Record<string, Pick<Outcome, 'status' | 'reason'>>> = {
  'wrong-key': { status: 'paused', reason: 'wrong-key' },
  quota: { status: 'paused', reason: 'quota' },
  'budget-calls': { status: 'paused', reason: 'budget-calls' },
  'budget-tokens': { status: 'paused', reason: 'budget-tokens' },
  'budget-usd': { status: 'paused', reason: 'budget-usd' },
  'model-unreachable': { status: 'failed', reason: 'model-unreachable' },
  'unknown-model': { status: 'failed', reason: 'model-unreachable' },
};

const REASON_OF_ERROR: Partial<Record<ErrorCode, RunReason>> = {
  JOURNAL_DAMAGED: 'journal-damaged',
  DISK: 'disk',
  // Of the call for the plan: errors of agents' calls are their supervisors' to decide on.
  MODEL_BAD_RESPONSE: 'boss-failed',
  MODEL_BAD_REQUEST: 'model-unreachable',
  MODEL_CONTEXT_OVERFLOW: 'model-unreachable',
  MODEL_RATE_LIMITED: 'model-unreachable',
  MODEL_SERVER: 'model-unreachable',
  MODEL_TIMEOUT: 'model-unreachable',
  MODEL_UNREACHABLE: 'model-unreachable',
};

export const failure = (thrown: unknown): Outcome => {
  const error = toMegactorError(thrown);
  return { status: 'failed', reason: REASON_OF_ERROR[error.code] ?? 'internal', error };
};

export interface ControllerParts {
  readonly system: ActorSystem;
  readonly journal: JournalClient;
  /** Makes the society from its plan, unless the run has one already. */
  readonly found: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
  /** Somebody is there to answer until it aborts: then a run that waits for answers pauses. */
  readonly waitForAnswers?: AbortSignal | undefined;
  /** Nobody can go on before the person has answered, and the run waits for that. */
  readonly onWaiting?: () => void;
  /** A budget is nearly used up. */
  readonly onBudget: (notice: BudgetNotice) => void;
}

export class Controller {
  readonly #parts: ControllerParts;
  readonly #outcome: Deferred<Outcome> = deferred();
  #ending: Outcome | null = null;
  #asking: Promise<void> = Promise.resolve();
  #listens = false;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
  }

  /** The first cause that ends the run. */
  get outcome(): Promise<Outcome> {
    return this.#outcome.promise;
  }

  /** The same, once it is known. */
  get ending(): Outcome | null {
    return this.#ending;
  }

  end(outcome: Outcome): void {
    if (this.#ending !== null) return;
    this.#ending = outcome;
    this.#outcome.resolve(outcome);
  }

  /** A message that a service sent unasked. */
  onServiceMessage(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('kind' in message)) return;
    if (message.kind === 'finished') {
      const { status, reason } = message as unknown as { status: RunStatus; reason: RunReason };
      this.end({ status, reason, error: null });
    } else if (message.kind === 'model-stop') {
      const { reason, error } = message as unknown as { reason: string; error: unknown };
      const stop = MODEL_STOPS[reason] ?? { status: 'failed', reason: 'internal' };
      this.end({ ...stop, error: wireError(error) });
    } else {
      const notice = budgetNoticeSchema.safeParse(message);
      if (notice.success) this.#parts.onBudget(notice.data);
    }
  }

  /** Runs until there is an outcome; never rejects. */
  async drive(): Promise<Outcome> {
    const { signal, journal, found } = this.#parts;
    const onAbort = (): void => this.end({ status: 'paused', reason: 'interrupted', error: null });
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (!this.#outcome.settled) {
        await Promise.race([found(), this.#outcome.promise]);
        if (!this.#outcome.settled) journal.onQuiet(() => this.#onQuiet());
      }
    } catch (error) {
      this.end(failure(error));
    }
    const outcome = await this.#outcome.promise;
    signal?.removeEventListener('abort', onAbort);
    await this.#asking;
    return outcome;
  }

  #onQuiet(): void {
    this.#asking = this.#asking.then(async () => {
      if (this.#outcome.settled) return;
      try {
        await this.#askRoster();
      } catch (error) {
        this.end(failure(error));
      }
    });
  }

  async #askRoster(): Promise<void> {
    const { journal } = this.#parts;
    // A moment that is over again is not acted on: somebody is at work.
    if ((await journal.pending()) > 0) return;
    let result = await this.#decideQuiet();
    if (result.questions !== undefined || result.pause !== undefined) {
      const { closed, mails } = await closeGivenUp(this.#parts.system);
      // Those above them go on.
      if (mails.length > 0) return this.#deliver(mails);
      if (closed > 0) result = await this.#decideQuiet();
    }
    if (result.end !== null) {
      this.end({ status: result.end.status, reason: result.end.reason, error: null });
      return;
    }
    if (result.questions !== undefined) {
      if (this.#waitsForAnswers()) return;
      this.end({ status: 'paused', reason: 'human-questions', error: null });
      return;
    }
    if (result.pause !== undefined) {
      this.end({ status: 'paused', reason: `budget-${result.pause.what}`, error: heldError(result.pause) });
      return;
    }
    if (result.mails.length === 0)
      throw new MegactorError('INTERNAL', 'all is quiet and nothing is left to do, yet the run is not over');
    await this.#deliver(result.mails);
    // Noted afterwards: a process that dies in between delivers twice, and agents read the mail of a moment once.
    const changes = [{ key: QUIET_KEY, value: result.round }];
    await journal.store(STORE).commit({ effectId: null, result: null, changes });
  }

  async #deliver(mails: QuietResult['mails']): Promise<void> {
    await this.#parts.journal.deliver(
      mails.map(({ to, mail }) => ({
        shard: to.shard,
        entry: { kind: 'mail', mail: { to: to.id, from: null, type: 'mail', body: mail satisfies AgentMail } },
      })),
    );
  }

  /** Whether somebody is there to answer; when nobody is any more, it is asked again. */
  #waitsForAnswers(): boolean {
    const { waitForAnswers: there, onWaiting } = this.#parts;
    if (there === undefined || there.aborted) return false;
    if (!this.#listens) there.addEventListener('abort', () => this.#onQuiet(), { once: true });
    this.#listens = true;
    onWaiting?.();
    return true;
  }

  /** A roster that was read back gives out its last moment again, since its mail may not have left. */
  async #decideQuiet(): Promise<QuietResult> {
    const { system, journal } = this.#parts;
    const decide = (): Promise<QuietResult> => system.callService(ROSTER, 'quiet', {});
    const result = await decide();
    const delivered = await journal.store(STORE).get(QUIET_KEY);
    return result.end === null && result.round === delivered ? decide() : result;
  }
}

const heldError = ({ scope, what, limit }: BudgetHold): MegactorError =>
  new MegactorError('BUDGET_SPENT', `nobody can go on: the budget of ${scope} does not reach beyond ${limit} ${what}`, {
    hint: 'Resume the run with --config and a larger `budgets` in it; what is done stays.',
  });

const wireError = (error: unknown): MegactorError | null => {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return null;
  const wire = error as { code: ErrorCode; message: string; hint?: string };
  return new MegactorError(wire.code, wire.message, { hint: wire.hint });
};
