/** `ask_human`: a question to the person. Nothing waits for the answer; it comes as mail, at any later time. */
import { z } from 'zod';
import { clip } from '../../src/society/index.ts';
import { callRoster } from '../services.ts';
import { ALL_LEVELS, defineTool } from './tool.ts';

/** Offered where somebody can answer. */
export const HUMAN = 'human';

/** Of a question in an event: whoever decides by what is told there has to read it whole. */
export const SHOWN_CHARS_MAX = 20_000;

const isText = (question: string): boolean => question.trim() !== '';

export const askHuman = defineTool({
  name: 'ask_human',
  description: 'Ask the person. The answer comes as mail.',
  schema: z.object({ question: z.string().min(1).refine(isText, 'it asks nothing') }),
  levels: ALL_LEVELS,
  service: HUMAN,
  execute: async ({ question }, run) => {
    const { name } = run.state;
    const result = await callRoster(run, run.key, 'ask', { agent: name, question });
    // What is open already was announced when it was asked.
    if (!result.ok || result.again === true) return result;
    const text = clip(question, SHOWN_CHARS_MAX);
    run.ctx.event({ type: 'human', agent: name, status: 'asked', kind: 'question', question: result.question, text });
    return result;
  },
});
