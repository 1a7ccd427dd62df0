/** Playbooks in a run: what they bring along, how they are labelled, what is refused. The smallest of them plays. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PLAYBOOKS } from '../../actors/playbooks/index.ts';
import { runSociety } from '../../src/run/index.ts';
import { chooseSandbox } from '../../src/run/sandbox-choice.ts';
import { asPlayed } from '../../src/run/playbook-options.ts';
import { settingsOf } from '../../src/run/settings.ts';
import { command, filesBelow, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const GREETING = 'playbook:greeting';
const runDir = join(directory.path, 'greeting');
const tape = join(directory.path, 'tape.jsonl');

test('P2 a playbook brings its goal, plays to its known result, says that it is scripted, and can be recorded', async () => {
  const run = runSociety('', { model: GREETING, deterministic: true, seed: 1, runDir, record: tape });
  const labels: unknown[] = [];
  for await (const event of run.events) if (event.type === 'run') labels.push(event['model'], event['synthetic']);
  const summary = await run.report;
  expect(summary).toMatchObject({
    status: 'completed',
    reason: 'done',
    model: GREETING,
    synthetic: true,
    agents: 2,
    files: 1,
    reviews: { accept: 1, revise: 1 },
    costUsd: 0,
    nudges: 0,
    remedies: {},
  });
  expect(labels.slice(0, 2)).toEqual([GREETING, true]);
  expect(filesBelow(summary.workspace).get('greeting.md')).toMatch(/Hello, world\.[^]*Scripted/u);
  const report = readFileSync(join(runDir, 'report.md'), 'utf8');
  expect(report).toMatch(/\*\*Scripted:\*\*.*playbook "greeting"/u);
  expect(report).toContain('Write a greeting to the world');
  const answers = readFileSync(tape, 'utf8').match(/"kind":"call".*/gu) ?? [];
  expect(answers).toHaveLength(summary.modelCalls);
  for (const answer of answers) {
    expect(answer).toContain(`"model":"${GREETING}"`);
    expect(answer).toContain('"synthetic":true');
  }

  const played = await runSociety('Write a greeting to the world into greeting.md.', {
    model: `cassette:${tape}`,
    deterministic: true,
    seed: 1,
    maxAgents: 2,
    runDir: join(directory.path, 'played'),
  }).report;
  expect(played).toMatchObject({ status: 'completed', synthetic: true, files: 1 });
  expect(filesBelow(played.workspace)).toEqual(filesBelow(summary.workspace));
});

test('a playbook that does not exist is refused with the names of those that do', async () => {
  const known = PLAYBOOKS.map(({ name }) => name).join(', ');
  for (const options of [{ model: 'playbook:none' }, { config: { modelOf: { boss: 'playbook:none' } } }]) {
    const run = runSociety('x', { ...options, runDir: join(directory.path, 'none') });
    await expect(run.report).rejects.toMatchObject({
      code: 'USAGE',
      message: 'there is no playbook "none"',
      hint: `There are: ${known}.`,
    });
  }
  const { exitCode, stderr } = await command(['run', '--model', 'playbook:none']);
  expect(exitCode).toBe(2);
  expect(stderr).toBe(`megactor: there is no playbook "none". There are: ${known}. [USAGE]\n`);
});

test('help lists the playbooks', async () => {
  const { stdout } = await command(['run', '--help']);
  for (const { name } of PLAYBOOKS) expect(stdout).toContain(`playbook:${name}`);
});

test('what the caller says goes before what the playbook says, and a playbook has no scenario', () => {
  const model = GREETING;
  expect(asPlayed('', { model }).options).toMatchObject({ maxAgents: 2, review: 'model' });
  const asked = asPlayed('My title', { model, maxAgents: 7, review: 'none', rehearsal: { latencyMs: 3 } });
  expect(asked).toEqual({
    goal: 'My title',
    options: { model, maxAgents: 7, review: 'none', rehearsal: { latencyMs: 3 } },
  });
  for (const field of ['shape', 'scenario', 'heavy']) {
    expect(() => asPlayed('', { model, rehearsal: { [field]: {} } })).toThrow(`"${field}" does not go with`);
  }
  expect(() => settingsOf({ ...asPlayed('', { model, rehearsal: 3 }).options }, { workspace: '/w', seed: 1 })).toThrow(
    /rehearsal/u,
  );
});

test('what a playbook cannot play with is refused before there is a run', () => {
  expect(() => asPlayed('', { model: GREETING, maxAgents: 1 })).toThrow('needs at least 2 agents');
  expect(() => asPlayed('', { model: 'playbook:gobang', maxAgents: 7 })).toThrow('needs at least 8 agents');
  for (const own of [{ plan: { goal: 'g', agents: [] } }, { template: 'document' as const }]) {
    expect(() => asPlayed('', { model: GREETING, ...own })).toThrow('has a plan of its own');
  }
});

test('a playbook without programs gets no sandbox', async () => {
  const options = { model: GREETING };
  const settings = settingsOf(options, { workspace: '/w', seed: 1 });
  expect(await chooseSandbox(options, settings)).toEqual({ sandbox: 'off', sandboxNetwork: false });
});
