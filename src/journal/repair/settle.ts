/**
 * Settles what a cut leaves open where shards do not begin at their beginnings: mail of actors whose snapshots are ahead
 * of the log that is kept, mail that was consumed or waits although its sender sends it again, actors that are gone.
 *
 * Invariant: X1 No actor gets again what it is known, or has to be feared, to have acted on: what nobody can tell is
 * dropped, and counted.
 */
import type { InboxEntry } from '../shard-log.ts';
import { decodeInboxEntry, SENT_FIELDS, SPAWN } from '../codec.ts';
import type { Cut } from './cut.ts';
import { type ActorChooser, type KeptActor, type Known, knownOf } from './kept-actors.ts';
import type { PageReader } from './pages.ts';
import { inboxEntries, type ReadAppend, type ReadShards, senderOf } from './shards.ts';

export interface SettledShard {
  readonly actors: ReadonlyMap<number, KeptActor>;
  readonly known: Known;
  /** Inbox positions to be consumed by nobody, by the actor they are for. */
  readonly drops: ReadonlyMap<number, readonly number[]>;
  /** Entries behind the cut that a kept snapshot has sent. */
  readonly sent: readonly {
    readonly seq: number;
    readonly kind: number;
    readonly payload: Uint8Array;
    readonly entry: InboxEntry;
  }[];
  /** Of `drops`: mail of which nobody can tell whether it was acted on. */
  readonly doubtful: number;
  /** Mail that was acted on, and is sent again. */
  readonly twice: number;
  /** Names of actors of which nothing is left. */
  readonly gone: readonly string[];
}

interface Draft {
  readonly actors: Map<number, KeptActor>;
  readonly known: Known;
  readonly drops: Map<number, number[]>;
  readonly sent: SettledShard['sent'][number][];
  doubtful: number;
  twice: number;
}

const receiverOf = (entry: InboxEntry): number =>
  entry.kind === 'mail' ? entry.mail.to : entry.kind === 'signal' ? entry.to : entry.actor.id;

/** Whether a kept snapshot is known to have taken an entry. */
export const hasTaken = (
  { actors, known }: Pick<SettledShard, 'actors' | 'known'>,
  entry: InboxEntry,
  seq: number,
): boolean => {
  const to = receiverOf(entry);
  const taken = known.takenBehind.get(seq);
  const step = actors.get(to)?.row.step ?? 0;
  return taken !== undefined && taken.actor === to && taken.step < step;
};

class Settling {
  readonly drafts: Draft[];
  readonly #reader: PageReader;
  readonly #read: ReadShards;
  readonly #cuts: readonly Cut[];
  /** Appends that are not kept, by what they sent: shard and position. */
  readonly #behind = new Map<string, { readonly shard: number; readonly append: ReadAppend }>();

  constructor(reader: PageReader, read: ReadShards, cuts: readonly Cut[], chooser: ActorChooser) {
    this.#reader = reader;
    this.#read = read;
    this.#cuts = cuts;
    this.drafts = read.shards.map((shard, index) => {
      const cut = cuts[index] ?? { inbox: 0, log: 0 };
      const known = knownOf(shard, cut);
      const actors = chooser.choose(shard, cut, known, read.spawns[index]);
      return { actors, known, drops: new Map(), sent: [], doubtful: 0, twice: 0 };
    });
    for (const [shard, { prior, appends, stray }] of read.shards.entries()) {
      for (const append of [...prior, ...appends, ...stray]) {
        const isKept =
          append.position < (cuts[shard]?.log ?? 0) && append.position >= (read.shards[shard]?.start.base.log ?? 0);
        if (isKept) continue;
        const sent = append.stored[4];
        for (let at = 0; at < sent.length; at += SENT_FIELDS) {
          this.#behind.set(`${sent[at] ?? 0}/${sent[at + 1] ?? 0}`, { shard, append });
        }
      }
    }
  }

  /** Whether a kept snapshot has the step in which the sender of an entry sent it. */
  #isInSnapshot(entry: InboxEntry, shard: number, append: ReadAppend): boolean {
    if (append.position < (this.#read.shards[shard]?.start.base.log ?? 0)) return true;
    const from = senderOf(entry);
    const actor = from === null || from.shard !== shard ? undefined : this.drafts[shard]?.actors.get(from.id);
    if (actor === undefined || from === null) return false;
    return append.entries.some((told) => told.kind === 'step' && told.actor === from.id && told.step < actor.row.step);
  }

  run(): void {
    for (const [shard, draft] of this.drafts.entries()) {
      const read = this.#read.shards[shard];
      if (read === undefined) continue;
      const consumed = new Set<number>();
      for (const { position, stored } of read.appends) {
        if (position < (this.#cuts[shard]?.log ?? 0)) for (const seq of stored[0]) consumed.add(seq);
      }
      for (const entry of inboxEntries(this.#reader, read)) {
        if (!consumed.has(entry.seq)) this.#settle(shard, draft, entry);
      }
      this.#countTwice(shard, draft);
    }
  }

  #settle(shard: number, draft: Draft, found: { seq: number; kind: number; payload: Uint8Array }): void {
    const { seq, kind, payload } = found;
    const { start, mayLack } = this.#read.shards[shard] ?? {};
    const isBehind = seq >= (this.#cuts[shard]?.inbox ?? 0);
    const sender = this.#behind.get(`${shard}/${seq}`);
    if (kind === SPAWN && !isBehind) return;
    // Most mail is of no interest here: it lies before the cut, and its receiver has no snapshot that is ahead.
    const early = seq < (start?.base.inbox ?? 0);
    const isOfInterest = sender !== undefined || (!isBehind && draft.actors.size > 0);
    if (!isOfInterest) return;
    const entry = decodeInboxEntry(payload);
    const inSnapshot = sender !== undefined && this.#isInSnapshot(entry, sender.shard, sender.append);
    const actor = draft.actors.get(receiverOf(entry));
    const to = receiverOf(entry);
    const taken = draft.known.takenBehind.get(seq);
    const isTaken = hasTaken(draft, entry, seq);
    const isDoubtful = actor !== undefined && actor.ahead !== 'no' && taken === undefined && mayLack === true;
    if (isBehind) {
      if (inSnapshot && !isTaken && !isDoubtful) draft.sent.push({ seq, kind, payload, entry });
      if (inSnapshot && isDoubtful) draft.doubtful += 1;
      return;
    }
    const isSentAgain = early && sender !== undefined && !inSnapshot;
    if (!isTaken && !isDoubtful && !isSentAgain) return;
    if (isDoubtful && !isSentAgain) draft.doubtful += 1;
    draft.drops.set(to, [...(draft.drops.get(to) ?? []), seq]);
  }

  /** What appends that are done again sent, and what was acted on: by a snapshot or before a start. */
  #countTwice(shard: number, draft: Draft): void {
    const { start, inboxRecords } = this.#read.shards[shard] ?? {};
    if (start === undefined || start.kind === 'beginning') return;
    const waiting = new Set<number>();
    for (const { first, end } of inboxRecords ?? []) {
      for (let seq = first; seq < Math.min(end, start.base.inbox); seq += 1) {
        if (start.unconsumed?.has(seq) ?? true) waiting.add(seq);
      }
    }
    for (const [key, { shard: from, append }] of this.#behind) {
      const [to, seq] = key.split('/').map(Number);
      if (to !== shard || seq === undefined) continue;
      if (append.position < (this.#read.shards[from]?.start.base.log ?? 0)) continue;
      const taken = draft.known.takenBehind.get(seq);
      const actor = taken === undefined ? undefined : draft.actors.get(taken.actor);
      const inSnapshot = actor !== undefined && taken !== undefined && taken.step < actor.row.step;
      const beforeStart = seq < start.base.inbox && !waiting.has(seq);
      if (!inSnapshot && !beforeStart) continue;
      // A sender with a snapshot of that step does not send it again.
      const senders = this.drafts[from]?.actors;
      const repeats = append.entries.some(
        (told) => told.kind === 'step' && told.step >= (senders?.get(told.actor)?.row.step ?? 0),
      );
      if (repeats) draft.twice += 1;
    }
  }
}

const goneOf = ({ actors, known }: Draft, read: ReadShards, shard: number, cut: Cut): string[] => {
  const { start } = read.shards[shard] ?? {};
  if (start === undefined || start.kind === 'beginning') return [];
  const isThere = (id: number): boolean => {
    const spawn = read.spawns[shard]?.get(id);
    return actors.has(id) || known.stopped.has(id) || (spawn !== undefined && spawn.seq < cut.inbox);
  };
  const names = new Map(start.base.names);
  for (const id of known.steps.keys()) if (!names.has(id)) names.set(id, `actor ${id}`);
  return [...names].filter(([id]) => !isThere(id)).map(([, name]) => name);
};

export const settle = (
  reader: PageReader,
  read: ReadShards,
  cuts: readonly Cut[],
  chooser: ActorChooser,
): SettledShard[] => {
  const settling = new Settling(reader, read, cuts, chooser);
  settling.run();
  return settling.drafts.map((draft, shard) => ({
    ...draft,
    gone: goneOf(draft, read, shard, cuts[shard] ?? { inbox: 0, log: 0 }),
  }));
};
