/**
 * The soak itself, in a process of its own: rounds of the same work on 2 hosts of 8 shards, and after each round, when all
 * is quiet, a look at what the process holds; then systems with journals that start and stop. Prints one line of JSON.
 * Needs `--expose-gc`.
 * What it does not do: judge (judge.ts).
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ActorSystem, type SystemRef } from '../../src/runtime/index.ts';
import { caller, mayfly, nursery, probe, sink, source, ticker } from './actors.ts';
import { readHeap, type ThreadHeap } from './heap.ts';

export const SHARDS = 8;
export const HOSTS = 2;

export interface SoakSettings {
  readonly seed: number;
  /** Of a round, over all shards. */
  readonly messages: number;
  readonly spawns: number;
  readonly rounds: number;
  /** A look at maps takes a second: after every so many rounds. */
  readonly mapsEvery: number;
  /** The first round after which that is done; the first look makes some maps of its own. */
  readonly mapsFrom: number;
  /** Of systems, after the rounds. */
  readonly starts: number;
}

export interface ProcessSample {
  readonly round: number;
  readonly rssBytes: number;
  /** By thread: `main`, `host 0`, …, `service`. */
  readonly threads: Readonly<Record<string, ThreadHeap>>;
  readonly openFiles: number;
  readonly systemThreads: number;
  /** What keeps the process alive. */
  readonly handles: number;
}

export interface Sample extends ProcessSample {
  readonly mailboxDepth: number;
  readonly actors: number;
}

export interface SoakOutcome {
  readonly samples: readonly Sample[];
  /** One after each stop. */
  readonly starts: readonly ProcessSample[];
  /** What was done in all. */
  readonly counts: Readonly<Record<string, number>>;
  /** What came out otherwise than it should have. */
  readonly wrong: readonly string[];
}

const DEADLINE = { deadlineMs: 600_000 };
/** Of the main thread, per round. */
const MAIN_ASKS = 400;
const MAIN_SPAWNS = 100;
const TIMERS = 400;
const CALLS = 60;
const DEAD_LETTERS = 40;
/** More than the boxes hold, so that they are full before anybody measures. */
const DEAD_LETTERS_FIRST = 1_100;

const sampleProcess = (round: number, threads: Readonly<Record<string, ThreadHeap>>): ProcessSample => ({
  round,
  rssBytes: process.memoryUsage().rss,
  threads,
  openFiles: readdirSync('/proc/self/fd').length,
  systemThreads: readdirSync('/proc/self/task').length,
  handles: process.getActiveResourcesInfo().length,
});

class Soak {
  readonly #system: ActorSystem;
  readonly #settings: SoakSettings;
  readonly #sinks: SystemRef<(typeof sink)['messages']>[] = [];
  readonly #sources: SystemRef<(typeof source)['messages']>[] = [];
  readonly #nurseries: SystemRef<(typeof nursery)['messages']>[] = [];
  readonly #tickers: SystemRef<(typeof ticker)['messages']>[] = [];
  readonly #callers: SystemRef<(typeof caller)['messages']>[] = [];
  readonly #probes: SystemRef<(typeof probe)['messages']>[] = [];
  readonly #counts = { messages: 0, spawns: 0, asks: 0, cancelled: 0, watches: 0, timers: 0, calls: 0, deadLetters: 0 };
  readonly #signal = new AbortController().signal;
  #mainWatches = 0;

  constructor(system: ActorSystem, settings: SoakSettings) {
    this.#system = system;
    this.#settings = settings;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  async prepare(): Promise<void> {
    const system = this.#system;
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const on = { placement: { shard } };
      this.#sinks.push(await system.spawn(sink, undefined, on));
      this.#sources.push(await system.spawn(source, undefined, on));
      this.#nurseries.push(await system.spawn(nursery, undefined, on));
      this.#tickers.push(await system.spawn(ticker, undefined, on));
      this.#callers.push(await system.spawn(caller, undefined, on));
    }
    for (let shard = 0; shard < HOSTS; shard += 1) {
      this.#probes.push(await system.spawn(probe, undefined, { placement: { shard } }));
    }
    await this.#die(DEAD_LETTERS_FIRST);
  }

  async round(): Promise<void> {
    const { messages, spawns } = this.#settings;
    for (const ref of this.#nurseries) ref.tell('raise', Math.ceil(spawns / SHARDS));
    for (const ref of this.#tickers) ref.tell('tick', TIMERS);
    await Promise.all([this.#burst(messages), this.#askFromMain(), this.#spawnFromMain(), this.#call()]);
    await this.#die(DEAD_LETTERS);
    this.#counts.timers += TIMERS * SHARDS;
    this.#counts.spawns += Math.ceil(spawns / SHARDS) * SHARDS;
    this.#counts.watches += Math.ceil(spawns / SHARDS) * SHARDS;
    await this.#quiet();
  }

  async sample(round: number): Promise<Sample> {
    const { mapsEvery, mapsFrom } = this.#settings;
    const maps = round >= mapsFrom && round % mapsEvery === 0;
    const threads: Record<string, ThreadHeap> = { main: await readHeap(maps) };
    for (const [host, ref] of this.#probes.entries()) threads[`host ${host}`] = await ref.ask('heap', maps, DEADLINE);
    threads['service'] = (await this.#system.callService('echo', 'heap', maps, DEADLINE)) as ThreadHeap;
    return {
      ...sampleProcess(round, threads),
      mailboxDepth: this.#system.stats().total.mailboxDepth,
      actors: (await this.#system.actors()).length,
    };
  }

  /** What was sent arrived, who was spawned has ended. */
  async check(): Promise<string[]> {
    const wrong: string[] = [];
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
    const seen = sum(await Promise.all(this.#sinks.map((ref) => ref.ask('seen', undefined, DEADLINE))));
    if (seen !== this.#counts.messages) wrong.push(`${this.#counts.messages} messages were sent, ${seen} arrived`);
    const broods = await Promise.all(this.#nurseries.map((ref) => ref.ask('progress', undefined, DEADLINE)));
    const ended = sum(broods.map((brood) => brood.ended));
    const watched = this.#counts.watches - this.#mainWatches;
    if (ended !== watched) wrong.push(`${watched} were watched, ${ended} are known to have ended`);
    if (sum(broods.map((brood) => brood.failed)) === 0) wrong.push('nobody has failed');
    return wrong;
  }

  /** To a neighbour in the own shard, in another of the same host, and on the other host. */
  async #burst(messages: number): Promise<void> {
    const asks = await Promise.all(
      this.#sources.map((ref, shard) => {
        const to = [0, HOSTS, 1].map(
          (away) => this.#sinks[(shard + away) % SHARDS] as SystemRef<(typeof sink)['messages']>,
        );
        return ref.ask('burst', { to, count: Math.ceil(messages / SHARDS) }, DEADLINE);
      }),
    );
    this.#counts.asks += asks.reduce((total, n) => total + n, 0);
    this.#counts.messages += asks.reduce((total, n) => total + n * 80, 0);
  }

  async #askFromMain(): Promise<void> {
    for (let n = 0; n < MAIN_ASKS; n += SHARDS) {
      const signal = this.#signal;
      await Promise.all(this.#sinks.map((ref) => ref.ask('seen', undefined, { ...DEADLINE, signal })));
      const impatient = new AbortController();
      const given = this.#callers.map((ref) => ref.ask('late', undefined, { signal: impatient.signal }));
      impatient.abort();
      const settled = await Promise.allSettled(given);
      this.#counts.asks += SHARDS * 2;
      this.#counts.cancelled += settled.filter(({ status }) => status === 'rejected').length;
    }
  }

  async #spawnFromMain(): Promise<void> {
    for (let n = 0; n < MAIN_SPAWNS; n += 1) {
      const ref = await this.#system.spawn(mayfly, 2, { name: `of main ${n}` });
      const ended = this.#system.watch(ref, { signal: this.#signal });
      this.#system.stopActor(ref);
      await ended;
      this.#counts.spawns += 1;
      this.#counts.watches += 1;
      this.#mainWatches += 1;
    }
  }

  async #call(): Promise<void> {
    const calls = await Promise.all(this.#callers.map((ref) => ref.ask('call', CALLS, DEADLINE)));
    for (let n = 0; n < CALLS; n += 1) await this.#system.callService('echo', 'echo', n, { signal: this.#signal });
    this.#counts.calls += calls.reduce((total, n) => total + n, 0) + CALLS;
  }

  /** To nobody, on every shard. */
  async #die(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      for (let shard = 0; shard < SHARDS; shard += 1) this.#system.ref({ shard, id: 1, name: '' }).tell('live');
      if (n % 100 === 99) await Promise.all(this.#sinks.map((ref) => ref.ask('seen', undefined, DEADLINE)));
    }
    this.#counts.deadLetters += count * SHARDS;
  }

  /** Who is to end has ended, no timer is left, no mail waits. */
  async #quiet(): Promise<void> {
    for (;;) {
      const broods = await Promise.all(this.#nurseries.map((ref) => ref.ask('progress', undefined, DEADLINE)));
      const timers = await Promise.all(this.#tickers.map((ref) => ref.ask('left', undefined, DEADLINE)));
      const busy = broods.some(({ left }) => left > 0) || timers.some((left) => left > 0);
      if (!busy && this.#system.stats().total.mailboxDepth === 0) return;
      await setTimeout(5);
    }
  }
}

const service = { name: 'echo', module: new URL('./echo-service.ts', import.meta.url).href };

/** Looks at what is left of a system that has stopped, and between them. */
const LOOKS_MAX = 250;
const LOOK_EVERY_MS = 20;

/** Threads are joined and ports are closed a moment later, which is a long one on a busy machine; what stays, stays. */
const gone = async (before: ProcessSample | undefined): Promise<void> => {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    await setTimeout(LOOK_EVERY_MS);
    const { openFiles, systemThreads, handles } = sampleProcess(0, {});
    const isMore =
      before !== undefined &&
      (openFiles > before.openFiles || systemThreads > before.systemThreads || handles > before.handles);
    if (!isMore && !process.getActiveResourcesInfo().includes('MessagePort')) return;
  }
};

/** Systems that start, work a little, and stop. */
const startAndStop = async (count: number): Promise<ProcessSample[]> => {
  const samples: ProcessSample[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'megactor-soak-'));
  try {
    for (let round = 0; round < count; round += 1) {
      const journal = { directory, durability: 'committed' } as const;
      const system = await ActorSystem.start({ threads: 1, shards: 2, journal, services: [service] });
      const ref = await system.spawn(sink, undefined, { durable: true });
      ref.tell('put', round);
      await ref.ask('seen', undefined, DEADLINE);
      const ended = system.watch(ref);
      system.stopActor(ref);
      await ended;
      await system.stop();
      await gone(samples.at(-1));
      samples.push(sampleProcess(round, { main: await readHeap(round > 0) }));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return samples;
};

const soak = async (settings: SoakSettings): Promise<Omit<SoakOutcome, 'starts'>> => {
  const { seed } = settings;
  // A snapshot of a heap may take longer than an actor may hold its thread.
  const system = await ActorSystem.start({
    threads: HOSTS,
    shards: SHARDS,
    seed,
    services: [service],
    blockedAfterMs: 0,
  });
  try {
    const work = new Soak(system, settings);
    await work.prepare();
    const samples: Sample[] = [];
    for (let round = 0; round < settings.rounds; round += 1) {
      await work.round();
      samples.push(await work.sample(round));
      const { rssBytes } = samples.at(-1) as Sample;
      process.stderr.write(`round ${round + 1} of ${settings.rounds}: ${Math.round(rssBytes / 1e6)} MB\n`);
    }
    return { samples, counts: work.counts, wrong: await work.check() };
  } finally {
    await system.stop();
  }
};

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2] ?? '') as SoakSettings;
  const outcome: SoakOutcome = { ...(await soak(settings)), starts: await startAndStop(settings.starts) };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
