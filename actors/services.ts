/**
 * How an agent calls the services of its run: the roster, the workspace, the model. Results of the roster and the
 * workspace are written with the step's commit, because those services answer a repeated effect id from their store.
 */
import { MegactorError } from '../src/protocol/errors.ts';
import { budgetHoldSchema, type BudgetHold } from '../src/society/index.ts';
import type { CommandArgs, CommandName, CommandResult, GroupView, ToolResult } from '../src/society/index.ts';
import type { AgentContext, Turn } from './agent-types.ts';
import type { ToolRun } from './tools/tool.ts';

/** One change in a service, made once however often the step is tried. `key` is unique within the step. */
export const callService = <Result>(
  turn: Turn,
  key: string,
  service: string,
  method: string,
  args: unknown,
): Promise<Result> => {
  const { ctx, state } = turn;
  const deadlineMs = state.settings.limits.serviceDeadlineMs;
  return ctx.effect(
    key,
    async (effectId) => (await ctx.service(service, method, args, { effectId, deadlineMs })) as Result,
    { record: 'step' },
  );
};

/** Failures of a service that do not say whether it did what it was asked to. */
const UNKNOWN = new Set(['UNKNOWN_OUTCOME', 'SERVICE_TIMEOUT', 'SERVICE_FAILED']);

/**
 * A call that must not be made twice, since its service keeps no results: its intent is durable first. It may take as long
 * as a model call. null: whether it was made is not known.
 */
export const callAtMostOnce = async (
  run: ToolRun,
  service: string,
  method: string,
  args: unknown,
): Promise<ToolResult | null> => {
  const { ctx, state, key } = run;
  const deadlineMs = state.settings.limits.callWaitMs;
  try {
    return await ctx.effect(
      key,
      async (effectId) => (await ctx.service(service, method, args, { effectId, deadlineMs })) as ToolResult,
      { atMostOnce: true },
    );
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
  args: CommandArgs<Name>,
): Promise<CommandResult<Name>> => callService(turn, key, 'roster', command, args);

/** Reads the group; null when the roster does not know the agent. */
export const readGroup = async (ctx: AgentContext, name: string, deadlineMs: number): Promise<GroupView | null> =>
  (await ctx.service('roster', 'group', { agent: name }, { deadlineMs })) as GroupView | null;

/** What a call that was refused with BUDGET_SPENT waits for. */
export const holdOf = ({ details }: MegactorError): BudgetHold => budgetHoldSchema.parse(details);
