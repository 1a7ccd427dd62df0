/** The playbook *policy*, in small: an interview changes a clause, and the same comes of it in any order and after kills. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDraft } from '../../actors/playbooks/policy/draft.ts';
import { asPlayed } from '../../src/run/playbook-options.ts';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import { command, filesBelow, jsonLine, temporaryDirectory } from '../support/command.ts';

const AGENTS = 30;
const SEED = 11;
const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const run = (name: string, settings: unknown, env: Record<string, string> = {}) => {
  const rehearsal = join(directory.path, `${name}.json`);
  writeFileSync(rehearsal, JSON.stringify(settings));
  const sizes = ['--max-agents', String(AGENTS), '--seed', String(SEED), '--rehearsal', rehearsal];
  const runDir = join(directory.path, name);
  return command(['run', '--model', 'playbook:policy', ...sizes, '--run-dir', runDir, '--json'], { env });
};

let whole: RunSummary;
let files: ReadonlyMap<string, string>;

beforeAll(async () => {
  // Slow enough for git to take up the drafts before their revisions come, also on a busy machine.
  const result = await run('whole', { latencyMs: 250 });
  expect(result.exitCode, result.stderr).toBe(0);
  whole = jsonLine(result) as RunSummary;
  files = filesBelow(whole.workspace);
}, 400_000);

const git = (...args: string[]): string => execFileSync('git', ['-C', whole.workspace, ...args], { encoding: 'utf8' });

describe(`${AGENTS} agents`, () => {
  test('everybody is hired, woken and through, and nobody needed help', async () => {
    expect(whole).toMatchObject({
      status: 'completed',
      reason: 'done',
      synthetic: true,
      agents: AGENTS,
      agentsByLevel: { boss: 1, admin: 3, ordinary: 26 },
      neverWoken: 0,
      nudges: 0,
      remedies: {},
      deadLetters: 0,
    });
    expect(whole.reviews.accept).toBe(AGENTS - 1);
    expect(whole.files).toBe(AGENTS - 1);
    const { agents } = jsonLine(await command(['inspect', whole.runDir, '--json'])) as Inspection;
    for (const { name, state, mail, checklist } of agents) {
      expect({ name, state, mail, open: checklist.open }).toEqual({ name, state: 'finished', mail: 0, open: 0 });
    }
    for (const [path, content] of files) expect(content, path).toContain('_Scripted: the playbook "policy"');
  });

  test('a clause that an interview changed is found: in the draft, in its history, and in the record of the interview', () => {
    const drafts = [...files].filter(([path]) => /^policy\/[a-z]+\/[a-z-]+\.md$/u.test(path));
    expect(drafts).toHaveLength(6);
    const found: string[] = [];
    for (const [path, content] of drafts) {
      const { clauses, changes } = readDraft(content);
      expect(content).not.toContain('Nothing yet');
      const [first = ''] = git('log', '--reverse', '--format=%H', '--', path).split('\n');
      const draft = readDraft(git('show', `${first}:${path}`));
      for (const { number, before, voices } of changes) {
        const now = clauses.find((clause) => clause.number === number)?.text;
        expect(now).not.toBe(before);
        for (const { agent, says } of voices) {
          const record = [...files].find(([file]) => file.endsWith(`/${agent}.md`))?.[1] ?? '';
          expect(record).toContain(says);
          expect(record).toContain(path);
        }
        const drafted = draft.clauses.find((clause) => clause.number === number)?.text ?? null;
        if (draft.changes.length > 0) continue;
        expect(drafted).toBe(before);
        expect(git('log', '--format=%(trailers:key=Megactor-Author)', '--', path)).toContain(
          /written by (\S+)\./u.exec(content)?.[1],
        );
        found.push(`${path} ${number}`);
      }
    }
    expect(found.length).toBeGreaterThan(0);
  });

  test('P1 answers in another order, failures on the way, and two kills in the middle, lead to the same files', async () => {
    const latencyMs = { distribution: 'exponential', mean: 30 };
    const failures = { http429: 0.05, http500: 0.05 };
    const killed = (at: string): Record<string, string> => ({ NODE_ENV: 'test', MEGACTOR_KILL_AT: at });
    const first = await run('killed', { latencyMs, failures }, killed('commit.after:60'));
    expect(first.signal, first.stderr).toBe('SIGKILL');
    const runDir = join(directory.path, 'killed');
    const second = await command(['resume', runDir, '--json'], { env: killed('service.commit.after:60') });
    expect(second.signal, second.stderr).toBe('SIGKILL');
    const third = await command(['resume', runDir, '--json', '--threads', '1']);
    expect(third.exitCode, third.stderr).toBe(0);
    const summary = jsonLine(third) as RunSummary;
    expect(summary).toMatchObject({ status: 'completed', agents: AGENTS, neverWoken: 0, reviews: whole.reviews });
    expect(filesBelow(summary.workspace)).toEqual(files);
  }, 400_000);
});

test('fewer agents than the parts it has are refused', () => {
  expect(() => asPlayed('', { model: 'playbook:policy', maxAgents: 5 })).toThrow('needs at least 6 agents');
  expect(asPlayed('', { model: 'playbook:policy' }).options).toMatchObject({ maxAgents: 590 });
});
