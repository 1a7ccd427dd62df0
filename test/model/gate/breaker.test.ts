import { describe, expect, test } from 'vitest';
import { Breaker } from '../../../src/model/gate/breaker.ts';

const make = (random = () => 1): Breaker => new Breaker({ failuresMax: 3, openMs: 100, openMaxMs: 350 }, random);

const opened = (random?: () => number): Breaker => {
  const breaker = make(random);
  for (let start = 1; start <= 3; start += 1) breaker.failed(start, 0);
  return breaker;
};

describe('a circuit', () => {
  test('opens after failures in a row, not after as many with an answer between', () => {
    const breaker = make();
    breaker.failed(1, 0);
    breaker.failed(2, 0);
    breaker.answered(2);
    breaker.failed(3, 0);
    breaker.failed(4, 0);
    expect(breaker.state).toBe('closed');
    expect(breaker.failed(5, 0)).toBe(true);
    expect(breaker.state).toBe('open');
    expect(breaker.waitMs(0)).toBe(100);
  });

  test('lets one try, and waits twice as long after each that failed, up to the most', () => {
    const breaker = opened();
    let nowMs = 100;
    for (const waitMs of [200, 350, 350]) {
      expect(breaker.waitMs(nowMs)).toBe(0);
      breaker.sent(10);
      expect(breaker.state).toBe('half-open');
      expect(breaker.waitMs(nowMs)).toBe(Number.POSITIVE_INFINITY);
      breaker.failed(10, nowMs);
      expect(breaker.waitMs(nowMs)).toBe(waitMs);
      nowMs += waitMs;
    }
    breaker.sent(11);
    expect(breaker.openForMs(nowMs)).toBe(nowMs);
    expect(breaker.answered(11)).toBe(true);
    expect(breaker.state).toBe('closed');
    expect(breaker.openForMs(nowMs)).toBe(0);
  });

  test('requests from before it opened, or closed, decide nothing', () => {
    const breaker = opened();
    expect(breaker.failed(2, 50)).toBe(false);
    breaker.sent(10);
    expect(breaker.failed(4, 120)).toBe(false);
    expect(breaker.state).toBe('half-open');
    breaker.answered(10);
    for (let start = 5; start <= 10; start += 1) breaker.failed(start, 200);
    expect(breaker.state).toBe('closed');
    for (let start = 11; start <= 13; start += 1) breaker.failed(start, 200);
    expect(breaker.state).toBe('open');
  });

  test('a try that its caller gave up lets somebody else try', () => {
    const breaker = opened();
    breaker.sent(10);
    breaker.givenUp(9, 130);
    expect(breaker.state).toBe('half-open');
    breaker.givenUp(10, 130);
    expect(breaker.waitMs(130)).toBe(0);
  });

  test('the wait has jitter: from half to the whole', () => {
    expect(opened(() => 0).waitMs(0)).toBe(50);
    expect(opened(() => 0.5).waitMs(0)).toBe(75);
  });
});
