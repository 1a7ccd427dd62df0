/** How many tokens a request is expected to take, and by how much that is usually off. */
import { describe, expect, test } from 'vitest';
import { Estimator } from '../../../src/model/gate/estimate.ts';
import { seededRandom } from '../../../src/platform/index.ts';
import type { ChatRequest } from '../../../src/model/types.ts';

const request = (agent: string, level: number, more: Partial<ChatRequest> = {}): ChatRequest => ({
  agent,
  run: 'r',
  level,
  messages: [{ role: 'user', content: 'x'.repeat(380) }],
  tools: [],
  ...more,
});

/** Lets each of `agents` have an answer of so many tokens, input 100. */
const learn = (estimator: Estimator, agents: readonly (readonly [string, number, number])[]): void => {
  for (const [agent, level, output] of agents) {
    const asked = request(agent, level);
    const usage = { input: 100, cachedInput: 0, output };
    estimator.learn(asked, estimator.estimate(asked), usage);
  }
};

const many = (count: number, level: number, output: (index: number) => number): [string, number, number][] =>
  Array.from({ length: count }, (_, index) => [`a${level}-${index}`, level, output(index)]);

describe('the output that is expected', () => {
  test('is that of the level, once there are some; that of all levels before', () => {
    const estimator = new Estimator();
    learn(
      estimator,
      many(20, 1, () => 1_000),
    );
    learn(
      estimator,
      many(20, 7, () => 100),
    );
    expect(estimator.estimate(request('new', 1)).output).toBe(1_000);
    expect(estimator.estimate(request('new', 7)).output).toBe(100);
    const other = estimator.estimate(request('new', 3)).output;
    expect(other).toBeGreaterThan(100);
    expect(other).toBeLessThan(1_000);
    expect(estimator.estimate(request('new', 1, { maxTokens: 64 })).output).toBe(64);
  });

  test('is that of the agent where agents differ from each other more than from themselves', () => {
    const steady = new Estimator();
    const erratic = new Estimator();
    for (let round = 0; round < 4; round += 1) {
      learn(
        steady,
        many(20, 2, (index) => 100 + 50 * index),
      );
      learn(
        erratic,
        many(20, 2, (index) => 100 + 50 * ((index * 7 + round * 11) % 20)),
      );
    }
    expect(steady.estimate(request('a2-19', 2)).output).toBe(1_050);
    expect(erratic.estimate(request('a2-19', 2)).output).toBeCloseTo(575, -2);
  });
});

test('the spread is what answers were off by, and next to nothing when they are all alike', () => {
  const random = seededRandom(3);
  const alike = new Estimator();
  const unlike = new Estimator();
  const before = alike.estimate(request('new', 2)).spread;
  for (let round = 0; round < 20; round += 1) {
    learn(
      alike,
      many(50, 2, () => 300),
    );
    learn(
      unlike,
      many(50, 2, () => (random() < 0.5 ? 200 : 400)),
    );
  }
  expect(before).toBe(200);
  expect(alike.estimate(request('new', 2)).spread).toBeLessThan(5);
  expect(Math.abs(unlike.estimate(request('new', 2)).spread - 100)).toBeLessThan(30);
});
