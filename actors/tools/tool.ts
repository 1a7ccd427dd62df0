/** What a tool is: a name, a description for the model, a schema for its arguments, and what it does. */
import { z } from 'zod';
import { clip, type Level, type ToolResult } from '../../src/society/index.ts';
import type { ToolSpec } from '../../src/model/types.ts';
import type { Turn } from '../agent-types.ts';

/** A turn while a call of it is executed. */
export interface ToolRun extends Turn {
  /** Names the call within its step: the key of its effect. */
  readonly key: string;
  /** Ends the turn after this step: the task was handed in. */
  end(): void;
}

export interface Tool<Args = unknown> {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType<Args>;
  /** To whom it is offered. */
  readonly levels: readonly Level[];
  /** The service without which it is not offered; absent for those that every run has. */
  readonly service?: string;
  execute(args: Args, run: ToolRun): Promise<ToolResult>;
}

export const ALL_LEVELS: readonly Level[] = ['boss', 'admin', 'ordinary'];
export const LEADS: readonly Level[] = ['boss', 'admin'];

/** For inference of `Args` from the schema. */
export const defineTool = <Args>(tool: Tool<Args>): Tool<Args> => tool;

/** What models are told when they break it: the schema goes with every call, and they hardly ever do. */
const LIMITS = ['minLength', 'maxLength', 'pattern', 'minItems', 'maxItems'] as const;

/** A tool as the model is told of it: JSON Schema by zod's own output. */
export const toolSpec = (tool: { name: string; description: string; schema: z.ZodType }): ToolSpec => {
  const { $schema, ...parameters } = z.toJSONSchema(tool.schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const limit of LIMITS) delete jsonSchema[limit];
    },
  }) as Record<string, unknown>;
  void $schema;
  return { type: 'function', function: { name: tool.name, description: tool.description, parameters } };
};

/** Text of a result, cut to what a model gets to see at once. */
export const clipResult = (text: string, run: Turn): string => clip(text, run.state.settings.limits.resultCharsMax);
