/** The agents of `bench gate` with LangGraph.js: its prebuilt agent, without a checkpointer. */
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

export const run = async ({ baseUrl, names, promptOf, mail, calls, tool: spec }) => {
  const step = tool(async () => '{"ok":true}', {
    name: spec.function.name,
    description: spec.function.description,
    schema: z.object({ i: z.number().int() }),
  });
  let failed = 0;
  const one = async (name) => {
    const llm = new ChatOpenAI({
      model: 'rehearsal',
      apiKey: 'none',
      maxRetries: 0,
      configuration: { baseURL: baseUrl, defaultHeaders: { 'x-agent-id': name } },
    });
    const agent = createReactAgent({ llm, tools: [step], prompt: promptOf(name) });
    await agent.invoke({ messages: [{ role: 'user', content: mail }] }, { recursionLimit: 2 * calls + 10 });
  };
  await Promise.all(names.map((name) => one(name).catch(() => (failed += 1))));
  return { failed };
};
