/** What a lane makes of answers and failures for the order of service. */
import { expect, test } from 'vitest';
import { newCall, settingsOf, type Call, type Flight } from '../../../src/model/gate/call.ts';
import { costOf, Lane } from '../../../src/model/gate/lane.ts';
import { seededRandom } from '../../../src/platform/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { PuppetModel, request } from '../support/puppet.ts';

const setUp = () => {
  const clock = new ManualClock();
  const model = new PuppetModel(clock);
  const random = seededRandom(1);
  const lane = new Lane(
    { name: 'm', model },
    { settings: settingsOf({ model, random }), clock, random, pump: () => {} },
  );
  let sequence = 0;
  const push = (agent: string): Call => {
    sequence += 1;
    const about = { key: null, twin: null, routes: ['m'], sequence, deadlineMs: 1_000, nowMs: 0 };
    const call = newCall({ request: request(agent), ...about });
    lane.queue.push(call);
    return call;
  };
  const send = (agent: string): { call: Call; flight: Flight } => {
    const call = push(agent);
    const estimate = lane.estimate(call);
    const cost = costOf(estimate.work);
    lane.queue.take(call, cost);
    const ticket = lane.rate.take(estimate.work, 0);
    const grant = { kind: 'granted', settle: () => {} } as const;
    const controller = new AbortController();
    return { call, flight: { start: 1, startedAt: 0, estimate, ticket, grant, controller, cost, tries: false } };
  };
  return { lane, push, send };
};

test('what the server refused, or failed at, costs its agent no service; what took too long does', () => {
  const { lane, push, send } = setUp();
  // While somebody waits who was never served, nobody who comes back is counted as served more than he was.
  push('z');
  for (let time = 0; time < 3; time += 1) {
    const answered = send('b');
    lane.answered(answered.flight, answered.call, { input: 10, cachedInput: 0, output: 100 }, null, 1);
    const refused = send('a');
    lane.refused(refused.flight, refused.call, null, 1);
    const failed = send('a');
    lane.failed(failed.flight, failed.call, false, 1);
    for (let twice = 0; twice < 2; twice += 1) {
      const late = send('c');
      lane.failed(late.flight, late.call, true, 1);
    }
  }
  for (const agent of ['c', 'b', 'a']) push(agent);
  const order: string[] = [];
  for (let next = lane.queue.next(0); next !== undefined; next = lane.queue.next(0)) {
    order.push(next.agent);
    lane.queue.remove(next);
  }
  expect(order).toEqual(['z', 'a', 'b', 'c']);
});
