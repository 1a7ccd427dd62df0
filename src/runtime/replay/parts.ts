/**
 * The parts of a shard as a replay needs them: the runtime's own steps, with time that stands where the log says, a log
 * that only compares, and outside calls that are answered with what was recorded. They decide nothing.
 *
 * Invariants: R1 Nothing leaves: no call reaches a service, no envelope a link, no entry a journal. R2 Nothing begins by
 * itself: no timer fires, no turn starts but the one that the replay starts, nobody is restarted or stopped.
 */
import { deepCopy, type ActorRef, type EffectOptions } from '../../actor/index.ts';
import type { LogAppend, ShardLog, StepEntry } from '../../journal/shard-log.ts';
import type { Clock, TimerHandle } from '../../platform/index.ts';
import { errorFromWire, errorToWire, MegactorError, toMegactorError, type ErrorWire } from '../../protocol/errors.ts';
import { CounterRow, createCounterMemory } from '../../telemetry/index.ts';
import type { ActorCell } from '../cell.ts';
import type { DefinitionLoader } from '../definition-loader.ts';
import type { DurableCell } from '../durable-cell.ts';
import { DurableSteps } from '../durable-steps.ts';
import { REJECTED_PREFIX } from '../effects.ts';
import type { Envelope, Signal } from '../envelope.ts';
import { Life } from '../life.ts';
import { ShardCore } from '../shard-core.ts';

const NO_TIMER: TimerHandle = { cancel: () => undefined };

/** Time as the step in progress has seen it. */
export class ReplayClock implements Clock {
  nowMs = 0;
  now = (): number => this.nowMs;
  monotonic = (): number => 0;
  after = (): TimerHandle => NO_TIMER;
  every = (): TimerHandle => NO_TIMER;
  soon = (): void => undefined;
  sleep = (): Promise<void> => Promise.resolve();
}

/** What the log holds of the step that is under way. */
export interface RecordedStep {
  readonly entry: StepEntry;
  /** Results by key, recorded on their own or with the step. */
  readonly effects: ReadonlyMap<string, unknown>;
  readonly sent: LogAppend['outgoing'];
}

/** What the parts tell of the step that is under way, and ask about it. */
export interface ReplayedStep {
  readonly recorded: RecordedStep | null;
  /** A result was asked for that the log does not have. */
  missing(key: string): void;
  /** @returns when the actor may go on */
  appended(group: LogAppend): Promise<void>;
  /** The turn is over. */
  ended(): void;
  failed(error: MegactorError): void;
}

const notReplayed = (what: string): MegactorError =>
  new MegactorError('ABORTED', `${what} is not in the log, and a replay asks nobody`);

class ReplayCore extends ShardCore {
  /** The shard of the spawn that comes next. */
  spawnShard: () => number = () => 0;

  override nextShard(): number {
    return this.spawnShard();
  }
}

class ReplayLife extends Life {
  readonly #step: ReplayedStep;

  constructor(core: ShardCore, step: ReplayedStep) {
    super(core);
    this.#step = step;
  }

  override turnWentWell(): void {
    this.#step.ended();
  }

  override failed(_cell: ActorCell, thrown: unknown): void {
    this.#step.failed(toMegactorError(thrown, 'ACTOR_FAILED'));
  }

  override startFailed(_cell: ActorCell, error: MegactorError): void {
    this.#step.failed(error);
  }

  /** The log says when it has stopped. */
  override stopNow(cell: ActorCell): void {
    cell.status = 'idle';
  }
}

class ReplaySteps extends DurableSteps {
  readonly #core: ShardCore;
  readonly #step: ReplayedStep;
  readonly #isDurable: (id: number) => boolean;

  constructor(core: ShardCore, life: Life, step: ReplayedStep, isDurable: (id: number) => boolean) {
    super(core, life);
    this.#core = core;
    this.#step = step;
    this.#isDurable = isDurable;
  }

  override effect(
    cell: ActorCell,
    durable: DurableCell,
    key: string,
    _run: () => Promise<unknown>,
    options: EffectOptions | undefined,
  ): Promise<unknown> {
    return super.effect(cell, durable, key, () => this.#result(key), options);
  }

  override sendMail(cell: ActorCell, to: ActorRef, type: string, body: unknown): void {
    if (!this.#wentPastTheLog(to)) super.sendMail(cell, to, type, body);
  }

  override sendSignal(cell: ActorCell, to: ActorRef, signal: Signal): void {
    if (!this.#wentPastTheLog(to)) super.sendSignal(cell, to, signal);
  }

  #result(key: string): Promise<unknown> {
    const effects = this.#step.recorded?.effects;
    const rejection = effects?.get(REJECTED_PREFIX + key);
    if (rejection !== undefined) return Promise.reject(errorFromWire(rejection as ErrorWire));
    // The handler may change what it is given; the record stays as it is.
    if (effects?.has(key) === true) return Promise.resolve(deepCopy(effects.get(key)));
    this.#step.missing(key);
    return Promise.reject(notReplayed(`the result of '${key}'`));
  }

  /** What is sent to an ephemeral actor of the same shard is in no log. */
  #wentPastTheLog(to: ActorRef): boolean {
    if (to.shard !== this.#core.shard || this.#isDurable(to.id)) return false;
    const isTo = ({ shard, entry }: LogAppend['outgoing'][number]): boolean =>
      shard === to.shard &&
      (entry.kind === 'mail'
        ? entry.mail.to === to.id
        : entry.kind === 'signal'
          ? entry.to === to.id
          : entry.actor.id === to.id);
    return !(this.#step.recorded?.sent ?? []).some(isTo);
  }
}

/** A log that takes what it is given to the step in progress. */
const replayLog = (shard: number, step: ReplayedStep): ShardLog => ({
  shard,
  position: 0,
  open: () => Promise.reject(notReplayed('an opening')),
  append: (group) => step.appended(group),
  snapshot: () => Promise.resolve(),
  load: () => Promise.resolve([]),
  find: () => Promise.resolve(null),
  read: () => Promise.resolve([]),
  close: () => Promise.resolve(),
});

export interface ReplayParts {
  readonly clock: ReplayClock;
  readonly core: ReplayCore;
  readonly life: Life;
  readonly steps: DurableSteps;
}

export interface ReplayOptions {
  readonly shard: number;
  readonly shards: number;
  readonly seed: number;
  readonly loader: DefinitionLoader;
}

/** @param isDurable whether an actor of this shard is, or was */
export const replayParts = (
  { shard, shards, seed, loader }: ReplayOptions,
  step: ReplayedStep,
  isDurable: (id: number) => boolean,
): ReplayParts => {
  const clock = new ReplayClock();
  const core = new ReplayCore({
    shard,
    shards,
    seed,
    incarnation: 0,
    clock,
    random: () => 0,
    links: { send: () => 'refused' },
    log: replayLog(shard, step),
    journal: null,
    callService: (service, method) => Promise.reject(notReplayed(`the answer of ${service} to '${method}'`)),
    loader,
    counters: new CounterRow(createCounterMemory(1), 0),
    onEvent: () => undefined,
    onFailure: (error) => step.failed(error),
    limits: {
      passivateAfterMs: Infinity,
      residentMax: Infinity,
      checkpointEntries: Infinity,
      checkpointBytes: Infinity,
    },
  });
  core.paused = true;
  // Whoever asks another actor gets a failure, from links as from here.
  const receive = (envelope: Envelope): boolean => {
    if (envelope.kind === 'reply') core.asks.settle(envelope.ask, envelope.value, envelope.error);
    if (envelope.kind === 'mail' && envelope.ask !== 0) {
      core.asks.settle(envelope.ask, undefined, errorToWire(notReplayed('the reply of an actor')));
    }
    return false;
  };
  core.connect(() => undefined, receive);
  const life = new ReplayLife(core, step);
  const steps = new ReplaySteps(core, life, step, isDurable);
  life.connect(steps, null);
  return { clock, core, life, steps };
};
