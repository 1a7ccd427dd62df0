/**
 * A society whose model answers at once, with a journal and without: what durable steps cost where nothing hides it. Each
 * run is `megactor run` in a process of its own, with the rehearsal built in. A run that did not do all its work is no
 * measurement.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withDirectory } from '../harness/environment.ts';
import { runMegactor } from '../harness/programs.ts';
import { adminsOf, GOAL, WORKERS_PER_ADMIN } from '../society/settings.ts';
import { summaryOf } from '../society/play.ts';
import { filesIn } from '../society/team.ts';
import { SEED } from './settings.ts';

export interface DurabilityRun {
  readonly wallSeconds: number;
  readonly processorMs: number | null;
}

/** @throws Error when the society did not do all of its work */
export const runTeamAt = (durability: 'flushed' | 'none', size: number): Promise<DurabilityRun> =>
  withDirectory(async (folder) => {
    const admins = adminsOf(size) ?? 0;
    const rehearsal = join(folder, 'rehearsal.json');
    const shape = { admins, workersPerAdmin: WORKERS_PER_ADMIN };
    writeFileSync(rehearsal, JSON.stringify({ scenario: 'team', latencyMs: 0, shape }));
    const runDir = join(folder, 'run');
    const words = ['run', GOAL, '--rehearsal', rehearsal, '--max-agents', String(size), '--review', 'none'];
    words.push('--durability', durability, '--seed', String(SEED), '--run-dir', runDir, '--json', '--quiet');
    const finished = await runMegactor(words);
    const { status, reason, agents } = summaryOf(finished);
    const files = filesIn(join(runDir, 'workspace'));
    if (status !== 'completed') throw new Error(`the run ended ${status} (${reason})`);
    if (agents !== size || files !== admins * WORKERS_PER_ADMIN) {
      throw new Error(`there were ${agents} agents and ${files} files`);
    }
    return { wallSeconds: finished.wallMs / 1_000, processorMs: finished.processorMs };
  });
