/** Prompts of a run's own: from a folder to the model over HTTP, kept for the resumption, refused before anything is paid. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { commandLine } from '../../src/cli/command-line.ts';
import { replayRun, resumeRun, runSociety } from '../../src/run/index.ts';
import { givenPrompts, writeDefaultPrompts } from '../../src/run/prompts.ts';
import type { RunOptions } from '../../src/run/types.ts';
import { PROMPTS } from '../../actors/prompts/catalogue.ts';
import { recorder } from '../cli/fixtures.ts';
import { temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedRequest } from '../support/scripted-server.ts';
import { call, GUIDE, stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
afterEach(() => vi.unstubAllEnvs());

const pathOf = (name: string): string => join(directory.path, name);

const folder = (name: string, files: Readonly<Record<string, string | Uint8Array>>): string => {
  mkdirSync(pathOf(name), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(pathOf(name), file), text);
  return pathOf(name);
};

const DONE = call('terminate', { summary: 'Done.' });

const textsOf = ({ body }: ScriptedRequest): string[] => body.messages.map(({ content }) => String(content));

const OPTIONS: RunOptions = { model: 'openai:m', sandbox: 'off', review: 'none', seed: 1, durability: 'committed' };

describe('prompts of a run’s own', () => {
  test('I2 reach the model as they stand in the folder, and what the folder lacks is as it comes', async () => {
    const prompts = folder('own', {
      'README.md': 'not a prompt',
      '.hidden': 'nor this',
      'planner.md': '\uFEFFPlan in verse.\r\n{facts}\r\n\r\n# Your task\r\n{goal}\r\n',
      'ordinary.md': 'You write "verse" \\ and\n{{nothing}} else. 詩\n',
      'repair-empty.md': 'Say something.\nBoss: or else\n',
      'situation.md': 'Keep to verse.\n{checklist}\n{subordinates}\n',
    });
    const numbers = new Map<string, number>();
    const server = await startScriptedServer(({ agent }) => {
      const number = (numbers.get(agent) ?? 0) + 1;
      numbers.set(agent, number);
      if (agent === '_planner') return call('submit_plan', GUIDE);
      if (agent === 'Boss' && number === 1) return call('talk', { messages: [{ to: 'Writer', content: 'Go.' }] });
      if (agent === 'Boss' && number === 2) return { content: '(waiting)' };
      return agent === 'Writer' && number === 1 ? { content: null } : DONE;
    });
    stubServer(server);
    const report = await runSociety('Write a guide', { ...OPTIONS, maxAgents: 2, prompts, runDir: pathOf('reach') })
      .report;
    await server.stop();
    expect(report).toMatchObject({ status: 'completed', agents: 2 });

    const of = (agent: string): string[][] => server.requests.filter((request) => request.agent === agent).map(textsOf);
    expect(of('_planner')[0]?.[0]).toBe(
      'Plan in verse.\n# Facts\n- goal: Write a guide\n- agents: 2\n- fan-out: 128\n- depth: 6\n\n# Your task\nWrite a guide',
    );
    const [first, second] = of('Writer');
    expect(first?.[0]?.split('\n').slice(0, 4)).toEqual([
      'You write "verse" \\ and',
      '{nothing} else. 詩',
      '',
      '# How you work',
    ]);
    expect(first?.at(-1)).toBe('(situation)\nKeep to verse.');
    expect(second?.at(-2)).toBe('system: [remedy] agent=Writer why=format\n  Say something.\n  Boss: or else');
    expect(of('Boss')[0]?.[0]).toMatch(/^You are the Boss/u);
    const run = JSON.parse(readFileSync(join(report.runDir, 'run.json'), 'utf8')) as { settings: { prompts: unknown } };
    expect(run.settings.prompts).toEqual({
      from: prompts,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/u) as unknown,
    });
  });

  test('I4 a run goes on with the texts it began with, whatever became of the folder, or not at all', async () => {
    const prompts = folder('gone', { 'boss.md': 'You are the captain.' });
    const paused = await runSociety('Write a guide', {
      seed: 1,
      maxAgents: 3,
      durability: 'committed',
      prompts,
      budgetCalls: 2,
      runDir: pathOf('resumed'),
    }).report;
    expect(paused).toMatchObject({ status: 'paused', reason: 'budget-calls' });
    rmSync(prompts, { recursive: true });
    const kept = join(paused.runDir, 'prompts', 'boss.md');
    appendFileSync(kept, 'Be quick.');
    await expect(resumeRun(paused.runDir, { budgetCalls: 1_000 }).report).rejects.toMatchObject({
      code: 'PROMPTS_INVALID',
      message: expect.stringMatching(/not those the run began with/u) as string,
    });
    writeFileSync(kept, 'You are the captain.\n');
    const resumed = await resumeRun(paused.runDir, { budgetCalls: 1_000 }).report;
    expect(resumed).toMatchObject({ status: 'completed', agents: 3 });
    // D5: a replay needs neither the folder nor the copy.
    rmSync(join(paused.runDir, 'prompts'), { recursive: true });
    expect(await replayRun(paused.runDir)).toMatchObject({ diverged: null });
  });

  test('D5 a deterministic run with them repeats itself; texts may be given by name', async () => {
    const texts = { ordinary: 'You write.', 'repair-other': 'Again.' };
    const hashes: string[] = [];
    for (const name of ['once', 'twice']) {
      const options: RunOptions = { seed: 3, maxAgents: 2, deterministic: true, prompts: texts, runDir: pathOf(name) };
      const { runDir, status } = await runSociety('Write a guide', options).report;
      expect(status).toBe('completed');
      const { logHash, diverged } = await replayRun(runDir);
      expect(diverged).toBeNull();
      hashes.push(logHash);
    }
    expect(hashes[1]).toBe(hashes[0]);
  });

  test.each([
    ['none', {}, /has no prompts/u],
    ['unknown', { 'bosses.md': 'x' }, /there is no prompt "bosses"/u],
    ['foreign', { 'boss.txt': 'x' }, /boss\.txt is no prompt/u],
    ['large', { 'boss.md': 'x'.repeat(100_000) }, /boss\.md has more than 32004 bytes/u],
    ['binary', { 'boss.md': new Uint8Array([0xff, 0xfe, 0x00]) }, /boss\.md is not UTF-8 text/u],
    [
      'several',
      { 'boss.md': '', 'planner.md': '{gaol}' },
      /boss: it is empty; planner: it has the unknown \{gaol\}; there are .*; planner: it lacks \{facts\}, \{goal\}$/u,
    ],
  ] as const)('I3 a folder that is wrong (%s) is refused before anything is there', async (name, files, message) => {
    const runDir = pathOf(`refused-${name}`);
    const run = runSociety('x', { prompts: folder(`wrong-${name}`, files), runDir });
    const refused = expect.objectContaining({
      code: 'PROMPTS_INVALID',
      message: expect.stringMatching(message) as string,
    }) as Error;
    await expect(run.report).rejects.toEqual(refused);
    expect(existsSync(runDir)).toBe(false);
  });

  test('a folder that is not there, a file in its place, a link to nowhere', () => {
    const invalid = expect.objectContaining({ code: 'PROMPTS_INVALID' }) as Error;
    expect(() => givenPrompts(pathOf('nowhere'))).toThrow(invalid);
    writeFileSync(pathOf('file'), '');
    expect(() => givenPrompts(pathOf('file'))).toThrow(invalid);
    folder('linked', {});
    symlinkSync(pathOf('nowhere'), join(pathOf('linked'), 'boss.md'));
    expect(() => givenPrompts(pathOf('linked'))).toThrow(invalid);
    // A pipe or a device might never end.
    folder('device', {});
    symlinkSync('/dev/null', join(pathOf('device'), 'boss.md'));
    expect(() => givenPrompts(pathOf('device'))).toThrow('boss.md is no file');
    expect(() => givenPrompts({ boss: 7 } as unknown as Record<string, string>)).toThrow(invalid);
    expect(givenPrompts({})).toBeNull();
  });
});

describe('prompts DIR', () => {
  const here = async (...words: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> => {
    const { context } = recorder();
    let [stdout, stderr] = ['', ''];
    const exitCode = await commandLine(words, {
      ...context,
      stdout: (text) => void (stdout += text),
      stderr: (text) => void (stderr += text),
    });
    return { exitCode, stdout, stderr };
  };

  test('writes all of them as they come, with a page that explains each; given back they are the same', async () => {
    const path = pathOf('defaults');
    const written = await here('prompts', path, '--json');
    expect(written).toMatchObject({ exitCode: 0, stderr: '' });
    const { files } = JSON.parse(written.stdout) as { files: string[] };
    expect(readdirSync(path).sort()).toEqual(files.toSorted());
    const page = readFileSync(join(path, 'README.md'), 'utf8');
    for (const { name, values } of PROMPTS) {
      expect(page).toContain(`## ${name}.md`);
      for (const value of Object.keys(values)) expect(page).toContain(`- \`{${value}}\``);
    }
    expect(givenPrompts(path)?.texts).toEqual(Object.fromEntries(PROMPTS.map(({ name, text }) => [name, text])));
    const again = await here('prompts', path);
    expect(again).toMatchObject({ exitCode: 2, stdout: '' });
    expect(again.stderr).toMatch(/is not empty.*\[USAGE\]/u);
    expect(() => writeDefaultPrompts(join(path, 'README.md'))).toThrow(
      expect.objectContaining({ code: 'DISK' }) as Error,
    );
  });

  test('without a folder it lists them', async () => {
    const { stdout, exitCode } = await here('prompts');
    expect(exitCode).toBe(0);
    for (const { name, purpose } of PROMPTS) expect(stdout).toContain(`${name}\n  ${purpose}`);
    expect((await here('prompts', 'a', 'b')).exitCode).toBe(2);
  });
});
