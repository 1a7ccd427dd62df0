/**
 * Tells those concerned that a budget is nearly used up: the Boss for the run's, an Admin for its group's, the agent for
 * its own. What it does not do: decide when (`Budgets` does).
 *
 * Invariants: B1 The mail is durable before it is noted that it was sent: after a crash in between it comes twice, and is
 * never lost.
 */
import { MODEL, ROSTER } from '../../actors/run-services.ts';
import { warningKey } from '../model/budget/index.ts';
import type { ActorSystem } from '../runtime/index.ts';
import { BOSS, systemMail } from '../society/index.ts';
import type { BudgetNotice } from './services/budget-notice.ts';

const DEADLINE_MS = 20_000;

const UNITS = { calls: 'model calls', tokens: 'tokens', usd: 'US dollars' } as const;

const amount = (what: BudgetNotice['what'], value: number): string =>
  what === 'usd' ? value.toFixed(2) : String(Math.round(value));

const textOf = ({ scope, what, spent, limit }: BudgetNotice): string => {
  const whose =
    scope.kind === 'run'
      ? 'The budget of the run'
      : scope.kind === 'group'
        ? 'The budget of your group'
        : 'Your budget';
  return (
    `${whose} is nearly used up: ${amount(what, spent)} of ${amount(what, limit)} ${UNITS[what]} are spent. ` +
    'Begin nothing new; bring what is there to a good end.'
  );
};

/** @throws what the roster and the journal throw */
export const sendBudgetMail = async (system: ActorSystem, notice: BudgetNotice): Promise<void> => {
  const { scope } = notice;
  const name = scope.kind === 'run' ? BOSS : scope.name;
  const found = await system.callService(ROSTER, 'find', { agent: name }, { deadlineMs: DEADLINE_MS });
  const { agent } = found;
  // Who has finished, or is not there yet, needs no warning.
  if (agent !== null && found.end === null && agent.status !== 'failed' && agent.status !== 'retired') {
    const body = systemMail('budget', textOf(notice));
    await system.deliver([
      { shard: agent.shard, entry: { kind: 'mail', mail: { to: agent.id, from: null, type: 'mail', body } } },
    ]);
  }
  await system.callService(MODEL, 'warned', { scope: warningKey(notice) }, { deadlineMs: DEADLINE_MS });
};
