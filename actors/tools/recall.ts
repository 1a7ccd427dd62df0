/** `recall`: what the agent and those around it said and did, beyond what its window shows. */
import { z } from 'zod';
import { clip } from '../../src/society/index.ts';
import { ownService, scopesOf, whenOf } from '../memory-scopes.ts';
import { MEMORY } from '../run-services.ts';
import { callService } from '../services.ts';
import { ALL_LEVELS, defineTool } from './tool.ts';

const COUNT_DEFAULT = 5;
const COUNT_MAX = 20;
const TEXT_CHARS_MAX = 1_000;
/** For the meaning of the query; words answer alone when it takes longer. */
const MEANING_WAIT_MS = 500;

export const recall = defineTool({
  name: 'recall',
  description: 'Search your memory.',
  // No whole number: its bounds would go with every call.
  schema: z.object({ query: z.string().min(1).max(2_000), k: z.number().optional() }),
  levels: ALL_LEVELS,
  service: MEMORY,
  execute: async ({ query, k = COUNT_DEFAULT }, run) => {
    const { state } = run;
    const found = await callService(run, run.key, ownService(state), 'recall', {
      scopes: scopesOf(state),
      query,
      k: Math.min(COUNT_MAX, Math.max(1, Math.round(k))),
      before: { agent: state.name, at: Math.max(1, state.windowStart) },
      meaningWaitMs: MEANING_WAIT_MS,
    });
    const memories = found.memories.map(({ when, agent, text }) => ({
      when: whenOf(when),
      text: `${agent}: ${clip(text, TEXT_CHARS_MAX)}`,
    }));
    return { ok: true, memories };
  },
});
