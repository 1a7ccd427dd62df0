/** What becomes of a history that is too long: summaries, cuts, and requests that the model refuses for their length. */
import { describe, expect, test } from 'vitest';
import type { ChatAnswer, ChatRequest } from '../../src/model/types.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { planSchema, systemMail } from '../../src/society/index.ts';
import { COMPACTOR } from '../../actors/compaction.ts';
import { call, empty, prose, tools } from './answers.ts';
import { play as rehearse } from './rehearsed.ts';
import { Crash, Society, type SocietyOptions } from './society.ts';

const PLAN = planSchema.parse({
  goal: 'g',
  agents: [{ name: 'A', description: 'd', initial_prompt: 'p', supervisor: 'Boss' }],
  items: [],
});

const isSummary = (request: ChatRequest): boolean => request.sentAs === COMPACTOR;
const textOf = (request: ChatRequest): string => JSON.stringify(request.messages);

/** A writes `steps` times; every call and its result take some 250 tokens. */
const writing = (steps: number, summary: (request: ChatRequest) => ChatAnswer = () => prose('wrote much')) => {
  let count = 0;
  return (request: ChatRequest): ChatAnswer => {
    if (request.agent !== 'A') return prose('(waiting)');
    if (isSummary(request)) return summary(request);
    count += 1;
    if (count > steps) return prose('(waiting) all is written');
    return tools(call('append_file', { path: 'a', content: `${count} ${'x'.repeat(1_000)}` }));
  };
};

const start = async (answer: SocietyOptions['answer'], more: Partial<SocietyOptions> = {}): Promise<Society> => {
  const society = await Society.start({
    plan: PLAN,
    answer,
    ...more,
    limits: { historyTokensMax: 2_000, stepsPerTurnMax: 100, ...more.limits },
  });
  society.deliver('A', systemMail('start', ''));
  await society.settle();
  return society;
};

const requestsOf = (society: Society): readonly ChatRequest[] => society.requests.filter(({ agent }) => agent === 'A');

describe('a window that is too long', () => {
  test('loses its older half, and the summary of it stands in its place (K2)', async () => {
    let count = 0;
    const society = await start(writing(24, () => prose(`summary ${(count += 1)}`)));
    const requests = requestsOf(society);
    const summaries = requests.filter(isSummary);
    expect(summaries.length).toBeGreaterThan(2);
    for (const [index, request] of requests.entries()) {
      if (!isSummary(request)) continue;
      const [before, next] = [requests[index - 1], requests[index + 1]];
      // It begins as the last request did: up to its own question everything was sent before.
      const own = request.messages.slice(0, -1);
      expect(before?.messages.slice(0, own.length)).toEqual(own);
      expect(request.tools).toEqual(before?.tools);
      const number = summaries.indexOf(request) + 1;
      expect(next?.messages[1]?.content).toBe(`(summary) What came before, as you summed it up:\n  summary ${number}`);
      expect(next?.messages[2]?.role).not.toBe('tool');
      expect(next !== undefined && isSummary(next)).toBe(false);
      // An earlier summary is part of what is summed up.
      if (number > 1) expect(textOf(request)).toContain(`summary ${number - 1}`);
    }
    const { state } = society.agent('A');
    expect(state.counters).toMatchObject({ calls: requests.length, steps: 25, turns: 1 });
    expect(state.summary?.until).toBe(state.windowStart);
    expect(textOf(society.lastRequest('A'))).not.toContain('earlier messages are not shown');
  });

  test.each([
    ['nothing is said', () => empty()],
    ['a tool is called instead', () => tools(call('list_files', {}))],
    [
      'the model refuses the request',
      () => {
        throw new MegactorError('MODEL_BAD_REQUEST', 'no');
      },
    ],
  ] as const)('is cut when %s, and the agent is told (K3)', async (_what, summary) => {
    const society = await start(writing(12, summary));
    const { state } = society.agent('A');
    expect(state).toMatchObject({ summary: null, counters: { steps: 13 } });
    expect(state.windowStart).toBeGreaterThan(1);
    expect(textOf(society.lastRequest('A'))).toContain('earlier messages are not shown');
  });

  test('is cut without a call when compaction is off (K3)', async () => {
    const society = await start(writing(12), { compaction: false });
    const events = society.events.filter(({ type, limit }) => type === 'limit' && limit === 'window');
    expect(events[0]).toMatchObject({ agent: 'A', why: 'off' });
    expect(requestsOf(society).filter(isSummary)).toEqual([]);
    expect(society.agent('A').state.windowStart).toBeGreaterThan(1);
  });

  test('gets a summary of bounded length (K4)', async () => {
    const society = await start(
      writing(12, () => prose('long '.repeat(10_000))),
      { limits: { historyTokensMax: 2_000, summaryTokensMax: 100 } },
    );
    expect(society.agent('A').state.summary?.text.length).toBeLessThan(100 * 4 + 50);
  });

  test('is summed up once, wherever the step is interrupted (K1)', async () => {
    const answer = (): SocietyOptions['answer'] => writing(12);
    const whole = requestsOf(await start(answer())).filter(isSummary).length;
    const points: string[] = [];
    await start(answer(), { crash: (point) => void points.push(point) });
    const around = points.flatMap((point, at) =>
      point.includes('compact') ? [at - 1, at, at + 1, at + 2, at + 3] : [],
    );
    expect(around.length).toBeGreaterThan(4);
    for (const at of around.slice(0, 10)) {
      let passed = -1;
      const society = await start(answer(), {
        crash: (point) => {
          passed += 1;
          // Not between the sending and its answer: a call on its way may be asked again.
          if (passed === at && !point.startsWith('sent') && !point.startsWith('before')) throw new Crash();
        },
      });
      expect(requestsOf(society).filter(isSummary)).toHaveLength(whole);
      expect(society.agent('A').state.counters.steps).toBe(13);
    }
  });
});

describe('a request that the model refuses for its length', () => {
  /** A model whose context has so many characters. */
  const limited = (chars: number, inner: (request: ChatRequest) => ChatAnswer, details = {}) => {
    const refused: number[] = [];
    const answer = (request: ChatRequest): ChatAnswer => {
      const size = textOf(request).length + JSON.stringify(request.tools).length;
      if (request.agent !== 'A' || size <= chars) return inner(request);
      refused.push(size);
      throw new MegactorError('MODEL_CONTEXT_OVERFLOW', 'too long', {
        details: 'limit' in details ? { tokens: size / 2, limit: chars / 2 } : {},
      });
    };
    return { answer, refused };
  };

  test.each([[{}], [{ limit: true }]])(
    'leads to a smaller window with a summary, which stays (%j)',
    async (details) => {
      const { answer, refused } = limited(20_000, writing(40), details);
      const society = await start(answer, { limits: { historyTokensMax: 100_000 } });
      const { state } = society.agent('A');
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.length).toBeLessThan(4);
      expect(state).toMatchObject({ counters: { turns: 1, steps: 41 }, turn: null });
      expect(state.windowTokens).toBeLessThan(5_000);
      expect(state.summary?.text).toBe('wrote much');
      expect(requestsOf(society).filter(isSummary).length).toBeGreaterThan(1);
    },
  );

  test('said by how much, is not refused again', async () => {
    const { answer, refused } = limited(20_000, writing(40), { limit: true });
    await start(answer, { limits: { historyTokensMax: 100_000 } });
    expect(refused).toHaveLength(1);
  });

  test('because of one message shows a part of that message (K5)', async () => {
    const { answer, refused } = limited(20_000, writing(3), { limit: true });
    const society = await Society.start({ plan: PLAN, answer });
    society.deliver('A', systemMail('start', 'a long word '.repeat(4_000)));
    await society.settle();
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(4);
    expect(society.agent('A').state.counters.steps).toBe(4);
    const [, mail] = requestsOf(society)[refused.length]?.messages ?? [];
    expect(mail?.content).toMatch(/^system: \[start\] a long word .* \(\d+ more characters\)$/u);
  });

  test('is given up when nothing can be left out', async () => {
    const { answer, refused } = limited(1_000, writing(1));
    await expect(start(answer)).rejects.toMatchObject({ code: 'MODEL_CONTEXT_OVERFLOW' });
    expect(refused).toHaveLength(4);
  });
});

test('a rehearsed society with short windows ends with the files of one with long windows', async () => {
  const files = (society: Society): [string, string][] => [...society.files].sort(([a], [b]) => (a < b ? -1 : 1));
  const long = await rehearse(24, {});
  const short = await rehearse(24, {}, { limits: { historyTokensMax: 1_200 } });
  expect(short.requests.filter(isSummary).length).toBeGreaterThan(5);
  expect(short.end).toEqual({ status: 'completed', reason: 'done' });
  expect(files(short)).toEqual(files(long));
});
