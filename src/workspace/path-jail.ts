/**
 * The path jail: which names a file of the workspace may have. A pure function over text; that a directory of the work
 * tree is a symlink is found by the one who touches the disk (`checkout.ts`, `linkInTheWay`).
 *
 * Invariants:
 * P1 An accepted path, joined to the root, lies inside the root on POSIX and on Windows.
 * P2 No accepted path names git's own files, in any spelling that a file system might take for `.git`.
 * P3 A tree made of accepted paths passes `git fsck --strict`.
 */
import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from './durable-files.ts';
import { refuse, type PlainRefusal } from './results.ts';

/** Longest path, in bytes of UTF-8: the keys of the store must hold it. */
export const PATH_BYTES_MAX = 1024;
/** Longest name between slashes, in bytes of UTF-8: what common file systems hold. */
export const NAME_BYTES_MAX = 240;
export const DEPTH_MAX = 32;

export type PathCheck = { readonly ok: true; readonly path: string } | PlainRefusal;

/** Code points that HFS+ leaves out when it compares names, so that `.g<U+200C>it` is `.git` there. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;
// Control characters are exactly what this pattern is for.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f\u0085\u2028\u2029]/u;
/** `.git` and git's other special names, and the short names that NTFS gives them. */
const GIT_NAME = /^(?:\.git|\.gitmodules|\.gitattributes|git~\d+|gitmod~\d+|gitatt~\d+|gi[0-9a-f]{4}~\d+)$/u;

const DOT_GIT = /^(?:\.git|git~1)$/u;

const HINT = 'Use a relative path with forward slashes, such as docs/plan.md.';
const badPath = (message: string, hint = HINT): PlainRefusal => refuse('BAD_PATH', message, hint);

/** A path as it may stand in a message: short, and without what would break a line. */
const shown = (path: string): string => JSON.stringify(path.length > 80 ? `${path.slice(0, 77)}...` : path);

/** A name as file systems that are lax about names compare it. */
const plainName = (name: string): string =>
  // NTFS drops trailing dots and spaces and takes what follows a colon for a stream of the file.
  name
    .replace(HFS_IGNORED, '')
    .toLowerCase()
    .split(':')[0]
    ?.replace(/[. ]+$/u, '') ?? '';

const isGitName = (name: string): boolean => GIT_NAME.test(plainName(name));

/**
 * True for a name that no tree may have: with it a path would lead out of the work tree, or into git's own directory, on
 * this file system or another. Repositories that people made may have names that agents may not give.
 */
export const isForbiddenInTrees = (name: string): boolean =>
  name === '' || name === '.' || name === '..' || /[/\0]/u.test(name) || DOT_GIT.test(plainName(name));

const checkName = (name: string, path: string): PlainRefusal | undefined => {
  if (name === '') return badPath(`The path ${shown(path)} has an empty part.`);
  if (name === '.' || name === '..') return badPath(`The path ${shown(path)} has the part ${shown(name)}.`);
  if (isGitName(name)) {
    return badPath(
      `The name ${shown(name)} belongs to git.`,
      'Leave git’s own files alone; the workspace commits for you.',
    );
  }
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    return badPath(`A part of the path is longer than ${NAME_BYTES_MAX} bytes.`, 'Choose a shorter name.');
  }
  return undefined;
};

/** Checks a path and takes a leading `./` away. Never throws. */
export const checkPath = (given: unknown): PathCheck => {
  if (typeof given !== 'string' || given === '') return badPath('The path is empty.');
  const path = given.replace(/^(?:\.\/)+/u, '');
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    return badPath(`The path is longer than ${PATH_BYTES_MAX} bytes.`, 'Choose a shorter path.');
  }
  if (!path.isWellFormed() || CONTROL.test(path)) {
    return badPath(`The path ${shown(path)} has a control character or a broken one.`);
  }
  if (path.includes('\\')) return badPath(`The path ${shown(path)} has a backslash.`);
  if (path.startsWith('/') || path.startsWith('~')) return badPath(`The path ${shown(path)} is not relative.`);
  if (path.includes(':')) return badPath(`The path ${shown(path)} has a colon.`);
  const names = path.split('/');
  if (names.length > DEPTH_MAX) return badPath(`The path is deeper than ${DEPTH_MAX}.`, 'Use fewer directories.');
  for (const name of names) {
    const refusal = checkName(name, path);
    if (refusal !== undefined) return refusal;
  }
  return { ok: true, path };
};

/** The directories above a path, outermost first. */
export const parentsOf = (path: string): string[] => {
  const parents: string[] = [];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    parents.push(path.slice(0, slash));
  }
  return parents;
};

/** What stands there, links not followed; undefined for nothing, and for what this process may not look at. */
const lookAt = (file: string): Stats | undefined => {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === 'EACCES') return undefined;
    throw error;
  }
};

/** The first part of `path` that is a symlink in the work tree, or undefined. Looks at the disk, follows nothing. */
export const linkInTheWay = (root: string, path: string): string | undefined => {
  for (const part of [...parentsOf(path), path]) {
    const stat = lookAt(join(root, part));
    if (stat === undefined) return undefined;
    if (stat.isSymbolicLink()) return part;
    if (!stat.isDirectory()) return undefined;
  }
  return undefined;
};

export const refuseLink = (path: string, link: string): PlainRefusal =>
  badPath(`The path ${shown(path)} leads through ${shown(link)}, a symbolic link.`, 'Choose another directory.');

export const refuseObstacle = (path: string, obstacle: string, kind: 'file' | 'directory'): PlainRefusal =>
  badPath(`The path ${shown(path)} cannot be a file: ${shown(obstacle)} is a ${kind}.`, 'Choose another name.');
