/** `inspect --agent`: what the journal has of one agent, of runs that are live, paused, finished and compacted. */
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { join } from 'node:path';
import { agentText } from '../../src/cli/render-agent.ts';
import { compactRun, inspectRun, runSociety, type AgentDetail } from '../../src/run/index.ts';
import { startModelServer } from '../support/aimock.ts';
import { command, temporaryDirectory } from '../support/command.ts';
import { stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const detailOf = async (runDir: string, agent: string): Promise<AgentDetail> => {
  const { agents, agent: detail } = await inspectRun(runDir, { agent });
  expect(agents.map(({ name }) => name)).toEqual([agent]);
  if (detail === undefined) throw new Error(`no detail of ${agent}`);
  // Mail that the row counts is mail that is shown.
  expect(detail.mail).toHaveLength(agents[0]?.mail ?? -1);
  return detail;
};

test('a finished run, and the same when it was compacted', { tags: 'long' }, async () => {
  const runDir = join(directory.path, 'finished');
  expect((await runSociety('goal', { maxAgents: 6, runDir, seed: 4 }).report).status).toBe('completed');
  const boss = await detailOf(runDir, 'Boss');
  expect(boss).toMatchObject({ name: 'Boss', supervisor: null, mail: [], inProgress: null, timers: [] });
  expect(boss.checklist.length).toBeGreaterThan(0);
  expect(boss.checklist.every(({ status }) => status === 'done')).toBe(true);
  const steps = boss.effects.filter(({ key }) => key === 'model').map(({ step }) => step);
  expect(steps).toEqual(Array.from({ length: boss.steps }, (_, step) => step));
  expect(boss.history.length).toBeGreaterThan(boss.steps);
  const text = agentText(boss);
  expect(text).toContain(`Steps: ${boss.steps}, none in progress`);
  expect(text).toContain('Timers: none');

  await compactRun(runDir);
  // The log is gone, and with it the results of steps that have ended.
  expect(await detailOf(runDir, 'Boss')).toEqual({ ...boss, effects: [] });

  await expect(inspectRun(runDir, { agent: 'Bos' })).rejects.toMatchObject({
    code: 'AGENT_NOT_FOUND',
    hint: /"Boss"/u,
  });
  const asked = await command(['inspect', runDir, '--agent', 'Boss', '--json']);
  expect(asked.exitCode, asked.stderr).toBe(0);
  expect((JSON.parse(asked.stdout) as { agent: unknown }).agent).toEqual({ ...boss, effects: [] });
  expect((await command(['inspect', runDir, '--agent', 'Bos'])).exitCode).toBe(2);
});

test('a live run, and the same when it has paused: mail that waits, steps in progress and their results', async () => {
  const runDir = join(directory.path, 'paused');
  const controller = new AbortController();
  const server = await startModelServer({ seed: 4, latencyMs: 20 });
  stubServer(server);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await server.stop();
  });
  const options = { model: 'openai:any', sandbox: 'off', maxAgents: 30, seed: 4 } as const;
  const run = runSociety('goal', { ...options, runDir, signal: controller.signal });
  for await (const event of run.events) if (event.type === 'commit') break;
  server.hold();
  const live = await inspectRun(runDir, { agent: 'Boss' });
  expect(live.status).toBe('running');
  expect(live.agent?.effects.length).toBeGreaterThan(0);
  controller.abort();
  // What is in flight is waited for.
  server.release();
  expect((await run.report).status).toBe('paused');
  const { agents } = await inspectRun(runDir);
  const details: AgentDetail[] = [];
  for (const { name } of agents) details.push(await detailOf(runDir, name));
  const atWork = details.filter(({ inProgress }) => inProgress !== null);
  expect(atWork.length + details.filter(({ mail }) => mail.length > 0).length).toBeGreaterThan(0);
  for (const { mail, inProgress, effects, steps } of atWork) {
    const seqs = mail.map(({ seq }) => seq);
    expect(seqs).toEqual(expect.arrayContaining([...(inProgress?.taken ?? [])]));
    const keys = effects.filter(({ step }) => step === steps).map(({ key }) => key);
    expect(keys.toSorted()).toEqual([...(inProgress?.recorded ?? [])].toSorted());
  }
});

test('as text: what models and people wrote is cut, and cannot move the cursor', () => {
  const nasty = `\u001B[2J\r${'wide '.repeat(100)}\n\u009B31m`;
  const many = Array.from({ length: 30 }, (_, step) => ({ step, key: 'model', result: { content: nasty } }));
  const text = agentText({
    name: 'A',
    supervisor: 'Boss',
    summary: nasty,
    checklist: [{ id: '1', status: 'todo', text: nasty }],
    mail: [{ seq: 3, from: 'system', kind: 'start', text: nasty }],
    steps: 2,
    inProgress: { taken: [3], recorded: ['model'], intents: ['tool-0'] },
    history: [
      { role: 'user', content: nasty },
      { role: 'assistant', content: null, tool_calls: [{ function: { name: 'talk', arguments: nasty } }] },
      null,
    ],
    effects: many,
    timers: [{ key: 'k', dueMs: 0, periodMs: 50, type: 'tick' }],
  });
  const lines = text.split('\n');
  for (const line of lines) expect(Array.from(line).length, line).toBeLessThanOrEqual(80);
  // oxlint-disable-next-line no-control-regex
  expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001F\u007F-\u009F]/u);
  expect(lines).toContain('Effects (30, the last 20):');
  expect(text).toContain('step 29, model');
  expect(text).not.toContain('step 9, model');
  expect(text).toContain('1970-01-01T00:00:00.000Z, every 50 ms');
  expect(text).toContain('called tool-0 without a result yet');
});
