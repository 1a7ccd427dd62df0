/**
 * The person's consent to the plan of a run in which hires have to be allowed: what is asked, what was decided, attempt by
 * attempt. Kept in the run's own table, since there is no society yet. A plan that the person gave needs none.
 *
 * Invariants: H8 Nobody is hired from a plan that was not allowed. H9 A decision is bound to the attempt that was shown: a
 * plan that is made anew is shown anew.
 */
import { z } from 'zod';
import type { ServiceStore } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { Outcome } from './controller.ts';
import type { EventInput } from '../telemetry/index.ts';
import { BOSS, clip, readAnswer, renderPlan, type Plan, type ReportQuestion } from '../society/index.ts';

const KEY = 'plan-consent';
const TEXT_CHARS_MAX = 20_000;
const REASON_CHARS_MAX = 2_000;

const recordSchema = z.object({
  /** What waits for a decision. */
  asked: z.object({ attempt: z.int(), text: z.string() }).nullable(),
  decided: z.array(
    z.object({
      attempt: z.int(),
      verdict: z.enum(['approve', 'deny']),
      reason: z.string(),
      /** All hires of the run are allowed. */
      all: z.boolean(),
      /** The run has gone on with it. */
      told: z.boolean().default(false),
    }),
  ),
});

type PlanConsentRecord = z.output<typeof recordSchema>;

type Reading = Pick<ServiceStore, 'get'>;

const recordOf = async (store: Reading): Promise<PlanConsentRecord> => {
  const parsed = recordSchema.safeParse(await store.get(KEY));
  return parsed.success ? parsed.data : { asked: null, decided: [] };
};

const keep = async (store: ServiceStore, value: PlanConsentRecord): Promise<void> => {
  await store.commit({ effectId: null, result: null, changes: [{ key: KEY, value }] });
};

/** The plan that waits, as a question of the Boss that is not there yet; null when none does. */
export const planQuestion = async (store: Reading): Promise<ReportQuestion | null> => {
  const { asked } = await recordOf(store);
  return asked === null ? null : { agent: BOSS, id: 0, kind: 'approval', text: asked.text, kinds: ['hires'] };
};

/** What was decided on this attempt, `told` if not for the first time; `asked`: it waits, and has been asked before; `asks`: it is asked now, durably. */
export const planDecision = async (
  store: ServiceStore,
  plan: Plan,
  attempt: number,
): Promise<PlanConsentRecord['decided'][number] | 'asked' | 'asks'> => {
  const record = await recordOf(store);
  const decision = record.decided.find((made) => made.attempt === attempt);
  if (decision !== undefined) {
    if (!decision.told) {
      const decided = record.decided.map((made) => (made === decision ? { ...made, told: true } : made));
      await keep(store, { ...record, decided });
    }
    return decision;
  }
  if (record.asked?.attempt === attempt) return 'asked';
  await keep(store, { ...record, asked: { attempt, text: clip(renderPlan(plan), TEXT_CHARS_MAX) } });
  return 'asks';
};

/** Whether the person has allowed all hires of the run with the plan. */
export const allowsAllHires = async (store: Reading): Promise<boolean> =>
  (await recordOf(store)).decided.some(({ verdict, all }) => verdict === 'approve' && all);

/**
 * Takes the person's words to the Boss for a decision on the plan that waits. False when none waits.
 * @throws USAGE for words that decide nothing
 */
export const decidePlan = async (store: ServiceStore, message: string): Promise<boolean> => {
  const record = await recordOf(store);
  if (record.asked === null) return false;
  const { attempt, text } = record.asked;
  const { verdict, all, text: said } = readAnswer(message, [{ id: 0, kind: 'approval', text, kinds: ['hires'] }]);
  if (verdict === null) {
    throw new MegactorError('USAGE', 'the plan waits for your consent, and there is nobody else to talk to yet', {
      hint: 'Say approve, approve all, or deny REASON: then another plan is made.',
    });
  }
  const reason = verdict === 'deny' ? clip(said, REASON_CHARS_MAX) : '';
  await keep(store, { asked: null, decided: [...record.decided, { attempt, verdict, reason, all, told: false }] });
  return true;
};

interface PlanWait {
  /** Somebody is there until it aborts. */
  readonly there: AbortSignal | undefined;
  readonly onWaiting: () => void;
  readonly end: (outcome: Outcome) => void;
}

/** Where a run waits for a decision on its plan, while somebody is there to decide. */
export class PlanDesk {
  #decided: (() => void) | null = null;

  /** Whether a decision would be waited for at this moment. */
  get waiting(): boolean {
    return this.#decided !== null;
  }

  /**
   * Resolves when it is worth looking again. When nobody is there, or nobody any more, the run ends for now.
   * @throws ABORTED then
   */
  async wait({ there, onWaiting, end }: PlanWait): Promise<void> {
    if (there !== undefined && !there.aborted) {
      onWaiting();
      if (await this.#decision(there)) return;
    }
    end({ status: 'paused', reason: 'human-questions', error: null });
    throw new MegactorError('ABORTED', 'the plan waits for consent');
  }

  #decision(there: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (decided: boolean): void => {
        this.#decided = null;
        there.removeEventListener('abort', onGone);
        resolve(decided);
      };
      const onGone = (): void => settle(false);
      there.addEventListener('abort', onGone, { once: true });
      this.#decided = () => settle(true);
    });
  }

  /** @throws as `decidePlan` */
  async decide(store: ServiceStore, message: string): Promise<boolean> {
    if (!(await decidePlan(store, message))) return false;
    this.#decided?.();
    return true;
  }
}

/** Of a plan, in its event. */
const SHOWN_CHARS_MAX = 2_000;

/** What is told when a run goes on with what was decided on its plan. */
export const planDecided = (verdict: 'approve' | 'deny'): EventInput => ({
  type: 'human',
  agent: BOSS,
  status: verdict === 'approve' ? 'approved' : 'denied',
  kind: 'approval',
  question: 0,
});

/** What is told of a plan that waits. */
export const planAsked = (plan: Plan): EventInput => ({
  type: 'human',
  agent: BOSS,
  status: 'asked',
  kind: 'approval',
  question: 0,
  text: clip(renderPlan(plan), SHOWN_CHARS_MAX),
});
