import { EventEmitter } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interruptsOf } from '../../src/cli/interrupts.ts';
import { HandClock } from './fixtures.ts';

const listen = (underNpm = false) => {
  const source = new EventEmitter();
  const clock = new HandClock();
  const counted = { interruptions: 0 };
  const stop = interruptsOf(source, { clock, underNpm }).subscribe(() => {
    counted.interruptions += 1;
  });
  return { source, clock, counted, stop };
};

describe('interruptions', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s counts once each time', (signal) => {
    const { source, counted } = listen();
    source.emit(signal);
    source.emit(signal);
    expect(counted.interruptions).toBe(2);
  });

  test('the larger of signals received and signals told, in whatever order they come (invariant 1)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('received', 'told'), { maxLength: 12 }), (arrivals) => {
        const { source, counted } = listen();
        for (const arrival of arrivals) {
          if (arrival === 'received') source.emit('SIGINT');
          else source.emit('message', { signal: 'SIGINT' });
        }
        const told = arrivals.filter((arrival) => arrival === 'told').length;
        expect(counted.interruptions).toBe(Math.max(told, arrivals.length - told));
      }),
    );
  });

  test('other messages of the channel are not interruptions', () => {
    const { source, counted } = listen();
    for (const message of [null, 'SIGINT', { signal: 'SIGUSR1' }, { signal: 2 }, {}]) source.emit('message', message);
    expect(counted.interruptions).toBe(0);
  });

  test('under npm the echo of a signal is the same one, a later signal is another (invariant 2)', () => {
    const { source, clock, counted } = listen(true);
    source.emit('SIGINT');
    clock.nowMs = 20;
    source.emit('SIGINT');
    expect(counted.interruptions).toBe(1);
    clock.nowMs = 400;
    source.emit('SIGINT');
    expect(counted.interruptions).toBe(2);
  });

  test('nothing is heard, and nothing stays attached, after the end', () => {
    const { source, counted, stop } = listen();
    stop();
    source.emit('SIGINT');
    expect(counted.interruptions).toBe(0);
    expect(source.eventNames()).toEqual([]);
  });
});
