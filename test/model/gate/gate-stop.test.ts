import { describe, expect, test } from 'vitest';
import type { GateStop } from '../../../src/model/gate/gate.ts';
import { setUp, settle } from '../support/puppet.ts';

describe('stopping', () => {
  test.each([
    ['MODEL_AUTH', 'wrong-key'],
    ['MODEL_QUOTA', 'quota'],
    ['MODEL_UNKNOWN', 'unknown-model'],
  ] as const)('%s stops everything once, holds what comes, and never retries', async (code, reason) => {
    const { clock, gate, model, call, outcomes } = setUp();
    const stops: GateStop[] = [];
    gate.onStop((stop) => stops.push(stop));
    for (const name of ['a', 'b', 'c']) void call(name);
    model.sent[0]?.fail(code);
    model.sent[1]?.fail(code);
    model.sent[2]?.ok();
    await clock.advance(600_000);
    void call('d');
    await clock.advance(600_000);
    expect(stops.map((stop) => [stop.reason, stop.error.code])).toEqual([[reason, code]]);
    expect(model.sent).toHaveLength(3);
    expect(outcomes).toEqual({ c: 'c after 1' });
    expect(gate.stats()).toMatchObject({ held: 3, inFlight: 0, queued: 0 });
    await gate.drain(1_000);
    await settle();
    expect(outcomes).toEqual({ a: 'ABORTED', b: 'ABORTED', c: 'c after 1', d: 'ABORTED' });
    const late: GateStop[] = [];
    gate.onStop((stop) => late.push(stop));
    expect(late).toHaveLength(1);
  });

  test('no connection is tried a few times before everything stops', async () => {
    const { clock, gate, model, call, outcomes } = setUp({ unreachableRetriesMax: 2 });
    const stops: GateStop[] = [];
    gate.onStop((stop) => stops.push(stop));
    void call('a');
    for (let index = 0; index < 3; index += 1) {
      expect(stops).toEqual([]);
      model.last().fail('MODEL_UNREACHABLE');
      await clock.advance(20_000);
    }
    expect(model.sent).toHaveLength(3);
    expect(stops.map((stop) => stop.reason)).toEqual(['model-unreachable']);
    expect(outcomes).toEqual({});
    expect(gate.stats().held).toBe(1);
  });
});

test.each(['MODEL_SERVER', 'MODEL_TIMEOUT', 'MODEL_RATE_LIMITED', 'MODEL_BAD_RESPONSE'] as const)(
  'a server that gives everybody %s stops the gate when the repetitions of a call are used up',
  async (code) => {
    const { clock, gate, model, call, outcomes } = setUp({ retriesMax: 2 });
    const stops: GateStop[] = [];
    gate.onStop((stop) => stops.push(stop));
    void call('a');
    void call('b');
    for (let round = 0; round < 30; round += 1) {
      for (const one of model.sent) one.fail(code);
      await clock.advance(20_000);
    }
    expect(stops.map((stop) => [stop.reason, stop.error.code])).toEqual([['model-unreachable', code]]);
    expect(outcomes).toEqual({});
    expect(gate.stats()).toMatchObject({ held: 2, inFlight: 0, queued: 0 });
  },
);

test('broken connections of one call do not stop a gate whose server answers others', async () => {
  const { clock, gate, model, call, outcomes } = setUp({ unreachableRetriesMax: 1, retriesMax: 2 });
  const stops: GateStop[] = [];
  gate.onStop((stop) => stops.push(stop));
  void call('a');
  void call('b');
  model.sent[1]?.ok();
  await settle();
  for (let index = 0; index < 3; index += 1) {
    model.sent.findLast((one) => one.agent === 'a')?.fail('MODEL_UNREACHABLE');
    await clock.advance(20_000);
  }
  expect(stops).toEqual([]);
  expect(outcomes).toEqual({ b: 'b after 1', a: 'MODEL_UNREACHABLE' });
});

describe('draining', () => {
  test('waits for what is in flight, then rejects the rest, and refuses what comes later', async () => {
    const { clock, gate, model, call, outcomes } = setUp({ inFlightMax: 1 });
    void call('a');
    void call('b');
    const drained = gate.drain(10_000);
    await clock.advance(5_000);
    expect(outcomes).toEqual({});
    model.last().ok();
    await drained;
    await call('c');
    await settle();
    expect(outcomes).toEqual({ a: 'a after 1', b: 'ABORTED', c: 'ABORTED' });
    expect(model.sent).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  test('cuts off what does not end in time', async () => {
    const { clock, gate, model, call, outcomes } = setUp();
    void call('a');
    const drained = gate.drain(10_000);
    await clock.advance(10_000);
    await drained;
    await settle();
    expect(outcomes).toEqual({ a: 'ABORTED' });
    expect(model.last().signal.aborted).toBe(true);
    expect(gate.stats().inFlight).toBe(0);
  });

  test('a failure during the drain is not repeated', async () => {
    const { clock, gate, model, call, outcomes } = setUp();
    void call('a');
    const drained = gate.drain(10_000);
    model.last().fail('MODEL_SERVER');
    await clock.advance(0);
    await drained;
    await settle();
    expect(outcomes).toEqual({ a: 'ABORTED' });
    expect(model.sent).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });
});
