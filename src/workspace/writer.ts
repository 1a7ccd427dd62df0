/**
 * How a change happens: checked, once per effect id, one at a time per path; decided against the table; applied to it;
 * put into the store; answered; enqueued for git. Invariants W1–W4 and W6 of `workspace.ts` are kept here.
 * A change is applied before the store has it, so that many changes of one file share a group commit. That rests on the
 * store keeping the order of its commits, and taking none after one that failed.
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import { isAuthor } from './commit-message.ts';
import type { Committer } from './committer.ts';
import type { Contents } from './contents.ts';
import type { Change, FileEntry, FileTable } from './file-table.ts';
import { gitObject, OID_PATTERN } from './git-objects.ts';
import { appendLines, compareTwo, mergeThree } from './merge.ts';
import { checkPath, linkInTheWay, refuseLink, refuseObstacle } from './path-jail.ts';
import { PathLocks } from './path-locks.ts';
import {
  clash,
  refuse,
  type AppendFileResult,
  type ClashRefusal,
  type PlainRefusal,
  type WorkspaceCall,
  type WriteFileResult,
} from './results.ts';

export interface WriterParts {
  readonly directory: string;
  readonly store: ServiceStore;
  readonly table: FileTable;
  readonly contents: Contents;
  readonly committer: Committer;
  readonly fileBytesMax: number;
  /** The store failed: nothing after it can be trusted. */
  readonly onFailure: (error: unknown) => void;
}

/** An answer, and when it may be given. */
interface Outcome {
  readonly result: WriteFileResult;
  /** What must be in the store first; null when nothing. */
  readonly durable: Promise<unknown> | null;
}

interface WriteArguments {
  readonly path: string;
  readonly content: string;
  readonly base?: string | undefined;
}

export const refuseMissing = (path: string): PlainRefusal =>
  refuse('NOT_FOUND', `There is no file ${path}.`, 'Look at list_files for the names.');

export const refuseNotText = (path: string): PlainRefusal =>
  refuse('NOT_ALLOWED', `${path} is not UTF-8 text.`, 'Leave it as it is, or write another file.');

export const refuseSize = (path: string, bytes: number, bytesMax: number): PlainRefusal =>
  refuse('TOO_LARGE', `${path} would have ${bytes} bytes, at most ${bytesMax}.`, 'Split it into several files.');

export const refuseSpecial = (entry: FileEntry): PlainRefusal | undefined => {
  if (entry.kind === 'link') return refuseLink(entry.path, entry.path);
  return entry.kind === 'module' ? refuseObstacle(entry.path, entry.path, 'directory') : undefined;
};

const at = (result: WriteFileResult): Outcome => ({ result, durable: null });

export class Writer {
  readonly #parts: WriterParts;
  readonly #locks = new PathLocks();
  readonly #running = new Set<Promise<WriteFileResult>>();
  /** Effects under way: a repeat waits for the same answer. */
  readonly #effects = new Map<string, Promise<WriteFileResult>>();

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  async write(args: WriteArguments, call: WorkspaceCall): Promise<WriteFileResult> {
    return await this.#change(args, call, (path, content) => this.#write(path, content, args.base, call));
  }

  async append(args: WriteArguments, call: WorkspaceCall): Promise<AppendFileResult> {
    const result = await this.#change(args, call, (path, piece) => this.#append(path, piece, call));
    if (result.ok) return { ok: true, base: result.base };
    // An append never clashes; the types of writes are wider.
    return result as PlainRefusal;
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #change(
    args: WriteArguments,
    call: WorkspaceCall,
    act: (path: string, content: string) => Promise<Outcome>,
  ): Promise<WriteFileResult> {
    if (!isAuthor(call.author)) throw new MegactorError('USAGE', `${JSON.stringify(call.author)} cannot be an author`);
    const checked = checkPath(args.path);
    if (!checked.ok) return checked;
    const { path } = checked;
    if (typeof args.content !== 'string') return refuse('INVALID_ARGUMENTS', 'The content is not text.', 'Pass text.');
    // Half of a surrogate pair has no bytes in UTF-8; it would read back as something else.
    const content = args.content.toWellFormed();
    const bytes = Buffer.byteLength(content);
    if (bytes > this.#parts.fileBytesMax) return refuseSize(path, bytes, this.#parts.fileBytesMax);
    const { effectId } = call;
    const repeated = effectId === null ? undefined : this.#effects.get(effectId);
    if (repeated !== undefined) return await repeated;
    const run = this.#once(effectId, path, () => act(path, content));
    this.#running.add(run);
    if (effectId !== null) this.#effects.set(effectId, run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
      if (effectId !== null) this.#effects.delete(effectId);
    }
  }

  async #once(effectId: string | null, path: string, act: () => Promise<Outcome>): Promise<WriteFileResult> {
    if (effectId !== null) {
      const kept = await this.#parts.store.result(effectId);
      if (kept !== undefined) return kept.result as WriteFileResult;
    }
    for (let room = this.#parts.committer.room(); room !== undefined; room = this.#parts.committer.room()) await room;
    const { result, durable } = await this.#locks.run(path, act);
    await durable;
    return result;
  }

  async #write(path: string, content: string, base: string | undefined, call: WorkspaceCall): Promise<Outcome> {
    const entry = this.#parts.table.get(path);
    if (entry === undefined) return this.#create(path, content, base, call);
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return at(refusal);
    if (gitObject('blob', Buffer.from(content, 'utf8')).oid === entry.base) return this.#unchanged(entry, false, call);
    if (base === entry.base) return this.#put(path, content, { kind: 'whole' }, false, call);
    const current = await this.#current(entry);
    if (current === undefined) return at(refuseNotText(path));
    if (base === undefined) {
      return this.#clash(
        entry,
        'EXISTS',
        `${path} exists already, with other content.`,
        current,
        compareTwo(current, content),
      );
    }
    const read = OID_PATTERN.test(base) ? await this.#parts.contents.text(base) : undefined;
    if (read === undefined) {
      const hunks = compareTwo(current, content);
      return this.#clash(entry, 'CONFLICT', `${path} has changed, and nobody knows the base you gave.`, current, hunks);
    }
    const merged = mergeThree(read, current, content);
    if (!merged.clean) {
      return this.#clash(entry, 'CONFLICT', `${path} has changed in the same lines.`, current, merged.hunks);
    }
    const bytes = Buffer.byteLength(merged.content);
    if (bytes > this.#parts.fileBytesMax) return at(refuseSize(path, bytes, this.#parts.fileBytesMax));
    this.#parts.committer.count('merges');
    if (merged.content === current) return this.#unchanged(entry, true, call);
    return this.#put(path, merged.content, { kind: 'whole' }, true, call);
  }

  async #append(path: string, piece: string, call: WorkspaceCall): Promise<Outcome> {
    const entry = this.#parts.table.get(path);
    if (entry === undefined) return this.#create(path, appendLines('', piece), undefined, call);
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return at(refusal);
    const current = await this.#current(entry);
    if (current === undefined) return at(refuseNotText(path));
    const content = appendLines(current, piece);
    if (content === current) return this.#unchanged(entry, false, call);
    const bytes = Buffer.byteLength(content);
    if (bytes > this.#parts.fileBytesMax) return at(refuseSize(path, bytes, this.#parts.fileBytesMax));
    const change: Change = { kind: 'append', piece: content.slice(current.length), prior: entry.base };
    return this.#put(path, content, change, false, call);
  }

  #create(path: string, content: string, base: string | undefined, call: WorkspaceCall): Outcome {
    if (base !== undefined) {
      return at(refuse('NOT_FOUND', `There is no file ${path} to change.`, 'Leave `base` out to make a new file.'));
    }
    const obstacle = this.#parts.table.obstacle(path);
    if (obstacle?.kind === 'link') return at(refuseLink(path, obstacle.path));
    if (obstacle !== undefined) {
      return at(refuseObstacle(path, obstacle.path, obstacle.kind === 'file' ? 'file' : 'directory'));
    }
    const link = linkInTheWay(this.#parts.directory, path);
    if (link !== undefined) return at(refuseLink(path, link));
    return this.#put(path, content, { kind: 'whole' }, false, call);
  }

  /** The content of a file, read so that the file cannot change under its lock. */
  async #current(entry: FileEntry): Promise<string | undefined> {
    return this.#parts.contents.peek(entry.base) ?? (await this.#parts.contents.text(entry.base, entry.kept));
  }

  #put(path: string, content: string, change: Change, merged: boolean, call: WorkspaceCall): Outcome {
    const { table, committer } = this.#parts;
    const { oid: base, body } = gitObject('blob', Buffer.from(content, 'utf8'));
    const { entry, version, changes } = table.put({
      path,
      base,
      author: call.author,
      content,
      size: body.length,
      change,
    });
    const result: WriteFileResult = { ok: true, base, merged };
    const durable = this.#keep(call, result, changes).then(() => {
      entry.durable = null;
    });
    version.durable = durable;
    entry.durable = durable;
    committer.enqueue(version);
    return { result, durable };
  }

  /** Ok without a new version; a repeat must still get this answer when the file has moved on. */
  #unchanged(entry: FileEntry, merged: boolean, call: WorkspaceCall): Outcome {
    const result: WriteFileResult = { ok: true, base: entry.base, merged };
    const kept = call.effectId === null ? null : this.#keep(call, result, []);
    return { result, durable: Promise.all([entry.durable, kept]) };
  }

  #keep(call: WorkspaceCall, result: WriteFileResult, changes: readonly StoreChange[]): Promise<void> {
    const kept = this.#parts.store.commit({ effectId: call.effectId, result, changes }).then(() => {});
    // Everybody who needs it waits for it; this only makes sure that a failure is seen by somebody.
    kept.catch((error: unknown) => this.#parts.onFailure(error));
    return kept;
  }

  #clash(
    entry: FileEntry,
    code: ClashRefusal['error']['code'],
    message: string,
    current: string,
    hunks: ClashRefusal['error']['hunks'],
  ): Outcome {
    this.#parts.committer.count('conflicts');
    const hint = 'Put your changes into `current`, then write the whole again with the `base` given here.';
    return { result: clash(code, message, hint, { current, base: entry.base, hunks }), durable: entry.durable };
  }
}
