/**
 * The order in which waiting calls are sent: level first, within a level the agent that has been served least, with
 * ageing across the levels, and agents that share a prompt prefix next to each other. Served is what calls cost, counted
 * per agent (the virtual token counter of Sheng et al., *Fairness in Serving Large Language Models*, OSDI 2024). What it
 * does not do: bound itself (the gate refuses before it adds), know time (its caller brings it), start calls.
 *
 * 1. Among calls of one level that wait together, an agent is never served while another that waits has been served less
 *    by more than `PREFIX_SLACK` and one call.
 * 2. An agent that comes (back) is counted as served as much as the least served of those that waited last, if it had
 *    less: having rested gives no right to a burst.
 * 3. A call that has waited n × `ageMs` counts as n levels higher, so that every level is served in the end. Only between
 *    levels: within one, who has been served least goes first however long others' calls have waited.
 * 4. Calls of one agent keep their order.
 * 5. What is remembered is bounded by the number of agents, and by those that wait or were served more than the others.
 */
import { Heap } from './heap.ts';

/** What an agent of the prefix that was served last may have been served more than the first, and still goes first. */
const PREFIX_SLACK = 2;
/** With at least so many agents known, those without a call are looked through for what invariant 2 lets forget. */
const SWEEP_MIN = 1_024;

export interface Queued {
  readonly agent: string;
  readonly level: number;
  /** Calls with the same text begin with the same prompt. */
  readonly prefix: string;
  /** Order of arrival; unique. */
  readonly sequence: number;
  /** Since when it waits, in the caller's milliseconds; one that comes back keeps it. */
  readonly queuedAtMs: number;
}

/** One agent on one level. */
interface Client<Item extends Queued> {
  readonly key: string;
  /** In units of cost. */
  served: number;
  readonly prefix: string;
  readonly calls: Item[];
  byService: number;
  byPrefix: number;
}

interface Level<Item extends Queued> {
  readonly level: number;
  readonly clients: Map<string, Client<Item>>;
  readonly byService: Heap<'byService', Client<Item>>;
  readonly byPrefix: Map<string, Heap<'byPrefix', Client<Item>>>;
  /** In order of arrival; those that have left are skipped when they reach the front. */
  arrivals: Item[];
  arrivalsHead: number;
  /** How much the least served of those that waited had been served when somebody's turn came. */
  floor: number;
  sweepAt: number;
  lastPrefix: string;
  waiting: number;
}

const servedBefore = (a: Client<Queued>, b: Client<Queued>): boolean =>
  a.served === b.served ? first(a) < first(b) : a.served < b.served;

/** In its place by the order of arrival: at the end, unless it comes back. */
const insert = <Item extends Queued>(calls: Item[], item: Item): void => {
  let at = calls.length;
  while (at > 0 && (calls[at - 1] as Item).sequence > item.sequence) at -= 1;
  calls.splice(at, 0, item);
};

const first = (client: Client<Queued>): number => client.calls[0]?.sequence ?? 0;

export class FairQueue<Item extends Queued> {
  readonly #levels = new Map<number, Level<Item>>();
  readonly #waiting = new Set<Item>();
  readonly #ageMs: number;

  /** @param ageMs how long a call waits until it counts as one level higher */
  constructor(ageMs: number) {
    this.#ageMs = ageMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  push(item: Item): void {
    const level = this.#levelOf(item.level);
    const client = this.#clientOf(level, item);
    this.#waiting.add(item);
    level.waiting += 1;
    level.arrivals.push(item);
    if (client.calls.length === 0) client.served = Math.max(client.served, level.floor);
    else this.#takeOut(level, client);
    insert(client.calls, item);
    this.#putIn(level, client);
  }

  /** Whose turn it is at `nowMs`; it stays until `take` or `remove`. */
  next(nowMs: number): Item | undefined {
    let chosen: Level<Item> | undefined;
    let best = Number.POSITIVE_INFINITY;
    let highest = Number.POSITIVE_INFINITY;
    for (const level of this.#levels.values()) {
      if (level.waiting === 0) continue;
      highest = Math.min(highest, level.level);
      const rank = this.#rank(level, nowMs);
      if (rank < best || (rank === best && level.level < (chosen?.level ?? Number.POSITIVE_INFINITY))) {
        best = rank;
        chosen = level;
      }
    }
    if (chosen === undefined) return undefined;
    // What goes before a higher level does so for its age; otherwise an agent's own many calls would age it into favour.
    return chosen.level > highest ? this.#oldest(chosen) : this.#fairest(chosen)?.calls[0];
  }

  /** Takes out the call whose turn it is, and counts `cost` for its agent. */
  take(item: Item, cost: number): void {
    const level = this.#levels.get(item.level);
    const client = level?.clients.get(item.agent);
    if (level === undefined || client === undefined || !this.#waiting.has(item)) return;
    level.floor = Math.max(level.floor, level.byService.peek()?.served ?? 0);
    level.lastPrefix = client.prefix;
    this.#leave(level, client, item, cost);
  }

  /** Takes out a call that is not to be sent. */
  remove(item: Item): void {
    const level = this.#levels.get(item.level);
    const client = level?.clients.get(item.agent);
    if (level === undefined || client === undefined || !this.#waiting.has(item)) return;
    this.#leave(level, client, item, 0);
  }

  /** What a call cost is known better now: `difference` more than was counted when it was taken. */
  correct(item: Item, difference: number): void {
    const level = this.#levels.get(item.level);
    const client = level?.clients.get(item.agent);
    if (level === undefined || client === undefined || difference === 0) return;
    const waits = client.calls.length > 0;
    if (waits) this.#takeOut(level, client);
    client.served = Math.max(0, client.served + difference);
    if (waits) this.#putIn(level, client);
  }

  /** Takes everything out, in order of level and arrival. */
  takeAll(): Item[] {
    const items = [...this.#waiting].sort((a, b) => a.level - b.level || a.sequence - b.sequence);
    for (const item of items) this.remove(item);
    return items;
  }

  #levelOf(number: number): Level<Item> {
    let level = this.#levels.get(number);
    if (level === undefined) {
      level = {
        level: number,
        clients: new Map(),
        byService: new Heap<'byService', Client<Item>>('byService', servedBefore),
        byPrefix: new Map(),
        arrivals: [],
        arrivalsHead: 0,
        floor: 0,
        sweepAt: SWEEP_MIN,
        lastPrefix: '',
        waiting: 0,
      };
      this.#levels.set(number, level);
    }
    return level;
  }

  #clientOf(level: Level<Item>, item: Item): Client<Item> {
    const known = level.clients.get(item.agent);
    if (known !== undefined && (known.calls.length > 0 || known.prefix === item.prefix)) return known;
    const served = known?.served ?? level.floor;
    const client = { key: item.agent, served, prefix: item.prefix, calls: [], byService: -1, byPrefix: -1 };
    level.clients.set(item.agent, client);
    return client;
  }

  #putIn(level: Level<Item>, client: Client<Item>): void {
    level.byService.push(client);
    let heap = level.byPrefix.get(client.prefix);
    if (heap === undefined) {
      heap = new Heap<'byPrefix', Client<Item>>('byPrefix', servedBefore);
      level.byPrefix.set(client.prefix, heap);
    }
    heap.push(client);
  }

  #takeOut(level: Level<Item>, client: Client<Item>): void {
    level.byService.remove(client);
    const heap = level.byPrefix.get(client.prefix);
    heap?.remove(client);
    if (heap?.size === 0) level.byPrefix.delete(client.prefix);
  }

  #leave(level: Level<Item>, client: Client<Item>, item: Item, cost: number): void {
    this.#waiting.delete(item);
    level.waiting -= 1;
    this.#takeOut(level, client);
    client.calls.splice(client.calls.indexOf(item), 1);
    client.served += cost;
    if (client.calls.length > 0) this.#putIn(level, client);
    else this.#forgetRested(level);
    if (level.waiting === 0) {
      level.arrivals = [];
      level.arrivalsHead = 0;
    }
  }

  /** Who has nothing waiting and was served no more than the floor would come back as a stranger does. */
  #forgetRested(level: Level<Item>): void {
    if (level.clients.size < level.sweepAt) return;
    for (const [key, client] of level.clients) {
      if (client.calls.length === 0 && client.served <= level.floor) level.clients.delete(key);
    }
    level.sweepAt = SWEEP_MIN + 2 * level.clients.size;
  }

  #rank(level: Level<Item>, nowMs: number): number {
    const oldest = this.#oldest(level);
    const waitedMs = oldest === undefined ? 0 : nowMs - oldest.queuedAtMs;
    return level.level - Math.floor(waitedMs / this.#ageMs);
  }

  #oldest(level: Level<Item>): Item | undefined {
    const { arrivals } = level;
    for (;;) {
      const item = arrivals[level.arrivalsHead];
      if (item === undefined) return undefined;
      if (this.#waiting.has(item)) break;
      level.arrivalsHead += 1;
    }
    if (level.arrivalsHead > 1_024 && level.arrivalsHead * 2 > arrivals.length) {
      level.arrivals = arrivals.slice(level.arrivalsHead);
      level.arrivalsHead = 0;
    }
    return level.arrivals[level.arrivalsHead];
  }

  #fairest(level: Level<Item>): Client<Item> | undefined {
    const client = level.byService.peek();
    const neighbour = level.byPrefix.get(level.lastPrefix)?.peek();
    if (client === undefined || neighbour === undefined) return client;
    return neighbour.served <= client.served + PREFIX_SLACK ? neighbour : client;
  }
}
