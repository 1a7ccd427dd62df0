/** That events leave together, soon, in order, and that a thread without events sets no timer. */
import { expect, test } from 'vitest';
import { EVENTS_PER_BATCH, EVENTS_WAIT_MS, EventOutlet, type EventBatch } from '../../src/telemetry/index.ts';
import { ManualClock } from '../runtime/manual-clock.ts';

class Sent {
  readonly clock = new ManualClock();
  readonly batches: EventBatch[] = [];
  timers = 0;
  readonly outlet: EventOutlet;

  constructor() {
    const { clock } = this;
    const after: ManualClock['after'] = (delayMs, callback) => {
      this.timers += 1;
      return clock.after(delayMs, callback);
    };
    this.outlet = new EventOutlet(Object.assign(Object.create(clock) as ManualClock, { after }), (batch) =>
      this.batches.push(batch),
    );
  }

  add(...reasons: string[]): void {
    for (const reason of reasons) this.outlet.add({ type: 'limit', limit: 'test', reason });
  }

  get reasons(): unknown[] {
    return this.batches.map(({ events }) => events.map((event) => 'reason' in event && event.reason));
  }
}

test('events wait for others from the first on, and leave together; without events there is no timer', async () => {
  const sent = new Sent();
  sent.outlet.open();
  await sent.clock.advance(10 * EVENTS_WAIT_MS);
  expect(sent.timers).toBe(0);
  sent.add('a');
  await sent.clock.advance(EVENTS_WAIT_MS - 1);
  sent.add('b');
  expect(sent.batches).toEqual([]);
  await sent.clock.advance(1);
  expect(sent.reasons).toEqual([['a', 'b']]);
  await sent.clock.advance(10 * EVENTS_WAIT_MS);
  expect(sent.timers).toBe(1);
  sent.add('c');
  await sent.clock.advance(EVENTS_WAIT_MS);
  expect(sent.reasons).toEqual([['a', 'b'], ['c']]);
});

test('what came before the opening leaves after it, and many leave at once', async () => {
  const sent = new Sent();
  sent.add('early');
  await sent.clock.advance(EVENTS_WAIT_MS);
  expect(sent.batches).toEqual([]);
  sent.outlet.open();
  await sent.clock.advance(EVENTS_WAIT_MS);
  expect(sent.reasons).toEqual([['early']]);
  for (let count = 0; count < EVENTS_PER_BATCH; count += 1) sent.add('many');
  expect(sent.batches[1]?.events).toHaveLength(EVENTS_PER_BATCH);
});

test('a flush sends what is there, once', async () => {
  const sent = new Sent();
  sent.outlet.open();
  sent.add('last');
  sent.outlet.flush();
  sent.outlet.flush();
  await sent.clock.advance(EVENTS_WAIT_MS);
  expect(sent.reasons).toEqual([['last']]);
});
