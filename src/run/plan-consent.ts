/**
 * The person's consent to the plan of a run in which hires have to be allowed: what is asked, what was decided, attempt by
 * attempt. Kept in the run's own table, since there is no society yet. A plan that the person gave needs none.
 *
 * Invariants: H8 Nobody is hired from a plan that was not allowed. H9 A decision is bound to the plan that was shown: one
 * that is made anew is shown anew, under a label of its own, and only words with that label decide on it. H10 A plan is
 * decided on once: whoever comes second is refused.
 */
import { z } from 'zod';
import type { ServiceStore } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { Outcome } from './controller.ts';
import type { EventInput } from '../telemetry/index.ts';
import {
  BOSS,
  clip,
  questionLabel,
  readAnswer,
  renderPlan,
  type Plan,
  type ReadAnswer,
  type ReportQuestion,
} from '../society/index.ts';
import type { PlanDecided } from './types.ts';

const KEY = 'plan-consent';
const TEXT_CHARS_MAX = 20_000;
const REASON_CHARS_MAX = 2_000;

const planText = (plan: Plan): string => clip(renderPlan(plan, 'proposed'), TEXT_CHARS_MAX);

const recordSchema = z.object({
  /** What waits for a decision. */
  asked: z
    .object({
      attempt: z.int(),
      text: z.string(),
      /** No other plan is made after it. */
      last: z.boolean().default(false),
    })
    .nullable(),
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

const PLAN = { agent: BOSS, id: 0, kind: 'approval' } as const;

/** The number of the plan that is shown next, from 1: all before it were decided on. */
const numberOf = ({ decided }: PlanConsentRecord): number => decided.length + 1;

const labelOf = (plan: number): string => questionLabel({ id: 0, plan });

/** The plan that waits, as a question of the Boss that is not there yet; null when none does. */
export const planQuestion = async (store: Reading): Promise<ReportQuestion | null> => {
  const record = await recordOf(store);
  return record.asked === null ? null : { ...PLAN, plan: numberOf(record), text: record.asked.text, kinds: ['hires'] };
};

/** A plan that is good, to be shown. */
export interface ProposedPlan {
  readonly plan: Plan;
  /** Of all answers that were to be plans, from 0. */
  readonly attempt: number;
  /** No other plan is made after it. */
  readonly last: boolean;
}

/** How it stands with a plan, which was shown as the `number`th. */
export interface PlanStanding {
  readonly number: number;
  /** `asks`: it is asked now, durably. `asked`: it waits, and has been asked before. */
  readonly state: 'asks' | 'asked' | 'decided';
  /** Null until then; `told` if it is read not for the first time. */
  readonly decision: PlanConsentRecord['decided'][number] | null;
}

/** What was decided on a plan; one that is new waits for a decision from here on. */
export const planDecision = async (
  store: ServiceStore,
  { plan, attempt, last }: ProposedPlan,
): Promise<PlanStanding> => {
  const record = await recordOf(store);
  const at = record.decided.findIndex((made) => made.attempt === attempt);
  const decision = record.decided[at];
  if (decision !== undefined) {
    if (!decision.told) {
      const decided = record.decided.map((made) => (made === decision ? { ...made, told: true } : made));
      await keep(store, { ...record, decided });
    }
    return { number: at + 1, state: 'decided', decision };
  }
  const number = numberOf(record);
  if (record.asked?.attempt === attempt) return { number, state: 'asked', decision: null };
  await keep(store, { ...record, asked: { attempt, text: planText(plan), last } });
  return { number, state: 'asks', decision: null };
};

/** Whether the person has allowed all hires of the run with the plan. */
export const allowsAllHires = async (store: Reading): Promise<boolean> =>
  (await recordOf(store)).decided.some(({ verdict, all }) => verdict === 'approve' && all);

/** `#0`, or `#0.2` of a plan that came after others. */
const NAMED = /^#0(?:\.(?<plan>[1-9]\d{0,8}))?:?(?=\s|$)/u;
const ENDINGS = { approve: 'approved', deny: 'refused' } as const;

const readDecision = (message: string, text: string): ReadAnswer =>
  readAnswer(message.trim().replace(NAMED, ''), [{ id: 0, kind: 'approval', text, kinds: ['hires'] }]);

/** The plan that the words are about by its number; null when they name none. */
const namedPlan = (message: string): number | null => {
  const named = NAMED.exec(message.trim());
  return named === null ? null : Number(named.groups?.['plan'] ?? 1);
};

const isDecidedAlready = (record: PlanConsentRecord, plan: number): MegactorError => {
  const made = record.decided[plan - 1];
  if (made === undefined) {
    return new MegactorError('USAGE', `there is no plan ${labelOf(plan)}`, {
      hint: 'See what waits for you with `megactor inspect RUN_DIR`.',
    });
  }
  const next = labelOf(numberOf(record));
  return new MegactorError('ALREADY_DECIDED', `the plan ${labelOf(plan)} was ${ENDINGS[made.verdict]} already`, {
    hint:
      record.asked === null
        ? undefined
        : `Another plan waits, ${next}: read it with \`megactor inspect RUN_DIR\`, then say "${next} approve" or "${next} deny REASON".`,
  });
};

/**
 * Takes the person's words to the Boss for a decision on the plan that waits. Null when they are about no plan.
 * @param founded there is a society: then words without a label are for the Boss
 * @throws USAGE for words that decide nothing, or that do not say on which of several plans; ALREADY_DECIDED
 */
export const decidePlan = async (
  store: ServiceStore,
  message: string,
  founded: boolean,
): Promise<PlanDecided | null> => {
  const record = await recordOf(store);
  const { asked, decided } = record;
  const named = namedPlan(message);
  const { verdict, all, text: said } = readDecision(message, asked?.text ?? '');
  if (asked === null) {
    if (decided.length === 0 || (named === null && (founded || verdict === null))) return null;
    throw isDecidedAlready(record, named ?? decided.length);
  }
  const number = numberOf(record);
  const label = labelOf(number);
  if (named !== null && named !== number) throw isDecidedAlready(record, named);
  if (verdict === null) {
    const words = number === 1 ? 'approve, approve all, or deny REASON' : `${label} approve, or ${label} deny REASON`;
    throw new MegactorError('USAGE', 'the plan waits for your consent, and there is nobody else to talk to yet', {
      hint: `Say ${words}: when it is refused, ${asked.last ? 'the run ends' : 'another plan is made'}.`,
    });
  }
  if (named === null && number > 1) {
    throw new MegactorError('USAGE', `${number - 1} plans were refused, and another one waits: ${label}`, {
      hint: `Read it with \`megactor inspect RUN_DIR\`, then say "${label} ${verdict}${verdict === 'deny' ? ' REASON' : ''}".`,
    });
  }
  const reason = verdict === 'deny' ? clip(said, REASON_CHARS_MAX) : '';
  const made = { attempt: asked.attempt, verdict, reason, all, told: false };
  await keep(store, { asked: null, decided: [...decided, made] });
  return { plan: number, verdict, another: verdict === 'deny' && !asked.last };
};

interface PlanWait {
  /** Somebody is there until it aborts. */
  readonly there: AbortSignal | undefined;
  readonly onWaiting: () => void;
  readonly end: (outcome: Outcome) => void;
}

/** Where a run waits for a decision on its plan, while somebody is there to decide. One decision is taken after another. */
export class PlanDesk {
  #decided: (() => void) | null = null;
  /** A decision was taken before anybody waited for it. */
  #early = false;
  #taking: Promise<unknown> = Promise.resolve();

  /**
   * Resolves when it is worth looking again. When nobody is there, or nobody any more, the run ends for now.
   * @throws ABORTED then
   */
  async wait({ there, onWaiting, end }: PlanWait): Promise<void> {
    if (this.#early) {
      this.#early = false;
      return;
    }
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
  decide(store: ServiceStore, message: string, founded: boolean): Promise<PlanDecided | null> {
    const decision = this.#taking.then(async () => {
      const made = await decidePlan(store, message, founded);
      if (made === null) return null;
      this.#early = this.#decided === null;
      this.#decided?.();
      return made;
    });
    this.#taking = decision.catch(() => undefined);
    return decision;
  }
}

/** What is told when a run goes on with what was decided on its plan. */
export const planDecided = (verdict: 'approve' | 'deny', number: number): EventInput => ({
  type: 'human',
  agent: BOSS,
  status: verdict === 'approve' ? 'approved' : 'denied',
  kind: 'approval',
  question: 0,
  plan: number,
});

/** What is told of a plan that waits. */
export const planAsked = (plan: Plan, number: number): EventInput => ({
  type: 'human',
  agent: BOSS,
  status: 'asked',
  kind: 'approval',
  question: 0,
  plan: number,
  text: planText(plan),
});
