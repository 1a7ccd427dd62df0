/** `read_file write_file edit_file append_file list_files search_files`: the shared workspace. */
import { z } from 'zod';
import { fail, type ToolFailure, type ToolResult } from '../../src/society/index.ts';
import type { AnswerOf, ArgumentOf } from '../../src/protocol/service.ts';
import type { Turn } from '../agent-types.ts';
import { WORKSPACE, type WorkspaceMethods } from '../run-services.ts';
import { callService } from '../services.ts';
import { ALL_LEVELS, clipResult, defineTool, type ToolRun } from './tool.ts';

const FILES_MAX = 200;

const path = z.string().min(1).max(1_024);

const tooLarge = (content: string, turn: Turn): ToolFailure | null => {
  const max = turn.state.settings.limits.fileCharsMax;
  if (content.length <= max) return null;
  return fail('TOO_LARGE', `At most ${max} characters at once, not ${content.length}.`, 'Split it into several files.');
};

const workspace = <Method extends keyof WorkspaceMethods>(
  run: ToolRun,
  method: Method,
  args: ArgumentOf<WorkspaceMethods[Method]>,
): Promise<AnswerOf<WorkspaceMethods[Method]>> => callService(run, run.key, WORKSPACE, method, args);

const signed = <Args>(run: ToolRun, args: Args): Args & { readonly author: string } => ({
  ...args,
  author: run.state.name,
});

/** @param origin what the file was before, if that is known: a blob id, or null when it was not there */
export const remember = (run: ToolRun, file: string, result: ToolResult, origin?: string | null): ToolResult => {
  const { files } = run.state;
  if (!result.ok || files.includes(file) || files.length >= FILES_MAX) return result;
  files.push(file);
  if (origin !== undefined) run.state.origins = { ...run.state.origins, [file]: origin };
  return result;
};

/** A refusal that carries the current content, cut like any other result. */
const clipCurrent = (run: ToolRun, result: ToolResult): ToolResult => {
  if (result.ok || typeof result.error['current'] !== 'string') return result;
  return { ok: false, error: { ...result.error, current: clipResult(result.error['current'], run) } };
};

export const readFile = defineTool({
  name: 'read_file',
  description: 'Read a file.',
  schema: z.object({ path }),
  levels: ALL_LEVELS,
  execute: async (args, run) => {
    const result = await workspace(run, 'read', signed(run, args));
    if (!result.ok || typeof result['content'] !== 'string') return result;
    const content = clipResult(result['content'], run);
    return content === result['content'] ? result : { ...result, content, truncated: true };
  },
});

export const writeFile = defineTool({
  name: 'write_file',
  description: 'Write a whole file; to change one, give the `base` you read.',
  schema: z.object({
    path,
    content: z.string(),
    base: z.string().max(128).optional(),
  }),
  levels: ALL_LEVELS,
  execute: async (args, run) =>
    tooLarge(args.content, run) ??
    clipCurrent(run, remember(run, args.path, await workspace(run, 'write', signed(run, args)), args.base ?? null)),
});

export const appendFile = defineTool({
  name: 'append_file',
  description: 'Add at the end.',
  schema: z.object({ path, content: z.string().min(1) }),
  levels: ALL_LEVELS,
  execute: async (args, run) =>
    tooLarge(args.content, run) ?? remember(run, args.path, await workspace(run, 'append', signed(run, args))),
});

export const editFile = defineTool({
  name: 'edit_file',
  description: 'Replace `old`, which the file has once, by `new`.',
  schema: z.object({ path, old: z.string().min(1), new: z.string() }),
  levels: ALL_LEVELS,
  execute: async (args, run) =>
    tooLarge(args.new, run) ?? remember(run, args.path, await workspace(run, 'edit', signed(run, args))),
});

export const searchFiles = defineTool({
  name: 'search_files',
  description: 'Find lines that have this text.',
  schema: z.object({ query: z.string().min(1).max(1_000), glob: z.string().min(1).max(1_024).optional() }),
  levels: ALL_LEVELS,
  execute: (args, run) => workspace(run, 'search', signed(run, args)),
});

export const listFiles = defineTool({
  name: 'list_files',
  description: 'List files, all or by a glob (`a/**/*.md`).',
  schema: z.object({ glob: z.string().min(1).max(1_024).optional() }),
  levels: ALL_LEVELS,
  execute: (args, run) => workspace(run, 'list', signed(run, args)),
});
