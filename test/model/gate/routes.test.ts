/** Several models behind one gate: fallbacks, the circuit, sharing of identical calls, budgets. */
import { describe, expect, test } from 'vitest';
import { Gate } from '../../../src/model/gate/gate.ts';
import type { GateOptions, GateStop, RouteChange } from '../../../src/model/gate/types.ts';
import { seededRandom } from '../../../src/platform/index.ts';
import { MegactorError } from '../../../src/protocol/errors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { never, PuppetModel, request, settle } from '../support/puppet.ts';

const setUp = (options: Partial<GateOptions> = {}) => {
  const clock = new ManualClock();
  const [main, other] = [new PuppetModel(clock, 'main'), new PuppetModel(clock, 'other')];
  const changes: RouteChange[] = [];
  const gate = new Gate({
    model: main,
    fallbacks: ['other'],
    routes: [{ name: 'other', model: other }],
    clock,
    random: seededRandom(1),
    onRouteChange: (change) => changes.push(change),
    ...options,
  });
  const stops: GateStop[] = [];
  gate.onStop((stop) => stops.push(stop));
  const outcomes: Record<string, string> = {};
  const call = (name: string, route?: string): Promise<void> =>
    gate.complete(request(name), { effectId: `${name}/1/model`, signal: never, route }).then(
      (got) => void (outcomes[name] = got.model),
      (error: unknown) => void (outcomes[name] = (error as MegactorError).code),
    );
  return { clock, main, other, gate, changes, stops, outcomes, call };
};

describe('fallbacks', () => {
  test.each(['MODEL_AUTH', 'MODEL_QUOTA', 'MODEL_UNKNOWN'] as const)(
    '%s gives the route up: everybody goes another way, and the gate goes on',
    async (code) => {
      const { main, other, gate, changes, stops, outcomes, call } = setUp({ inFlightMax: 1 });
      void call('a');
      void call('b');
      main.last().fail(code);
      await settle();
      expect(other.agents.toSorted()).toEqual(['a', 'b']);
      for (const one of other.sent) one.ok();
      await settle();
      expect(outcomes).toEqual({ a: 'other', b: 'other' });
      expect(stops).toEqual([]);
      expect(changes).toMatchObject([{ route: 'main', state: 'disabled', error: { code } }]);
      expect(gate.stats()).toMatchObject({ fellBack: 2, calls: 2 });
      expect(gate.stats().routes[0]).toMatchObject({ route: 'main', circuit: 'disabled' });
    },
  );

  test('with the last route of a call the gate stops, for the reason of its first', async () => {
    const { main, other, gate, stops, outcomes, call } = setUp();
    void call('a');
    main.last().fail('MODEL_AUTH');
    await settle();
    other.last().fail('MODEL_QUOTA');
    await settle();
    expect(stops.map(({ reason }) => reason)).toEqual(['quota']);
    expect(outcomes).toEqual({});
    expect(gate.stats().held).toBe(1);
  });

  test('while the circuit of a route is open its calls go another way, then back', async () => {
    const { clock, main, other, changes, outcomes, call } = setUp({ circuitFailuresMax: 3, backoffBaseMs: 1 });
    for (const name of ['a', 'b', 'c']) void call(name);
    for (const one of main.sent) one.fail('MODEL_SERVER');
    await clock.advance(10);
    expect(other.agents.toSorted()).toEqual(['a', 'b', 'c']);
    for (const one of other.sent) one.ok();
    await settle();
    expect(outcomes).toEqual({ a: 'other', b: 'other', c: 'other' });
    // Nobody tries a route that nobody waits for; the next call may, once its time has come.
    await clock.advance(20_000);
    expect(changes.map(({ state }) => state)).toEqual(['open']);
  });

  test('a call that used up its repetitions on one route begins anew on the next, and does not come back', async () => {
    const { clock, main, other, outcomes, call } = setUp({ retriesMax: 1, backoffBaseMs: 1 });
    void call('a');
    main.last().fail('MODEL_SERVER');
    await clock.advance(10);
    main.last().fail('MODEL_SERVER');
    await clock.advance(10);
    expect(other.sent).toHaveLength(1);
    other.last().fail('MODEL_SERVER');
    await clock.advance(10);
    other.last().ok();
    await settle();
    expect(main.sent).toHaveLength(2);
    expect(outcomes).toEqual({ a: 'other' });
  });

  test.each([1, 10])(
    'a call whose time ran out on a route that does not answer has it anew on the next (circuit after %i)',
    async (circuitFailuresMax) => {
      const { clock, main, other, stops, outcomes, call } = setUp({ deadlineMs: 1_000, circuitFailuresMax });
      void call('a');
      await clock.advance(1_010);
      expect([main.sent.length, other.sent.length]).toEqual([1, 1]);
      await clock.advance(500);
      other.last().ok();
      await settle();
      expect(outcomes).toEqual({ a: 'other' });
      expect(stops).toEqual([]);
    },
  );

  test('a call may name its model; one that nobody has is refused', async () => {
    const { main, other, outcomes, call } = setUp();
    void call('a', 'other');
    await call('b', 'none');
    expect([main.sent.length, other.sent.length]).toEqual([0, 1]);
    expect(outcomes).toEqual({ b: 'CONFIG_INVALID' });
    expect(() => setUp({ fallbacks: ['nowhere'] })).toThrow(/nowhere/u);
  });
});

describe('the circuit of the only route', () => {
  test('one call tries for all, its failures are not held against it, and a try that succeeds lets all go', async () => {
    const { clock, main, gate, changes, stops, outcomes, call } = setUp({
      fallbacks: [],
      circuitFailuresMax: 3,
      circuitOpenMaxMs: 4_000,
      backoffBaseMs: 1,
      retriesMax: 2,
    });
    void call('early');
    main.last().ok();
    await settle();
    for (let index = 0; index < 20; index += 1) void call(`a${index}`);
    for (const one of main.sent.slice(1)) one.fail('MODEL_SERVER');
    await clock.advance(5);
    const before = main.sent.length;
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1_000);
      for (const one of main.sent.slice(before)) one.fail('MODEL_SERVER');
    }
    expect(main.sent.length - before).toBeLessThan(40);
    expect(stops).toEqual([]);
    expect(Object.keys(outcomes)).toEqual(['early']);
    expect(gate.stats().routes[0]).toMatchObject({ circuit: 'open' });
    for (let round = 0; round < 40; round += 1) {
      await clock.advance(1_000);
      for (const one of main.sent.slice(before)) one.ok();
    }
    expect(Object.keys(outcomes)).toHaveLength(21);
    expect(changes.map(({ state }) => state)).toContain('closed');
  });

  test('a server that had answered stops the gate after `outageMaxMs`', async () => {
    const { clock, main, stops, call } = setUp({ fallbacks: [], circuitFailuresMax: 2, outageMaxMs: 30_000 });
    void call('early');
    main.last().ok();
    await settle();
    void call('a');
    for (let second = 0; second < 90; second += 1) {
      for (const one of main.sent) one.fail('MODEL_SERVER');
      await clock.advance(1_000);
    }
    expect(stops.map(({ reason }) => reason)).toEqual(['model-unreachable']);
  });
});

describe('identical calls at temperature 0', () => {
  const cold = (agent: string) => ({ ...request(agent), temperature: 0 });

  test('open together share one request; one pays, all are kept under their own effect ids', async () => {
    const stored: [string, number][] = [];
    const { main, gate } = setUp({
      onAnswer: (effectId, answer) => {
        stored.push([effectId, answer.usage.input]);
        return Promise.resolve();
      },
    });
    const both = ['a', 'b'].map((name) => gate.complete(cold(name), { effectId: `${name}/1/m`, signal: never }));
    expect(main.sent).toHaveLength(1);
    main.last().ok();
    const answers = await Promise.all(both);
    expect(answers.map(({ usage }) => usage.input)).toEqual([10, 0]);
    expect(stored.toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ['a/1/m', 10],
      ['b/1/m', 0],
    ]);
    expect(gate.knows('a/1/m') && gate.knows('b/1/m')).toBe(true);
    expect(gate.stats()).toMatchObject({ coalesced: 1, calls: 1 });
    void gate.complete(cold('c'), { effectId: 'c/1/m', signal: never });
    expect(main.sent).toHaveLength(2);
  });

  test('another temperature, text or model is another call', () => {
    const { main, other, gate } = setUp();
    const ask = (more: object, route?: string): void =>
      void gate.complete({ ...cold('a'), ...more }, { effectId: null, signal: never, route });
    ask({});
    ask({ temperature: 0.1 });
    ask({ messages: [{ role: 'user', content: 'x' }] });
    ask({ maxTokens: 5 });
    ask({}, 'other');
    expect([main.sent.length, other.sent.length]).toEqual([4, 1]);
  });

  test('the first to call may go away; the others still get the answer', async () => {
    const { main, gate } = setUp();
    const caller = new AbortController();
    const first = gate.complete(cold('a'), { effectId: 'a/1/m', signal: caller.signal });
    const second = gate.complete(cold('b'), { effectId: 'b/1/m', signal: never });
    caller.abort();
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    main.last().ok();
    await expect(second).resolves.toMatchObject({ content: 'a' });
  });
});

describe('budgets', () => {
  test('every granted request is settled once: with its usage, or with nothing', async () => {
    const settled: (number | null)[] = [];
    const { clock, main, gate, call } = setUp({
      fallbacks: [],
      backoffBaseMs: 1,
      spending: {
        reserve: () => ({ kind: 'granted', settle: (usage) => void settled.push(usage?.input ?? null) }),
      },
    });
    void call('a');
    main.last().fail('MODEL_SERVER');
    await clock.advance(10);
    main.last().ok();
    await settle();
    void call('cut');
    const drained = gate.drain(10);
    await clock.advance(20);
    await drained;
    expect(settled).toEqual([null, 10, null]);
  });

  test('a refusal fails one call, a stop holds all', async () => {
    const refused = new MegactorError('GATE_FULL', 'no money');
    let stopped = false;
    const { main, stops, gate, outcomes, call } = setUp({
      spending: {
        reserve: ({ agent }) => {
          if (agent === 'poor') return { kind: 'refused', error: refused };
          if (stopped) return { kind: 'stop', stop: { reason: 'budget-calls', error: refused } };
          return { kind: 'granted', settle: () => {} };
        },
      },
    });
    await call('poor');
    void call('rich');
    main.last().ok();
    await settle();
    stopped = true;
    void call('late');
    void call('later');
    expect(outcomes).toEqual({ poor: 'GATE_FULL', rich: 'main' });
    expect(stops.map(({ reason }) => reason)).toEqual(['budget-calls']);
    expect(gate.stats().held).toBe(2);
  });
});
