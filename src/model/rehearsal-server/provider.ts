/**
 * A provider that is played in this process, on any clock: the rehearsal behind the limits of an account, as
 * `rehearsal-server` has them over HTTP, with the same refusals and headers. For forecasts in virtual time. What it does
 * not do: open a port, count what it answered.
 */
import type { Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { classifyCompletion } from '../classify.ts';
import { readLimits } from '../gate/limit-headers.ts';
import { httpError, type HeaderReader } from '../http-error.ts';
import { FailureCounter, Outage, OUTAGE_TEXT, rehearse, type RehearsalOptions } from '../rehearsal/index.ts';
import type { CallHooks, ChatAnswer, ChatModel, ChatRequest } from '../types.ts';
import { LimitWindow, NO_LIMITS, type RateLimits, type Refusal } from './limits.ts';

export interface ProviderOptions {
  /** As calls name the model. */
  readonly name: string;
  readonly clock: Clock;
  /** What the account allows. Default: everything. */
  readonly limits?: RateLimits | undefined;
  /** After how long a caller gives an answer up that does not come, milliseconds. */
  readonly timeoutMs: number;
}

const header =
  (...pairs: readonly string[]): HeaderReader =>
  (name) => {
    const index = pairs.indexOf(name);
    return index === -1 ? null : (pairs[index + 1] ?? null);
  };

export const createRehearsedProvider = (rehearsal: RehearsalOptions, options: ProviderOptions): ChatModel => {
  const { name, clock, timeoutMs, limits = NO_LIMITS } = options;
  const window = new LimitWindow(limits);
  const outage = new Outage(rehearsal.outage);
  const failures = new FailureCounter();

  const failed = (status: number, read: HeaderReader, body: unknown): MegactorError =>
    httpError({ status, header: read, body, now: clock.now() });

  const refused = ({ type, message, retryAfterMs }: Refusal, nowMs: number): MegactorError => {
    const code = type === 'insufficient_quota' ? type : 'rate_limit_exceeded';
    const wait = retryAfterMs === null ? [] : ['retry-after-ms', String(retryAfterMs)];
    return failed(429, header(...wait, ...window.headers(nowMs)), { error: { message, type, code } });
  };

  const sleep = async (delayMs: number, signal: AbortSignal): Promise<void> => {
    try {
      await clock.sleep(delayMs, signal);
    } catch {
      throw new MegactorError('ABORTED', 'the call was cancelled');
    }
  };

  return {
    name,
    synthetic: true,
    complete: async (request: ChatRequest, signal: AbortSignal, hooks?: CallHooks): Promise<ChatAnswer> => {
      hooks?.onSent?.();
      const startedAt = clock.monotonic();
      const early = window.check(startedAt);
      if (early !== null) throw refused(early, startedAt);
      const { agent, messages, tools } = request;
      const body = { model: name, messages, tools };
      const outcome = rehearse({ headers: { 'x-agent-id': agent }, body }, rehearsal, failures.of);
      const usage = outcome.kind === 'completion' ? outcome.body.usage : null;
      const cached = usage?.prompt_tokens_details.cached_tokens ?? 0;
      const late = window.take(usage === null ? 0 : usage.total_tokens - cached, startedAt);
      if (late !== null) throw refused(late, startedAt);
      const said = window.headers(startedAt);
      const out = outage.statusAt(startedAt);
      if (out !== null) throw failed(out, header(), OUTAGE_TEXT);
      failures.record(outcome);
      await sleep(outcome.kind === 'hang' ? timeoutMs : outcome.latencyMs, signal);
      switch (outcome.kind) {
        case 'completion': {
          const readings = readLimits(header(...said));
          if (readings !== null) hooks?.onLimits?.(readings);
          return classifyCompletion(outcome.body, {
            model: name,
            synthetic: true,
            latencyMs: clock.monotonic() - startedAt,
            idSeed: `${agent}/${messages.length}`,
          });
        }
        case 'error':
          throw failed(outcome.status, header(...Object.entries(outcome.headers).flat(), ...said), outcome.body);
        case 'hang':
          throw new MegactorError('MODEL_TIMEOUT', `the rehearsed server did not answer within ${timeoutMs} ms`);
        default:
          return outcome satisfies never;
      }
    },
    close: async () => {},
  };
};
