/** What of an answer enters the history: bounded, in pairs of call and result, and equal however often it is tried (K5, K6). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shortened } from '../../actors/kept-answer.ts';
import { estimateTokens } from '../../actors/request.ts';
import { COMPACTOR } from '../../actors/compaction.ts';
import type { ChatAnswer, ChatMessage, ChatRequest, ToolCall } from '../../src/model/types.ts';
import { planSchema, systemMail } from '../../src/society/index.ts';
import { badJson, call, prose, script, tools } from './answers.ts';
import { Crash, Society, type SocietyOptions } from './society.ts';

const PLAN = planSchema.parse({
  goal: 'g',
  agents: [{ name: 'A', description: 'd', initial_prompt: 'p', supervisor: 'Boss' }],
  items: [],
});

const said = (content: string | null, ...calls: ToolCall[]): ChatMessage => ({
  role: 'assistant',
  content,
  tool_calls: calls,
});

const partsOf = (message: ChatMessage): readonly string[] =>
  message.role === 'assistant'
    ? [message.content ?? '', ...(message.tool_calls ?? []).map((one) => one.function.arguments)]
    : [];

const charsOf = (message: ChatMessage): number => partsOf(message).reduce((sum, part) => sum + part.length, 0);

const argsOf = (message: ChatMessage | undefined, at = 0): Record<string, unknown> =>
  JSON.parse(message?.role === 'assistant' ? (message.tool_calls?.[at]?.function.arguments ?? '') : '') as Record<
    string,
    unknown
  >;

describe('an answer that is too long (K6)', () => {
  test('keeps its short arguments and the beginning of the long ones, and says how much is left out', () => {
    const content = 'line\n'.repeat(100_000);
    const kept = shortened(said(null, call('write_file', { path: 'a.md', content })), { each: 5_000, all: 50_000 });
    const { path, content: left } = argsOf(kept) as { path: string; content: string };
    expect(path).toBe('a.md');
    expect(left.startsWith('line\nline\n')).toBe(true);
    expect(left).toMatch(/… \(\d+ more characters were sent and are left out here\)$/u);
    expect(charsOf(kept)).toBeLessThanOrEqual(5_000);
    expect(charsOf(kept)).toBeGreaterThan(4_000);
  });

  test('keeps a text in the same way, and leaves others as they are', () => {
    const kept = shortened(said('x'.repeat(10_000)), { each: 1_000, all: 5_000 });
    expect(kept.content?.length).toBeLessThanOrEqual(1_000);
    expect(kept.content).toContain('more characters were sent');
    const mail: ChatMessage = { role: 'user', content: 'x'.repeat(10_000) };
    expect(shortened(mail, { each: 1_000, all: 5_000 })).toBe(mail);
  });

  test('of many small things the beginning is kept as a text', () => {
    const items = Array.from({ length: 5_000 }, (_, id) => ({ id: String(id), text: 't', status: 'todo' }));
    const kept = shortened(said(null, call('change_task_status', { items })), { each: 2_000, all: 5_000 });
    expect(Object.keys(argsOf(kept))).toEqual(['beginning']);
    expect(charsOf(kept)).toBeLessThanOrEqual(2_000);
  });

  test('whatever it is: the calls stay, their arguments are JSON objects, nothing is longer than it may be', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 50, unit: 'binary' }),
      fc.string({ minLength: 500, maxLength: 3_000, unit: 'binary' }),
      fc.constant('"\\"\\\\\n\u{1f600}'.repeat(400)),
    );
    const args = fc
      .dictionary(text, fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.jsonValue({ maxDepth: 3 })), { maxKeys: 4 })
      .map((value) => call('t', value));
    fc.assert(
      fc.property(
        fc.option(text),
        fc.array(args, { maxLength: 4 }),
        fc.integer({ min: 400, max: 4_000 }),
        fc.integer({ min: 2_000, max: 8_000 }),
        (content, calls, each, all) => {
          const message = said(content, ...calls);
          const kept = shortened(message, { each, all });
          expect(shortened(message, { each, all })).toEqual(kept);
          if (kept.role !== 'assistant') throw new Error('it is no answer');
          expect(kept.tool_calls?.map(({ id, function: { name } }) => [id, name])).toEqual(
            calls.map(({ id, function: { name } }) => [id, name]),
          );
          for (const [index, part] of partsOf(kept).entries()) {
            const before = partsOf(message)[index] ?? '';
            expect(part.length).toBeLessThanOrEqual(Math.max(each, 400));
            if (before.length <= Math.min(each, 320, all / 5)) expect(part).toBe(before);
            if (index === 0) continue;
            const value = JSON.parse(part) as unknown;
            expect(value).toBeInstanceOf(Object);
            expect(Array.isArray(value)).toBe(false);
          }
          expect(charsOf(kept)).toBeLessThanOrEqual(Math.max(all, 5 * 400));
        },
      ),
      { numRuns: 200 },
    );
  });
});

const MEGABYTES = 3_000_000;
const LIMITS = { historyTokensMax: 20_000, resultCharsMax: 10_000, fileCharsMax: 10_000_000, stepsPerTurnMax: 12 };

const play = async (answer: SocietyOptions['answer'], more: Partial<SocietyOptions> = {}): Promise<Society> => {
  const society = await Society.start({ plan: PLAN, answer, limits: LIMITS, ...more });
  society.deliver('A', systemMail('start', ''));
  await society.settle();
  return society;
};

const historyOf = (society: Society): readonly ChatMessage[] => society.agent('A').history;

const tokensOf = ({ messages }: ChatRequest): number =>
  messages.reduce((sum, message) => sum + estimateTokens(message), 0);

describe('an agent that says megabytes', () => {
  const much = 'word '.repeat(MEGABYTES / 5);
  const HUGE: Readonly<Record<string, () => ChatAnswer>> = {
    'writes a file': () => tools(call('write_file', { path: 'a.md', content: much })),
    'writes a message': () => tools(call('talk', { messages: [{ to: 'supervisor', content: much }] })),
    'sends broken JSON': () => badJson('write_file', `{"path": "a.md", "content": "${much}`),
    'calls what is no tool': () => tools(call('no_tool', { [much]: much })),
    'sends what the schema refuses': () => tools(call('write_file', { [much]: 1, path: [much] })),
    'sends a long id': () => tools({ ...call('list_files', {}), id: much }),
    'sends nested arguments': () => tools(call('list_files', `${'{"a":'.repeat(4_000)}"${much}"${'}'.repeat(4_000)}`)),
    'says it beside its calls': () => ({ ...tools(call('list_files', {})), content: much }),
    'says it and nothing else': () => prose(much),
  };

  test.each(Object.entries(HUGE))('and %s: its requests stay within its window, its pairs whole', async (_, huge) => {
    const society = await play(script({ A: [huge, prose('(waiting) done')] }));
    society.deliver('A', systemMail('nudge', 'go on'));
    await society.settle();
    const history = historyOf(society);
    for (const message of history) expect(JSON.stringify(message).length).toBeLessThan(60_000);
    const own = society.requests.filter(({ agent }) => agent === 'A' || agent === 'Boss');
    expect(own.length).toBeGreaterThan(2);
    for (const request of own) expect(tokensOf(request)).toBeLessThan(LIMITS.historyTokensMax + 5_000);
    const answers = history.flatMap((message) => (message.role === 'assistant' ? (message.tool_calls ?? []) : []));
    const results = history.flatMap((message) => (message.role === 'tool' ? [message.tool_call_id] : []));
    expect(results).toEqual(answers.map(({ id }) => id));
  });

  test('has done with all of it what it was for', async () => {
    const answer = script({ A: [HUGE['writes a file'] ?? prose(''), prose('(waiting) done')] });
    const society = await play(answer);
    expect(society.files.get('a.md')).toBe(much);
    expect(JSON.stringify(historyOf(society)).length).toBeLessThan(30_000);
    expect(JSON.stringify(historyOf(society))).toContain('more characters were sent and are left out here');
  });

  test('has the same history wherever a step is interrupted', async () => {
    const lines = (): SocietyOptions['answer'] =>
      script({ A: [HUGE['writes a file'] ?? prose(''), HUGE['says it beside its calls'] ?? prose(''), prose('done')] });
    const whole = await play(lines());
    const points: string[] = [];
    await play(lines(), { crash: (point) => void points.push(point) });
    for (let at = 0; at < points.length; at += Math.ceil(points.length / 6)) {
      let passed = -1;
      const society = await play(lines(), {
        crash: (point) => {
          passed += 1;
          if (passed === at && !point.startsWith('sent') && !point.startsWith('before')) throw new Crash();
        },
      });
      expect(JSON.stringify(historyOf(society)).replaceAll(/call_\d+/gu, '')).toBe(
        JSON.stringify(historyOf(whole)).replaceAll(/call_\d+/gu, ''),
      );
    }
  });

  test('is shown no more than half of a window that has become smaller (K5)', async () => {
    const answer = script({
      A: [tools(call('write_file', { path: 'a.md', content: 'x'.repeat(9_000) })), prose('(waiting) done')],
    });
    const society = await play(answer);
    society.agent('A').state.windowTokens = 1_000;
    society.deliver('A', systemMail('nudge', 'go on'));
    await society.settle();
    for (const message of society.lastRequest('A').messages.slice(1))
      expect(charsOf(message)).toBeLessThanOrEqual(2_000);
    expect(society.requests.some(({ sentAs }) => sentAs === COMPACTOR)).toBe(false);
  });
});
