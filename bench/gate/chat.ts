/**
 * What the agents and the plain loops of `bench gate` have in common: the same prompt, the same first mail, the same one
 * tool, so that all send the same requests.
 */
import { z } from 'zod';
import { ALL_LEVELS, defineTool, toolSpec } from '../../actors/tools/tool.ts';
import type { ToolResult } from '../../src/society/index.ts';

export const MAIL = 'Begin.';

export const promptOf = (agent: string, calls: number): string =>
  [
    `You are ${agent}. This is an exercise in counting: take one step after another, each with the tool step, one call an`,
    `answer, with i = 1, 2 and so on up to ${calls - 1}.`,
    'When the last step is done, answer with the one word done and call no tool. Say nothing else and do not explain.',
  ].join(' ');

export const STEP_RESULT: ToolResult = { ok: true };

export const stepTool = defineTool({
  name: 'step',
  description: 'Takes the next step.',
  schema: z.strictObject({ i: z.int().min(1) }),
  levels: ALL_LEVELS,
  execute: () => Promise.resolve(STEP_RESULT),
});

export const STEP_SPEC = toolSpec(stepTool);
