/**
 * Where the control socket of a run lies, and that nobody but its user can get at it. The socket is in
 * `RUN_DIR/control/`; where that path is too long for a socket, or the file system has no sockets, in a new directory
 * below the system's own for temporary files. `RUN_DIR/control/address.json` says where. It opens no socket.
 *
 * Invariants: S1 The directory of a socket belongs to the user and is closed to everybody else; otherwise it is neither
 * listened in nor connected to. S2 What is written down is checked again by whoever reads it.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { z } from 'zod';
import { MegactorError } from '../protocol/errors.ts';
import { writeJson, type RunDirectory } from './run-directory.ts';

/** What fits into the address of a unix socket, in bytes without the closing zero. */
export const SOCKET_PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103;
const SOCKET_NAME = 'socket';
const FALLBACK_PREFIX = 'megactor-';
const FORMAT = 1;

const addressSchema = z.object({
  format: z.literal(FORMAT),
  pid: z.int(),
  /** Relative to `RUN_DIR/control`, or absolute; null when the run cannot be steered. */
  socket: z.string().min(1).nullable(),
  /** Why it cannot. */
  error: z.string().nullable(),
});

export type ControlAddress = z.infer<typeof addressSchema>;

const controlDirectory = (directory: RunDirectory): string => join(directory.path, 'control');
const addressFile = (directory: RunDirectory): string => join(controlDirectory(directory), 'address.json');

export const fitsSocket = (path: string): boolean => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX;

const notPrivate = (path: string, why: string): MegactorError =>
  new MegactorError('RUN_UNREACHABLE', `${path} ${why}, so it is not used to steer a run`, {
    hint: 'Steer a run as the user who started it.',
  });

/** @throws RUN_UNREACHABLE unless `path` is a directory of this user that is closed to others */
export const checkPrivate = (path: string): void => {
  let found: Stats;
  try {
    found = lstatSync(path);
  } catch (error) {
    throw notPrivate(path, `cannot be looked at (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  if (!found.isDirectory()) throw notPrivate(path, 'is not a directory');
  const user = process.getuid?.();
  if (user === undefined) return;
  if (found.uid !== user) throw notPrivate(path, `belongs to another user (${found.uid})`);
  if ((found.mode & 0o077) !== 0) throw notPrivate(path, 'is open to other users');
};

/** Makes `RUN_DIR/control` private, also one that came from a copy with other modes. @throws RUN_UNREACHABLE */
const makeControlDirectory = (directory: RunDirectory): string => {
  const path = controlDirectory(directory);
  try {
    mkdirSync(path, { mode: 0o700, recursive: true });
    const found = lstatSync(path);
    if (found.isDirectory() && found.uid === process.getuid?.()) chmodSync(path, 0o700);
  } catch (error) {
    throw notPrivate(path, `cannot be made private (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  checkPrivate(path);
  return path;
};

/** A new directory for a socket, with a path that is short enough. @throws RUN_UNREACHABLE */
const makeFallbackDirectory = (): string => {
  const bases = [...new Set([tmpdir(), '/tmp'])];
  for (const base of bases) {
    // `mkdtemp` adds six characters, and makes the directory with mode 0700 or not at all.
    if (!fitsSocket(join(base, `${FALLBACK_PREFIX}XXXXXX`, SOCKET_NAME))) continue;
    try {
      const path = mkdtempSync(join(base, FALLBACK_PREFIX));
      checkPrivate(path);
      return path;
    } catch {
      // The next one may do.
    }
  }
  throw notPrivate(bases.join(' and '), 'cannot hold a socket');
};

/** Removes what an earlier process of this run left behind, if it is what it should be. */
const removeLeft = (directory: RunDirectory): void => {
  const socket = readAddress(directory)?.socket ?? null;
  if (socket === null) return;
  removeSocket(isAbsolute(socket) ? socket : join(controlDirectory(directory), socket));
};

/** Removes a socket, and with it the directory that was made for it alone. */
export const removeSocket = (path: string): void => {
  const parent = dirname(path);
  try {
    checkPrivate(parent);
    if (basename(path) !== SOCKET_NAME) return;
    rmSync(path, { force: true });
    if (basename(parent).startsWith(FALLBACK_PREFIX)) rmdirSync(parent);
  } catch {
    // What cannot be removed is in nobody's way: the next socket gets a place of its own.
  }
};

/** Paths to listen at, best first; each is made when it is asked for. @throws RUN_UNREACHABLE */
export function* socketPlaces(directory: RunDirectory): Iterable<string> {
  const inside = join(makeControlDirectory(directory), SOCKET_NAME);
  removeLeft(directory);
  rmSync(inside, { force: true });
  if (fitsSocket(inside)) yield inside;
  yield join(makeFallbackDirectory(), SOCKET_NAME);
}

/** Writes down where the socket is (null: nowhere, because of `error`). */
export const writeAddress = (directory: RunDirectory, socket: string | null, error: string | null): void => {
  const parent = controlDirectory(directory);
  const written = socket !== null && dirname(socket) === parent ? basename(socket) : socket;
  writeJson(addressFile(directory), { format: FORMAT, pid: process.pid, socket: written, error });
};

/** What a process that runs this directory has written down; null when there is nothing to be read. */
export const readAddress = (directory: RunDirectory): ControlAddress | null => {
  try {
    const parsed = addressSchema.safeParse(JSON.parse(readFileSync(addressFile(directory), 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};

/** The path to connect to, in a form that fits into an address. @throws RUN_UNREACHABLE */
export const socketPathOf = (directory: RunDirectory, socket: string): string => {
  const path = isAbsolute(socket) ? socket : join(controlDirectory(directory), socket);
  checkPrivate(dirname(path));
  const candidates = [path, relative(process.cwd(), path)];
  try {
    candidates.push(realpathSync(path));
  } catch {
    // Connecting says what is wrong with it.
  }
  const short = candidates.find(fitsSocket);
  if (short !== undefined) return short;
  throw new MegactorError('RUN_UNREACHABLE', `the path of the control socket is too long: ${path}`, {
    hint: 'Change into the run directory and name it with `.`.',
  });
};
