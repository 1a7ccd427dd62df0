/**
 * What a change comes to, given what is there: a new version, nothing new, or a refusal. Reads contents, changes nothing;
 * `writer.ts` carries a decision out, under the lock of the path. Invariants W2 and W6 of `workspace.ts` are kept here.
 */
import { byteLengthOf, type Content } from './content.ts';
import type { Contents } from './contents.ts';
import type { ContentChange, FileEntry, FileTable } from './file-table.ts';
import { blobObject, OID_PATTERN } from './git-objects.ts';
import { appendLines, compareTwo, mergeThree } from './merge.ts';
import { refuseLink, refuseObstacle } from './path-jail.ts';
import { editText, type EditOutcome } from './edit.ts';
import { clash, refuse, type ClashRefusal, type EditRefusal, type Hunk, type PlainRefusal } from './results.ts';

export type Decision<Refusal = PlainRefusal | ClashRefusal> =
  /** `entry` is what the refusal tells of. */
  | { readonly kind: 'refusal'; readonly refusal: Refusal; readonly entry: FileEntry | null }
  /** Nothing to do: the file is as wanted, or (`entry` null) not there as wanted. */
  | { readonly kind: 'same'; readonly entry: FileEntry | null; readonly merged: boolean }
  | {
      readonly kind: 'put';
      readonly path: string;
      readonly content: Content;
      readonly change: ContentChange;
      readonly merged: boolean;
    }
  | { readonly kind: 'drop'; readonly path: string };

export interface DeciderParts {
  readonly table: FileTable;
  readonly contents: Contents;
  readonly fileBytesMax: number;
}

export const refuseMissing = (path: string): PlainRefusal =>
  refuse('NOT_FOUND', `There is no file ${path}.`, 'Look at list_files for the names.');

export const refuseNotText = (path: string, bytes: number): PlainRefusal =>
  refuse('NOT_ALLOWED', `${path} is not text but ${bytes} bytes.`, 'Leave it as it is, or use a program to read it.');

export const refuseSize = (path: string, bytes: number, bytesMax: number): PlainRefusal =>
  refuse('TOO_LARGE', `${path} would have ${bytes} bytes, at most ${bytesMax}.`, 'Split it into several files.');

export const refuseSpecial = (entry: FileEntry): PlainRefusal | undefined => {
  if (entry.kind === 'link') return refuseLink(entry.path, entry.path);
  return entry.kind === 'module' ? refuseObstacle(entry.path, entry.path, 'directory') : undefined;
};

export const refuseEdit = (path: string, outcome: Exclude<EditOutcome, { readonly kind: 'edited' }>): EditRefusal => {
  if (outcome.kind === 'several') {
    const { lines, count } = outcome;
    const where = `in lines ${lines.join(', ')}${count > lines.length ? ' and further on' : ''}`;
    const message = `\`old\` is ${count} times in ${path}, ${where}.`;
    return { ok: false, error: { code: 'AMBIGUOUS', message, hint: 'Give more of the lines around it.', lines } };
  }
  const { nearest } = outcome;
  const told =
    nearest === null
      ? 'Nothing in it is like it.'
      : `The nearest, in line ${nearest.line}, differs ${nearest.differs}.`;
  const hint = 'Read the file again, and give `old` exactly as it stands there.';
  return { ok: false, error: { code: 'NO_MATCH', message: `\`old\` is not in ${path}. ${told}`, hint, nearest } };
};

const refused = <Refusal>(refusal: Refusal, entry: FileEntry | null = null): Decision<Refusal> => ({
  kind: 'refusal',
  refusal,
  entry,
});

const CLASH_HINT = 'Put your changes into `current`, then write the whole again with the `base` given here.';
const BINARY_HINT = 'Write another file, or replace this one by giving the `base` given here.';

export class Decider {
  readonly #parts: DeciderParts;

  constructor(parts: DeciderParts) {
    this.#parts = parts;
  }

  /** A whole file, by somebody who had read `base` (undefined: nothing). */
  async write(path: string, content: Content, base: string | undefined): Promise<Decision> {
    const size = byteLengthOf(content);
    if (size > this.#parts.fileBytesMax) return refused(refuseSize(path, size, this.#parts.fileBytesMax));
    const entry = this.#parts.table.get(path);
    if (entry === undefined) {
      if (base === undefined) return put(path, content);
      const hint = 'Leave `base` out to make a new file.';
      return refused(refuse('NOT_FOUND', `There is no file ${path} to change.`, hint));
    }
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return refused(refusal);
    if (blobObject(content).oid === entry.base) return { kind: 'same', entry, merged: false };
    if (base === entry.base) return put(path, content);
    return await this.#merge(entry, content, base);
  }

  /** Lines of their own at the end. */
  async append(path: string, piece: string): Promise<Decision<PlainRefusal>> {
    const entry = this.#parts.table.get(path);
    if (entry === undefined) return this.#sized(path, appendLines('', piece), { kind: 'whole' });
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return refused(refusal);
    const current = await this.current(entry);
    if (typeof current !== 'string') return refused(refuseNotText(path, byteLengthOf(current)), entry);
    const content = appendLines(current, piece);
    if (content === current) return { kind: 'same', entry, merged: false };
    return this.#sized(path, content, { kind: 'append', piece: content.slice(current.length), prior: entry.base });
  }

  /** One passage of what is current. Who edits need not have read the rest. */
  async edit(path: string, old: string, replacement: string): Promise<Decision<PlainRefusal | EditRefusal>> {
    const entry = this.#parts.table.get(path);
    if (entry === undefined) return refused(refuseMissing(path));
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return refused(refusal);
    const current = await this.current(entry);
    if (typeof current !== 'string') return refused(refuseNotText(path, byteLengthOf(current)), entry);
    const outcome = editText(current, old, replacement);
    if (outcome.kind !== 'edited') return refused(refuseEdit(path, outcome), entry);
    if (outcome.content === current) return { kind: 'same', entry, merged: false };
    return this.#sized(path, outcome.content, { kind: 'whole' });
  }

  /** The end of a file, by somebody who had read `base`. */
  async remove(path: string, base: string): Promise<Decision> {
    const entry = this.#parts.table.get(path);
    if (entry === undefined) return refused(refuseMissing(path));
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return refused(refusal);
    if (base === entry.base) return { kind: 'drop', path };
    const current = await this.current(entry);
    return this.#clash(entry, 'CONFLICT', `${path} has changed since it was read.`, current, []);
  }

  /** Another name for a file. The new name must be free, so that nothing is undone. */
  async move(path: string, to: string): Promise<readonly Decision[]> {
    const entry = this.#parts.table.get(path);
    if (entry === undefined) return [refused(refuseMissing(path))];
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return [refused(refusal)];
    if (path === to) return [{ kind: 'same', entry, merged: false }];
    const taken = this.#parts.table.get(to);
    if (taken !== undefined) {
      const special = refuseSpecial(taken);
      if (special !== undefined) return [refused(special)];
      return [this.#clash(taken, 'EXISTS', `${to} exists already.`, await this.current(taken), [])];
    }
    return [put(to, await this.current(entry)), { kind: 'drop', path }];
  }

  isMissing(path: string): boolean {
    return this.#parts.table.get(path) === undefined;
  }

  /** The content of a file, read so that the file cannot change under its lock. */
  async current(entry: FileEntry): Promise<Content> {
    const content = await this.#parts.contents.read(entry.base, entry.kept);
    if (content === undefined) throw new Error(`the content of ${entry.path} (${entry.base}) is gone`);
    return content;
  }

  async #merge(entry: FileEntry, content: Content, base: string | undefined): Promise<Decision> {
    const { path } = entry;
    const current = await this.current(entry);
    const compared = (): readonly Hunk[] =>
      typeof current === 'string' && typeof content === 'string' ? compareTwo(current, content) : [];
    if (base === undefined) {
      return this.#clash(entry, 'EXISTS', `${path} exists already, with other content.`, current, compared());
    }
    const read = OID_PATTERN.test(base) ? await this.#parts.contents.read(base) : undefined;
    if (read === undefined) {
      const message = `${path} has changed, and nobody knows the base you gave.`;
      return this.#clash(entry, 'CONFLICT', message, current, compared());
    }
    if (typeof read !== 'string' || typeof current !== 'string' || typeof content !== 'string') {
      return this.#clash(entry, 'CONFLICT', `${path} has changed, and bytes cannot be merged.`, current, []);
    }
    const merged = mergeThree(read, current, content);
    if (!merged.clean) {
      return this.#clash(entry, 'CONFLICT', `${path} has changed in the same lines.`, current, merged.hunks);
    }
    if (merged.content === current) return { kind: 'same', entry, merged: true };
    return this.#sized(path, merged.content, { kind: 'whole' }, true);
  }

  #sized(path: string, content: string, change: ContentChange, merged = false): Decision<PlainRefusal> {
    const bytes = Buffer.byteLength(content);
    if (bytes > this.#parts.fileBytesMax) return refused(refuseSize(path, bytes, this.#parts.fileBytesMax));
    return { kind: 'put', path, content, change, merged };
  }

  #clash(
    entry: FileEntry,
    code: ClashRefusal['error']['code'],
    message: string,
    current: Content,
    hunks: readonly Hunk[],
  ): Decision {
    if (typeof current === 'string') {
      return refused(clash(code, message, CLASH_HINT, { current, base: entry.base, hunks }), entry);
    }
    const told = `${message} It is not text but ${current.byteLength} bytes.`;
    return refused(clash(code, told, BINARY_HINT, { current: '', base: entry.base, hunks: [] }), entry);
  }
}

const put = (path: string, content: Content): Decision => ({
  kind: 'put',
  path,
  content,
  change: { kind: 'whole' },
  merged: false,
});
