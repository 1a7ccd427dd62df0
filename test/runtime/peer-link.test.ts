/** The link between two threads: order, what it gives back, and what waits while the other end is down. */
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../../src/platform/index.ts';
import type { MegactorError } from '../../src/protocol/errors.ts';
import type { Envelope, MailEnvelope } from '../../src/runtime/envelope.ts';
import { PeerLink } from '../../src/runtime/peer-link.ts';

const BATCH = 1_024;
const WAITING_MAX = 65_536;

const envelope = (body: unknown): MailEnvelope => ({
  kind: 'mail',
  shard: 1,
  source: 0,
  to: 5,
  from: null,
  type: 'item',
  body,
  ask: 0,
  seq: -1,
});
const unpackable = (): MailEnvelope => envelope(() => 1);

const open = new Set<PeerLink | MessagePort>();
afterEach(() => {
  for (const one of open) one.close();
  open.clear();
});

class Ends {
  readonly received: unknown[] = [];
  readonly refused: (readonly [Envelope, MegactorError['code']])[] = [];
  readonly link: PeerLink;
  #far: PeerLink | null = null;

  constructor() {
    this.link = new PeerLink({
      clock: systemClock,
      onEnvelopes: () => undefined,
      onRefused: (given, error) => this.refused.push([given, error.code]),
    });
    open.add(this.link);
  }

  /** Another thread takes the place of the one before. */
  attach(): void {
    this.#far?.detach();
    const { port1, port2 } = new MessageChannel();
    const far = new PeerLink({
      clock: systemClock,
      onEnvelopes: (envelopes) => this.received.push(...envelopes.map((one) => (one as MailEnvelope).body)),
      onRefused: () => undefined,
    });
    far.attach(port2);
    this.#far = far;
    open.add(far);
    this.link.attach(port1);
  }

  send(...bodies: number[]): void {
    for (const body of bodies) this.link.send(envelope(body));
  }

  /** Everything that was sent before has arrived. */
  async arrived(): Promise<void> {
    const mark = Symbol('mark').description as string;
    this.link.send(envelope(mark));
    await expect.poll(() => this.received.at(-1)).toBe(mark);
    this.received.pop();
  }
}

test('K1 K2 A2 what was sent arrives in its order, without what cannot be packed, which is given back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constant('bad'), fc.constant('flush'), fc.constant('turn'), fc.nat(3 * BATCH)), {
        maxLength: 12,
      }),
      async (steps) => {
        const ends = new Ends();
        ends.attach();
        const sent: number[] = [];
        const bad: MailEnvelope[] = [];
        for (const step of steps) {
          if (step === 'flush') ends.link.flush();
          else if (step === 'turn') await new Promise<void>((resolve) => systemClock.soon(resolve));
          else if (step === 'bad') {
            const given = unpackable();
            bad.push(given);
            ends.link.send(given);
          } else {
            const first = sent.length;
            const bodies = Array.from({ length: step }, (_, index) => first + index);
            sent.push(...bodies);
            ends.send(...bodies);
          }
        }
        await ends.arrived();
        expect(ends.received).toEqual(sent);
        expect(ends.refused.map(([given]) => given)).toEqual(bad);
        expect(ends.refused.every(([, code]) => code === 'MESSAGE_NOT_CLONEABLE')).toBe(true);
        ends.link.close();
      },
    ),
    { numRuns: 25 },
  );
});

test('A4 nothing is given back before its sender knows that it was taken', () => {
  const ends = new Ends();
  ends.attach();
  for (let sent = 1; sent <= 3 * BATCH; sent += 1) {
    ends.link.send(unpackable());
    expect(ends.refused.length).toBeLessThan(sent);
  }
  ends.link.flush();
  expect(ends.refused).toHaveLength(3 * BATCH);
});

test('A4 K2 while the other thread is down a bounded number waits, and leaves in its order over the next port', async () => {
  const ends = new Ends();
  ends.attach();
  ends.send(-1);
  await ends.arrived();
  ends.link.detach();
  for (let body = 0; body < WAITING_MAX; body += 1) expect(ends.link.send(envelope(body))).toBe(true);
  expect(ends.link.send(envelope('one too many'))).toBe(false);
  ends.attach();
  await ends.arrived();
  expect(ends.received).toEqual(Array.from({ length: WAITING_MAX + 1 }, (_, index) => index - 1));
});

test('A6 K2 who will not come back gets nothing: what waits is given back, and no more is taken', () => {
  const ends = new Ends();
  ends.send(1, 2, 3);
  ends.link.kill();
  expect(ends.refused.map(([given, code]) => [(given as MailEnvelope).body, code])).toEqual([
    [1, 'HOST_DIED'],
    [2, 'HOST_DIED'],
    [3, 'HOST_DIED'],
  ]);
  expect(ends.link.send(envelope(4))).toBe(false);
});
