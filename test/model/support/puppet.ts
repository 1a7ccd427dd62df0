/** A gate over a model whose answers the test gives, on a clock that the test moves. */
import { Gate, type GateOptions } from '../../../src/model/gate/gate.ts';
import { seededRandom } from '../../../src/platform/index.ts';
import { MegactorError, type ErrorCode } from '../../../src/protocol/errors.ts';
import type { ChatAnswer, ChatModel, ChatRequest } from '../../../src/model/types.ts';
import { ManualClock } from './manual-clock.ts';

export const never = new AbortController().signal;

export const request = (agent: string, level = 2, deadlineMs?: number): ChatRequest => ({
  agent,
  run: 'r',
  level,
  messages: [],
  tools: [],
  ...(deadlineMs === undefined ? {} : { deadlineMs }),
});

const answer = (content: string, model: string): ChatAnswer => ({
  model,
  synthetic: true,
  content,
  toolCalls: [],
  refusal: null,
  finishReason: 'stop',
  class: 'prose',
  usage: { input: 10, cachedInput: 4, output: 2 },
  latencyMs: 0,
  attempts: 1,
});

export interface Sent {
  readonly agent: string;
  readonly at: number;
  readonly signal: AbortSignal;
  ok(): void;
  fail(code: ErrorCode, details?: Record<string, unknown>): void;
}

/** A model whose answers the test gives. */
export class PuppetModel implements ChatModel {
  readonly name: string;
  readonly synthetic = true;
  readonly sent: Sent[] = [];
  readonly #clock: ManualClock;

  constructor(clock: ManualClock, name = 'puppet') {
    this.#clock = clock;
    this.name = name;
  }

  complete(request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> {
    return new Promise((resolve, reject) => {
      this.sent.push({
        agent: request.agent,
        at: this.#clock.monotonic(),
        signal,
        ok: () => resolve(answer(request.agent, this.name)),
        fail: (code, details = {}) => reject(new MegactorError(code, code, { details })),
      });
      signal.addEventListener('abort', () => reject(new MegactorError('ABORTED', 'aborted')));
    });
  }

  async close(): Promise<void> {}

  get agents(): string[] {
    return this.sent.map((one) => one.agent);
  }

  last(): Sent {
    return this.sent.at(-1) as Sent;
  }
}

export const setUp = (options: Partial<GateOptions> = {}) => {
  const clock = new ManualClock();
  const model = new PuppetModel(clock);
  const gate = new Gate({ model, clock, random: seededRandom(1), ...options });
  const outcomes: Record<string, string> = {};
  const call = (name: string, level = 2, signal = never, deadlineMs?: number): Promise<void> =>
    gate.complete(request(name, level, deadlineMs), { effectId: `${name}/1/model`, signal }).then(
      (got) => void (outcomes[name] = `${got.content} after ${got.attempts}`),
      (error: unknown) => void (outcomes[name] = (error as MegactorError).code),
    );
  /** Another agent gets an answer, so that the server is known to live. */
  const alive = async (): Promise<void> => {
    void call(`alive-${model.sent.length}`, 0);
    model.last().ok();
    await ManualClock.settle();
  };
  return { clock, model, gate, outcomes, call, alive };
};

export const settle = ManualClock.settle;
