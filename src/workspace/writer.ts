/**
 * How a change happens: checked, once per effect id, one at a time per path; decided against the table (`decisions.ts`);
 * applied to it; put into the store; answered; enqueued for git. Invariants W1, W3 and W4 of `workspace.ts` are kept here.
 * A change is applied before the store has it, so that many changes of one file share a group commit. That rests on the
 * store keeping the order of its commits, and taking none after one that failed.
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import { isAuthor } from './commit-message.ts';
import type { Committer } from './committer.ts';
import { bytesOf } from './content.ts';
import { Decider, type DeciderParts, type Decision } from './decisions.ts';
import type { FileEntry, Version } from './file-table.ts';
import { gitObject } from './git-objects.ts';
import { linkInTheWay, refuseLink, refuseObstacle } from './path-jail.ts';
import { PathLocks } from './path-locks.ts';
import type { ClashRefusal, EditRefusal, PlainRefusal, WorkspaceCall } from './results.ts';

export type AnyRefusal = PlainRefusal | ClashRefusal | EditRefusal;

export interface WriterParts extends DeciderParts {
  readonly directory: string;
  readonly store: ServiceStore;
  readonly committer: Committer;
  /** The store failed: nothing after it can be trusted. */
  readonly onFailure: (error: unknown) => void;
}

/** What a decision came to once it was carried out. `base` is null when the file is not there (any more). */
export type Outcome<Refusal = PlainRefusal | ClashRefusal> =
  | {
      readonly ok: true;
      readonly kind: 'same' | 'put' | 'drop';
      readonly base: string | null;
      readonly merged: boolean;
    }
  | Refusal;

/** A change of one or more files, in one. */
export interface Change<Result, Refusal> {
  readonly paths: readonly string[];
  /** Runs under the locks of `paths`. The decisions are carried out in their order, up to the first refusal if `whole`. */
  readonly decide: (decider: Decider) => Promise<readonly Decision<Refusal>[]>;
  readonly whole?: boolean;
  readonly answer: (outcomes: readonly Outcome<Refusal>[]) => Result;
}

/** What one change leaves to be stored and committed. */
class Effects {
  readonly changes: StoreChange[] = [];
  readonly versions: Version[] = [];
  readonly entries: FileEntry[] = [];
  /** What must be in the store before the answer. */
  readonly awaited: Promise<void>[] = [];
  /** True when the answer must be kept for a repeat of the effect. */
  accepted = false;

  /** What is told of a file must be in the store first. */
  wait(entry: FileEntry | null): void {
    if (entry !== null && entry.durable !== null) this.awaited.push(entry.durable);
  }
}

export class Writer {
  readonly #parts: WriterParts;
  readonly #decider: Decider;
  readonly #locks = new PathLocks();
  readonly #running = new Set<Promise<unknown>>();
  /** Effects under way: a repeat waits for the same answer. */
  readonly #effects = new Map<string, Promise<unknown>>();

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#decider = new Decider(parts);
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async change<Result, Refusal extends AnyRefusal>(
    change: Change<Result, Refusal>,
    call: WorkspaceCall,
  ): Promise<Result> {
    const author: unknown = (call as WorkspaceCall | undefined)?.author;
    if (typeof author !== 'string' || !isAuthor(author)) {
      const hint = 'Say with each change who makes it: { author, effectId }.';
      throw new MegactorError('USAGE', `${JSON.stringify(author) ?? 'nobody'} cannot be an author`, { hint });
    }
    const { effectId } = call;
    const repeated = effectId === null ? undefined : this.#effects.get(effectId);
    if (repeated !== undefined) return (await repeated) as Result;
    const run = this.#once(change, call);
    this.#running.add(run);
    if (effectId !== null) this.#effects.set(effectId, run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
      if (effectId !== null) this.#effects.delete(effectId);
    }
  }

  async #once<Result, Refusal extends AnyRefusal>(
    change: Change<Result, Refusal>,
    call: WorkspaceCall,
  ): Promise<Result> {
    const { store, committer } = this.#parts;
    if (call.effectId !== null) {
      const kept = await store.result(call.effectId);
      if (kept !== undefined) return kept.result as Result;
    }
    const giveBack = await committer.reserve();
    const carried = this.#locks.run(change.paths, async () => {
      const decisions = await change.decide(this.#decider);
      return this.#carryOut(change, decisions, call);
    });
    const { result, durable } = await carried.finally(giveBack);
    await Promise.all(durable);
    return result;
  }

  /** Synchronous, so that what the table says holds until all of it is applied. */
  #carryOut<Result, Refusal extends AnyRefusal>(
    { answer, whole = false }: Change<Result, Refusal>,
    decisions: readonly Decision<Refusal>[],
    call: WorkspaceCall,
  ): { readonly result: Result; readonly durable: readonly Promise<void>[] } {
    const effects = new Effects();
    const outcomes: Outcome<Refusal>[] = [];
    for (const decision of decisions) {
      const outcome = this.#apply(decision, call, effects);
      outcomes.push(outcome);
      if (whole && !outcome.ok) break;
    }
    const result = answer(outcomes);
    const { changes, versions, entries, awaited } = effects;
    const mustKeep = changes.length > 0 || (effects.accepted && call.effectId !== null);
    if (mustKeep) {
      const durable = this.#keep(call, result, changes).then(() => {
        for (const entry of entries) entry.durable = null;
      });
      for (const item of [...entries, ...versions]) item.durable = durable;
      awaited.push(durable);
    }
    this.#parts.committer.enqueue(versions);
    return { result, durable: awaited };
  }

  #apply<Refusal extends AnyRefusal>(
    decision: Decision<Refusal>,
    call: WorkspaceCall,
    effects: Effects,
  ): Outcome<Refusal> {
    const { table, committer } = this.#parts;
    if (decision.kind === 'refusal') {
      effects.wait(decision.entry);
      if (['CONFLICT', 'EXISTS'].includes(decision.refusal.error.code)) committer.count('conflicts');
      return decision.refusal;
    }
    if (decision.kind === 'drop') {
      const { version, changes } = table.drop(decision.path, call.author);
      effects.accepted = true;
      effects.versions.push(version);
      effects.changes.push(...changes);
      return { ok: true, kind: 'drop', base: null, merged: false };
    }
    if (decision.kind === 'same') {
      const { entry, merged } = decision;
      effects.accepted = true;
      effects.wait(entry);
      if (merged) committer.count('merges');
      return { ok: true, kind: 'same', base: entry?.base ?? null, merged };
    }
    const { path, content, change, merged } = decision;
    const obstacle = table.get(path) === undefined ? this.#obstacle(path) : undefined;
    // A refusal that every kind of change may get.
    if (obstacle !== undefined) return obstacle as Refusal;
    const { oid: base, body } = gitObject('blob', bytesOf(content));
    const { entry, version, changes } = table.put({
      path,
      base,
      author: call.author,
      content,
      size: body.length,
      change,
    });
    effects.accepted = true;
    effects.entries.push(entry);
    effects.versions.push(version);
    effects.changes.push(...changes);
    if (merged) committer.count('merges');
    return { ok: true, kind: 'put', base, merged };
  }

  /** What keeps a new file from being made. */
  #obstacle(path: string): PlainRefusal | undefined {
    const obstacle = this.#parts.table.obstacle(path);
    if (obstacle?.kind === 'link') return refuseLink(path, obstacle.path);
    if (obstacle !== undefined) {
      return refuseObstacle(path, obstacle.path, obstacle.kind === 'file' ? 'file' : 'directory');
    }
    const link = linkInTheWay(this.#parts.directory, path);
    return link === undefined ? undefined : refuseLink(path, link);
  }

  #keep(call: WorkspaceCall, result: unknown, changes: readonly StoreChange[]): Promise<void> {
    const kept = this.#parts.store.commit({ effectId: call.effectId, result, changes }).then(() => {});
    // Everybody who needs it waits for it; this only makes sure that a failure is seen by somebody.
    kept.catch((error: unknown) => this.#parts.onFailure(error));
    return kept;
  }
}
