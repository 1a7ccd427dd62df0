/**
 * Where to cut a damaged journal so that what stays is a whole: pure, over numbers.
 *
 * Invariants: U1 No kept append took mail that is not kept, or acts for an actor whose spawn is not kept. U2 No kept
 * mail was sent by an append that is not kept. U3 No kept append sent mail that is not kept: what the actor does again
 * sends it again. All three as far as the starts of the shards allow, behind which nothing can be cut (`settle.ts`). U4 The cut is the furthest with U1 to U3: every cut is forced by one before it, or by damage.
 */
import { SENT_FIELDS } from '../codec.ts';

/** An append that could be read. */
export interface ReadMarks {
  /** Inbox positions of its shard. */
  readonly taken: readonly number[];
  /** Shard, position, …: `SENT_FIELDS` numbers each. */
  readonly sent: readonly number[];
}

/** What can be read of one shard. Positions before `inboxFirst` and `logFirst` are not in the tables any more. */
export interface CutShard {
  readonly inboxFirst: number;
  readonly logFirst: number;
  /** The first position that may be cut off. */
  readonly logFloor: number;
  /** Where the inbox ends that can be read without a gap. */
  readonly inbox: number;
  /** The log without a gap, from `logFirst`. */
  readonly appends: readonly ReadMarks[];
  /** What can be read behind the first damage of the log. */
  readonly stray: readonly ReadMarks[];
  /** Inbox positions that may have been sent in an append that cannot be read. */
  readonly orphans: readonly number[];
  /** Where actors were spawned in the inbox, with the first append that acts for each. */
  readonly users: readonly { readonly seq: number; readonly append: number }[];
}

/** The first positions that are not kept. */
export interface Cut {
  inbox: number;
  log: number;
}

type Table = 'inbox' | 'log';

class Cutting {
  readonly cuts: Cut[];
  readonly #shards: readonly CutShard[];
  /** By shard and inbox position: who sent it (shard and append), who took it, who needs the spawn there. */
  readonly #senders: Map<number, readonly [number, number]>[];
  readonly #users: Map<number, number>[];
  /** What is to be looked at: positions of one table between two cuts. */
  readonly #waiting: { readonly table: Table; readonly shard: number; readonly from: number; readonly to: number }[] =
    [];

  constructor(shards: readonly CutShard[]) {
    this.#shards = shards;
    this.cuts = shards.map(({ inbox, logFirst, appends }) => ({ inbox, log: logFirst + appends.length }));
    this.#senders = shards.map(() => new Map());
    this.#users = shards.map(() => new Map());
    for (const [shard, { appends, logFirst, users }] of shards.entries()) {
      for (const [index, { taken, sent }] of appends.entries()) {
        for (const seq of taken) this.#use(shard, seq, logFirst + index);
        for (let at = 0; at < sent.length; at += SENT_FIELDS) {
          this.#senders[sent[at] ?? 0]?.set(sent[at + 1] ?? 0, [shard, logFirst + index]);
        }
      }
      for (const { seq, append } of users) this.#use(shard, seq, append);
    }
  }

  #use(shard: number, seq: number, append: number): void {
    const users = this.#users[shard];
    users?.set(seq, Math.min(append, users.get(seq) ?? append));
  }

  lower(table: Table, shard: number, wanted: number): void {
    const cut = this.cuts[shard];
    const { inboxFirst = 0, logFloor = 0 } = this.#shards[shard] ?? {};
    const to = Math.max(wanted, table === 'inbox' ? inboxFirst : logFloor);
    if (cut === undefined || to >= cut[table]) return;
    this.#waiting.push({ table, shard, from: to, to: cut[table] });
    cut[table] = to;
  }

  /** What the damage itself forces. */
  begin(): void {
    for (const [shard, { stray, orphans }] of this.#shards.entries()) {
      for (const { sent } of stray) this.#unsend(sent);
      for (const seq of orphans) this.lower('inbox', shard, seq);
    }
    for (const [shard, { inbox }] of this.#shards.entries()) {
      for (const [seq, append] of this.#users[shard] ?? []) if (seq >= inbox) this.lower('log', shard, append);
      for (const [seq, [from, append]] of this.#senders[shard] ?? []) if (seq >= inbox) this.lower('log', from, append);
    }
  }

  #unsend(sent: readonly number[]): void {
    for (let at = 0; at < sent.length; at += SENT_FIELDS) this.lower('inbox', sent[at] ?? 0, sent[at + 1] ?? 0);
  }

  run(): void {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      const { table, shard, from, to } = next;
      for (let position = from; position < to; position += 1) {
        if (table === 'inbox') this.#withoutMail(shard, position);
        else this.#unsend(this.#shards[shard]?.appends[position - (this.#shards[shard]?.logFirst ?? 0)]?.sent ?? []);
      }
    }
  }

  #withoutMail(shard: number, seq: number): void {
    const sender = this.#senders[shard]?.get(seq);
    if (sender !== undefined) this.lower('log', ...sender);
    const user = this.#users[shard]?.get(seq);
    if (user !== undefined) this.lower('log', shard, user);
  }
}

/** @returns where to cut every shard; never before its start */
export const cutOf = (shards: readonly CutShard[]): readonly Readonly<Cut>[] => {
  const cutting = new Cutting(shards);
  cutting.begin();
  cutting.run();
  return cutting.cuts.map(({ inbox, log }, shard) => ({
    inbox: Math.max(inbox, shards[shard]?.inboxFirst ?? 0),
    log: Math.max(log, shards[shard]?.logFloor ?? 0),
  }));
};
