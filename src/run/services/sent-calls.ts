/**
 * Which call of each agent last left for the server, and how many processes have sent it: kept in the model service's
 * table, so that a later process knows what may have to be paid for again.
 *
 * 1. What leaves in one turn of the event loop is one commit, which nobody waits for: a call that is cut off before it is
 *    stored repeats uncounted, within a millisecond or so. A store that fails ends the run at its next step, which writes
 *    to the same disk.
 */
import { z } from 'zod';
import type { Clock } from '../../platform/index.ts';
import type { ServiceTable } from '../../protocol/service.ts';

const SENT = 'sent/';
const SENT_END = 'sent0';

const sentSchema = z.object({ effectId: z.string(), processes: z.int().positive() });

export type Sent = z.output<typeof sentSchema>;

const agentOf = (effectId: string): string => effectId.slice(0, effectId.indexOf('/'));

export class SentCalls {
  readonly #store: ServiceTable;
  readonly #clock: Pick<Clock, 'soon'>;
  /** Of earlier processes, by agent. */
  readonly #before = new Map<string, Sent>();
  /** To be stored, by agent. */
  #leaving = new Map<string, Sent>();

  /** What earlier processes have sent. */
  static async read(store: ServiceTable, clock: Pick<Clock, 'soon'>): Promise<SentCalls> {
    const calls = new SentCalls(store, clock);
    for (const [key, sent] of await store.range(SENT, SENT_END)) {
      calls.#before.set(key.slice(SENT.length), sentSchema.parse(sent));
    }
    return calls;
  }

  private constructor(store: ServiceTable, clock: Pick<Clock, 'soon'>) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The last call of `agent` that left in an earlier process. */
  before(agent: string): Sent | undefined {
    return this.#before.get(agent);
  }

  /**
   * What is stored with an answer that came by the request of another call: this one has never left itself, and a later
   * process must find its answer all the same.
   */
  shared(effectId: string): { readonly key: string; readonly value: Sent } {
    return { key: `${SENT}${agentOf(effectId)}`, value: { effectId, processes: 1 } };
  }

  /** A call leaves for the server. */
  left(effectId: string): void {
    const agent = agentOf(effectId);
    const before = this.#before.get(agent);
    this.#leaving.set(agent, { effectId, processes: before?.effectId === effectId ? before.processes + 1 : 1 });
    if (this.#leaving.size === 1) this.#clock.soon(() => this.#write());
  }

  #write(): void {
    const changes = [...this.#leaving].map(([agent, value]) => ({ key: `${SENT}${agent}`, value }));
    this.#leaving = new Map();
    this.#store.commit({ effectId: null, result: null, changes }).catch(() => {});
  }
}
