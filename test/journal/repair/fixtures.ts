/** Random journals of every kind, and damage to their data files; both drawn from a seed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactJournal, type InboxEntry, type JournalClient, type ShardLog } from '../../../src/journal/index.ts';
import { seededRandom } from '../../../src/platform/index.ts';
import { mail, recordOf, spawn, startJournal, step, to, until } from '../fixtures/harness.ts';

export const SHARDS = 3;
export const ACTORS_PER_SHARD = 4;
const PAGE = 4_096;

export const below = (random: () => number, limit: number): number => Math.floor(random() * limit);

export const dataFile = (directory: string): string => join(directory, 'journal', 'data.mdb');

/** An id of an actor of `shard`. */
export const actorOf = (shard: number, index: number): number => (index + 1) * 256 + shard;

/** What a mail of a journal says of its sender, and which of the step's mails it is. */
export interface Note {
  readonly shard: number;
  readonly actor: number;
  readonly step: number;
  readonly number: number;
}

/** What an actor of a journal remembers: every note it got, in order. */
export interface Memory {
  readonly got: readonly string[];
}

/** Each note is unlike all others. */
export const nameOf = ({ shard, actor, step: of, number }: Note): string => `${shard}/${actor}/${of}/${number}`;

/**
 * What the journals are like. `log`: no snapshot at all. `marks`: snapshots and marks now and then. `compacted`: compacted
 * half-way, with steps in progress, then as `marks`. `rested`: compacted at the end, every actor passive.
 */
export const KINDS = ['log', 'marks', 'compacted', 'rested'] as const;
export type JournalKind = (typeof KINDS)[number];

interface Actor {
  readonly shard: number;
  readonly id: number;
  steps: number;
  got: string[];
  history: unknown[];
  saved: number;
  timer: boolean;
  /** Of the step in progress. */
  taken: readonly Arrived[] | null;
  waiting: Arrived[];
}

interface Arrived {
  readonly seq: number;
  readonly name: string;
}

/** Actors of three shards that take what they got and write to each other; each step leaves a result in a store. */
class Society {
  readonly actors: Actor[] = [];
  readonly #random: () => number;
  readonly #seen = [0, 0, 0];
  #client: JournalClient | null = null;
  #logs: ShardLog[] = [];
  #close: () => Promise<void> = () => Promise.resolve();
  /** Whether deliveries have come up to here is only known by what was sent. */
  #sent = [0, 0, 0];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    for (let shard = 0; shard < SHARDS; shard += 1) {
      for (let index = 0; index < ACTORS_PER_SHARD; index += 1) {
        const id = actorOf(shard, index);
        this.actors.push({
          shard,
          id,
          steps: 0,
          got: [],
          history: [],
          saved: 0,
          timer: false,
          taken: null,
          waiting: [],
        });
      }
    }
  }

  async open(directory: string): Promise<void> {
    const journal = await startJournal({ directory, shards: SHARDS, durability: 'committed' });
    const client = journal.client();
    this.#client = client;
    this.#close = async () => {
      await client.close();
      await journal.close();
    };
    this.#logs = Array.from({ length: SHARDS }, (_, shard) => client.shard(shard));
    for (const actor of this.actors) actor.waiting = [];
    for (const [shard, log] of this.#logs.entries()) {
      const found = await log.open((deliveries) => {
        for (const { seq, entry } of deliveries) this.#arrive(shard, seq, entry);
      });
      for (const { seq, entry } of found.deliveries) this.#arrive(shard, seq, entry);
    }
    // A step in progress has its mail already.
    for (const actor of this.actors) {
      const taken = new Set(actor.taken?.map(({ seq }) => seq));
      actor.waiting = actor.waiting.filter(({ seq }) => !taken.has(seq));
    }
  }

  async close(): Promise<void> {
    await this.#settled();
    await this.#close();
  }

  /** Deliveries are behind the appends; how many a step finds would depend on the machine. */
  #settled(): Promise<void> {
    return until(() => this.#seen.every((seen, shard) => seen >= (this.#sent[shard] ?? 0)), 'deliveries');
  }

  #arrive(shard: number, seq: number, entry: InboxEntry): void {
    this.#seen[shard] = Math.max(this.#seen[shard] ?? 0, seq + 1);
    if (entry.kind !== 'mail') return;
    const note = entry.mail.body as Note | 'start';
    const name = note === 'start' ? `start/${entry.mail.to}` : nameOf(note);
    this.actors.find(({ id, shard: of }) => id === entry.mail.to && of === shard)?.waiting.push({ seq, name });
  }

  async found(): Promise<void> {
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const own = this.actors.filter((actor) => actor.shard === shard);
      const entries = own.flatMap(({ id }) => [spawn(id), mail(id, 'start')]);
      this.#sent[shard] = entries.length;
      await this.#client?.deliver(to(shard, ...entries));
    }
  }

  #draw(): Actor {
    return this.actors[below(this.#random, this.actors.length)] as Actor;
  }

  async begin(actor = this.#draw()): Promise<void> {
    if (actor.taken !== null) return;
    await this.#settled();
    actor.taken = actor.waiting.splice(0);
    const { id, shard, steps, taken } = actor;
    const seqs = taken.map(({ seq }) => seq);
    const begin = { kind: 'begin', actor: id, step: steps, taken: seqs, key: 'model' } as const;
    await this.#logs[shard]?.append({ entries: [begin], outgoing: [] });
  }

  async step(): Promise<void> {
    const actor = this.#draw();
    await this.begin(actor);
    const { id, shard, steps, taken } = actor;
    await this.#client?.store('tools').commit({
      effectId: `actor-${id}/${steps}/model`,
      result: { answer: steps, text: 'x'.repeat(below(this.#random, 3_000)) },
      changes: [{ key: `last/${id}`, value: steps }],
    });
    const outgoing = Array.from({ length: below(this.#random, 3) }, (_, number) => {
      const target = this.#draw();
      const note: Note = { shard, actor: id, step: steps, number };
      const entry = mail(target.id, note);
      this.#sent[target.shard] = (this.#sent[target.shard] ?? 0) + 1;
      const from = { shard, id };
      return {
        shard: target.shard,
        entry: entry.kind === 'mail' ? ({ kind: 'mail', mail: { ...entry.mail, from } } as const) : entry,
      };
    });
    const names = taken?.map(({ name }) => name) ?? [];
    const history = [{ step: steps, names }];
    actor.got.push(...names);
    actor.history.push(...history);
    actor.taken = null;
    actor.steps += 1;
    actor.timer = below(this.#random, 3) === 0;
    const timer = { key: 'soon', dueMs: 1_000 + steps, periodMs: null, type: 'soon', body: null };
    const fields = {
      taken: taken?.map(({ seq }) => seq) ?? [],
      history,
      state: { got: [...actor.got], padding: 'y'.repeat(below(this.#random, 500)) },
      timers: [{ key: 'soon', timer: actor.timer ? timer : null }],
    };
    await this.#logs[shard]?.append({ entries: [step(id, steps, fields)], outgoing });
  }

  /** Now and then a snapshot of one actor, or of a whole shard with its mark. */
  async snapshot(): Promise<void> {
    const drawn = below(this.#random, 10);
    const actor = this.#draw();
    if (drawn === 0) await this.#save([actor]);
    if (drawn > 1 || drawn === 0) return;
    await this.#settled();
    const own = this.actors.filter(({ shard }) => shard === actor.shard);
    // Within a step the log is needed from where it began, and so is the mark.
    if (own.some(({ taken }) => taken !== null)) return;
    const log = this.#logs[actor.shard]?.position ?? 0;
    await this.#save(own, { log, inbox: this.#seen[actor.shard] ?? 0 });
  }

  async #save(actors: readonly Actor[], mark?: { log: number; inbox: number }): Promise<void> {
    const resting = actors.filter(({ taken }) => taken === null);
    const snapshots = resting.map((actor) => {
      const { id, steps, got, history, saved } = actor;
      actor.saved = history.length;
      return {
        record: recordOf(spawn(id)),
        step: steps,
        state: steps === 0 ? undefined : { got: [...got], padding: '' },
        open: false,
        timers: actor.timer ? [{ key: 'soon', dueMs: 999 + steps, periodMs: null, type: 'soon', body: null }] : [],
        children: [],
        history: history.slice(saved),
        historyBefore: saved,
      };
    });
    const log = this.#logs[actors[0]?.shard ?? 0];
    await (mark === undefined ? log?.snapshot(snapshots) : log?.snapshot(snapshots, mark));
  }

  /** A compaction makes snapshots of everybody. */
  compacted(): void {
    for (const actor of this.actors) actor.saved = actor.history.length;
  }
}

/** Writes a journal of `steps` steps; the last ones leave some actors in the middle of a step. */
export const writeJournal = async (
  directory: string,
  seed: number,
  steps: number,
  kind: JournalKind = 'log',
): Promise<void> => {
  const society = new Society(seed);
  await society.open(directory);
  await society.found();
  for (let done = 0; done < steps; done += 1) {
    if (kind === 'compacted' && done === Math.floor(steps / 2)) {
      await society.begin();
      await society.close();
      await compactJournal(directory);
      society.compacted();
      await society.open(directory);
    }
    await society.step();
    if (kind !== 'log') await society.snapshot();
  }
  await society.begin();
  await society.close();
  if (kind === 'rested') await compactJournal(directory);
};

export const DAMAGES = ['flip', 'zero', 'truncate', 'head', 'swap', 'many'] as const;

/** Damages a file in place. @returns what was done, for the message of a failing test */
export const damage = (file: string, kind: (typeof DAMAGES)[number], seed: number): string => {
  const random = seededRandom(seed);
  const bytes = readFileSync(file);
  const pages = bytes.length / PAGE;
  const page = (): number => 2 + below(random, pages - 2);
  const told: string[] = [];
  const flip = (): void => {
    const at = below(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
    told.push(`a bit of byte ${at}`);
  };
  const zero = (which: number): void => {
    bytes.fill(0, which * PAGE, (which + 1) * PAGE);
    told.push(`page ${which}`);
  };
  let length = bytes.length;
  switch (kind) {
    case 'flip':
      for (let count = 1 + below(random, 5); count > 0; count -= 1) flip();
      break;
    case 'zero':
      for (let count = 1 + below(random, 3); count > 0; count -= 1) zero(page());
      break;
    case 'truncate':
      length = below(random, bytes.length);
      break;
    case 'head':
      zero(below(random, 2));
      if (random() < 0.5) zero(page());
      break;
    case 'swap': {
      const [left, right] = [page(), page()];
      const kept = Buffer.from(bytes.subarray(left * PAGE, (left + 1) * PAGE));
      bytes.copy(bytes, left * PAGE, right * PAGE, (right + 1) * PAGE);
      kept.copy(bytes, right * PAGE);
      told.push(`pages ${left} and ${right}`);
      break;
    }
    case 'many':
      for (let count = 100; count > 0; count -= 1) flip();
      break;
    default:
      kind satisfies never;
  }
  writeFileSync(file, bytes.subarray(0, length));
  return `${kind}: ${told.join(', ')}${length < bytes.length ? `cut to ${length} bytes` : ''}`;
};
