/** The main job on built-in parts: a society of 590 agents, the same again with the same seed and other threads. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import { asLineSets, command, filesBelow, jsonLine, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const runSociety = async (name: string, args: readonly string[]): Promise<RunSummary> => {
  const runDir = join(directory.path, name);
  const result = await command(
    ['run', 'Write the policy of a small country', '--model', 'rehearsal', '--run-dir', runDir, '--json', ...args],
    { cwd: directory.path },
  );
  expect(result.exitCode, result.stderr).toBe(0);
  return jsonLine(result) as RunSummary;
};

const inspect = async (runDir: string): Promise<Inspection> =>
  jsonLine(await command(['inspect', runDir, '--json'])) as Inspection;

describe('590 agents with the rehearsal model', () => {
  test(
    'everybody is woken, works, closes its checklist and writes; git is clean; the seed decides the result',
    { tags: 'long', timeout: 400_000 },
    async () => {
      const first = await runSociety('first', ['--max-agents', '590', '--seed', '7']);
      expect(first).toMatchObject({
        status: 'completed',
        reason: 'done',
        synthetic: true,
        agents: 590,
        neverWoken: 0,
        deadLetters: 0,
        restarts: 0,
        repeatedCalls: 0,
      });
      const { agentsByLevel } = first;
      expect(agentsByLevel.boss + agentsByLevel.admin + agentsByLevel.ordinary).toBe(590);
      expect(first.files).toBeGreaterThanOrEqual(agentsByLevel.ordinary);

      const { agents, status } = await inspect(first.runDir);
      expect(status).toBe('completed');
      for (const agent of agents) {
        expect(agent.calls, agent.name).toBeGreaterThanOrEqual(1);
        expect(agent.mail, agent.name).toBe(0);
        expect(agent.checklist.open, agent.name).toBe(0);
        if (agent.level === 'ordinary') expect(agent.checklist.closed, agent.name).toBeGreaterThanOrEqual(1);
      }

      const git = (...args: string[]): string =>
        execFileSync('git', ['-C', first.workspace, ...args], { encoding: 'utf8' });
      expect(git('fsck', '--strict')).not.toMatch(/error|missing|dangling commit/u);
      expect(git('status', '--porcelain')).toBe('');
      expect(Number(git('rev-list', '--count', 'HEAD'))).toBe(first.commits);

      const report = JSON.parse(readFileSync(join(first.runDir, 'report.json'), 'utf8')) as {
        files: { path: string; author: string; commit: string }[];
        synthetic: boolean;
      };
      expect(report.synthetic).toBe(true);
      const authors = new Set(report.files.map((file) => file.author));
      const ordinary = agents.filter((agent) => agent.level === 'ordinary');
      expect(ordinary.filter((agent) => !authors.has(agent.name))).toEqual([]);
      expect(readFileSync(join(first.runDir, 'report.md'), 'utf8')).toMatch(/synthetic/iu);

      const second = await runSociety('second', ['--max-agents', '590', '--seed', '7', '--threads', '1']);
      const again = await inspect(second.runDir);
      const names = (inspection: Inspection): string[] => inspection.agents.map((agent) => agent.name).sort();
      expect(names(again)).toEqual(names({ ...again, agents }));
      expect(asLineSets(filesBelow(second.workspace))).toEqual(asLineSets(filesBelow(first.workspace)));
    },
  );
});

describe('small societies', () => {
  for (const agents of [1, 2, 3, 5, 12, 40]) {
    test(`${agents} agents complete`, { tags: [1, 12].includes(agents) ? [] : ['long'] }, async () => {
      const summary = await runSociety(`small-${agents}`, ['--max-agents', String(agents), '--seed', '3']);
      expect(summary).toMatchObject({ status: 'completed', agents, neverWoken: 0, deadLetters: 0 });
      expect(summary.files).toBeGreaterThanOrEqual(1);
    });
  }

  test('other seeds make other societies', { tags: 'long' }, async () => {
    const [left, right] = await Promise.all([
      runSociety('seed-1', ['--max-agents', '20', '--seed', '1']),
      runSociety('seed-2', ['--max-agents', '20', '--seed', '2']),
    ]);
    expect(filesBelow(left.workspace)).not.toEqual(filesBelow(right.workspace));
  });

  test('without a journal and without reviews', async () => {
    const summary = await runSociety('none', ['--max-agents', '20', '--durability', 'none', '--review', 'none']);
    expect(summary).toMatchObject({ status: 'completed', agents: 20, reviews: { accept: 0, revise: 0 } });
  });
});
