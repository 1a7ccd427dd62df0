import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  backoffDelayMs,
  decideRestart,
  NO_RESTARTS,
  resolveSpawnOptions,
  type RestartHistory,
  type SupervisionPolicy,
} from '../../src/actor/index.ts';

const policy = (changes: Partial<SupervisionPolicy>): SupervisionPolicy => ({
  restart: 'permanent',
  intensity: { max: 3, withinMs: 5_000 },
  backoff: { minMs: 0, maxMs: 0 },
  ...changes,
});

describe('supervision policy', () => {
  test.each([
    ['permanent', 'failure', 'restart'],
    ['permanent', 'normal', 'restart'],
    ['transient', 'failure', 'restart'],
    ['transient', 'normal', 'stop'],
    ['temporary', 'failure', 'stop'],
    ['temporary', 'normal', 'stop'],
  ] as const)('%s after a %s end: %s', (restart, exit, expected) => {
    expect(decideRestart(policy({ restart }), exit, NO_RESTARTS, 0, 0).kind).toBe(expected);
  });

  test('never more restarts in a period than the intensity allows, and always as many as it allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 60 }),
        (max, withinMs, gaps) => {
          const rules = policy({ intensity: { max, withinMs } });
          const restarts: number[] = [];
          let history: RestartHistory = NO_RESTARTS;
          let nowMs = 0;
          for (const gap of gaps) {
            nowMs += gap;
            const recent = restarts.filter((time) => nowMs - time < withinMs).length;
            const verdict = decideRestart(rules, 'failure', history, nowMs, 0.5);
            expect(verdict.kind).toBe(recent < max ? 'restart' : 'stop');
            if (verdict.kind === 'stop') return;
            restarts.push(nowMs);
            ({ history } = verdict);
          }
        },
      ),
    );
  });

  test('restarts in a row are limited however far apart they are, and a turn that ended well begins anew', () => {
    const rules = policy({ inARowMax: 4 });
    const far = rules.intensity.withinMs * 2;
    let history: RestartHistory = NO_RESTARTS;
    for (let index = 0; index < 4; index += 1) {
      const verdict = decideRestart(rules, 'failure', history, index * far, 0);
      if (verdict.kind !== 'restart') throw new Error(`it was stopped after ${index} restarts`);
      ({ history } = verdict);
    }
    expect(decideRestart(rules, 'failure', history, 4 * far, 0)).toEqual({ kind: 'stop', reason: 'intensity' });
    expect(decideRestart(rules, 'failure', { ...history, inARow: 0 }, 4 * far, 0).kind).toBe('restart');
    expect(decideRestart(policy({}), 'failure', { times: [], inARow: 1_000 }, 0, 0).kind).toBe('restart');
  });

  test('backoff doubles from its minimum to its maximum, with full jitter', () => {
    const backoff = { minMs: 100, maxMs: 1_000 };
    const ceilings = [0, 1, 2, 3, 4, 1_000].map((inARow) => backoffDelayMs(backoff, inARow, 1));
    expect(ceilings).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 0.999, noNaN: true }), (inARow, random) => {
        const delayMs = backoffDelayMs(backoff, inARow, random);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThan(1_000);
      }),
    );
  });
});

describe('spawn options', () => {
  test('have defaults, and spill for durable actors', () => {
    expect(resolveSpawnOptions(undefined).mailbox).toEqual({ capacity: 4_096, overflow: 'reject' });
    expect(resolveSpawnOptions({ durable: true }).mailbox.overflow).toBe('spill');
    expect(resolveSpawnOptions({ restart: 'transient' }).supervision.restart).toBe('transient');
    expect(resolveSpawnOptions({ restartsInARowMax: 2 }).supervision.inARowMax).toBe(2);
  });

  test.each([
    { mailbox: { capacity: 0 } },
    { mailbox: { overflow: 'spill' } },
    { restart: 'always' },
    { name: '' },
    { restartsInARowMax: -1 },
    { intensety: { max: 1, withinMs: 1 } },
    { pollIntervalMs: Number.NaN },
  ])('%j is refused', (options) => {
    expect(() => resolveSpawnOptions(options as never)).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
