/**
 * What a trial sees of its actors while it runs. All simulated threads are one real thread, so that actors can say what
 * they do at the moment in which they do it; what a dead thread still says does not count.
 */
import type { ActorRef } from '../../src/actor/index.ts';

/** One turn, as the actor's code sees it. */
export interface Turn {
  readonly key: string;
  readonly host: number;
  alive: boolean;
}

interface Solo {
  readonly max: number;
  readonly withinMs: number;
  readonly starts: number[];
  readonly failures: number[];
}

export class Observer {
  /** What is wrong, in the order in which it was seen. */
  readonly wrong: string[] = [];
  readonly counters: Record<string, number> = {};
  readonly nowMs: () => number;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #hosts: number;
  readonly #turns = new Map<string, Turn>();
  readonly #living = new Set<Turn>();
  /** Keys of actors that have stopped for good, as far as the main thread was told. */
  readonly #ended = new Set<string>();
  readonly #failuresLeft = new Map<string, number>();
  readonly #effects = new Map<string, number>();
  readonly #recorded = new Set<string>();
  readonly #watches = new Map<string, { readonly host: number; readonly watcher: string; readonly target: ActorRef }>();
  readonly #asks = new Map<string, { readonly host: number }>();
  readonly #solos = new Map<string, Solo>();
  /** Starts of members of teams, by team and place. */
  readonly teams = new Map<string, number[]>();

  constructor(hosts: number, nowMs: () => number, sleep: (ms: number) => Promise<void>) {
    this.#hosts = hosts;
    this.nowMs = nowMs;
    this.#sleep = sleep;
  }

  /** What a slow handler waits for. On a thread that has ended nothing goes on. */
  async sleep(turn: Turn, ms: number): Promise<void> {
    await this.#sleep(ms);
    if (!turn.alive) await new Promise(() => undefined);
  }

  count(what: string, by = 1): void {
    this.counters[what] = (this.counters[what] ?? 0) + by;
  }

  fault(words: string): void {
    if (this.wrong.length < 20) this.wrong.push(`${this.nowMs()} ms: ${words}`);
  }

  hostOf(shard: number): number {
    return shard % this.#hosts;
  }

  /** A thread has ended: nothing of it counts any more. */
  hostEnded(host: number): void {
    for (const turn of this.#living) {
      if (turn.host !== host) continue;
      turn.alive = false;
      this.#living.delete(turn);
      if (this.#turns.get(turn.key) === turn) this.#turns.delete(turn.key);
    }
    for (const [id, { host: of }] of this.#asks) if (of === host) this.#asks.delete(id);
    for (const [id, { host: of }] of this.#watches) if (of === host) this.#watches.delete(id);
  }

  /** A1 one turn at a time. */
  begin(key: string, self: ActorRef): Turn {
    const before = this.#turns.get(key);
    if (before !== undefined) this.fault(`A1 ${key} begins a turn within a turn`);
    if (this.#ended.has(key)) this.fault(`${key} runs, although its end was told`);
    const turn: Turn = { key, host: this.hostOf(self.shard), alive: true };
    this.#turns.set(key, turn);
    this.#living.add(turn);
    return turn;
  }

  end(turn: Turn): void {
    this.#living.delete(turn);
    if (this.#turns.get(turn.key) === turn) this.#turns.delete(turn.key);
  }

  /** The main thread was told that the actor has stopped. */
  ended(key: string): void {
    this.#ended.add(key);
  }

  hasEnded(key: string): boolean {
    return this.#ended.has(key);
  }

  /** True for the first `times` tries of something. */
  failsNow(nonce: string, times: number): boolean {
    const left = this.#failuresLeft.get(nonce) ?? times;
    this.#failuresLeft.set(nonce, left - 1);
    return left > 0;
  }

  /** D3, D6: an effect that was recorded does not run again; one that is made once runs once. */
  effectRuns(id: string, atMostOnce: boolean): void {
    const runs = (this.#effects.get(id) ?? 0) + 1;
    this.#effects.set(id, runs);
    if (this.#recorded.has(id)) this.fault(`D3 effect ${id} runs again, although it was recorded`);
    if (atMostOnce && runs > 1) this.fault(`D6 effect ${id} runs ${runs} times`);
    if (runs > 1) this.count('repeated effects');
  }

  effectRecorded(id: string): void {
    this.#recorded.add(id);
  }

  askOpened(turn: Turn, id: string): void {
    this.#asks.set(id, { host: turn.host });
  }

  askSettled(id: string): void {
    this.#asks.delete(id);
  }

  /** Asks of actors on threads that live, without an end (A5). */
  get openAsks(): readonly string[] {
    return [...this.#asks.keys()];
  }

  watchOpened(turn: Turn, watcher: string, target: ActorRef): void {
    this.#watches.set(`${watcher} watches ${target.name} ${target.id}`, { host: turn.host, watcher, target });
  }

  /** L2 once per watch. */
  watchTold(watcher: string, target: ActorRef, told: string): void {
    const id = `${watcher} watches ${told} ${target.id}`;
    const found = [...this.#watches.keys()].find(
      (key) => key.startsWith(`${watcher} `) && key.endsWith(` ${target.id}`),
    );
    if (found === undefined) this.fault(`L2 ${id}, and is told without having asked`);
    else this.#watches.delete(found);
  }

  /** Watches of actors on threads that live, of which nothing was heard (A6). */
  get openWatches(): readonly { readonly watcher: string; readonly target: ActorRef }[] {
    return [...this.#watches.values()];
  }

  /** An actor that decides alone about its restarts has got its state. */
  soloStarted(key: string, max: number, withinMs: number): void {
    const solo = this.#solos.get(key) ?? { max, withinMs, starts: [], failures: [] };
    this.#solos.set(key, solo);
    solo.starts.push(this.nowMs());
  }

  soloFails(key: string): void {
    this.#solos.get(key)?.failures.push(this.nowMs());
  }

  /** A9 by the letter: every restart that the window allows was made, and no other. @param certain it was left alone */
  judgeSolo(key: string, certain: boolean): void {
    const solo = this.#solos.get(key);
    if (solo === undefined) return;
    const { max, withinMs, starts, failures } = solo;
    const restarts = starts.slice(1);
    for (const at of restarts) {
      const within = restarts.filter((other) => other <= at && at - other < withinMs).length;
      if (within > max) {
        this.fault(
          `A9 ${key} was started again ${within} times within ${withinMs} ms, with ${max} allowed: ${String(starts)}`,
        );
        return;
      }
    }
    if (!certain) return;
    const expected: number[] = [];
    for (const at of failures) {
      if (expected.filter((other) => at - other < withinMs).length >= max) break;
      expected.push(at);
    }
    if (expected.length !== restarts.length) {
      this.fault(`A9 ${key} failed at ${String(failures)} and was started again at ${String(restarts)} only`);
    }
  }

  get solos(): readonly string[] {
    return [...this.#solos.keys()];
  }

  memberStarted(team: string, place: number): void {
    const starts = this.teams.get(`${team} ${place}`) ?? [];
    starts.push(this.nowMs());
    this.teams.set(`${team} ${place}`, starts);
  }
}

/** The observer of the trial under way: actors are loaded by their module and can be given nothing else. */
export const watching: { observer: Observer | null } = { observer: null };

export const observer = (): Observer => {
  if (watching.observer === null) throw new Error('no trial is under way');
  return watching.observer;
};
