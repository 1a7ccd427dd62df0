/**
 * Founds a society: the plan (asked for once, kept in the journal), the roster, the first agents in
 * one commit with the mail that wakes the Boss. Safe to repeat from any point: answers and the roster's hires are kept
 * under effect ids, and a society whose Boss exists is left alone.
 */
import { MODEL, ROSTER } from '../../actors/run-services.ts';
import { bootstrap, makePlan, type Planning } from '../../actors/planner.ts';
import type { JournalClient, Outgoing } from '../journal/index.ts';
import type { ChatRequest, ServedAnswer } from '../model/index.ts';
import { effectId, type ActorAddress } from '../protocol/ids.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorSystem } from '../runtime/index.ts';
import type { EventInput } from '../telemetry/index.ts';
import { BOSS, type AgentSettings, type Plan } from '../society/index.ts';
import {
  FOUND_EFFECT,
  FOUNDED_KEY,
  givenPlan,
  PLANNER,
  PLANNER_KEY,
  RUN_STORE,
  type PlannerUsage,
} from './run-store.ts';
import { allowsAllHires, planAsked, planDecided, planDecision } from './plan-consent.ts';

export interface FoundingParts {
  readonly system: ActorSystem;
  readonly journal: JournalClient;
  /** Told of the plan, before anybody is hired. */
  readonly onPlan: (plan: Plan) => void;
  readonly goal: string;
  readonly shards: number;
  readonly settings: Omit<AgentSettings, 'goal'>;
  /** The plan that the user gave; null to ask the model. */
  readonly plan: unknown;
  /** Nobody will be hired, so that nobody has to consent. */
  readonly planOnly?: boolean;
  readonly onEvent: (event: EventInput) => void;
  /** The plan waits for consent: resolves when it is worth looking again, rejects when the run goes no further for now. */
  readonly onPlanWaits?: () => Promise<void>;
}

/** One attempt at a plan: the answer is journaled before anything acts on it, and never asked for twice. */
const complete =
  (parts: FoundingParts) =>
  async (request: ChatRequest, attempt: number): Promise<ServedAnswer> => {
    const id = effectId(PLANNER, 0, `plan-${attempt}`);
    const store = parts.journal.store(RUN_STORE);
    const kept = await store.result(id);
    if (kept !== undefined) return kept.result as ServedAnswer;
    const deadlineMs = parts.settings.limits.callWaitMs;
    const answer = await parts.system.callService(MODEL, 'complete', request, { effectId: id, deadlineMs });
    return (await store.commit({ effectId: id, result: answer, changes: [] })) as ServedAnswer;
  };

const ask = async (parts: FoundingParts): Promise<Plan> => {
  const { settings, goal, journal } = parts;
  const used = { calls: 0, repeatedCalls: 0, input: 0, cachedInput: 0, output: 0 };
  const attempt = async (request: ChatRequest, number: number): Promise<ServedAnswer> => {
    const answer = await complete(parts)(request, number);
    used.calls += 1;
    used.repeatedCalls += answer.repeats;
    for (const kind of ['input', 'cachedInput', 'output'] as const) used[kind] += answer.usage[kind];
    // After every answer, so that a run that ends in the middle of planning knows what it cost.
    const value: PlannerUsage = { ...used };
    await journal.store(RUN_STORE).commit({ effectId: null, result: null, changes: [{ key: PLANNER_KEY, value }] });
    return answer;
  };
  const judge = async (plan: Plan, attempt: number): Promise<string | null> => {
    const { onPlanWaits, planOnly } = parts;
    if (onPlanWaits === undefined || planOnly === true || settings.approve?.includes('hires') !== true) return null;
    const store = journal.store(RUN_STORE);
    const last = attempt + 1 >= settings.limits.planAttemptsMax;
    for (;;) {
      const { number, state, decision } = await planDecision(store, { plan, attempt, last });
      if (decision !== null) {
        if (!decision.told) parts.onEvent(planDecided(decision.verdict, number));
        return decision.verdict === 'approve' ? null : decision.reason;
      }
      if (state === 'asks') parts.onEvent(planAsked(plan, number));
      // Whoever reads it finds it where it is when it is decided on.
      parts.onPlan(plan);
      await onPlanWaits();
    }
  };
  const planning: Planning = await makePlan(
    {
      goal,
      run: settings.run,
      limits: settings.limits,
      ...(settings.prompts === undefined ? {} : { prompts: settings.prompts }),
    },
    attempt,
    judge,
  );
  if (planning.plan !== null) return planning.plan;
  throw new MegactorError(
    'MODEL_BAD_RESPONSE',
    `no usable plan in ${planning.calls} answers: ${planning.issues.join('; ')}`,
    {
      hint: 'Try another model, or write the plan yourself and pass it with --plan FILE.',
    },
  );
};

/** Those without an actor. Where a host has just died the journal says so, and nobody waits for its replacement. */
const withoutActor = async <Agent extends { readonly address: ActorAddress }>(
  system: ActorSystem,
  agents: readonly Agent[],
): Promise<Agent[]> => {
  const there = new Set(
    (
      await system.inspect(
        agents.map(({ address }) => address),
        { state: [] },
      )
    ).map(({ id }) => id),
  );
  return agents.filter(({ address }) => !there.has(address.id));
};

/** The plan of the run, given or asked for; nobody is hired. @throws MODEL_*, CONFIG_INVALID */
export const makeRunPlan = async (parts: FoundingParts): Promise<Plan> => {
  const plan = parts.plan === null ? await ask(parts) : givenPlan(parts.plan, parts.settings.limits);
  parts.onPlan(plan);
  return plan;
};

/** @throws MODEL_*, CONFIG_INVALID */
export const found = async (parts: FoundingParts): Promise<void> => {
  const { system, journal, settings, shards, goal } = parts;
  if ((await journal.store(RUN_STORE).get(FOUNDED_KEY)) === true) return;
  const plan = await makeRunPlan(parts);
  const founded = await system.callService(
    ROSTER,
    'found',
    { plan, shards, reviews: settings.reviews, checks: settings.checks ?? false, limits: settings.limits },
    { effectId: FOUND_EFFECT },
  );
  if (settings.approve?.includes('hires') === true && (await allowsAllHires(journal.store(RUN_STORE)))) {
    await system.callService(ROSTER, 'answered', { agent: BOSS, questions: [], grant: ['hires'] });
  }
  const first = bootstrap(plan, founded.hired, goal, settings);
  // A Boss that exists has its mail: both come in one commit.
  const boss = first.agents[0];
  if (boss === undefined) throw new MegactorError('INTERNAL', 'the roster hired no Boss');
  const isNew = (await withoutActor(system, [boss])).length > 0;
  // After a repair of the journal the Boss may be there and others not.
  const missing = isNew ? first.agents : await withoutActor(system, first.agents);
  const outgoing: Outgoing[] = missing.map((agent) => ({
    shard: agent.address.shard,
    entry: {
      kind: 'spawn',
      actor: system.actorRecord(agent.definition, agent.init, agent.options, agent.parent).record,
    },
  }));
  for (const { to, mail } of isNew ? first.mail : []) {
    outgoing.push({
      shard: to.shard,
      entry: { kind: 'mail', mail: { to: to.id, from: null, type: 'mail', body: mail } },
    });
  }
  if (outgoing.length > 0) await journal.deliver(outgoing);
  if (isNew) {
    for (const { name, supervisor, level, slots } of founded.hired) {
      parts.onEvent({ type: 'hired', agent: name, by: supervisor ?? 'user', level, slots });
    }
  }
  await journal.store(RUN_STORE).commit({ effectId: null, result: null, changes: [{ key: FOUNDED_KEY, value: true }] });
};
