/** Everything a shard keeps of one actor. Data only: turns, life and durable steps are modules of their own. */
import { Mailbox, NO_RESTARTS, type ActorOptions, type ActorRef, type RestartHistory } from '../actor/index.ts';
import type { ActorRecord } from '../journal/shard-log.ts';
import { MAIN_SHARD, type ActorAddress } from '../protocol/ids.ts';
import type { Random, TimerHandle } from '../platform/index.ts';
import type { CellContext } from './cell-context.ts';
import type { Children, Sibling } from './children.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import type { DurableCell } from './durable-cell.ts';
import type { MailboxItem, MailEnvelope } from './envelope.ts';
import type { Supervising } from './supervision.ts';

/**
 * - `starting`: its definition is being loaded, or its spawn journaled.
 * - `idle`: no mail. `polling`: waits a little for more mail. `queued`: in the run queue. `running`: a turn is under way.
 * - `restarting`: waits for its children to stop and for its backoff. `stopping`: waits for its children.
 * - `passive`: its record and state are in the journal alone; whatever is sent to its id brings it back as a new cell.
 * - `abandoned`: its turn was given up when the system stopped; nothing of it counts any more.
 */
export type CellStatus =
  | 'starting'
  | 'idle'
  | 'polling'
  | 'queued'
  | 'running'
  | 'restarting'
  | 'stopping'
  | 'stopped'
  | 'passive'
  | 'abandoned';

/** Why the life of an actor is to be interrupted. */
export interface StopRequest {
  readonly reason: string;
  /**
   * `self` after its own `ctx.stop()`; `failure` when it may not be restarted; `asked`: somebody else's wish. Two do not
   * end it: `halt`: its supervisor wants it to wait for its siblings; `child`: a child of it used up its restarts, so it
   * fails itself.
   */
  readonly by: 'self' | 'asked' | 'failure' | 'halt' | 'child';
  /** With `failure`: its restarts are used up. */
  readonly exceeded?: boolean;
  /** With `halt`: the number of the order. */
  readonly order?: number;
}

/** True when a wish to stop for good goes before it. */
export const isPassing = (request: StopRequest | null): boolean =>
  request === null || request.by === 'halt' || request.by === 'child';

/** What an actor that does not go on by itself has told its supervisor, or will once its own children have stopped. */
export interface Waiting {
  readonly report: 'failed' | 'halted';
  readonly order: number;
  readonly reason: string;
  readonly delayMs: number;
  told: boolean;
}

/** The order in which the children of an actor stop: one after the other, the last one first. */
export interface Leaving {
  readonly line: Sibling[];
  /** The one that was asked to stop. */
  asked: number;
  /** Guards against stops within stops. */
  busy: boolean;
}

/** Shared by all actors that are not in a turn; never written to. */
export const NO_ITEMS: MailboxItem[] = [];

/** The ancestors of a child of `cell`; of those above an ephemeral one only the next is known. */
export const ancestorsBelow = (cell: ActorCell): readonly ActorAddress[] => {
  const { parent } = cell;
  const above = cell.options.ancestors ?? [];
  return parent === null || parent.shard === MAIN_SHARD ? above : [{ shard: parent.shard, id: parent.id }, ...above];
};

/** What most actors do not have, so that an idle one is small. */
class RareParts {
  /** Children that stop one by one, because this actor stops or starts again. */
  leaving: Leaving | null = null;
  /** What it knows as a supervisor; null before the first restart among its children that it decides about. */
  supervising: Supervising | null = null;
  /** It is held until its supervisor decides. */
  waiting: Waiting | null = null;
  /** The order to start that is answered once it has. */
  upOrder = 0;
  /** By id; null stands for the main thread, under the key −1. */
  watchers: Map<number, ActorRef | null> | null = null;
  watching: Map<number, ActorRef> | null = null;
  timers: Map<string, TimerHandle> | null = null;
  stash: MailEnvelope[] | null = null;
  /** The one timer of the runtime itself: poll interval, restart backoff, or the limit of a forced stop. */
  pause: TimerHandle | null = null;
  /** How long it waits for more mail, when it has set that itself. */
  ownPollMs: number | null = null;
  /** When the wait for more mail under way ends, whatever comes; on the monotonic clock. */
  pollsUntilMs = 0;
  abort: AbortController | null = null;
  restarts: RestartHistory = NO_RESTARTS;
  restartCount = 0;
  /** Position of the message that ended a host; it dies for a reason of its own. */
  poison = -1;
  children: Children | null = null;
  stopRequest: StopRequest | null = null;
  /** Of an ephemeral actor. */
  random: Random | null = null;
}

/** What is read of an actor without any of them; never written to. */
const NONE = new RareParts();

/** What actors of one definition and one set of options share. */
export interface Origin {
  /** A module id. */
  readonly module: string;
  readonly export: string;
  readonly options: ActorOptions;
  /** null until somebody asked for it when it was here. */
  loaded: LoadedDefinition | null;
}

/** It is its own mailbox, and its own link among its siblings: an object more for every actor would show. */
export class ActorCell extends Mailbox<MailboxItem> implements Sibling {
  #rare: RareParts | null = null;
  readonly ref: ActorRef;
  readonly origin: Origin;
  readonly init: unknown;
  readonly parent: ActorAddress | null;
  /** null for an ephemeral actor. */
  readonly durable: DurableCell | null;
  definition: LoadedDefinition | null = null;
  status: CellStatus = 'starting';
  state: unknown = undefined;
  context: CellContext | null = null;
  /** Grows with every turn, so that what belongs to a turn that was given up can be told. */
  turn = 0;
  /** The mail being handled, unless the shard has it in hand. */
  current: MailEnvelope | null = null;
  /** What the turn under way has taken, for whoever has to settle it when the turn is given up. */
  batch: MailboxItem[] = NO_ITEMS;
  /** Its `onStart` is to run. */
  begins = false;
  family: Children | null = null;
  before: Sibling | null = null;
  after: Sibling | null = null;

  constructor(ref: ActorRef, origin: Origin, init: unknown, parent: ActorAddress | null, durable: DurableCell | null) {
    super(origin.options.mailbox);
    this.ref = ref;
    this.origin = origin;
    this.init = init;
    this.parent = parent;
    this.durable = durable;
  }

  /** The cell of an actor that somebody else has made a record of. */
  static of(shard: number, record: ActorRecord, durable: DurableCell | null): ActorCell {
    const { id, name, module, export: exportName, init, parent } = record;
    const origin = { module, export: exportName, options: record.options as ActorOptions, loaded: null };
    return new ActorCell({ shard, id, name }, origin, init, parent, durable);
  }

  get record(): ActorRecord {
    const { ref, origin, init, parent } = this;
    const { module, export: exportName, options } = origin;
    return { id: ref.id, name: ref.name, module, export: exportName, init, parent, options };
  }

  get isDurable(): boolean {
    return this.durable !== null;
  }

  get mailbox(): Mailbox<MailboxItem> {
    return this;
  }

  /** A tell to this actor, from its own shard or in an order that no journal keeps. */
  mailOf(type: string, body: unknown, from: ActorRef | null): MailEnvelope {
    const { shard, id: to } = this.ref;
    return { kind: 'mail', shard, source: shard, to, from, type, body, ask: 0, seq: -1 };
  }

  protected override wholeOf(type: string, body: unknown, from: ActorRef | null): MailEnvelope {
    return this.mailOf(type, body, from);
  }

  /** True when nothing but the ordinary follows the end of a turn that went well. */
  get isPlain(): boolean {
    return this.#rare === null;
  }

  get leaving(): RareParts['leaving'] {
    return (this.#rare ?? NONE).leaving;
  }

  set leaving(value: RareParts['leaving']) {
    if (this.#rare !== null || value !== NONE.leaving) this.parts().leaving = value;
  }

  get supervising(): RareParts['supervising'] {
    return (this.#rare ?? NONE).supervising;
  }

  set supervising(value: RareParts['supervising']) {
    if (this.#rare !== null || value !== NONE.supervising) this.parts().supervising = value;
  }

  get waiting(): RareParts['waiting'] {
    return (this.#rare ?? NONE).waiting;
  }

  set waiting(value: RareParts['waiting']) {
    if (this.#rare !== null || value !== NONE.waiting) this.parts().waiting = value;
  }

  get upOrder(): RareParts['upOrder'] {
    return (this.#rare ?? NONE).upOrder;
  }

  set upOrder(value: RareParts['upOrder']) {
    if (this.#rare !== null || value !== NONE.upOrder) this.parts().upOrder = value;
  }

  get watchers(): RareParts['watchers'] {
    return (this.#rare ?? NONE).watchers;
  }

  set watchers(value: RareParts['watchers']) {
    if (this.#rare !== null || value !== NONE.watchers) this.parts().watchers = value;
  }

  get watching(): RareParts['watching'] {
    return (this.#rare ?? NONE).watching;
  }

  set watching(value: RareParts['watching']) {
    if (this.#rare !== null || value !== NONE.watching) this.parts().watching = value;
  }

  get timers(): RareParts['timers'] {
    return (this.#rare ?? NONE).timers;
  }

  set timers(value: RareParts['timers']) {
    if (this.#rare !== null || value !== NONE.timers) this.parts().timers = value;
  }

  get stash(): RareParts['stash'] {
    return (this.#rare ?? NONE).stash;
  }

  set stash(value: RareParts['stash']) {
    if (this.#rare !== null || value !== NONE.stash) this.parts().stash = value;
  }

  /** How long it waits for more mail when it is idle. */
  get pollMs(): number {
    return (this.#rare ?? NONE).ownPollMs ?? this.options.pollIntervalMs;
  }

  set pollMs(value: number) {
    if (value !== this.pollMs) this.parts().ownPollMs = value;
  }

  get pollsUntilMs(): number {
    return (this.#rare ?? NONE).pollsUntilMs;
  }

  set pollsUntilMs(value: number) {
    this.parts().pollsUntilMs = value;
  }

  get pause(): RareParts['pause'] {
    return (this.#rare ?? NONE).pause;
  }

  set pause(value: RareParts['pause']) {
    if (this.#rare !== null || value !== NONE.pause) this.parts().pause = value;
  }

  get abort(): RareParts['abort'] {
    return (this.#rare ?? NONE).abort;
  }

  set abort(value: RareParts['abort']) {
    if (this.#rare !== null || value !== NONE.abort) this.parts().abort = value;
  }

  get restarts(): RareParts['restarts'] {
    return (this.#rare ?? NONE).restarts;
  }

  set restarts(value: RareParts['restarts']) {
    if (this.#rare !== null || value !== NONE.restarts) this.parts().restarts = value;
  }

  get restartCount(): RareParts['restartCount'] {
    return (this.#rare ?? NONE).restartCount;
  }

  set restartCount(value: RareParts['restartCount']) {
    if (this.#rare !== null || value !== NONE.restartCount) this.parts().restartCount = value;
  }

  get children(): RareParts['children'] {
    return (this.#rare ?? NONE).children;
  }

  set children(value: RareParts['children']) {
    if (this.#rare !== null || value !== NONE.children) this.parts().children = value;
  }

  get stopRequest(): RareParts['stopRequest'] {
    return (this.#rare ?? NONE).stopRequest;
  }

  set stopRequest(value: RareParts['stopRequest']) {
    if (this.#rare !== null || value !== NONE.stopRequest) this.parts().stopRequest = value;
  }

  get random(): RareParts['random'] {
    return (this.#rare ?? NONE).random;
  }

  set random(value: RareParts['random']) {
    if (this.#rare !== null || value !== NONE.random) this.parts().random = value;
  }

  get poison(): number {
    return (this.#rare ?? NONE).poison;
  }

  set poison(value: number) {
    if (this.#rare !== null || value !== NONE.poison) this.parts().poison = value;
  }

  get options(): ActorOptions {
    return this.origin.options;
  }

  /** True for an actor at work, or ready for it. */
  get isOpen(): boolean {
    const { status } = this;
    return status === 'queued' || status === 'idle' || status === 'running';
  }

  /** True when no message will ever be handled any more. */
  get ended(): boolean {
    return this.status === 'stopped' || this.status === 'stopping' || this.status === 'abandoned';
  }

  endPause(): void {
    if (this.#rare === null) return;
    this.#rare.pause?.cancel();
    this.#rare.pause = null;
  }

  private parts(): RareParts {
    this.#rare ??= new RareParts();
    return this.#rare;
  }
}
