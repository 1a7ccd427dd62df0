import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/protocol/errors.ts';
import { never, request, setUp, settle } from '../support/puppet.ts';

describe('admission', () => {
  test('no cap until the first pressure', async () => {
    const { gate, model, call } = setUp();
    for (let index = 0; index < 590; index += 1) void call(`a${index}`);
    expect(model.sent).toHaveLength(590);
    expect(gate.stats()).toMatchObject({ inFlight: 590, maxInFlight: 590, queued: 0, limit: null });
  });

  test('level first, then arrival', async () => {
    const { model, call } = setUp({ inFlightMax: 1 });
    void call('first', 2);
    for (const [name, level] of [
      ['o1', 2],
      ['boss', 0],
      ['o2', 2],
      ['admin', 1],
      ['admin2', 1],
    ] as const) {
      void call(name, level);
    }
    for (let index = 0; index < 6; index += 1) {
      model.last().ok();
      await settle();
    }
    expect(model.agents).toEqual(['first', 'boss', 'admin', 'admin2', 'o1', 'o2']);
  });

  test('any mix of levels leaves the queue in order and never exceeds the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (levels, limit) => {
          const { gate, model, call } = setUp({ inFlightMax: limit });
          levels.forEach((level, index) => void call(`${level}-${index}`, level));
          while (gate.stats().inFlight > 0) {
            model.sent.slice(-gate.stats().inFlight)[0]?.ok();
            for (const one of model.sent) one.ok();
            await settle();
          }
          expect(gate.stats().maxInFlight).toBeLessThanOrEqual(limit);
          const queued = model.agents.slice(limit);
          const sorted = [...queued].sort((a, b) => {
            const [levelA, indexA] = a.split('-').map(Number) as [number, number];
            const [levelB, indexB] = b.split('-').map(Number) as [number, number];
            return levelA - levelB || indexA - indexB;
          });
          expect(queued).toEqual(sorted);
          expect(model.sent).toHaveLength(levels.length);
        },
      ),
      { seed: 7, numRuns: 60 },
    );
  });

  test('the queue is bounded', async () => {
    const { call, outcomes } = setUp({ inFlightMax: 1, queueMax: 2 });
    for (const name of ['a', 'b', 'c']) void call(name);
    await call('d');
    expect(outcomes).toEqual({ d: 'GATE_FULL' });
  });
});

describe('a call whose tokens cannot be counted', () => {
  const uncounted = (): never => {
    throw new TypeError('no tokens');
  };
  const setUpWith = (bad: string, inFlightMax = 1) =>
    setUp({
      inFlightMax,
      spending: {
        reserve: ({ agent }) => (agent === bad ? uncounted() : { kind: 'granted', settle: () => {} }),
      },
    });

  test('fails alone, and leaves nothing behind (4)', async () => {
    const { gate, model, call, outcomes } = setUpWith('bad');
    await call('bad');
    expect(outcomes).toEqual({ bad: 'INTERNAL' });
    expect(gate.knows('bad/1/model')).toBe(false);
    expect(gate.stats()).toMatchObject({ queued: 0, held: 0, inFlight: 0, failed: 1 });
    await gate.drain(0);
    expect(model.sent).toEqual([]);
  });

  test('does not stand in the way of those behind it (4)', async () => {
    const { gate, model, call, outcomes } = setUpWith('bad');
    void call('first');
    const others = [call('bad'), call('second')];
    model.last().ok();
    await settle();
    expect(outcomes).toEqual({ first: 'first after 1', bad: 'INTERNAL' });
    model.last().ok();
    await Promise.all(others);
    expect(model.agents).toEqual(['first', 'second']);
    expect(gate.stats()).toMatchObject({ queued: 0, inFlight: 0, failed: 1 });
  });

  test('fails alone too when it is its length that cannot be told (4)', async () => {
    const { gate, call } = setUp();
    const broken = {
      ...request('bad'),
      get maxTokens(): number {
        return uncounted();
      },
    };
    const about = { effectId: 'bad/1/model', signal: never };
    await expect(gate.complete(broken, about)).rejects.toMatchObject({ code: 'INTERNAL' });
    void call('good');
    expect(gate.stats()).toMatchObject({ queued: 0, inFlight: 1, failed: 1 });
  });
});

describe('repeated effects', () => {
  test('a repetition joins the call in flight, and later gets the kept answer until it is released', async () => {
    const { gate, model, call } = setUp();
    const both = Promise.all([call('a'), call('a')]);
    expect(model.sent).toHaveLength(1);
    model.last().ok();
    await both;
    await call('a');
    expect(model.sent).toHaveLength(1);
    expect(gate.stats()).toMatchObject({ calls: 1, joined: 2, kept: 1 });
    gate.release(['a/1/model']);
    void call('a');
    expect(model.sent).toHaveLength(2);
  });

  test('a call whose caller died goes on, and its answer waits for the repetition', async () => {
    const { model, call, outcomes } = setUp();
    const caller = new AbortController();
    const gone = call('a', 2, caller.signal);
    caller.abort();
    await gone;
    expect(outcomes['a']).toBe('ABORTED');
    expect(model.last().signal.aborted).toBe(false);
    model.last().ok();
    await settle();
    await call('a');
    expect(outcomes['a']).toBe('a after 1');
    expect(model.sent).toHaveLength(1);
  });

  test('an answer is kept for good before anybody is told of it, also when its caller has died, and a drain waits', async () => {
    const stored: string[] = [];
    const disk = Promise.withResolvers<void>();
    const { gate, model, call, outcomes } = setUp({
      onAnswer: async (effectId) => {
        stored.push(effectId);
        await disk.promise;
      },
    });
    void call('a');
    const caller = new AbortController();
    void call('b', 2, caller.signal);
    caller.abort();
    for (const sent of model.sent) sent.ok();
    await settle();
    expect(stored).toEqual(['a/1/model', 'b/1/model']);
    expect(outcomes).toEqual({ b: 'ABORTED' });
    const drained = gate.drain(0);
    await settle();
    expect(outcomes).toEqual({ b: 'ABORTED' });
    disk.resolve();
    await drained;
    expect(outcomes).toEqual({ a: 'a after 1', b: 'ABORTED' });
  });

  test('an answer that cannot be kept is the failure of its call', async () => {
    const { gate, model, call, outcomes } = setUp({ onAnswer: () => Promise.reject(new Error('disk full')) });
    void call('a');
    model.last().ok();
    await settle();
    expect(outcomes).toEqual({ a: 'DISK' });
    expect(gate.stats()).toMatchObject({ inFlight: 0, kept: 0 });
  });

  test('a queued call whose caller died is never sent', async () => {
    const { gate, model, call } = setUp({ inFlightMax: 1 });
    const caller = new AbortController();
    void call('a');
    void call('b', 2, caller.signal);
    void call('c');
    caller.abort();
    model.last().ok();
    await settle();
    expect(model.agents).toEqual(['a', 'c']);
    expect(gate.stats().queued).toBe(0);
  });

  test('kept answers are bounded, the oldest go first', async () => {
    const { gate, model, call } = setUp({ keepMax: 2 });
    for (const name of ['a', 'b', 'c']) {
      void call(name);
      model.last().ok();
      await settle();
    }
    expect(gate.stats().kept).toBe(2);
    await call('c');
    expect(model.sent).toHaveLength(3);
    void call('a');
    expect(model.sent).toHaveLength(4);
  });

  test('a call without an effect id is not kept', async () => {
    const { gate, model } = setUp();
    const one = gate.complete(request('a'), { effectId: null, signal: never });
    model.last().ok();
    await one;
    expect(gate.stats().kept).toBe(0);
  });
});

describe('retries', () => {
  test('a failure that may pass is repeated within the back-off, and counted', async () => {
    const { clock, gate, model, call, outcomes } = setUp({ backoffBaseMs: 100, backoffMaxMs: 400 });
    void call('a');
    for (const ceiling of [100, 200, 400, 400]) {
      const before = clock.monotonic();
      const sent = model.sent.length;
      model.last().fail('MODEL_SERVER');
      await clock.advance(ceiling);
      expect(model.sent).toHaveLength(sent + 1);
      expect(model.last().at - before).toBeLessThanOrEqual(ceiling);
    }
    model.last().ok();
    await settle();
    expect(outcomes['a']).toBe('a after 5');
    expect(gate.stats()).toMatchObject({ retries: 4, calls: 1, failed: 0 });
    expect(clock.timers).toBe(0);
  });

  test('the number of repetitions is bounded', async () => {
    const { clock, gate, model, call, outcomes, alive } = setUp({ retriesMax: 3 });
    const done = call('a');
    const [first] = model.sent;
    await alive();
    first?.fail('MODEL_SERVER');
    await clock.advance(20_000);
    for (let index = 0; index < 3; index += 1) {
      model.last().fail('MODEL_SERVER');
      await clock.advance(20_000);
    }
    await done;
    expect(outcomes['a']).toBe('MODEL_SERVER');
    expect(model.sent).toHaveLength(5);
    expect(gate.stats()).toMatchObject({ failed: 1, inFlight: 0, queued: 0 });
  });

  test.each(['MODEL_BAD_REQUEST', 'MODEL_CONTEXT_OVERFLOW'] as const)('%s is not repeated', async (code) => {
    const { model, call, outcomes } = setUp();
    const done = call('a');
    model.last().fail(code);
    await done;
    expect(outcomes['a']).toBe(code);
    expect(model.sent).toHaveLength(1);
  });

  test('Retry-After holds everybody, and nobody longer', async () => {
    const { clock, model, call } = setUp({ backoffBaseMs: 10, backoffMaxMs: 10 });
    void call('a');
    void call('b');
    model.sent[0]?.fail('MODEL_RATE_LIMITED', { retryAfterMs: 3_000 });
    await settle();
    void call('c');
    await clock.advance(2_999);
    expect(model.sent).toHaveLength(2);
    model.sent[1]?.ok();
    await clock.advance(1);
    expect(model.sent.length).toBeGreaterThan(2);
    expect(model.sent.slice(2).every((one) => one.at === 3_000)).toBe(true);
  });

  test('the deadline covers all requests of a call, but not its wait in the queue', async () => {
    const { clock, model, call, outcomes, alive } = setUp();
    void call('slow', 2, never, 10_000);
    await alive();
    await clock.advance(9_999);
    expect(outcomes['slow']).toBeUndefined();
    await clock.advance(1);
    expect(outcomes['slow']).toBe('MODEL_TIMEOUT');
    expect(model.sent[0]?.signal.aborted).toBe(true);
    // The limit is 1 now, and `holder` has it.
    void call('holder', 2, never, 60_000);
    void call('second', 2, never, 1_000);
    await clock.advance(30_000);
    expect(outcomes['second']).toBeUndefined();
    model.last().ok();
    await clock.advance(500);
    model.last().fail('MODEL_SERVER');
    await clock.advance(20_000);
    await alive();
    await clock.advance(20_000);
    expect(outcomes['second']).toBe('MODEL_TIMEOUT');
  });
});

describe('the in-flight limit', () => {
  test('the first 429 makes a limit of half; one congestion lowers it once; answers raise it', async () => {
    const { clock, gate, model, call } = setUp({ backoffBaseMs: 1, backoffMaxMs: 1 });
    for (let index = 0; index < 40; index += 1) void call(`a${index}`);
    for (const one of model.sent.slice(0, 10)) one.fail('MODEL_RATE_LIMITED');
    await settle();
    expect(gate.stats().limit).toBe(20);
    for (const one of model.sent.slice(10, 40)) one.ok();
    await clock.advance(5);
    expect(gate.stats()).toMatchObject({ inFlight: 10 });
    // The requests sent since then are a new congestion.
    model.last().fail('MODEL_TIMEOUT');
    await settle();
    expect(gate.stats().limit).toBe(5);
    for (let round = 0; round < 40; round += 1) {
      for (const one of model.sent) one.ok();
      await clock.advance(5);
      for (let index = 0; index < 12; index += 1) void call(`b${round}-${index}`);
    }
    expect(gate.stats().limit).toBeGreaterThan(10);
  });

  test('a configured limit is never exceeded', async () => {
    const { gate, model, call } = setUp({ inFlightMax: 3 });
    for (let index = 0; index < 50; index += 1) void call(`a${index}`);
    while (gate.stats().inFlight > 0) {
      for (const one of model.sent) one.ok();
      await settle();
    }
    expect(gate.stats()).toMatchObject({ maxInFlight: 3, calls: 50, limit: 3 });
  });
});

test('every call settles, whatever the model does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.constantFrom('ok', 'MODEL_SERVER', 'MODEL_RATE_LIMITED', 'MODEL_TIMEOUT', 'MODEL_BAD_REQUEST', 'hang'),
        {
          minLength: 1,
          maxLength: 200,
        },
      ),
      fc.integer({ min: 1, max: 30 }),
      async (script, calls) => {
        const { clock, gate, model, call, outcomes } = setUp({ retriesMax: 2 });
        for (let index = 0; index < calls; index += 1) void call(`a${index}`, index % 4);
        let handled = 0;
        for (let round = 0; round < 100 && Object.keys(outcomes).length < calls; round += 1) {
          for (; handled < model.sent.length; handled += 1) {
            const what = script[handled % script.length];
            if (what === 'ok') model.sent[handled]?.ok();
            else if (what !== 'hang') model.sent[handled]?.fail(what as ErrorCode, { retryAfterMs: 50 });
          }
          await clock.advance(60_000);
        }
        // A server that answers nobody stops the gate; then the drain settles what is held.
        if (gate.stats().held > 0) await gate.drain(0);
        await settle();
        expect(Object.keys(outcomes)).toHaveLength(calls);
        expect(gate.stats()).toMatchObject({ inFlight: 0, queued: 0, held: 0 });
        expect(clock.timers).toBe(0);
      },
    ),
    { seed: 11, numRuns: 40 },
  );
});
