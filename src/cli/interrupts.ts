/**
 * Counts how often the user interrupted (Ctrl-C, or a signal to end), however many processes stand between the
 * terminal and this one. It does not decide what an interruption means.
 *
 * 1. Started by an older Node (`bin/megactor.mjs`), this process may get a signal from the terminal, and be told of the
 *    same one by its parent: the number of interruptions is the larger of the two counts, not their sum.
 * 2. npm sends on to its script the signal that the terminal has already sent it: under npm a second signal within
 *    `NPM_ECHO_MS` is the same one.
 */
import type { EventEmitter } from 'node:events';
import type { Clock } from '../platform/clock.ts';
import type { InterruptSource } from './ports.ts';

/** A process as far as it is needed here. */
export type SignalSource = Pick<EventEmitter, 'on' | 'off'>;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const NPM_ECHO_MS = 200;

const isToldSignal = (message: unknown): boolean =>
  typeof message === 'object' &&
  message !== null &&
  'signal' in message &&
  (SIGNALS as readonly unknown[]).includes(message.signal);

export const interruptsOf = (
  source: SignalSource,
  options: { readonly clock: Clock; readonly underNpm: boolean },
): InterruptSource => ({
  subscribe: (onInterrupt) => {
    let received = 0;
    let told = 0;
    let reported = 0;
    let lastReceivedMs = Number.NEGATIVE_INFINITY;
    const report = (): void => {
      if (Math.max(received, told) <= reported) return;
      reported += 1;
      onInterrupt();
    };
    const onSignal = (): void => {
      const nowMs = options.clock.monotonic();
      const isEcho = options.underNpm && nowMs - lastReceivedMs < NPM_ECHO_MS;
      if (isEcho) return;
      lastReceivedMs = nowMs;
      received += 1;
      report();
    };
    const onMessage = (message: unknown): void => {
      if (!isToldSignal(message)) return;
      told += 1;
      report();
    };
    for (const signal of SIGNALS) source.on(signal, onSignal);
    source.on('message', onMessage);
    return () => {
      for (const signal of SIGNALS) source.off(signal, onSignal);
      source.off('message', onMessage);
    };
  },
});
