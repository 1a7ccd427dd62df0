/**
 * The look at what an agent hands in: which versions its files have, what has changed in them, and the checks. It sees files
 * through a view that is given to it, and runs nothing itself.
 *
 * Invariants: X3 the look ends and is bounded: in files, in characters, in programs, and by `isOverdue`. What there was no
 * time for is named. X4 what a reviewer is shown of changes is `CHANGES_FIRST_CHARS` at the first round, and
 * `CHANGES_CHARS` at each later one, which shows what is different from the round before.
 */
import { check, pathsToMake, type CheckedFile, type CheckResult, type SyntaxResult } from './checks.ts';
import type { ChecklistItem } from './checklist.ts';
import { isProgram, unprovenPaths, type Trail } from './evidence.ts';

/** Own files of one hand-in that are looked at; of more, the first. */
export const LOOKED_FILES_MAX = 50;
/** With those that only have to be there. */
const PATHS_MAX = 100;
/** Programs of one hand-in that are tried. */
const PROGRAMS_TRIED_MAX = 10;
/** Of one file that is checked. */
const TEXT_CHARS_MAX = 256 * 1024;
/** Of all files of one hand-in that are checked. */
const TEXTS_CHARS_MAX = 2 * 1024 * 1024;
/** Changes that a reviewer is shown, in characters: at the first round, where it sees whole files as well, and later. */
export const CHANGES_FIRST_CHARS = 800;
export const CHANGES_CHARS = 3_000;
/** Of one file: less shows nothing. */
const CHANGES_FILE_CHARS_MIN = 120;

/** Which version of a file an agent handed in. */
export interface LookedFile {
  readonly path: string;
  /** Blob id of its content. */
  readonly base: string;
  /** Null while its commit is under way, or when it is not to be told. */
  readonly commit: string | null;
}

export interface SeenFile extends LookedFile {
  readonly author: string;
  readonly bytes: number;
  /** Null when it is no text, or longer than was asked for. */
  readonly text: string | null;
  /** What is different from the version that was asked about; null when nobody knows. */
  readonly changes: string | null;
}

/** What the look needs of the world. Both may throw: what cannot be seen is left out. */
export interface LookView {
  /** Null: there is no such file. `since` is a blob id, null for "before it was there", undefined when nobody knows. */
  file(
    path: string,
    ask: { readonly since: string | null | undefined; readonly changesMax: number; readonly textMax: number },
  ): Promise<SeenFile | null>;
  /** Null: nothing here can run programs. */
  readonly syntax: ((path: string, text: string) => Promise<SyntaxResult>) | null;
}

export interface LookRequest {
  readonly agent: string;
  /** Files that it wrote, the first first. */
  readonly own: readonly string[];
  /** Files that its plan gives it. */
  readonly planned: readonly string[];
  readonly task: string;
  readonly checklist: readonly ChecklistItem[];
  readonly trail: Trail;
  /** What its files were at the last round, by path; null: not there. */
  readonly since: Readonly<Record<string, string | null>>;
  /** Of this hand-in, from 1. */
  readonly round: number;
  /** Whether to check, or only to look at versions and changes. */
  readonly checks: boolean;
}

/** Plain data: it is kept and journaled. */
export interface Look {
  readonly files: readonly LookedFile[];
  /** Files that closed items name as evidence and that are not there. */
  readonly missing: readonly string[];
  /** Files that its plan gives it and that are not there. */
  readonly absent: readonly string[];
  /** What has changed, as a reviewer reads it; '' when there is nothing to show. */
  readonly changes: string;
  /** Null when nothing was to be checked. */
  readonly checks: CheckResult | null;
}

const NO_TIME = 'there was no time for it';

const namedPaths = (request: LookRequest, unproven: readonly string[]): ReadonlyMap<string, string> => {
  const named = new Map<string, string>();
  if (!request.checks) return named;
  for (const path of request.planned) named.set(path, 'plan');
  for (const path of unproven) named.set(path, 'evidence');
  const done = request.checklist.filter(({ status }) => status === 'done').map(({ text }) => text);
  for (const path of [request.task, ...done].flatMap(pathsToMake)) if (!named.has(path)) named.set(path, 'task');
  return named;
};

/** Tries the programs among `files`. */
const tryPrograms = async (
  files: readonly CheckedFile[],
  view: LookView,
  isOverdue: () => boolean,
): Promise<{ readonly syntax: ReadonlyMap<string, SyntaxResult>; readonly leftOut: readonly string[] }> => {
  const programs = files.filter(({ path, text }) => isProgram(path) && text !== null && text.trim() !== '');
  const syntax = new Map<string, SyntaxResult>();
  if (programs.length === 0) return { syntax, leftOut: [] };
  const { syntax: parse } = view;
  if (parse === null) return { syntax, leftOut: ['programs were not tried: there is no sandbox'] };
  for (const { path, text } of programs.slice(0, PROGRAMS_TRIED_MAX)) {
    if (isOverdue()) {
      syntax.set(path, { ok: false, why: NO_TIME });
      continue;
    }
    try {
      syntax.set(path, await parse(path, text ?? ''));
    } catch {
      syntax.set(path, { ok: false, why: 'the sandbox did not answer' });
    }
  }
  const more = programs.length - PROGRAMS_TRIED_MAX;
  return { syntax, leftOut: more > 0 ? [`${more} more programs`] : [] };
};

/** Looks at everything once. It does not reject. */
export const lookAt = async (
  request: LookRequest,
  view: LookView,
  isOverdue: () => boolean = () => false,
): Promise<Look> => {
  const own = request.own.slice(0, LOOKED_FILES_MAX);
  const unproven = unprovenPaths(request.checklist, own);
  const named = namedPaths(request, unproven);
  const paths = [...new Set([...own, ...request.planned, ...unproven, ...named.keys()])].slice(0, PATHS_MAX);
  const seen: SeenFile[] = [];
  const files = new Map<string, CheckedFile>();
  const gone = new Set<string>();
  let changesLeft = request.round > 1 ? CHANGES_CHARS : CHANGES_FIRST_CHARS;
  let textsLeft = TEXTS_CHARS_MAX;
  let unseen = 0;
  const changes: string[] = [];
  for (const [index, path] of paths.entries()) {
    if (isOverdue()) {
      unseen += paths.length - index;
      break;
    }
    const isOwn = own.includes(path);
    const share = Math.max(CHANGES_FILE_CHARS_MIN, Math.floor(changesLeft / Math.max(1, own.length - index)));
    const ask = {
      since: request.since[path],
      changesMax: isOwn && changesLeft >= CHANGES_FILE_CHARS_MIN ? Math.min(share, changesLeft) : 0,
      textMax: request.checks && isOwn ? Math.min(TEXT_CHARS_MAX, textsLeft) : 0,
    };
    let file: SeenFile | null;
    try {
      file = await view.file(path, ask);
    } catch {
      unseen += 1;
      continue;
    }
    if (file === null) {
      gone.add(path);
      continue;
    }
    seen.push(file);
    // What others wrote into a file since is theirs to put right.
    const text = file.author === request.agent ? file.text : null;
    textsLeft -= text?.length ?? 0;
    files.set(path, { path, bytes: file.bytes, text });
    if (isOwn && file.changes !== null && file.changes !== '') {
      const part = `--- ${path}\n${file.changes}`;
      changesLeft -= part.length;
      changes.push(part);
    }
  }
  const looked = {
    files: seen.map(({ path, base, commit }) => ({ path, base, commit })),
    missing: unproven.filter((path) => gone.has(path)),
    absent: request.planned.filter((path) => gone.has(path)),
    changes: changes.join('\n'),
  };
  if (!request.checks) return { ...looked, checks: null };
  const tried = await tryPrograms([...files.values()], view, isOverdue);
  const left = Math.max(0, request.own.length - own.length);
  const leftOut = [
    ...tried.leftOut,
    ...(left === 0 ? [] : [`${left} more files`]),
    ...(unseen === 0 ? [] : [`${unseen} files could not be looked at`]),
  ];
  // Only what was looked for and is not there fails; what could not be looked at does not.
  const known = new Map([...named].filter(([path]) => files.has(path) || gone.has(path)));
  const { agent, checklist, trail } = request;
  return { ...looked, checks: check({ named: known, files, agent, checklist, trail, syntax: tried.syntax, leftOut }) };
};

const shortOf = ({ path, commit }: LookedFile): string => (commit === null ? path : `${path} @${commit.slice(0, 10)}`);

/** Paths as a reviewer reads them, with their commits where those are known. */
export const renderFiles = (paths: readonly string[], looked: readonly LookedFile[]): string => {
  const known = new Map(looked.map((file) => [file.path, file]));
  return paths.map((path) => shortOf(known.get(path) ?? { path, base: '', commit: null })).join(', ');
};

/** The end of a `[review]`: what has changed. */
export const renderChanges = ({ changes }: Look, round: number): string =>
  changes === ''
    ? ''
    : `\n${round > 1 ? `changes since round ${round - 1}` : 'what it wrote (the beginning)'}:\n${changes}`;
