/**
 * The `rehearsal` model: the pure core behind the interface that every model has, with its waiting times. What it does
 * not do: retry (the gate does).
 */
import { systemClock, type Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { classifyCompletion } from '../classify.ts';
import { spokenText } from '../completion-stream.ts';
import { httpError } from '../http-error.ts';
import { Outage, OUTAGE_TEXT } from './outage.ts';
import { rehearse, type RehearsalOutcome, type Script } from './rehearse.ts';
import type { RehearsalOptions } from './options.ts';
import type { CallHooks, ChatAnswer, ChatModel, ChatRequest } from '../types.ts';

/** How long a rehearsed timeout lasts before it is one. */
const TIMEOUT_MS = 5_000;
const COUNTED_ANSWERS_MAX = 100_000;

/** Counts how often an answer failed on the way, so that a retry is another draw; bounded, the oldest go first. */
export class FailureCounter {
  readonly #counts = new Map<string, number>();

  readonly of = (key: string): number => this.#counts.get(key) ?? 0;

  /** Takes note of what became of a request. */
  record(outcome: RehearsalOutcome): void {
    if (outcome.kind === 'completion') {
      this.#counts.delete(outcome.key);
      return;
    }
    this.#counts.set(outcome.key, this.of(outcome.key) + 1);
    if (this.#counts.size <= COUNTED_ANSWERS_MAX) return;
    for (const oldest of this.#counts.keys()) {
      this.#counts.delete(oldest);
      break;
    }
  }
}

const aborted = (): MegactorError => new MegactorError('ABORTED', 'the call was cancelled');

/**
 * @param surroundings `timeoutMs`: how long a rehearsed timeout lasts, default 5,000
 * @param script played instead of the scenario of `options`
 */
export const createRehearsal = (
  options: RehearsalOptions,
  surroundings: { clock?: Clock; timeoutMs?: number } = {},
  script?: Script,
): ChatModel => {
  const name = script?.name ?? 'rehearsal';
  const clock = surroundings.clock ?? systemClock;
  const timeoutMs = surroundings.timeoutMs ?? TIMEOUT_MS;
  const failures = new FailureCounter();
  const outage = new Outage(options.outage);

  const checkOutage = (): void => {
    const status = outage.statusAt(clock.monotonic());
    if (status !== null) throw httpError({ status, header: () => null, body: OUTAGE_TEXT, now: clock.now() });
  };

  const sleep = async (delayMs: number, signal: AbortSignal): Promise<void> => {
    try {
      await clock.sleep(delayMs, signal);
    } catch {
      throw aborted();
    }
  };

  return {
    name,
    synthetic: true,
    complete: async (request: ChatRequest, signal: AbortSignal, hooks?: CallHooks): Promise<ChatAnswer> => {
      if (signal.aborted) throw aborted();
      hooks?.onSent?.();
      const startedAt = clock.monotonic();
      checkOutage();
      const body = { model: name, messages: request.messages, tools: request.tools };
      const outcome = rehearse(
        { headers: { 'x-agent-id': request.sentAs ?? request.agent }, body },
        options,
        failures.of,
        script,
      );
      failures.record(outcome);
      await sleep(outcome.kind === 'hang' ? timeoutMs : outcome.latencyMs, signal);
      switch (outcome.kind) {
        case 'completion': {
          const answer = classifyCompletion(outcome.body, {
            model: name,
            synthetic: true,
            latencyMs: clock.monotonic() - startedAt,
            idSeed: `${request.agent}/${request.messages.length}`,
          });
          if (hooks?.onDelta === undefined) return answer;
          // It says all at once, at the end.
          hooks.onDelta(spokenText(answer));
          return { ...answer, firstTokenMs: answer.latencyMs };
        }
        case 'error': {
          const { status, headers, body: said } = outcome;
          throw httpError({ status, header: (name) => headers[name] ?? null, body: said, now: clock.now() });
        }
        case 'hang':
          throw new MegactorError('MODEL_TIMEOUT', `the rehearsed server did not answer within ${timeoutMs} ms`);
        default:
          return outcome satisfies never;
      }
    },
    close: async () => {},
  };
};
