import { describe, expect, test } from 'vitest';
import { createRehearsal, parseRehearsalOptions } from '../../src/model/rehearsal/index.ts';
import type { ChatRequest } from '../../src/model/types.ts';
import type { MegactorError } from '../../src/protocol/errors.ts';
import { ManualClock } from './support/manual-clock.ts';

const options = (raw: object = {}) => parseRehearsalOptions({ latencyMs: 0, ...raw }, 3);
const prompt = (name: string): string =>
  `- name: ${name}\n- level: Ordinary\n- supervisor: Health\n- slots: 0\n- reviews: on\n- goal: Fair\n\n# Your task\nDo it.`;

describe('the model', () => {
  const request = (agent = 'Health-Budget'): ChatRequest => ({
    agent,
    run: 'r',
    level: 2,
    messages: [
      { role: 'system', content: prompt(agent) },
      { role: 'user', content: 'Health: go' },
    ],
    tools: [],
  });
  const never = new AbortController().signal;
  const outcomeOf = async (work: Promise<unknown>): Promise<string> => {
    try {
      await work;
      return 'ok';
    } catch (error) {
      return (error as MegactorError).code;
    }
  };

  test('answers after its latency and says that it is synthetic', async () => {
    const clock = new ManualClock();
    const model = createRehearsal(options({ latencyMs: 40 }), { clock });
    let answered = false;
    const work = model.complete(request(), never).then((answer) => {
      answered = true;
      return answer;
    });
    await clock.advance(39);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(await work).toMatchObject({ synthetic: true, class: 'tools', latencyMs: 40, model: 'rehearsal' });
  });

  test('can be aborted', async () => {
    const clock = new ManualClock();
    const caller = new AbortController();
    const work = outcomeOf(createRehearsal(options({ latencyMs: 40 }), { clock }).complete(request(), caller.signal));
    await clock.advance(10);
    caller.abort();
    expect(await work).toBe('ABORTED');
    expect(clock.timers).toBe(0);
  });

  test.each([
    ['http429', 'MODEL_RATE_LIMITED'],
    ['http500', 'MODEL_SERVER'],
    ['timeout', 'MODEL_TIMEOUT'],
  ])('%s fails at its rate, and retries pass in the end', async (kind, expected) => {
    const model = createRehearsal(options({ failures: { [kind]: 0.4 } }), { timeoutMs: 1 });
    let failed = 0;
    for (let index = 0; index < 200; index += 1) {
      let tries = 0;
      for (; tries < 40; tries += 1) {
        const outcome = await outcomeOf(model.complete(request(`agent-${index}`), never));
        if (outcome === 'ok') break;
        expect(outcome).toBe(expected);
      }
      expect(tries).toBeLessThan(40);
      if (tries > 0) failed += 1;
    }
    expect(failed).toBeGreaterThan(50);
    expect(failed).toBeLessThan(110);
  });

  test('a rehearsed 429 says how long to wait', async () => {
    const model = createRehearsal(options({ failures: { http429: 1 } }));
    await expect(model.complete(request(), never)).rejects.toMatchObject({
      details: { retryAfterMs: 200, status: 429 },
    });
  });

  test('an outage begins and ends', async () => {
    const clock = new ManualClock();
    const model = createRehearsal(options({ outage: { afterMs: 100, lengthMs: 50, status: 502 } }), { clock });
    const now = async (): Promise<string> => {
      const work = outcomeOf(model.complete(request(), never));
      await clock.advance(0);
      return work;
    };
    expect(await now()).toBe('ok');
    await clock.advance(100);
    expect(await now()).toBe('MODEL_SERVER');
    await clock.advance(50);
    expect(await now()).toBe('ok');
  });

  test.each([
    ['badJson', 'bad-json'],
    ['prose', 'prose'],
    ['refusal', 'refusal'],
    ['silence', 'empty'],
    ['unfinished', 'prose'],
    ['badOutput', 'tools'],
  ])('%s is what it says', async (kind, expected) => {
    const model = createRehearsal(options({ failures: { [kind]: 1 } }));
    expect((await model.complete(request(), never)).class).toBe(expected);
  });
});
