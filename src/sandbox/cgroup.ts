/**
 * A cgroup per program, where the process may make one: holds the memory and the number of all its processes together.
 * Versions 1 and 2; mostly only root may. What it does not do: enter (`scripts.ts`), or decide what holds without.
 *
 * Invariant: C1 what was made is removed, by this process or, when it was killed, by the next one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where groups can be made: one directory for both controllers (version 2), or one each. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  readonly memory: string;
  readonly pids: string;
}

export interface CgroupLimits {
  readonly memoryBytes: number;
  readonly processes: number;
}

const PREFIX = 'megactor-';

const linesOf = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
};

/** Mount points of cgroups: the kind of file system, its options, where it is. */
const mounts = (proc: string): { kind: string; options: string[]; at: string }[] =>
  linesOf(join(proc, 'self/mounts')).flatMap((line) => {
    const [, at = '', kind = '', options = ''] = line.split(' ');
    return kind.startsWith('cgroup') ? [{ kind, options: options.split(','), at }] : [];
  });

/** Where this process itself is, by controller; '' is version 2. */
const ownPaths = (proc: string): ReadonlyMap<string, string> => {
  const paths = new Map<string, string>();
  for (const line of linesOf(join(proc, 'self/cgroup'))) {
    const [, controllers = '', path = '/'] = line.split(':');
    for (const controller of controllers.split(',')) paths.set(controller, path);
  }
  return paths;
};

const mayMake = (directory: string, file: string, pid: number): boolean => {
  const made = join(directory, `${PREFIX}${pid}-probe`);
  try {
    mkdirSync(made);
    const there = existsSync(join(made, file));
    rmdirSync(made);
    return there;
  } catch {
    return false;
  }
};

/** @param proc where `/proc` is */
export const findCgroupPlace = (pid: number, proc = '/proc'): CgroupPlace | null => {
  const all = mounts(proc);
  const own = ownPaths(proc);
  const usable = (at: string | undefined, controller: string, file: string): string | undefined =>
    at === undefined
      ? undefined
      : [join(at, own.get(controller) ?? '/'), at].find((directory) => mayMake(directory, file, pid));
  const unified = all.find(({ kind }) => kind === 'cgroup2')?.at;
  const both = usable(unified, '', 'memory.max');
  if (both !== undefined && mayMake(both, 'pids.max', pid)) return { version: 2, memory: both, pids: both };
  const first = (controller: string): string | undefined =>
    all.find(({ kind, options }) => kind === 'cgroup' && options.includes(controller))?.at;
  const memory = usable(first('memory'), 'memory', 'memory.limit_in_bytes');
  const pids = usable(first('pids'), 'pids', 'pids.max');
  return memory === undefined || pids === undefined ? null : { version: 1, memory, pids };
};

export class Cgroup {
  readonly #place: CgroupPlace;
  readonly #directories: readonly string[];

  private constructor(place: CgroupPlace, directories: readonly string[]) {
    this.#place = place;
    this.#directories = directories;
  }

  /** @param name unique in the process */
  static make(place: CgroupPlace, pid: number, name: string, limits: CgroupLimits): Cgroup {
    const memory = join(place.memory, `${PREFIX}${pid}-${name}`);
    const pids = join(place.pids, `${PREFIX}${pid}-${name}`);
    const directories = [...new Set([memory, pids])];
    for (const directory of directories) mkdirSync(directory);
    const isSecond = place.version === 2;
    writeFileSync(join(memory, isSecond ? 'memory.max' : 'memory.limit_in_bytes'), String(limits.memoryBytes));
    writeFileSync(join(pids, 'pids.max'), String(limits.processes));
    const swap = join(memory, isSecond ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes');
    if (existsSync(swap)) writeFileSync(swap, isSecond ? '0' : String(limits.memoryBytes));
    return new Cgroup(place, directories);
  }

  /** Files to which a process writes `0` to enter. */
  get entries(): readonly string[] {
    return this.#directories.map((directory) => join(directory, 'cgroup.procs'));
  }

  /** Whether a process of it was ended because there was no memory left. */
  get ranOutOfMemory(): boolean {
    const [memory = ''] = this.#directories;
    const file = join(memory, this.#place.version === 2 ? 'memory.events' : 'memory.oom_control');
    return linesOf(file).some((line) => /^oom_kill [1-9]/u.test(line));
  }

  /** When all its processes have ended. */
  remove(): void {
    for (const directory of this.#directories) {
      try {
        rmdirSync(directory);
      } catch {
        // Somebody is still in it, or it is gone: the next process that starts a sandbox looks again.
      }
    }
  }
}

/** Removes the groups of processes that are gone. */
export const removeStaleCgroups = (place: CgroupPlace, proc = '/proc'): void => {
  for (const directory of new Set([place.memory, place.pids])) {
    for (const name of readdirSync(directory)) {
      const pid = new RegExp(`^${PREFIX}(\\d+)-`, 'u').exec(name)?.[1];
      if (pid === undefined || existsSync(join(proc, pid))) continue;
      try {
        rmdirSync(join(directory, name));
      } catch {
        // It is not empty.
      }
    }
  }
};
