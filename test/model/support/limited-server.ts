/** A server in virtual time that enforces a provider's limits as the rehearsal server does, and a population that calls it. */
import { Gate } from '../../../src/model/gate/gate.ts';
import { readLimits } from '../../../src/model/gate/limit-headers.ts';
import type { GateOptions } from '../../../src/model/gate/types.ts';
import { httpError } from '../../../src/model/http-error.ts';
import { LimitWindow, type RateLimits } from '../../../src/model/rehearsal-server/limits.ts';
import type { CallHooks, ChatAnswer, ChatModel, ChatRequest } from '../../../src/model/types.ts';
import { seededRandom, VirtualClock } from '../../../src/platform/index.ts';

export interface ServerOptions {
  readonly limits: RateLimits;
  readonly latencyMs: number;
  /** Whether headers say what is left. */
  readonly headers: boolean;
  /** When it answers nobody: from, to, in milliseconds since the start. */
  readonly outage?: readonly [number, number];
  readonly outputTokens?: (agent: string) => number;
}

export class LimitedServer implements ChatModel {
  readonly name = 'limited';
  readonly synthetic = true;
  /** When requests arrived, and whether they were let in. */
  readonly arrivals: { readonly at: number; readonly agent: string; readonly accepted: boolean }[] = [];
  readonly #clock: VirtualClock;
  readonly #options: ServerOptions;
  readonly #window: LimitWindow;
  readonly #random = seededRandom(77);
  tokens = 0;

  constructor(clock: VirtualClock, options: ServerOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#window = new LimitWindow(options.limits);
  }

  async complete(request: ChatRequest, signal: AbortSignal, hooks?: CallHooks): Promise<ChatAnswer> {
    const { latencyMs, outage } = this.#options;
    // The way there takes a few milliseconds, not always the same.
    await this.#clock.sleep(1 + Math.floor(this.#random() * 4), signal);
    const at = this.#clock.monotonic();
    const out = outage !== undefined && at >= outage[0] && at < outage[1];
    const input = Math.ceil(request.messages.reduce((sum, { content }) => sum + (content?.length ?? 0), 0) / 4);
    const output = this.#options.outputTokens?.(request.agent) ?? 20;
    const refusal = out ? null : (this.#window.check(at) ?? this.#window.take(input + output, at));
    this.arrivals.push({ at, agent: request.agent, accepted: !out && refusal === null });
    const said = this.#options.headers ? this.#window.headers(at) : [];
    const header = (name: string): string | null => {
      const index = said.indexOf(name);
      return index === -1 ? null : (said[index + 1] ?? null);
    };
    if (out) throw httpError({ status: 503, header: () => null, body: 'out', now: at });
    if (refusal !== null) {
      const wait = (name: string): string | null =>
        name === 'retry-after-ms' ? String(refusal.retryAfterMs) : header(name);
      throw httpError({ status: 429, header: wait, body: { error: { code: 'rate_limit_exceeded' } }, now: at });
    }
    this.tokens += input + output;
    await this.#clock.sleep(latencyMs, signal);
    const limits = readLimits(header);
    if (limits !== null) hooks?.onLimits?.(limits);
    return {
      model: this.name,
      synthetic: true,
      content: 'done',
      toolCalls: [],
      refusal: null,
      finishReason: 'stop',
      class: 'prose',
      usage: { input, cachedInput: 0, output },
      latencyMs,
      attempts: 1,
    };
  }

  async close(): Promise<void> {}
}

export interface Population {
  readonly agents: number;
  /** Calls of one agent, one after the other. */
  readonly callsOf: (index: number) => number;
  readonly levelOf?: (index: number) => number;
  readonly promptChars: number;
  readonly untilMs: number;
}

/** Lets a population call until all is done or the time is over. */
export const populate = async (
  server: ServerOptions,
  population: Population,
  options: Partial<GateOptions> = {},
): Promise<{ server: LimitedServer; gate: Gate; done: number[]; endedAt: number; errors: string[] }> => {
  const clock = new VirtualClock();
  const limited = new LimitedServer(clock, server);
  const gate = new Gate({ model: limited, clock, random: seededRandom(5), ...options });
  const done = Array.from({ length: population.agents }, () => 0);
  const errors: string[] = [];
  const progress = { open: population.agents };
  let endedAt = 0;
  const agent = async (index: number): Promise<void> => {
    const content = 'x'.repeat(population.promptChars);
    for (let call = 0; call < population.callsOf(index); call += 1) {
      await gate.complete(
        {
          agent: `a${index}`,
          run: 'r',
          level: population.levelOf?.(index) ?? 2,
          messages: [{ role: 'user', content }],
          tools: [],
        },
        { effectId: `a${index}/${call}/model`, signal: new AbortController().signal },
      );
      gate.release([`a${index}/${call}/model`]);
      done[index] = (done[index] ?? 0) + 1;
      endedAt = clock.monotonic();
    }
  };
  for (let index = 0; index < population.agents; index += 1) {
    void agent(index)
      .catch((error: unknown) => errors.push(String(error)))
      .finally(() => (progress.open -= 1));
  }
  while (progress.open > 0 && clock.monotonic() < population.untilMs) {
    // Everything that the last timer led to, then the next.
    for (let round = 0; round < 12; round += 1) await Promise.resolve();
    if (!clock.jump()) break;
  }
  return { server: limited, gate, done, endedAt, errors };
};
