/**
 * The tool calls of one answer: reading their arguments, executing them in order. What it does not do: decide what a
 * bad answer leads to (`turn.ts`).
 *
 * Invariants: T1 Every call gets exactly one result. T2 A call with arguments that its schema refuses changes nothing. T3
 * `terminate` after a call of the same answer that failed is refused.
 */
import { z } from 'zod';
import type { ToolCall } from '../src/model/types.ts';
import { fail, withProgram, type ToolFailure, type ToolResult } from '../src/society/index.ts';
import type { Turn } from './agent-types.ts';
import { addAgent, addAgents, type AddAgentArgs } from './tools/add-agent.ts';
import { offerOf } from './tools/index.ts';
import { terminate } from './tools/tasks.ts';
import type { Tool, ToolRun } from './tools/tool.ts';

export interface CallsOutcome {
  readonly results: readonly ToolResult[];
  /** Calls that were no calls: broken JSON, unknown tools, wrong arguments. */
  readonly malformed: number;
  /** The agent handed in its task. */
  readonly ended: boolean;
  /** The agent was let go: it does nothing any more. */
  readonly retired: boolean;
}

type ReadCall =
  | { readonly ok: true; readonly tool: Tool; readonly args: unknown }
  | { readonly ok: false; readonly failure: ToolFailure };

const EXCERPT_CHARS = 200;

const parseJson = (text: string): { readonly value: unknown } | { readonly problem: string } => {
  // Some servers send nothing for a call without arguments.
  if (text.trim() === '') return { value: {} };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: (error as Error).message };
  }
};

/** A call with its tool and checked arguments, or what is wrong with it. */
export const readCall = (call: ToolCall, turn: Turn, cutOff: boolean): ReadCall => {
  const { name, arguments: text } = call.function;
  const offer = offerOf(turn.state);
  const tool = turn.tools.find(name, offer);
  if (tool === undefined) {
    const known = turn.tools.offered(offer).map((spec) => spec.function.name);
    return {
      ok: false,
      failure: fail('UNKNOWN_TOOL', `There is no tool "${name.slice(0, 64)}".`, `Use one of: ${known.join(', ')}.`),
    };
  }
  const parsed = parseJson(text);
  if ('problem' in parsed && cutOff) {
    const message = `Your answer was too long and was cut off within the arguments of ${name}.`;
    const hint = 'Send it in smaller parts: write long files with append_file, and make fewer calls at once.';
    return { ok: false, failure: fail('INVALID_ARGUMENTS', message, hint) };
  }
  if ('problem' in parsed) {
    const message = `The arguments of ${name} are not valid JSON: ${parsed.problem}. You sent: ${text.slice(0, EXCERPT_CHARS)}`;
    return {
      ok: false,
      failure: fail('INVALID_ARGUMENTS', message, 'Send the call again with one valid JSON object.'),
    };
  }
  const checked = tool.schema.safeParse(parsed.value);
  if (checked.success) return { ok: true, tool, args: checked.data };
  const issues = checked.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.map(String).join('.') || 'arguments'}: ${issue.message}`);
  const message = `Wrong arguments for ${name}: ${issues.join('; ')}.`;
  return { ok: false, failure: fail('INVALID_ARGUMENTS', message, 'Correct these fields and send the call again.') };
};

/** Hires for all good `add_agent` calls of the answer at once; their results by position. */
const hireAll = async (turn: Turn, calls: readonly ReadCall[]): Promise<ReadonlyMap<number, ToolResult>> => {
  const hires = calls.flatMap((call, index) =>
    call.ok && call.tool.name === addAgent.name ? [{ index, args: call.args as AddAgentArgs }] : [],
  );
  const results = await addAgents(
    turn,
    hires.map((hire) => hire.args),
  );
  return new Map(
    hires.map((hire, at) => [hire.index, results[at] ?? fail('REJECTED', 'The roster did not answer.', 'Try again.')]),
  );
};

/** Nobody hands in by an answer of which a part has failed: what came of it is looked at first. */
const failedBefore = (toolCalls: readonly ToolCall[], results: readonly ToolResult[]): ToolFailure => {
  const names = toolCalls.flatMap((call, index) => (results[index]?.ok === false ? [call.function.name] : []));
  const failed = [...new Set(names)].join(', ').slice(0, EXCERPT_CHARS);
  return fail(
    'NOT_ALLOWED',
    `In this answer ${failed} failed, so your task is not handed in.`,
    'See to that, then call terminate again.',
  );
};

/**
 * Executes the calls of one answer.
 * @param cutOff whether the answer ended at its greatest length
 * @param refused results of calls that are not to be made, by their place
 */
export const executeCalls = async (
  turn: Turn,
  toolCalls: readonly ToolCall[],
  cutOff: boolean,
  refused: ReadonlyMap<number, ToolFailure> = new Map(),
): Promise<CallsOutcome> => {
  const { limits } = turn.state.settings;
  const calls = toolCalls.map((call, index): ReadCall => {
    const failure = refused.get(index);
    return failure === undefined ? readCall(call, turn, cutOff) : { ok: false, failure };
  });
  const results: ToolResult[] = [];
  let hired: ReadonlyMap<number, ToolResult> | null = null;
  let malformed = 0;
  let ended = false;
  let retired = false;
  for (const [index, call] of calls.entries()) {
    let result: ToolResult;
    if (index >= limits.toolCallsPerAnswerMax) {
      result = fail(
        'LIMIT',
        `At most ${limits.toolCallsPerAnswerMax} calls in one answer.`,
        'Send the rest in the next answer.',
      );
    } else if (!call.ok) {
      if (!refused.has(index)) malformed += 1;
      result = call.failure;
    } else if (retired) {
      result = fail('NOT_ALLOWED', 'You were retired.', 'Nothing more is to be done.');
    } else if (ended) {
      result = fail('NOT_ALLOWED', 'You have handed in your task in this answer.', 'Call terminate last.');
    } else if (call.tool.name === terminate.name && results.some(({ ok }) => !ok)) {
      result = failedBefore(toolCalls, results);
    } else if (call.tool.name === addAgent.name) {
      hired ??= await hireAll(turn, calls.slice(0, limits.toolCallsPerAnswerMax));
      result = hired.get(index) ?? fail('REJECTED', 'The roster did not answer.', 'Try again.');
    } else {
      const run: ToolRun = { ...turn, key: `tool-${index}`, end: () => (ended = true) };
      const before = turn.state.program;
      result = await call.tool.execute(call.args, run);
      if (PROGRAM_TOOLS.has(call.tool.name)) noteProgram(turn, before, pathOf(call.args) ?? before, result);
    }
    if (!result.ok && result.error['retired'] === true) retired = true;
    note(turn, toolCalls[index]?.function.name ?? '', result, call.ok ? pathOf(call.args) : undefined);
    results.push(result);
  }
  return { results, malformed, ended, retired };
};

const PROGRAM_TOOLS: ReadonlySet<string> = new Set(['run_program', 'send_input']);

const endedSchema = z.object({ ok: z.literal(true), running: z.literal(false), exitCode: z.int().nullish() });

/**
 * What a reviewer is shown of programs is what came of them, not what is said of it.
 * @param before the program that ran until then: of one that is followed no more it stays known that it was started
 */
const noteProgram = ({ state }: Turn, before: string | null, path: string | null, result: ToolResult): void => {
  const ended = endedSchema.safeParse(result);
  if (before !== null && state.program !== before && !(ended.success && path === before)) {
    state.programs = withProgram(state.programs ?? [], { path: before, exitCode: null });
  }
  if (path === null || !ended.success) return;
  state.programs = withProgram(state.programs ?? [], { path, exitCode: ended.data.exitCode ?? null });
};

/** Of a path in an event. */
const PATH_SHOWN_MAX = 200;

const pathOf = (args: unknown): string | undefined =>
  typeof args === 'object' && args !== null && 'path' in args && typeof args.path === 'string'
    ? args.path.slice(0, PATH_SHOWN_MAX)
    : undefined;

/** What a call came to beyond that it was made: how a program ended, and that a write was merged with another one. */
const cameTo = (result: ToolResult): Record<string, unknown> => {
  if (!result.ok) return { code: result.error.code };
  const { exitCode, merged } = result;
  return {
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
    ...(merged === true ? { merged } : {}),
  };
};

const note = (turn: Turn, tool: string, result: ToolResult, path: string | undefined): void => {
  const { ctx, state } = turn;
  state.counters.tools += 1;
  if (!result.ok) state.counters.toolErrors += 1;
  ctx.event({
    type: 'tool',
    agent: state.name,
    tool,
    ok: result.ok,
    ...(path === undefined ? {} : { path }),
    ...cameTo(result),
  });
};
