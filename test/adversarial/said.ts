/** What a model says, what it knows when it says it, and the few ways to say it. */
import type { ChatRequest, ToolSpec } from '../../src/model/index.ts';
import { pick, type Random } from './random.ts';
import { argumentsFor, type Vocabulary } from './values.ts';

/** The message of a chat completion, with how it ended. */
export interface Said {
  readonly content?: string | null;
  readonly refusal?: string | null;
  readonly calls?: readonly { readonly name: string; readonly arguments: string }[];
  readonly finish?: 'stop' | 'tool_calls' | 'length' | 'content_filter';
}

/** What a behaviour knows. */
export interface Heard {
  readonly seed: number;
  readonly agent: string;
  readonly request: Pick<ChatRequest, 'messages' | 'tools' | 'sentAs'>;
  /** Answers of the agent that the request shows. */
  readonly answers: number;
  readonly random: Random;
  /** The same for all answers of the agent. */
  readonly own: Random;
  readonly words: Vocabulary;
}

export type Behaviour = (heard: Heard) => Said;

export const call = (name: string, args: unknown): { name: string; arguments: string } => ({
  name,
  arguments: typeof args === 'string' ? args : JSON.stringify(args),
});

export const says = (...calls: readonly { name: string; arguments: string }[]): Said => ({
  calls,
  finish: 'tool_calls',
});

export const toolIn = ({ request, random }: Heard): ToolSpec | undefined =>
  request.tools.length === 0 ? undefined : pick(random, request.tools);

export const offers = ({ request }: Heard, name: string): boolean =>
  request.tools.some((tool) => tool.function.name === name);

/** A call of `name` if it is offered, else of whatever is. */
export const callOr = (heard: Heard, name: string, args: unknown): Said => {
  if (offers(heard, name)) return says(call(name, args));
  const tool = toolIn(heard);
  if (tool === undefined) return { content: heard.words.token };
  return says(call(tool.function.name, argumentsFor(tool.function.parameters, heard.random, heard.words)));
};
