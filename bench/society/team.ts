/**
 * One run of the scenario *team*, and what it delivered: files, or, with one shared file for each group, lines. A run that
 * did not complete is no measurement.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { play } from './play.ts';
import { adminsOf, LATENCY_MS, WORKERS_PER_ADMIN } from './settings.ts';

/** What one run was. */
export interface TeamRun {
  readonly wallSeconds: number;
  readonly reportedSeconds: number;
  readonly calls: number;
  readonly requestBytes: number;
  readonly processorMs: number | null;
  readonly peakMemoryMb: number | null;
  readonly commits: number;
  /** Files, or lines of shared files. */
  readonly delivered: number;
  readonly expected: number;
}

/** `own`: one file for each worker. `shared`: one for each group, which its workers read and append a line to. */
export type Variant = 'own' | 'shared';

/** Files of a workspace that hold something, git's own left out: paths in it. */
export const pathsIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name).slice(folder.length + 1) }))
    .filter(({ entry, path }) => entry.isFile() && !path.startsWith('.git/'))
    .map(({ path }) => path)
    .filter((path) => statSync(join(folder, path)).size > 0);

export const filesIn = (folder: string): number => pathsIn(folder).length;

const LINE = /^- (?<worker>[\w-]+): .+$/u;

/** Workers who have exactly one line in their group's file: a lost line and a doubled one are both none. */
export const linesIn = (folder: string): number => {
  const times = new Map<string, number>();
  for (const path of pathsIn(folder).filter((name) => name.endsWith('/shared.md'))) {
    for (const line of readFileSync(join(folder, path), 'utf8').split('\n')) {
      const worker = LINE.exec(line)?.groups?.['worker'];
      if (worker !== undefined) times.set(worker, (times.get(worker) ?? 0) + 1);
    }
  }
  return [...times.values()].filter((count) => count === 1).length;
};

/** @throws Error when the society did not complete */
export const runTeam = (size: number, variant: Variant): Promise<TeamRun> => {
  const admins = adminsOf(size) ?? 0;
  const shape = { admins, workersPerAdmin: WORKERS_PER_ADMIN, ...(variant === 'shared' ? { variant } : {}) };
  const rehearsal = { scenario: 'team', latencyMs: LATENCY_MS, shape };
  return play({ agents: size, rehearsal, review: 'none' }, (played) => {
    const workspace = join(played.runDir, 'workspace');
    return {
      wallSeconds: played.wallSeconds,
      reportedSeconds: played.summary.wallSeconds,
      calls: played.stats.calls,
      requestBytes: played.stats.bytesIn,
      processorMs: played.processorMs,
      peakMemoryMb: played.peakMemoryMb,
      commits: played.summary.commits,
      delivered: variant === 'shared' ? linesIn(workspace) : filesIn(workspace),
      expected: admins * WORKERS_PER_ADMIN,
    };
  });
};
