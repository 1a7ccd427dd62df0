/**
 * The shared files of a forecast: the workspace's methods and answers, in memory and without a history. Nobody keeps
 * them, and they take no time. What it does not do: git, links, limits on how much is written at once.
 */
import { z } from 'zod';
import type { WorkspaceMethods } from '../../../actors/run-services.ts';
import type { ServiceInstance } from '../../protocol/service.ts';
import { describeChanges } from '../../workspace/changes.ts';
import { editText } from '../../workspace/edit.ts';
import { BAD_GLOB, compileGlob } from '../../workspace/glob.ts';
import { blobObject } from '../../workspace/git-objects.ts';
import { appendLines, compareTwo, mergeThree } from '../../workspace/merge.ts';
import { lookArgs, type FileLook } from '../../workspace/look.ts';
import { checkPath, parentsOf, refuseObstacle } from '../../workspace/path-jail.ts';
import {
  clash,
  refuse,
  type AppendFileResult,
  type EditFileResult,
  type FileMatch,
  type FileRow,
  type ListFilesResult,
  type ReadFileResult,
  type SearchFilesResult,
  type WriteFileResult,
} from '../../workspace/results.ts';
import { checkQuery, finder, MATCHES_MAX, matchesIn } from '../../workspace/search.ts';
import { NO_OLD } from '../../workspace/operations.ts';
import { WORKSPACE_LIMITS } from '../../workspace/open-parts.ts';
import { refuseEdit, refuseMissing, refuseSize } from '../../workspace/decisions.ts';

const readArgs = z.object({ path: z.string() });
const listArgs = z.object({ glob: z.string().optional() });
const appendArgs = z.object({ author: z.string(), path: z.string(), content: z.string() });
const writeArgs = appendArgs.extend({ base: z.string().optional() });

const editArgs = z.object({ author: z.string(), path: z.string(), old: z.string(), new: z.string() });
const searchArgs = z.object({ query: z.string(), glob: z.string().optional() });

const CLASH_HINT = 'Put your changes into `current`, then write the whole again with the `base` given here.';

interface KeptFile {
  readonly content: string;
  readonly base: string;
  readonly author: string;
}

export class ForecastFiles {
  readonly #files = new Map<string, KeptFile>();
  /** Every folder with a file below it. */
  readonly #folders = new Set<string>();
  /** Every content that anybody may have read, by its blob id. */
  readonly #blobs = new Map<string, string>();

  get size(): number {
    return this.#files.size;
  }

  read(raw: unknown): ReadFileResult {
    const checked = checkPath(readArgs.parse(raw).path);
    if (!checked.ok) return checked;
    const file = this.#files.get(checked.path);
    return file === undefined ? refuseMissing(checked.path) : { ok: true, content: file.content, base: file.base };
  }

  write(raw: unknown): WriteFileResult {
    const { author, path: given, content, base } = writeArgs.parse(raw);
    const checked = checkPath(given);
    if (!checked.ok) return checked;
    const { path } = checked;
    const file = this.#files.get(path);
    if (file === undefined) {
      if (base === undefined) return this.#create(path, content, author);
      return refuse('NOT_FOUND', `There is no file ${path} to change.`, 'Leave `base` out to make a new file.');
    }
    if (content === file.content) return { ok: true, base: file.base, merged: false };
    if (base === file.base) return this.#put(path, content, author, false);
    const read = base === undefined ? undefined : this.#blobs.get(base);
    if (read === undefined) {
      const [code, why] =
        base === undefined
          ? (['EXISTS', `${path} exists already, with other content.`] as const)
          : (['CONFLICT', `${path} has changed, and nobody knows the base you gave.`] as const);
      const hunks = compareTwo(file.content, content);
      return clash(code, why, CLASH_HINT, { current: file.content, base: file.base, hunks });
    }
    const merged = mergeThree(read, file.content, content);
    if (merged.clean) return this.#put(path, merged.content, author, true);
    const why = `${path} has changed in the same lines.`;
    return clash('CONFLICT', why, CLASH_HINT, { current: file.content, base: file.base, hunks: merged.hunks });
  }

  append(raw: unknown): AppendFileResult {
    const { author, path: given, content } = appendArgs.parse(raw);
    const checked = checkPath(given);
    if (!checked.ok) return checked;
    const { path } = checked;
    const file = this.#files.get(path);
    const whole = appendLines(file?.content ?? '', content);
    const result = file === undefined ? this.#create(path, whole, author) : this.#put(path, whole, author, false);
    // An append never clashes; the types of writes are wider.
    return result.ok ? { ok: true, base: result.base } : (result as AppendFileResult);
  }

  list(raw: unknown): ListFilesResult {
    const { glob } = listArgs.parse(raw);
    const matches = glob === undefined || glob === '' ? (): boolean => true : compileGlob(glob);
    if (matches === undefined) return BAD_GLOB;
    const found = [...this.#files.keys()].filter(matches).toSorted();
    const { listCountMax } = WORKSPACE_LIMITS;
    return { ok: true, files: found.slice(0, listCountMax), truncated: found.length > listCountMax };
  }

  edit(raw: unknown): EditFileResult {
    const { author, path: given, old, new: replacement } = editArgs.parse(raw);
    const checked = checkPath(given);
    if (!checked.ok) return checked;
    if (old === '') return NO_OLD;
    const { path } = checked;
    const file = this.#files.get(path);
    if (file === undefined) return refuseMissing(path);
    const outcome = editText(file.content, old, replacement);
    if (outcome.kind !== 'edited') return refuseEdit(path, outcome);
    const result = this.#put(path, outcome.content, author, false);
    // An edit never clashes; the types of writes are wider.
    return result.ok ? { ok: true, base: result.base } : (result as EditFileResult);
  }

  search(raw: unknown): SearchFilesResult {
    const { query, glob } = searchArgs.parse(raw);
    const refusal = checkQuery(query);
    if (refusal !== undefined) return refusal;
    const matches = glob === undefined || glob === '' ? (): boolean => true : compileGlob(glob);
    if (matches === undefined) return BAD_GLOB;
    const find = finder(query);
    const found: FileMatch[] = [];
    for (const path of [...this.#files.keys()].filter(matches).toSorted()) {
      const room = MATCHES_MAX + 1 - found.length;
      found.push(...matchesIn(path, this.#files.get(path)?.content ?? '', find, room));
    }
    return { ok: true, matches: found.slice(0, MATCHES_MAX), truncated: found.length > MATCHES_MAX };
  }

  look(raw: unknown): FileLook | null {
    const { path, since, changesMax, textMax } = lookArgs.parse(raw);
    const file = this.#files.get(path);
    if (file === undefined) return null;
    const { content: text, base, author } = file;
    const before = since === null ? null : this.#blobs.get(since ?? '');
    return {
      path,
      base,
      commit: null,
      author,
      bytes: Buffer.byteLength(text),
      text: text.length <= textMax ? text : null,
      changes: before === undefined || changesMax === 0 ? null : describeChanges(before, text, changesMax),
    };
  }

  rows(): FileRow[] {
    return [...this.#files]
      .map(([path, { author, content, base }]) => ({
        path,
        commit: null,
        author,
        base,
        size: Buffer.byteLength(content),
      }))
      .toSorted((left, right) => (left.path < right.path ? -1 : 1));
  }

  #create(path: string, content: string, author: string): WriteFileResult {
    const parents = parentsOf(path);
    const file = parents.find((parent) => this.#files.has(parent));
    if (file !== undefined) return refuseObstacle(path, file, 'file');
    if (this.#folders.has(path)) return refuseObstacle(path, path, 'directory');
    const result = this.#put(path, content, author, false);
    if (result.ok) for (const parent of parents) this.#folders.add(parent);
    return result;
  }

  #put(path: string, content: string, author: string, merged: boolean): WriteFileResult {
    const bytes = Buffer.byteLength(content);
    const { fileBytesMax } = WORKSPACE_LIMITS;
    if (bytes > fileBytesMax) return refuseSize(path, bytes, fileBytesMax);
    const base = blobObject(content).oid;
    this.#files.set(path, { content, base, author });
    this.#blobs.set(base, content);
    return { ok: true, base, merged };
  }
}

/** What nobody asks for in a forecast. */
type NotThere = 'move' | 'remove' | 'snapshot' | 'apply' | 'stats' | 'history' | 'blame' | 'flush' | 'finish' | 'leave';

/** The service `workspace` of a forecast. */
export const filesService = (files: ForecastFiles) => (): ServiceInstance<Omit<WorkspaceMethods, NotThere>> => ({
  methods: {
    read: (raw: unknown) => files.read(raw),
    write: (raw: unknown) => files.write(raw),
    append: (raw: unknown) => files.append(raw),
    edit: (raw: unknown) => files.edit(raw),
    list: (raw: unknown) => files.list(raw),
    search: (raw: unknown) => files.search(raw),
    look: (raw: unknown) => files.look(raw),
    files: () => files.rows(),
  },
});
