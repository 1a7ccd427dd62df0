/**
 * The model as a service: the chat model of the run behind its gate. Methods: `complete release drain stats`. Main is
 * told with `{kind: 'model-stop', reason, error}` when going on is pointless.
 *
 * Invariants: M1 An answer is in the journal before anybody is told of it, and as soon as it arrives: whoever asks again
 * under its effect id gets the same answer, marked `joined`, in this process or a later one. M2 No key is in the options.
 */
import { z } from 'zod';
import {
  createRehearsal,
  Gate,
  parseRehearsalOptions,
  type ChatAnswer,
  type ChatModel,
  type ChatRequest,
} from '../../model/index.ts';
import { isCanary, seededRandom, systemClock, VirtualClock, type Clock, type Random } from '../../platform/index.ts';
import { errorToWire, toMegactorError } from '../../protocol/errors.ts';
import { hashString } from '../../protocol/ids.ts';
import type { CreateService, ServiceCallContext } from '../../protocol/service.ts';

const optionsSchema = z.strictObject({
  /** `rehearsal` or `openai:NAME`. */
  model: z.string().regex(/^(rehearsal|openai:.+)$/u),
  seed: z.int().nonnegative(),
  /** The content of a rehearsal file. */
  rehearsal: z.unknown().optional(),
  baseUrl: z.string().nullish(),
  agentHeaders: z.boolean().default(true),
  /** Most calls at once; absent: no cap until the server pushes back. */
  inFlightMax: z.int().positive().optional(),
  /** Longest time of one request to a server. */
  requestTimeoutMs: z.int().positive().optional(),
  /** Longest time of one call on the wire. */
  callDeadlineMs: z.int().positive().optional(),
  /**
   * Calls come one at a time; time is virtual and passes from timer to timer, and what is drawn depends on the call
   * alone. Only for a model that asks nobody.
   */
  deterministic: z.boolean().default(false),
});

/** Keys of the last call of each agent that left for the server: its effect id, and how many processes have sent it. */
const SENT = 'sent/';
const SENT_END = 'sent0';

const sentSchema = z.object({ effectId: z.string(), processes: z.int().positive() });

type Sent = z.output<typeof sentSchema>;

/** An answer with how it came about. */
export interface ServedAnswer extends ChatAnswer {
  /** Received before, and only handed out again. */
  readonly joined: boolean;
  /** How many processes had sent the same call and died before its answer was journaled. */
  readonly repeats: number;
}

export type ModelServiceOptions = z.input<typeof optionsSchema>;

const modelOf = async (options: z.output<typeof optionsSchema>, clock: Clock): Promise<ChatModel> => {
  if (options.model === 'rehearsal') {
    return createRehearsal(parseRehearsalOptions(options.rehearsal, options.seed), { clock });
  }
  const { createOpenAiModel } = await import('../../model/openai.ts');
  return createOpenAiModel({
    model: options.model.slice('openai:'.length),
    baseUrl: options.baseUrl ?? undefined,
    agentHeaders: options.agentHeaders,
    timeoutMs: options.requestTimeoutMs,
  });
};

export const createService: CreateService = async (raw, host) => {
  const options = optionsSchema.parse(raw);
  const clock = options.deterministic ? new VirtualClock({ selfDriven: true }) : systemClock;
  const model = await modelOf(options, clock);
  const store = host.store('model');
  /** Calls of earlier processes that had left for the server, by caller; those that come again are counted. */
  const sentBefore = new Map<string, Sent>();
  for (const [key, sent] of await store.range(SENT, SENT_END)) {
    sentBefore.set(key.slice(SENT.length), sentSchema.parse(sent));
  }
  const gate = new Gate({
    model,
    clock,
    random: options.deterministic ? () => drawn() : seededRandom(options.seed),
    inFlightMax: options.inFlightMax,
    deadlineMs: options.callDeadlineMs,
    onSent: (effectId) => {
      const agent = effectId.slice(0, effectId.indexOf('/'));
      const before = sentBefore.get(agent);
      const value: Sent = { effectId, processes: before?.effectId === effectId ? before.processes + 1 : 1 };
      const change = { key: `${SENT}${agent}`, value };
      // Not waited for: a call that is cut off before this is stored repeats uncounted, within a millisecond or so.
      // A store that fails ends the run at its next step, which writes to the same disk.
      store.commit({ effectId: null, result: null, changes: [change] }).catch(() => {});
    },
    onAnswer: async (effectId, answer) => {
      if (isCanary('effect-late')) return;
      await store.commit({ effectId, result: answer, changes: [] });
    },
  });
  gate.onStop((stop) => host.notify({ kind: 'model-stop', reason: stop.reason, error: errorToWire(stop.error) }));
  /** What a deterministic gate draws from: it begins anew with every call. */
  let drawn: Random = seededRandom(options.seed);
  /** The effect id of each agent's last call, in flight or answered. */
  const last = new Map<string, string>();

  const complete = async (request: ChatRequest, call: ServiceCallContext): Promise<ServedAnswer> => {
    const served = await serve(request, call);
    // Whether a process died in between must not show where runs are to be equal.
    return options.deterministic ? { ...served, joined: false } : served;
  };

  const serve = async (request: ChatRequest, call: ServiceCallContext): Promise<ServedAnswer> => {
    const { effectId, signal } = call;
    drawn = seededRandom(hashString(effectId ?? request.agent, options.seed));
    const before = last.get(request.agent);
    if (before !== undefined && before !== effectId) gate.release([before]);
    if (effectId === null) last.delete(request.agent);
    else last.set(request.agent, effectId);
    const joined = effectId !== null && before === effectId;
    try {
      const sent = sentBefore.get(request.agent);
      if (effectId === null || sent?.effectId !== effectId) {
        return { ...(await gate.complete(request, { effectId, signal })), joined, repeats: 0 };
      }
      const kept = await store.result(effectId);
      // The last one that sent it got the answer.
      if (kept !== undefined) return { ...(kept.result as ChatAnswer), joined: true, repeats: sent.processes - 1 };
      return { ...(await gate.complete(request, { effectId, signal })), joined, repeats: sent.processes };
    } catch (error) {
      // Only a call whose caller went away may still be answered; every other failure begins anew.
      if (toMegactorError(error).code !== 'ABORTED' && last.get(request.agent) === effectId) last.delete(request.agent);
      throw error;
    }
  };

  return {
    methods: {
      complete,
      release: (args: { effectIds: readonly string[] }) => gate.release(args.effectIds),
      drain: (args: { deadlineMs: number }) => gate.drain(args.deadlineMs),
      stats: () => gate.stats(),
    },
    close: async () => {
      await gate.drain(0);
      await model.close();
    },
  };
};
