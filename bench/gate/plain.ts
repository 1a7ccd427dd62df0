/**
 * The loop that anybody writes first: one async function per agent, the openai SDK as it comes, `Promise.all`. Nothing is
 * kept, limited or shared. Started with its settings as one JSON argument; the last line is what it cost.
 */
import OpenAI from 'openai';
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { runSubject } from '../harness/program.ts';
import { MAIL, promptOf, STEP_RESULT, STEP_SPEC } from './chat.ts';
import { begin, costSchema } from './cost.ts';

export const plainSettingsSchema = z.strictObject({
  /** With `/v1`. */
  baseUrl: z.string(),
  model: z.string(),
  agents: z.int().positive(),
  calls: z.int().positive(),
  /** Of the SDK, per call. */
  maxRetries: z.int().nonnegative(),
  /** null: until all are done. */
  durationMs: z.int().positive().nullable(),
});

export type PlainSettings = z.infer<typeof plainSettingsSchema>;

export const plainResultSchema = costSchema.extend({
  /** Agents whose last call failed. */
  failed: z.int(),
});

export type PlainResult = z.infer<typeof plainResultSchema>;

type Message = OpenAI.Chat.ChatCompletionMessageParam;

const measurePlain = async (settings: PlainSettings): Promise<PlainResult> => {
  const { baseUrl, model, maxRetries, durationMs } = settings;
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey: process.env['OPENAI_API_KEY'] ?? 'none',
    maxRetries,
    logLevel: 'off',
  });
  const tools = [STEP_SPEC] as OpenAI.Chat.ChatCompletionTool[];
  let calls = 0;
  let failed = 0;
  const agent = async (name: string): Promise<void> => {
    const messages: Message[] = [
      { role: 'system', content: promptOf(name, settings.calls) },
      { role: 'user', content: `user: ${MAIL}` },
    ];
    for (let call = 0; call < settings.calls; call += 1) {
      const { choices } = await client.chat.completions.create(
        { model, messages, tools },
        { headers: { 'x-agent-id': name, 'x-run-id': 'bench' } },
      );
      calls += 1;
      const answer = choices[0]?.message;
      if (answer?.tool_calls === undefined || answer.tool_calls.length === 0) return;
      messages.push({ role: 'assistant', content: answer.content, tool_calls: answer.tool_calls });
      for (const { id } of answer.tool_calls) {
        messages.push({ role: 'tool', tool_call_id: id, content: JSON.stringify(STEP_RESULT) });
      }
    }
  };
  const cost = begin();
  const all = Promise.all(
    Array.from({ length: settings.agents }, (_, index) =>
      agent(`Agent-${index + 1}`).catch(() => {
        failed += 1;
      }),
    ),
  );
  await (durationMs === null ? all : Promise.race([all, systemClock.sleep(durationMs)]));
  return { ...cost(calls), failed };
};

if (import.meta.main) {
  await runSubject(plainSettingsSchema, measurePlain);
  // Requests may be under way, or wait for their next try for an hour.
  process.exit();
}
