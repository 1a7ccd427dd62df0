/** The checks of `doctor` that are about the machine: Node, processors, memory, disk, limits, git, terminal. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { coreCount } from '../platform/index.ts';
import { fine, type CheckSpec, type Finding } from './doctor-check.ts';

const NODE_WANTED = [22, 18] as const;
const MEMORY_WANTED_MIB = 512;
const DISK_NEEDED_MIB = 100;
const OPEN_FILES_WANTED = 1_024;
const THREAD_POOL_DEFAULT = 4;
const GIT_DEADLINE_MS = 5_000;
const MIB = 1024 * 1024;

const gib = (bytes: number): string => `${(bytes / 1024 / MIB).toFixed(1)} GiB`;

const checkNode = (): Finding => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > NODE_WANTED[0] || (major === NODE_WANTED[0] && minor >= NODE_WANTED[1]);
  const detail = `${process.versions.node} on ${process.platform} ${process.arch}`;
  return enough ? fine(detail) : { ok: false, detail, hint: `Install Node ${NODE_WANTED.join('.')} or newer.` };
};

const checkMemory = (): Finding => {
  const available = process.availableMemory();
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const detail = `${gib(available)} of ${gib(total)} available`;
  return available >= MEMORY_WANTED_MIB * MIB
    ? fine(detail)
    : { ok: false, detail, hint: 'Free some memory, or use fewer agents and --threads 1.' };
};

/** The nearest directory that exists, above one that may not. */
const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)));

const checkDisk: CheckSpec['run'] = ({ cwd }) => {
  const path = existing(join(cwd, 'runs'));
  const hint = 'Make room, or give another place with --run-dir.';
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  try {
    accessSync(path, constants.W_OK);
  } catch {
    return { ok: false, detail: `${path} cannot be written`, hint };
  }
  const detail = `${gib(free)} free where runs go (${path})`;
  return free >= DISK_NEEDED_MIB * MIB ? fine(detail) : { ok: false, detail, hint };
};

/** The soft limit of this process; null where it is not known. */
const openFilesLimit = (): number | null => {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  // Looking up the names of open connections would take its time.
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = userLimits?.open_files?.soft;
  if (soft === 'unlimited') return Number.POSITIVE_INFINITY;
  return typeof soft === 'number' ? soft : null;
};

const checkOpenFiles = (): Finding => {
  const limit = openFilesLimit();
  if (limit === null) return fine('the limit is not known on this system');
  const detail = limit === Number.POSITIVE_INFINITY ? 'no limit' : `limit ${limit}`;
  return limit >= OPEN_FILES_WANTED
    ? fine(detail)
    : { ok: false, detail, hint: `Every model call in flight needs one: \`ulimit -n ${OPEN_FILES_WANTED}\` or more.` };
};

const checkThreadPool: CheckSpec['run'] = ({ environment }) => {
  const text = environment['UV_THREADPOOL_SIZE'];
  const size = text === undefined ? THREAD_POOL_DEFAULT : Number(text);
  if (Number.isInteger(size) && size >= THREAD_POOL_DEFAULT) {
    return fine(`UV_THREADPOOL_SIZE ${text ?? `not set (${THREAD_POOL_DEFAULT})`}`);
  }
  const detail = `UV_THREADPOOL_SIZE is "${text ?? ''}"`;
  return { ok: false, detail, hint: 'Commits, files and name resolution share it: leave it unset, or set it to 8.' };
};

const checkGit = async (): Promise<Finding> => {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { timeout: GIT_DEADLINE_MS });
    return fine(stdout.trim());
  } catch {
    const hint = 'Megactor writes its history without it; install git to look at that history.';
    return { ok: false, detail: 'no git command', hint };
  }
};

const checkTerminal = (): Finding => {
  const { isTTY, columns } = process.stdout;
  return fine(isTTY ? `a terminal, ${columns} columns` : 'not a terminal: plain lines');
};

export const MACHINE_CHECKS: readonly CheckSpec[] = [
  { name: 'node', needed: true, hint: '', run: checkNode },
  { name: 'cores', needed: false, hint: '', run: () => fine(`${coreCount()} for threads`) },
  { name: 'memory', needed: false, hint: '', run: checkMemory },
  { name: 'disk', needed: true, hint: 'Give a directory that exists with --run-dir.', run: checkDisk },
  { name: 'open-files', needed: false, hint: '', run: checkOpenFiles },
  { name: 'thread-pool', needed: false, hint: '', run: checkThreadPool },
  { name: 'git', needed: false, hint: '', run: checkGit },
  { name: 'terminal', needed: false, hint: '', run: checkTerminal },
];
