/** `run_program send_input`: programs in the sandbox, on a snapshot of the workspace. */
import { z } from 'zod';
import type { ProgramAnswer } from '../../src/sandbox/index.ts';
import { fail, type ToolResult } from '../../src/society/index.ts';
import { SANDBOX } from '../run-services.ts';
import { callAtMostOnce } from '../services.ts';
import { remember } from './files.ts';
import { ALL_LEVELS, defineTool, type ToolRun } from './tool.ts';

const ARGUMENTS_MAX = 100;

const unknown = (what: string): ToolResult =>
  fail('UNKNOWN_OUTCOME', what, 'Look at the files that it writes, then decide whether to run it again.');

const outcomeSchema = z.object({
  ok: z.literal(true),
  running: z.boolean(),
  files: z.object({ written: z.array(z.string()).optional() }).optional(),
});

/** What the agent has to know of it in its next steps. */
const note = (run: ToolRun, answer: ProgramAnswer): ToolResult => {
  const result: ToolResult = { ...answer };
  const outcome = outcomeSchema.safeParse(result);
  if (!outcome.success) return result;
  if (!outcome.data.running) run.state.program = null;
  for (const path of outcome.data.files?.written ?? []) remember(run, path, result);
  return result;
};

export const runProgram = defineTool({
  name: 'run_program',
  description:
    'Run a .py or .mjs file on a copy of all files, without network; what it changes comes back when it ends. ' +
    'Without `stdin`, talk to it by send_input.',
  schema: z.object({
    path: z.string().min(1).max(1_024),
    args: z.array(z.string()).max(ARGUMENTS_MAX).optional(),
    stdin: z.string().optional(),
  }),
  levels: ALL_LEVELS,
  service: SANDBOX,
  execute: async (args, run) => {
    const before = run.state.program;
    const result = await callAtMostOnce(run, SANDBOX, 'run', { ...args, agent: run.state.name });
    if (result === null) run.state.program = args.path;
    if (result === null) return unknown(`Whether ${args.path} ran is not known: it was interrupted.`);
    // Refused: another one runs, or none.
    run.state.program = result.ok ? args.path : before;
    return note(run, result);
  },
});

export const sendInput = defineTool({
  name: 'send_input',
  description:
    'Input for your running program; the result has what it prints. "" only waits; \\u0004 at the end closes its input, ' +
    '\\u0003 stops it.',
  schema: z.object({ content: z.string() }),
  levels: ALL_LEVELS,
  service: SANDBOX,
  execute: async (args, run) => {
    const { program, name } = run.state;
    if (program === null) return fail('NOT_FOUND', 'No program of yours is running.', 'Start one with run_program.');
    const result = await callAtMostOnce(run, SANDBOX, 'send', { ...args, agent: name });
    const isGone = result !== null && !result.ok && result.error.code === 'NOT_FOUND';
    if (!isGone && result !== null) return note(run, result);
    if (isGone) run.state.program = null;
    return unknown(`What became of ${program} is not known: it was interrupted.`);
  },
});
