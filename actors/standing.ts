/**
 * Where an agent stands before a turn: what it may still hire when it first acts, and that it has used up its turns. What
 * it does not do: turns (`turn.ts`).
 */
import type { Turn } from './agent-types.ts';
import { send, sendNotice } from './mailing.ts';
import { promptWithSlots } from './prompts/agent.ts';
import { callRoster, readGroup } from './services.ts';

/**
 * Before an Admin's first call: what it was to hire may have been drawn back since it was hired. Whoever leads nobody and
 * may hire nobody is an Ordinary agent, and is told and offered no more than that.
 */
export const settleLevel = async ({ state, ctx }: Turn): Promise<void> => {
  if (state.prompt === null || state.level !== 'admin') return;
  const { serviceDeadlineMs } = state.settings.limits;
  const found = await ctx.effect(
    'slots',
    async () => {
      const group = await readGroup(ctx, state.name, serviceDeadlineMs);
      return group === null || group.subordinates.length > 0 ? null : { slots: group.slots };
    },
    { record: 'step' },
  );
  if (found === null || found.slots === state.slots) return;
  state.slots = found.slots;
  state.prompt = promptWithSlots(state.prompt, state.settings, found.slots);
  if (found.slots === 0) state.level = 'ordinary';
};

/** The agent has used up its turns: it will not act any more. */
export const exhausted = async (turn: Turn): Promise<void> => {
  const { state, ctx } = turn;
  state.phase = 'failed';
  ctx.event({ type: 'limit', agent: state.name, limit: 'turns' });
  const used = `It has used up its ${state.settings.limits.turnsPerAgentMax} turns`;
  const args = { agent: state.name, why: 'limit-turns', detail: used };
  const { counted, leader, notices } = await callRoster(turn, 'failed', 'failed', args);
  if (counted) ctx.event({ type: 'remedy', agent: state.name, why: 'limit-turns' });
  for (const notice of notices) send(turn, notice.to, notice.mail);
  if (leader === null) return;
  const text = `${used}. Its files stay. Give its work to somebody else, or do without.`;
  sendNotice(turn, leader, 'child-failed', text, { agent: state.name });
};
