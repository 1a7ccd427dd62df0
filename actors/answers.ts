/** What every answer of the model service leaves behind: counters of the agent and an event. */
import type { ServedAnswer } from '../src/model/types.ts';
import type { Turn } from './agent-types.ts';

/** @param sentAs the part of the runtime that asked on the agent's account, if it was not the agent itself */
export const countAnswer = ({ state, ctx }: Turn, answer: ServedAnswer, sentAs?: string): void => {
  const { counters } = state;
  counters.calls += 1;
  counters.repeatedCalls += answer.repeats;
  if (answer.synthetic) counters.syntheticCalls += 1;
  counters.inputTokens += answer.usage.input;
  counters.cachedInputTokens += answer.usage.cachedInput;
  counters.outputTokens += answer.usage.output;
  ctx.event({
    type: 'modelCall',
    agent: state.name,
    ...(sentAs === undefined ? {} : { sentAs }),
    class: answer.class,
    model: answer.model,
    input: answer.usage.input,
    cachedInput: answer.usage.cachedInput,
    output: answer.usage.output,
    latencyMs: Math.round(answer.latencyMs),
    attempts: answer.attempts,
  });
};
