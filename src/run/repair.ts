/**
 * Repairs the run directory of a society: the journal (`journal/repair/`), under the lease, and the rows of the roster
 * that must fit it. The report is written to `RUN_DIR/repair-N.json`.
 *
 * Invariants: N1 A live run is refused. N2 Nothing is deleted: the damaged file is in `journal.damaged-N`. N3 Every
 * agent whose actor is kept has a row in the roster, and a society whose Boss is not kept is founded again. N4 Agents, and
 * what they may still hire, are within the run's limit; where more are there already, nobody hires any more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  acquireLease,
  damagedDirectory,
  type RepairReport,
  type RepairView,
  type StoreChange,
} from '../journal/index.ts';
import { systemClock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import {
  AGENT_PREFIX,
  agentSettingsSchema,
  BOSS,
  checklistItemSchema,
  checkPlan,
  type FoundArgs,
  type KnownAgent,
  LEVELS,
  META_KEY,
  QUIET_KEY,
  type QuietResult,
  repairRoster,
  type RosterAgent,
  type RosterMeta,
  type RosterRepair,
  USER,
} from '../society/index.ts';
import { repairFiles } from '../workspace/index.ts';
import { FOUND_EFFECT, FOUNDED_KEY, RUN_STORE } from './run-store.ts';
import { writeJson, RunDirectory } from './run-directory.ts';
import { hasEnded } from './resumable.ts';

export interface RepairResult extends RepairReport {
  readonly runId: string;
  readonly runDir: string;
  /** Where the damaged file and this report are; null when nothing was wrong. */
  readonly damagedDirectory: string | null;
  readonly reportFile: string | null;
  /** Who is there, and what they may still hire; null when nothing was wrong, or nobody was there. */
  readonly society: Omit<RosterRepair, 'changes'> | null;
  /** Whether `resume` may go on with the run. */
  readonly resumable: boolean;
}

/** What of an agent's start its row in the roster is made of. */
const initSchema = z.object({
  name: z.string(),
  depth: z.int(),
  supervisor: z.string(),
  slots: z.int(),
  description: z.string(),
  initialPrompt: z.string(),
  files: z.array(z.string()),
  checklist: z.array(checklistItemSchema),
  settings: agentSettingsSchema,
});

/** What the roster answered to whoever hired: enough for a row, without the task. */
const hiredSchema = z.object({
  name: z.string(),
  id: z.int(),
  shard: z.int(),
  depth: z.int(),
  supervisor: z.string().nullable(),
  level: z.enum(LEVELS),
  slots: z.int(),
});
const hiresSchema = z.union([
  z.object({ hired: z.array(z.unknown()) }).transform(({ hired }) => hired),
  z.object({ members: z.array(z.unknown()) }).transform(({ members }) => members),
  z.array(z.unknown()),
]);

/** Everybody of whom the start, or the hiring, is left. */
export const knownAgents = (view: Pick<RepairView, 'seen' | 'all'>): KnownAgent[] => {
  const known = new Map<string, KnownAgent>();
  for (const { shard, record } of view.seen) {
    const init = initSchema.safeParse(record.init);
    if (!init.success) continue;
    const { initialPrompt: task, settings: _settings, ...rest } = init.data;
    const supervisor = rest.supervisor === USER ? null : rest.supervisor;
    known.set(record.name, { ...rest, supervisor, task, shard, id: record.id, fixedSlots: false, woken: true });
  }
  for (const [, result] of view.all('results', 'roster')) {
    for (const hire of hiresSchema.safeParse(result).data ?? []) {
      const hired = hiredSchema.safeParse(hire);
      if (!hired.success || known.has(hired.data.name)) continue;
      const { level: _level, ...rest } = hired.data;
      known.set(rest.name, { ...rest, description: '', task: '', fixedSlots: false, woken: true });
    }
  }
  return [...known.values()];
};

/** Who was hired by the plan: nobody's step spawns them again. */
const foundersOf = (view: RepairView): string[] => {
  for (const [key, result] of view.all('results', 'roster')) {
    if (key !== FOUND_EFFECT) continue;
    return (hiresSchema.safeParse(result).data ?? []).flatMap((hire) => hiredSchema.safeParse(hire).data?.name ?? []);
  }
  return [];
};

/** How the society was founded, from any agent's start and from `plan.json`. */
const foundingOf = (view: RepairView, directory: RunDirectory, shards: number): FoundArgs | null => {
  for (const { record } of view.seen) {
    const init = initSchema.safeParse(record.init);
    if (!init.success) continue;
    const { reviews, checks = false, limits, goal } = init.data.settings;
    try {
      const check = checkPlan(JSON.parse(readFileSync(directory.file('plan.json'), 'utf8')), limits);
      if (check.ok) return { plan: check.plan, shards, reviews, checks, limits };
    } catch {
      // The plan is for the report only; the society has begun without it.
    }
    return { plan: { goal, agents: [], items: [] }, shards, reviews, checks, limits };
  }
  return null;
};

/** The changes to the tables that N3 and N4 ask for. @param tell is told of the roster @throws JOURNAL_DAMAGED when the roster cannot be made again */
const societyChanges =
  (directory: RunDirectory, shards: number, tell: (roster: RosterRepair) => void) =>
  (view: RepairView): ReadonlyMap<string, readonly StoreChange[]> => {
    const changes = new Map<string, readonly StoreChange[]>();
    const kept = new Set(view.actors.map(({ record }) => record.name));
    if (![BOSS, ...foundersOf(view)].every((name) => kept.has(name))) {
      changes.set(RUN_STORE, [{ key: FOUNDED_KEY, value: undefined }]);
    }
    const rows = [...view.all('values', 'roster')]
      .filter(([key]) => key.startsWith(AGENT_PREFIX))
      .map(([, row]) => row as RosterAgent);
    const roster = repairRoster({
      meta: view.value('roster', META_KEY) as RosterMeta | undefined,
      lastQuiet: view.value('roster', QUIET_KEY) as QuietResult | undefined,
      rows,
      known: knownAgents(view),
      founding: foundingOf(view, directory, shards),
    });
    if (roster === null) {
      throw new MegactorError('JOURNAL_DAMAGED', 'what is left does not say who worked in the run', {
        hint: 'Keep the run directory and start a new run; the files are in its workspace.',
      });
    }
    tell(roster);
    if (roster.changes.length > 0) changes.set('roster', roster.changes);
    changes.set('workspace', repairFiles(new Map(view.all('values', 'workspace'))));
    return changes;
  };

/** The first number without a trace of an earlier repair. */
const freeNumber = (directory: RunDirectory): number => {
  for (let number = 1; ; number += 1) {
    const traces = [damagedDirectory(directory.path, number), join(directory.path, `repair-${number}.json`)];
    if (!traces.some((path) => existsSync(path))) return number;
  }
};

/**
 * Examines the journal of a run at rest and repairs what is damaged.
 * @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_DIR_IN_USE for a live run, RUN_FORMAT, DISK, JOURNAL_DAMAGED when
 * nothing in it can be proven
 */
export const repairRun = async (runDir: string): Promise<RepairResult> => {
  const { directory } = RunDirectory.open(runDir);
  const lease = acquireLease(directory.path, {
    pid: process.pid,
    startedAt: new Date(systemClock.now()).toISOString(),
    doing: 'repair',
  });
  try {
    const run = directory.readRun();
    if (run.settings.durability === 'none') {
      throw new MegactorError('RUN_NOT_RESUMABLE', `run ${run.runId} kept no journal (--durability none)`);
    }
    const number = freeNumber(directory);
    const { shards } = run.settings;
    // Only who repairs needs the native store.
    const { repairJournal } = await import('../journal/repair/repair.ts');
    let society: RepairResult['society'] = null;
    const adjust = societyChanges(directory, shards, ({ agents, agentsMax, slotsTaken }) => {
      society = agents === 0 ? null : { agents, agentsMax, slotsTaken };
    });
    const report = await repairJournal(directory.path, { shards, number, adjust });
    const reportFile = report.repaired ? join(directory.path, `repair-${number}.json`) : null;
    const result: RepairResult = {
      runId: run.runId,
      runDir: directory.path,
      ...report,
      damagedDirectory: report.repaired ? damagedDirectory(directory.path, number) : null,
      reportFile,
      society,
      resumable: !hasEnded(run),
    };
    if (reportFile !== null) writeJson(reportFile, result);
    return result;
  } finally {
    lease.release();
  }
};
