/** A start that fails leaves nothing behind that would stand in the way of the next one. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterAll, expect, test } from 'vitest';
import { runSociety } from '../../src/run/index.ts';
import { temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

for (const there of [true, false])
  test(
    `S3 a workspace with foreign changes, the run directory there before: ${there}`,
    { tags: there ? [] : ['long'] },
    async () => {
      const workspace = join(directory.path, `workspace-${there}`);
      const runDir = join(directory.path, `run-${there}`);
      mkdirSync(workspace);
      execFileSync('git', ['init', '-q'], { cwd: workspace });
      writeFileSync(join(workspace, 'mine.txt'), 'x');
      if (there) mkdirSync(runDir);
      const options = { model: 'rehearsal', maxAgents: 3, runDir, seed: 1 };
      await expect(runSociety('goal', { ...options, workspace }).report).rejects.toMatchObject({
        code: 'WORKSPACE_DIRTY',
      });
      expect(existsSync(runDir)).toBe(there);
      if (there) expect(readdirSync(runDir)).toEqual([]);
      expect((await runSociety('goal', options).report).status).toBe('completed');
    },
  );
