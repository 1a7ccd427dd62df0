/** The agents of `bench gate` with @openai/agents, over chat completions, without its tracing. */
import { Agent, OpenAIChatCompletionsModel, Runner, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';

export const run = async ({ baseUrl, names, promptOf, mail, calls, tool: spec }) => {
  const client = new OpenAI({ baseURL: baseUrl, apiKey: 'none', maxRetries: 0 });
  const step = tool({
    name: spec.function.name,
    description: spec.function.description,
    parameters: z.object({ i: z.number().int() }),
    execute: async () => '{"ok":true}',
  });
  const runner = new Runner({ tracingDisabled: true });
  let failed = 0;
  const one = async (name) => {
    const agent = new Agent({
      name,
      instructions: promptOf(name),
      model: new OpenAIChatCompletionsModel(client, 'rehearsal'),
      tools: [step],
    });
    await runner.run(agent, mail, { maxTurns: calls + 1 });
  };
  await Promise.all(names.map((name) => one(name).catch(() => (failed += 1))));
  return { failed };
};
