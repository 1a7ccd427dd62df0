/** D3 with a real process that dies between the service's commit and its answer, at each of its commits. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { STEP_EFFECTS } from '../../journal/service-subject.ts';
import { openOnDisk } from './on-disk.ts';
import { diskSubjects } from './subjects.ts';

const ENTRY = fileURLToPath(new URL('./fixtures/service-process.ts', import.meta.url));
const KILLS_MAX = 20;

const newDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'megactor-service-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
};

interface Ended {
  readonly killed: boolean;
  /** Results by effect id, as far as they were acknowledged. */
  readonly acknowledged: ReadonlyMap<string, unknown>;
}

/** Lets the process die at its `count`-th commit of a service. */
const runAndKill = async (name: string, directory: string, count: number): Promise<Ended> => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ENTRY, name, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'test', MEGACTOR_KILL_AT: `service.commit.after:${count}` },
  });
  const exited = new Promise<string | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? (code === 0 ? null : `exit ${code}`)));
  });
  const acknowledged = new Map<string, unknown>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [effectId, result] = JSON.parse(line) as [string, unknown];
    acknowledged.set(effectId, result);
  }
  const how = await exited;
  expect([null, 'SIGKILL']).toContain(how);
  return { killed: how === 'SIGKILL', acknowledged };
};

/** Opens what the process has left, does both acts, again or for the first time, and looks. */
const repeatBoth = async (name: string, directory: string): Promise<{ results: unknown[]; seen: unknown }> => {
  const subject = diskSubjects(directory)[name];
  if (subject === undefined) throw new Error(`no service ${name}`);
  const journal = await openOnDisk(directory);
  const world = await subject.start();
  const service = await world.open(journal.store);
  const results = [await service.act(STEP_EFFECTS[0], 1), await service.act(STEP_EFFECTS[1], 2)];
  const seen = await service.observe();
  await service.close?.();
  await world.close();
  await journal.close();
  return { results, seen };
};

for (const name of Object.keys(diskSubjects('')))
  test(
    `${name}: killed at service.commit.after, a repeat acts no second time`,
    { tags: name === 'roster' ? [] : ['long'] },
    async () => {
      const undisturbed = await repeatBoth(name, newDirectory());
      let kills = 0;
      for (let count = 1; count <= KILLS_MAX; count += 1) {
        const directory = newDirectory();
        const { killed, acknowledged } = await runAndKill(name, directory, count);
        const { results, seen } = await repeatBoth(name, directory);
        expect(seen, `killed at ${count}`).toEqual(undisturbed.seen);
        for (const [index, effectId] of STEP_EFFECTS.entries()) {
          if (acknowledged.has(effectId)) expect(results[index]).toEqual(acknowledged.get(effectId));
        }
        if (!killed) break;
        kills += 1;
      }
      // Both acts commit, so at least two processes died.
      expect(kills).toBeGreaterThanOrEqual(STEP_EFFECTS.length);
      expect(kills).toBeLessThan(KILLS_MAX);
    },
  );
