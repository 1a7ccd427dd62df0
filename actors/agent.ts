/**
 * The behaviour that Boss, Admins and Ordinary agents share. What it does not do: turns (`turn.ts`) or rules
 * (`src/society/`).
 */
import { message, type ActorBehaviour, type ActorRef } from '../src/actor/definition.ts';
import { agentMailSchema, agentStateSchema, systemMail, zeroCounters, type AgentState } from '../src/society/index.ts';
import type { AgentContext, AgentInit, AgentMessages, Recruits, Turn } from './agent-types.ts';
import { agentPrompt } from './prompts/agent.ts';
import { send } from './mailing.ts';
import { callRoster } from './services.ts';
import { societyTools, type Toolbox } from './tools/index.ts';
import { runTurn } from './turn.ts';

const MAILS_PER_TURN_MAX = 256;

export const initialState = (init: AgentInit): AgentState => ({
  name: init.name,
  level: init.level,
  depth: init.depth,
  above: [...init.above],
  settings: init.settings,
  slots: init.slots,
  held: null,
  phase: 'idle',
  checklist: [...init.checklist],
  counters: zeroCounters(),
  prompt: agentPrompt(init),
  turn: null,
  quietSeen: 0,
  windowStart: 1,
  windowTokens: init.settings.limits.historyTokensMax,
  remembered: 1,
  summary: null,
  recentCalls: [],
  files: [],
  program: null,
  hired: 0,
});

/** A subordinate stopped for good: the roster is told, and the agent itself gets mail and decides. */
const onChildFailed = async (turn: Turn, child: ActorRef, reason: string, last: unknown): Promise<void> => {
  const { ctx, state } = turn;
  const known = agentStateSchema.safeParse(last);
  const { leader, notices } = await callRoster(turn, `child-failed-${child.name}`, 'failed', {
    agent: child.name,
    why: 'crash',
    detail: reason.slice(0, 500),
    // Nobody can ask the child any more, and what it has cost belongs to the run.
    ...(known.success ? { counters: known.data.counters, repaired: known.data.repaired } : {}),
  });
  ctx.event({ type: 'remedy', agent: child.name, why: 'crash', by: state.name });
  for (const notice of notices) send(turn, notice.to, notice.mail);
  if (leader === null) return;
  const text = `It stopped after repeated failures (${reason.slice(0, 300)}). Its files stay. Decide: give its work to somebody else, or do without.`;
  ctx.tell({ ...leader }, 'mail', systemMail('child-failed', text, { agent: child.name }));
};

/** @param recruits what it hires with @param tools what it can do */
export const agentBehaviour = (
  recruits: Recruits,
  tools: Toolbox = societyTools,
): ActorBehaviour<AgentState, AgentInit, AgentMessages> => {
  const turnOf = (state: AgentState, ctx: AgentContext): Turn => ({ state, ctx, recruits, tools });
  return {
    state: initialState,
    messages: { mail: message(agentMailSchema) },
    receiveBatch: (state, batch, ctx) => runTurn(turnOf(state, ctx), batch),
    onChildFailed: (state, child, reason, ctx, last) => onChildFailed(turnOf(state, ctx), child, reason, last),
    // Only what others are about to say as well is worth waiting for.
    urgent: ({ body }) => agentMailSchema.safeParse(body).data?.more !== true,
    strategy: 'one_for_one',
    batchMax: MAILS_PER_TURN_MAX,
  };
};
