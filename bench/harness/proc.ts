/**
 * What Linux knows of a process: processor time and peak memory, from /proc; what Node knows of a thread. Elsewhere everything
 * is null, and the rows made of it are skipped.
 */
import { readFileSync } from 'node:fs';

/** The kernel's unit of the times in `stat`: USER_HZ, 100 on every platform that Node runs on. */
const TICK_MS = 10;
const STAT_FIELDS = { ownUser: 11, ownSystem: 12, childrenUser: 13, childrenSystem: 14 } as const;

/** Why a row has no value when /proc is not there. */
export const NO_PROC = 'needs /proc (Linux)';

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
};

/** Fields of `/proc/PID/stat` after the name of the program, which may hold spaces and brackets. */
export const statFields = (stat: string): number[] =>
  stat
    .slice(stat.lastIndexOf(')') + 2)
    .trim()
    .split(' ')
    .map(Number);

const timesMs = (pid: number | 'self', first: number, second: number): number | null => {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = statFields(stat);
  return ((fields[first] ?? Number.NaN) + (fields[second] ?? Number.NaN)) * TICK_MS;
};

/** User and system time of a living process with all its threads. */
export const processorMs = (pid: number): number | null => timesMs(pid, STAT_FIELDS.ownUser, STAT_FIELDS.ownSystem);

/** Processor time of the calling thread so far, in microseconds; null before Node 23.9, which does not tell. */
export const threadMicros = (): number | null => {
  const usage = (process as { threadCpuUsage?: () => NodeJS.CpuUsage }).threadCpuUsage?.();
  return usage === undefined ? null : usage.user + usage.system;
};

/** User and system time of all children of this process that have ended, with the children they waited for. */
export const endedChildrenMs = (): number | null =>
  timesMs('self', STAT_FIELDS.childrenUser, STAT_FIELDS.childrenSystem);

const statusMb = (pid: number | 'self', field: string): number | null => {
  const lines = (read(`/proc/${pid}/status`) ?? '').split('\n');
  const kib = /\s(?<kib>\d+) kB$/u.exec(lines.find((line) => line.startsWith(`${field}:`)) ?? '')?.groups?.['kib'];
  return kib === undefined ? null : Number(kib) / 1_024;
};

/** The most memory a living process has had resident so far. */
export const peakMemoryMb = (pid: number): number | null => statusMb(pid, 'VmHWM');

/** What this process has allocated and has resident: without the pages of files that it has mapped. */
export const ownMemoryMb = (): number | null => statusMb('self', 'RssAnon');
