/** Consent in real runs, by the command line: what waits, what a killed process leaves, and a plan that has to be allowed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { inspectRun, replayRun, resumeRun, runSociety, tellRun } from '../../src/run/index.ts';
import { command, filesBelow, jsonLine, startCommand, temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-server.ts';
import { call, environmentOf, GUIDE, stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
// Each is several runs, one after the other, on a machine that may do other things.
vi.setConfig({ testTimeout: 240_000 });
afterEach(() => vi.unstubAllEnvs());

const plan = join(directory.path, 'plan.json');
writeFileSync(plan, JSON.stringify(GUIDE));

/** A Writer that appends a line, appends another, and hands in. @param bossWaits what the Boss's second answer waits for */
const startServer = (bossWaits: Promise<unknown> = Promise.resolve()): Promise<ScriptedServer> =>
  startScriptedServer(async ({ agent, body }) => {
    const text = body.messages.map(({ content }) => String(content)).join('\n');
    if (agent === '_planner')
      return call('submit_plan', text.includes('shorter') ? { ...GUIDE, goal: 'brief' } : GUIDE);
    if (agent === 'Boss') {
      if (text.includes('Writer: done')) return call('terminate', { summary: 'The guide is there.' });
      if (!text.includes('"sent":1')) return call('talk', { messages: [{ to: 'Writer', content: 'Go.' }] });
      await bossWaits;
      return { content: '(waiting)' };
    }
    const results = body.messages.filter(({ role }) => role === 'tool').length;
    if (results === 0) return call('append_file', { path: 'guide.md', content: 'one\n' });
    if (results === 1) return call('append_file', { path: 'guide.md', content: 'two\n' });
    if (results === 2) return call('talk', { messages: [{ to: 'Boss', content: 'done' }] });
    return results === 3 ? call('terminate', { summary: 'guide.md' }) : { content: '(waiting)' };
  });

const common = ['--model', 'openai:m', '--sandbox', 'off', '--review', 'none', '--seed', '1', '--shards', '2'];
const guide = (runDir: string): string | undefined => filesBelow(join(runDir, 'workspace')).get('guide.md');

test('H6 H7 --approve files: nothing is written before consent, a killed process changes nothing, what is denied is not done', async () => {
  const never = Promise.withResolvers<void>();
  const server = await startServer(never.promise);
  stubServer(server);
  const runDir = join(directory.path, 'files');
  const running = startCommand(
    ['run', 'Write a guide', ...common, '--plan', plan, '--approve', 'files,hires', '--run-dir', runDir],
    { env: environmentOf(server) },
  );
  let shown = '';
  running.child.stderr?.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  // A plan that the person gave needs no consent.
  await expect
    .poll(() => shown)
    .toMatch(
      /^Writer waits for consent \(#1\): append to guide\.md: 4 characters \+ one Answer: .* Writer "#1 approve", or "#1 deny REASON"$/mu,
    );
  running.child.kill('SIGKILL');
  await running.result;
  expect(existsSync(join(runDir, 'workspace', 'guide.md'))).toBe(false);
  expect(JSON.parse(readFileSync(join(runDir, 'run.json'), 'utf8'))).toMatchObject({
    settings: { approve: ['files', 'hires'] },
  });
  const asked = {
    agent: 'Writer',
    id: 1,
    kind: 'approval',
    kinds: ['files'],
    text: 'append to guide.md: 4 characters\n  + one',
  };
  expect((await inspectRun(runDir)).questions).toEqual([asked]);
  never.resolve();

  const calls = (): number => server.requests.filter(({ agent }) => agent === 'Writer').length;
  expect(calls()).toBe(1);
  const refused = await command(['resume', runDir, '--approve', 'files']);
  expect(refused).toMatchObject({ exitCode: 2, stderr: /--approve cannot change on resume/u });
  expect(await resumeRun(runDir).report).toMatchObject({ status: 'paused', reason: 'human-questions', files: 0 });
  expect(calls()).toBe(1);

  const told = await command(['tell', runDir, 'Writer', '#1 approve', '--json']);
  expect(jsonLine(told)).toMatchObject({ answers: [1], status: 'paused' });
  const second = await resumeRun(runDir).report;
  expect(second).toMatchObject({ status: 'paused', reason: 'human-questions', questions: [{ id: 2 }] });
  expect(guide(runDir)).toBe('one\n');
  expect(calls()).toBe(2);

  expect(await command(['tell', runDir, 'Boss', 'deny no way'])).toMatchObject({
    exitCode: 2,
    stderr: /nothing of Boss waits for a decision.*#2 of Writer/u,
  });
  await tellRun(runDir, 'Writer', 'deny one is enough');
  expect(await resumeRun(runDir).report).toMatchObject({ status: 'completed', agents: 2 });
  expect(guide(runDir)).toBe('one\n');
  const writer = server.requests.findLast(({ agent }) => agent === 'Writer');
  const texts = writer?.body.messages.map(({ content }) => String(content)) ?? [];
  expect(texts.some((text) => text.includes('The person does not allow this: one is enough'))).toBe(true);
  expect(await replayRun(runDir)).toMatchObject({ diverged: null });
  await server.stop();
});

test('H6 consent to a live run, for all files from then on', async () => {
  const going = Promise.withResolvers<void>();
  const server = await startServer(going.promise);
  stubServer(server);
  const runDir = join(directory.path, 'live');
  const run = runSociety('Write a guide', {
    model: 'openai:m',
    sandbox: 'off',
    review: 'none',
    shards: 2,
    threads: 1,
    seed: 1,
    plan: GUIDE,
    approve: ['files'],
    runDir,
  });
  await expect.poll(async () => (await inspectRun(runDir).catch(() => null))?.questions?.length).toBe(1);
  expect(guide(runDir)).toBeUndefined();
  // What waits now may be another thing by then.
  await expect(run.tell('Writer', 'approve all')).rejects.toMatchObject({ code: 'USAGE', hint: /"#1 approve"/u });
  expect(await run.tell('Writer', '#1 approve all')).toEqual({ answers: [1] });
  going.resolve();
  expect(await run.report).toMatchObject({ status: 'completed' });
  expect(guide(runDir)).toBe('one\ntwo\n');
  const { human } = JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as { human: object };
  expect(human).toMatchObject({ count: 1, open: 0, approved: 1, granted: ['files'] });
  await server.stop();
});

test('H8 H9 --approve hires: nobody is hired from a plan before it is allowed; one that is not is made anew, and shown anew', async () => {
  const server = await startServer();
  stubServer(server);
  const runDir = join(directory.path, 'plan');
  const paused = await command(
    ['run', 'Write a guide', ...common, '--approve', 'hires', '--run-dir', runDir, '--json'],
    {
      env: environmentOf(server),
    },
  );
  expect(paused.exitCode, paused.stderr).toBe(3);
  const asks = (text: unknown) => ({ questions: [{ agent: 'Boss', id: 0, kind: 'approval', text }] });
  expect(jsonLine(paused)).toMatchObject({
    reason: 'human-questions',
    agents: 0,
    modelCalls: 1,
    ...asks(expect.stringContaining('Writer') as unknown),
  });
  expect(existsSync(join(runDir, 'plan.json'))).toBe(true);
  expect(await resumeRun(runDir).report).toMatchObject({ reason: 'human-questions', agents: 0, modelCalls: 1 });
  await expect(tellRun(runDir, 'Boss', 'hello')).rejects.toMatchObject({
    code: 'USAGE',
    message: /waits for your consent/u,
  });
  const denied = await command(['tell', runDir, 'Boss', '#0 deny make it shorter']);
  expect(denied).toMatchObject({
    exitCode: 0,
    stdout: /^The plan #0 is refused: another one is made when the run goes on/u,
  });
  expect(await command(['tell', runDir, 'Boss', 'approve'])).toMatchObject({
    exitCode: 2,
    stderr: /the plan #0 was refused already.*\[ALREADY_DECIDED\]/u,
  });
  expect(await resumeRun(runDir).report).toMatchObject({ reason: 'human-questions', agents: 0, modelCalls: 2 });
  expect((await inspectRun(runDir)).questions).toMatchObject([{ id: 0, plan: 2, text: /brief/u }]);
  // That one has not been read by somebody who means the first.
  for (const words of ['approve', '#0 approve']) await expect(tellRun(runDir, 'Boss', words)).rejects.toThrow(/#0/u);

  const there = new AbortController();
  const resumed = resumeRun(runDir, { waitForAnswers: there.signal });
  // Whoever begins to watch is shown what waits.
  for await (const { type, status, plan: number } of resumed.events) {
    if (type !== 'human' || status !== 'asked') continue;
    expect(number).toBe(2);
    break;
  }
  const both = await Promise.allSettled([
    resumed.tell('Boss', '#0.2 approve'),
    resumed.tell('Boss', '#0.2 deny not this one'),
  ]);
  const allowed = { answers: [0], decided: { plan: 2, verdict: 'approve', another: false } };
  expect(both).toMatchObject([{ status: 'fulfilled', value: allowed }, { reason: { code: 'ALREADY_DECIDED' } }]);
  expect(await resumed.report).toMatchObject({ status: 'completed', agents: 2, repeatedCalls: 0 });
  const told = readFileSync(join(runDir, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"human"'))
    .map((line) => JSON.parse(line) as { status: string; plan?: number })
    .flatMap(({ status, plan: number }) => (status === 'waiting' ? [] : [[status, number]]));
  expect(told).toEqual([
    ['asked', 1],
    ['denied', 1],
    ['asked', 2],
    ['approved', 2],
  ]);
  expect(server.requests.filter(({ agent }) => agent === '_planner')).toHaveLength(2);
  await server.stop();
});

test('consent needs a journal, and kinds that there are', async () => {
  const refused = (options: object): Promise<unknown> =>
    runSociety('g', { runDir: join(directory.path, 'none'), ...options }).report.then(
      () => 'started',
      (error: unknown) => error,
    );
  expect(await refused({ approve: ['files'], durability: 'none' })).toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await refused({ approve: ['everything'] })).toMatchObject({ code: 'CONFIG_INVALID' });
});
