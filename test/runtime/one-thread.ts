/** Shards in one thread, on a manual clock, with messages passed through the codec. */
import type { ActorRef, AnyDefinition, SpawnOptions } from '../../src/actor/index.ts';
import { deepCopy, resolveSpawnOptions } from '../../src/actor/index.ts';
import type { JournalClient, ShardLog } from '../../src/journal/shard-log.ts';
import { MAIN_SHARD } from '../../src/protocol/ids.ts';
import { AskTable } from '../../src/runtime/ask-table.ts';
import { DefinitionLoader } from '../../src/runtime/definition-loader.ts';
import type { Envelope } from '../../src/runtime/envelope.ts';
import { Shard } from '../../src/runtime/shard.ts';
import type { ServiceCaller, ShardLimits } from '../../src/runtime/shard-core.ts';
import { spawnRecord } from '../../src/runtime/spawn-record.ts';
import { CounterRow, createCounterMemory, type EventInput } from '../../src/telemetry/index.ts';
import { ManualClock } from './manual-clock.ts';

export const FIXTURES = 'test:fixtures';

export interface WorldOptions {
  readonly shards?: number;
  readonly incarnation?: number;
  readonly limits?: Partial<ShardLimits>;
  readonly journal?: { shard(shard: number): ShardLog; deliver: JournalClient['deliver'] };
  readonly callService?: ServiceCaller;
  /** Keep envelopes between shards until `flush`, and acknowledge them as a link would. */
  readonly slowLinks?: boolean;
  /** What the loading of modules waits for. */
  readonly loading?: Promise<void>;
  /** Default true: what is said within a shard passes through the codec, too. */
  readonly checkMail?: boolean;
  /** Where the clock starts, milliseconds since the epoch. */
  readonly nowMs?: number;
}

export class World {
  readonly clock: ManualClock;
  readonly shards: Shard[] = [];
  readonly counters: CounterRow[] = [];
  readonly events: EventInput[] = [];
  readonly failures: Error[] = [];
  /** Signals for watchers in the main thread. */
  readonly mainSignals: Envelope[] = [];
  readonly #asks: AskTable;
  readonly #inFlight: Envelope[] = [];
  readonly #count: number;
  readonly #make: (shard: number, again: number) => Shard;
  readonly #lifeOf = new Map<number, number>();
  #lives = 0;
  #ids = 0;

  /** @param definitions the exports of one module that is only in memory: `defineActor(FIXTURES, name, …)` */
  constructor(definitions: Record<string, unknown>, options: WorldOptions = {}) {
    this.#count = options.shards ?? 1;
    this.clock = new ManualClock(options.nowMs);
    this.#asks = new AskTable(this.clock);
    const memory = createCounterMemory(this.#count);
    const { loading = Promise.resolve() } = options;
    const loader = new DefinitionLoader(() => loading.then(() => definitions));
    for (let shard = 0; shard < this.#count; shard += 1) this.counters.push(new CounterRow(memory, shard));
    this.#make = (shard, again) =>
      new Shard({
        shard,
        shards: this.#count,
        seed: 1,
        incarnation: (options.incarnation ?? 0) + again,
        clock: this.clock,
        random: () => 0.5,
        links: {
          // A thread that died sends nothing, whatever its clock still calls.
          send: (envelope) =>
            (this.#lifeOf.get(shard) ?? 0) === again ? this.#carry(envelope, options.slowLinks === true) : 'refused',
        },
        log: options.journal?.shard(shard) ?? null,
        journal: options.journal ?? null,
        callService: options.callService ?? (() => Promise.reject(new Error('no services'))),
        loader,
        counters: this.counters[shard] as CounterRow,
        onEvent: (event) => this.events.push(event),
        onFailure: (error) => {
          if ((this.#lifeOf.get(shard) ?? 0) === again) this.failures.push(error);
        },
        checkMail: options.checkMail ?? true,
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      });
    for (let shard = 0; shard < this.#count; shard += 1) this.shards.push(this.#make(shard, 0));
  }

  /** The thread of `shard` dies with what was on its way to it, and another takes over what the journal holds. */
  async restart(shard: number): Promise<void> {
    const dead = new Set([shard]);
    const others = this.shards.filter((_, index) => index !== shard);
    for (const other of others) other.peersDied(dead);
    this.#lives += 1;
    this.#lifeOf.set(shard, this.#lives);
    this.#inFlight.splice(0, Infinity, ...this.#inFlight.filter((envelope) => envelope.shard !== shard));
    const next = this.#make(shard, this.#lives);
    this.shards[shard] = next;
    await next.open();
    next.start();
    for (const other of others) other.peersBack(dead);
  }

  /** What slow links hold is lost. */
  lose(): void {
    this.#inFlight.length = 0;
  }

  async start(): Promise<this> {
    for (const shard of this.shards) await shard.open();
    for (const shard of this.shards) shard.start();
    return this;
  }

  async spawn(definition: unknown, init: unknown, options?: SpawnOptions): Promise<ActorRef> {
    const { record, shard } = spawnRecord(definition as AnyDefinition, init, options, resolveSpawnOptions(options), {
      shards: this.#count,
      allocate: () => (this.#ids += 1) * 256 + 255,
      nextShard: () => 0,
      parent: null,
      ancestors: [],
    });
    const spawned = this.shards[shard]?.spawn(record, options?.durable === true);
    // The test looks at it once the clock has settled.
    spawned?.catch(() => undefined);
    await this.clock.settle();
    await spawned;
    return { shard, id: record.id, name: record.name };
  }

  tell(ref: ActorRef, type: string, body?: unknown, from: ActorRef | null = null): boolean {
    const { shard, id: to } = ref;
    const mail = { kind: 'mail', shard, source: MAIN_SHARD, to, from, type, body, ask: 0, seq: -1 } as const;
    return this.shards[shard]?.receive(mail) ?? false;
  }

  /** Asks without waiting for the clock. */
  askSoon(ref: ActorRef, type: string, body?: unknown, deadlineMs = 5_000): Promise<unknown> {
    const { shard, id: to } = ref;
    const answer = this.#asks.open(shard, deadlineMs, type, (ask) =>
      this.shards[shard]?.receive({
        kind: 'mail',
        shard,
        source: MAIN_SHARD,
        to,
        from: null,
        type,
        body,
        ask,
        seq: -1,
      }),
    );
    // The test looks at it later.
    answer.catch(() => undefined);
    return answer;
  }

  async ask(ref: ActorRef, type: string, body?: unknown): Promise<unknown> {
    const answer = this.askSoon(ref, type, body);
    await this.clock.settle();
    return answer;
  }

  watch(ref: ActorRef): void {
    const { shard, id: to } = ref;
    this.shards[shard]?.receive({ kind: 'watch', shard, source: MAIN_SHARD, to, watcher: null, as: 'watcher' });
  }

  stop(ref: ActorRef): void {
    const { shard, id: to } = ref;
    const signal = { kind: 'stop', reason: 'test' } as const;
    this.shards[shard]?.receive({ kind: 'signal', shard, source: MAIN_SHARD, to, from: ref, signal, seq: -1 });
  }

  /** Lets what slow links hold arrive; acknowledgements come at once. */
  async flush(): Promise<void> {
    for (const envelope of this.#inFlight.splice(0)) {
      this.shards[envelope.shard]?.receive(envelope);
      const { shard, source } = envelope;
      this.shards[source]?.receive({ kind: 'credit', shard: source, source: shard, count: 1 });
    }
    await this.clock.settle();
  }

  get inFlight(): number {
    return this.#inFlight.length;
  }

  #carry(envelope: Envelope, slow: boolean): 'local' | 'queued' {
    if (envelope.shard === MAIN_SHARD) {
      if (envelope.kind === 'reply') this.#asks.settle(envelope.ask, envelope.value, envelope.error);
      else if (envelope.kind === 'signal') this.mainSignals.push(envelope);
      return 'local';
    }
    if (slow) {
      this.#inFlight.push(envelope);
      return 'queued';
    }
    this.shards[envelope.shard]?.receive(deepCopy(envelope));
    return 'local';
  }
}
