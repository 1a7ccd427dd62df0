/** Questions to the person in real runs: paused, answered at rest and live, and with a process that was killed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import type { EventRecord } from '../../src/protocol/event.ts';
import { inspectRun, replayRun, resumeRun, runSociety, tellRun } from '../../src/run/index.ts';
import { command, startCommand, temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-server.ts';
import { call, calls, environmentOf, GUIDE, stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
// Each is several runs, one after the other, on a machine that may do other things.
vi.setConfig({ testTimeout: 240_000 });
afterEach(() => vi.unstubAllEnvs());

const QUESTION = 'Which town\nis it about?';

/**
 * A Writer that asks which town it is about, writes what does not need the answer, waits, and then writes the answer.
 * @param bossWaits what the Boss's second answer waits for
 */
const startServer = (bossWaits: Promise<unknown> = Promise.resolve()): Promise<ScriptedServer> =>
  startScriptedServer(async ({ agent, body }) => {
    const text = body.messages.map(({ content }) => String(content)).join('\n');
    if (agent === '_planner') return call('submit_plan', GUIDE);
    if (agent === 'Boss') {
      if (text.includes('handed over')) return call('terminate', { summary: 'The guide is there.' });
      if (!text.includes('"sent":1')) return call('talk', { messages: [{ to: 'Writer', content: 'Go.' }] });
      await bossWaits;
      return { content: '(waiting)' };
    }
    const answer = /user: (\w+)$/mu.exec(text)?.[1];
    if (!text.includes('"pending":true')) return call('ask_human', { question: QUESTION });
    if (!text.includes('"base"')) return call('write_file', { path: 'guide.md', content: '# Guide\n' });
    if (answer === undefined) return { content: '(waiting)' };
    if (!text.includes('"status"') && !text.includes('town.md')) {
      return calls(
        call('write_file', { path: 'town.md', content: `${answer}\n` }),
        call('talk', { messages: [{ to: 'Boss', content: 'handed over' }] }),
        call('terminate', { summary: 'town.md' }),
      );
    }
    return { content: '(waiting)' };
  });

const options = (name: string) => ({
  model: 'openai:m',
  sandbox: 'off' as const,
  review: 'none' as const,
  seed: 1,
  shards: 2,
  threads: 1,
  runDir: join(directory.path, name),
});

const humanEvents = (runDir: string): (readonly unknown[])[] =>
  readFileSync(join(runDir, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EventRecord)
    .flatMap(({ type, agent, status, question }) => (type === 'human' ? [[agent, status, question]] : []));

const file = (runDir: string, name: string): string => readFileSync(join(runDir, name), 'utf8');

test('H1 H3 H4 a run with only a question open pauses, stays so without an answer, and goes on with one', async () => {
  const server = await startServer();
  stubServer(server);
  const { runDir, ...others } = options('paused');
  const paused = await runSociety('Write a guide', { ...others, runDir }).report;
  const open = { agent: 'Writer', id: 1, kind: 'question', text: QUESTION };
  expect(paused).toMatchObject({ status: 'paused', reason: 'human-questions', nudges: 0, questions: [open] });
  // Nothing waited for the answer.
  expect(file(runDir, 'workspace/guide.md')).toBe('# Guide\n');
  expect(JSON.parse(file(runDir, 'report.json'))).toMatchObject({
    questions: [open],
    missing: expect.arrayContaining([{ agent: 'Writer', what: 'waits-for-person' }]) as unknown,
  });
  expect(file(runDir, 'report.md')).toContain('| #1 | Writer | question | Which town is it about? |');
  const inspected = async (): Promise<unknown> =>
    (await inspectRun(runDir, { agent: 'Writer' })).agents.map(({ questions }) => questions);
  expect(await inspected()).toEqual([[{ id: 1, kind: 'question', text: QUESTION }]]);

  const calls = server.requests.length;
  expect(await resumeRun(runDir).report).toMatchObject({ status: 'paused', reason: 'human-questions', nudges: 0 });
  expect(server.requests.length).toBe(calls);

  const asked = { exitCode: 2, stderr: /Writer has no question #7 open.*#1 of Writer/u };
  expect(await command(['tell', runDir, 'Writer', '#7 Lisbon'])).toMatchObject(asked);
  await expect(tellRun(runDir, 'Boss', '#1 Lisbon')).rejects.toMatchObject({ message: 'Boss has no question #1 open' });
  await expect(tellRun(runDir, 'Boss', '#0 Lisbon')).rejects.toMatchObject({ message: 'Boss has no question #0 open' });
  expect(await tellRun(runDir, 'Writer', 'Atlantis')).toMatchObject({ status: 'paused', answers: [1] });
  expect(await inspected()).toEqual([[{ id: 1, kind: 'question', text: QUESTION, answered: true }]]);
  const done = await resumeRun(runDir).report;
  expect(done).toMatchObject({ status: 'completed', repeatedCalls: 0 });
  expect(done).not.toHaveProperty('questions');
  expect(file(runDir, 'workspace/town.md')).toBe('Atlantis\n');
  expect(humanEvents(runDir)).toEqual([
    ['Writer', 'asked', 1],
    ['Writer', 'answered', 1],
  ]);
  const texts = server.requests.map(({ body }) => body.messages.map(({ content }) => String(content)).join('\n'));
  expect(
    texts.some((text) => text.includes('system: [human] The answer to "Which town is it about?":\n  user: A')),
  ).toBe(true);
  expect(await replayRun(runDir)).toMatchObject({ diverged: null });
  await server.stop();
});

test('H1 a question outlives the process: killed, resumed and answered live, it was asked once', async () => {
  const never = Promise.withResolvers<void>();
  const hanging = await startServer(never.promise);
  const { runDir, model } = options('killed');
  const args = ['run', 'Write a guide', '--model', model, '--sandbox', 'off', '--review', 'none', '--seed', '1'];
  const running = startCommand([...args, '--run-dir', runDir], { env: environmentOf(hanging) });
  let shown = '';
  running.child.stderr?.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  // The line on stderr says how to answer it.
  await expect
    .poll(() => shown)
    .toMatch(/^Writer asks \(#1\): Which town is it about\? Answer: .* tell \S+ Writer "…"$/mu);
  // The line may be there before the event is in its file.
  await expect.poll(() => humanEvents(runDir).length).toBe(1);
  running.child.kill('SIGKILL');
  await running.result;
  never.resolve();
  await hanging.stop();
  expect(await inspectRun(runDir)).toMatchObject({ status: 'killed' });
  expect((await inspectRun(runDir)).agents.find(({ name }) => name === 'Writer')?.questions).toMatchObject([{ id: 1 }]);

  const going = Promise.withResolvers<void>();
  const server = await startServer(going.promise);
  stubServer(server);
  const run = resumeRun(runDir);
  // The Boss is at work, so the run is live; its Writer gets the answer and goes on.
  await expect.poll(() => server.requests.some(({ agent }) => agent === 'Boss')).toBe(true);
  await expect(run.tell('Writer', '#2 Lisbon')).rejects.toMatchObject({ hint: /#1 of Writer/u });
  expect(await run.tell('Writer', '#1 Atlantis')).toEqual({ answers: [1] });
  await expect.poll(() => humanEvents(runDir).length).toBe(2);
  going.resolve();
  expect(await run.report).toMatchObject({ status: 'completed' });
  expect(humanEvents(runDir)).toEqual([
    ['Writer', 'asked', 1],
    ['Writer', 'answered', 1],
  ]);
  expect(file(runDir, 'workspace/town.md')).toBe('Atlantis\n');
  await server.stop();
});

test('H4 while somebody is there to answer a run waits instead of pausing, and pauses when nobody is any more', async () => {
  const server = await startServer();
  stubServer(server);
  const there = new AbortController();
  const { runDir, ...others } = options('attended');
  const run = runSociety('Write a guide', { ...others, runDir, waitForAnswers: there.signal });
  const waiting = (): number =>
    !existsSync(join(runDir, 'events.jsonl'))
      ? 0
      : humanEvents(runDir).filter(([, status]) => status === 'waiting').length;
  await expect.poll(waiting).toBe(1);
  await run.tell('Writer', 'Atlantis');
  expect(await run.report).toMatchObject({ status: 'completed' });

  const gone = new AbortController();
  const left = options('left');
  const second = runSociety('Write a guide', { ...left, waitForAnswers: gone.signal });
  await expect.poll(() => existsSync(join(left.runDir, 'events.jsonl')) && humanEvents(left.runDir).length).toBe(2);
  gone.abort();
  expect(await second.report).toMatchObject({ status: 'paused', reason: 'human-questions' });
  await server.stop();
});

test('the rehearsal asks as often as its file says, and hands in after the answer', async () => {
  const runDir = join(directory.path, 'rehearsed');
  const rehearsal = { latencyMs: 0, questions: 1 };
  const paused = await runSociety('Write a guide', { runDir, seed: 2, shards: 2, threads: 1, maxAgents: 5, rehearsal })
    .report;
  expect(paused).toMatchObject({ status: 'paused', reason: 'human-questions' });
  const asking = paused.questions ?? [];
  expect(asking.length).toBe(paused.agentsByLevel.ordinary);
  for (const { agent } of asking) await tellRun(runDir, agent, 'Be brief.');
  expect(await resumeRun(runDir).report).toMatchObject({ status: 'completed', repeatedCalls: 0, agents: 5 });
});
