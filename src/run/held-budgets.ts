/**
 * Agents that wait for more of a budget, when a run is resumed: those whose budget is larger now are told, and go on.
 * What it does not do: hold anybody (the agent does, when its call is refused).
 *
 * Invariants: H1 The mail is durable before the roster forgets that they wait: after a crash in between it comes twice.
 */
import { ROSTER } from '../../actors/run-services.ts';
import { limitOfScope, type BudgetLimits } from '../model/budget/index.ts';
import type { ActorSystem } from '../runtime/index.ts';
import { RAISED, systemMail, type BudgetHold } from '../society/index.ts';

const TEXT = 'There is more of the budget that you waited for: go on with your task.';

/** Whether there is more of it than when an agent was refused. */
export const isRaised = (limits: BudgetLimits, { scope, what, limit }: BudgetHold): boolean =>
  (limitOfScope(limits, scope, what) ?? Number.POSITIVE_INFINITY) > limit;

/** @throws what the roster and the journal throw */
export const releaseHeld = async (system: ActorSystem, limits: BudgetLimits): Promise<void> => {
  const { rows, end } = await system.callService(ROSTER, 'summary', {});
  if (end !== null) return;
  const released = rows.filter(({ held }) => held !== null && isRaised(limits, held));
  if (released.length === 0) return;
  await system.deliver(
    released.map(({ id, shard, held }) => {
      const body = systemMail('budget', TEXT, { [RAISED]: held?.scope ?? '' });
      return { shard, entry: { kind: 'mail' as const, mail: { to: id, from: null, type: 'mail', body } } };
    }),
  );
  await system.callService(ROSTER, 'unhold', { agents: released.map(({ name }) => name) });
};
