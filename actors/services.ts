/**
 * How an agent calls the services of its run: the roster, the workspace, the model. Results of the roster and the
 * workspace are written with the step's commit, because those services answer a repeated effect id from their store.
 */
import { MegactorError } from '../src/protocol/errors.ts';
import type { AnswerOf, ArgumentOf, ServiceName } from '../src/protocol/service.ts';
import { budgetHoldSchema, type BudgetHold } from '../src/society/index.ts';
import type { CommandName, GroupView } from '../src/society/index.ts';
import type { AgentContext, Turn } from './agent-types.ts';
import { ROSTER, type RosterMethods } from './run-services.ts';
import type { ToolRun } from './tools/tool.ts';

/** One change in a service, made once however often the step is tried. `key` is unique within the step. */
export const callService = <Methods, Method extends keyof Methods & string>(
  turn: Turn,
  key: string,
  service: ServiceName<Methods>,
  method: Method,
  args: ArgumentOf<Methods[Method]>,
): Promise<AnswerOf<Methods[Method]>> => {
  const { ctx, state } = turn;
  const deadlineMs = state.settings.limits.serviceDeadlineMs;
  return ctx.effect(key, (effectId) => ctx.service(service, method, args, { effectId, deadlineMs }), {
    record: 'step',
  });
};

/** Failures of a service that do not say whether it did what it was asked to. */
const UNKNOWN = new Set(['UNKNOWN_OUTCOME', 'SERVICE_TIMEOUT', 'SERVICE_FAILED']);

/**
 * A call that must not be made twice, since its service keeps no results: its intent is durable first. It may take as long
 * as a model call. null: whether it was made is not known.
 */
export const callAtMostOnce = async <Methods, Method extends keyof Methods & string>(
  run: ToolRun,
  service: ServiceName<Methods>,
  method: Method,
  args: ArgumentOf<Methods[Method]>,
): Promise<AnswerOf<Methods[Method]> | null> => {
  const { ctx, state, key } = run;
  const deadlineMs = state.settings.limits.callWaitMs;
  try {
    return await ctx.effect(key, (effectId) => ctx.service(service, method, args, { effectId, deadlineMs }), {
      atMostOnce: true,
    });
  } catch (error) {
    if (error instanceof MegactorError && UNKNOWN.has(error.code)) return null;
    throw error;
  }
};

/** A command of the roster. */
export const callRoster = <Name extends CommandName>(
  turn: Turn,
  key: string,
  command: Name,
  args: ArgumentOf<RosterMethods[Name]>,
): Promise<AnswerOf<RosterMethods[Name]>> => callService(turn, key, ROSTER, command, args);

/** Reads the group; null when the roster does not know the agent. */
export const readGroup = (ctx: AgentContext, name: string, deadlineMs: number): Promise<GroupView | null> =>
  ctx.service(ROSTER, 'group', { agent: name }, { deadlineMs });

/** What a call that was refused with BUDGET_SPENT waits for. */
export const holdOf = ({ details }: MegactorError): BudgetHold => budgetHoldSchema.parse(details);
