/** An agent whose every call is refused crashes past its intensity; the society around it goes on and says so. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { parseRehearsalOptions, rehearse } from '../../src/model/index.ts';
import { inspectRun, replayRun, runSociety } from '../../src/run/index.ts';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import { planWith } from '../society/arbitraries.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer, type ScriptedServer } from '../support/scripted-server.ts';
import { call, environmentOf, GUIDE, stubServer } from '../support/scripted-society.ts';

const AGENTS = 30;
const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

interface Report {
  readonly spending: { readonly total: { readonly calls: number; readonly input: number; readonly output: number } };
  readonly agents: readonly { name: string; level: string; supervisor: string | null; status: string }[];
  readonly missing: readonly { agent: string; what: string }[];
}

interface Crashed {
  readonly exitCode: number | null;
  readonly summary: RunSummary;
  readonly report: Report;
  readonly inspection: Inspection;
  readonly victim: string;
  /** The Boss's last request. */
  readonly bossSaw: string;
  /** Completions that the server sent. */
  readonly answered: number;
}

/** The rehearsal over HTTP, but whoever is the victim gets 400 from its third call on. */
const startServer = async (
  isVictim: (agent: string, prompt: string) => boolean,
): Promise<{ server: ScriptedServer; victim: () => string; answered: () => number }> => {
  const options = parseRehearsalOptions({ latencyMs: 0 }, 7);
  let victim = '';
  let calls = 0;
  let answered = 0;
  const server = await startScriptedServer(({ agent, body }) => {
    if (victim === '' && isVictim(agent, JSON.stringify(body.messages[0]?.content))) victim = agent;
    if (agent === victim && (calls += 1) > 2) return { status: 400, raw: { error: { message: 'planted' } } };
    const outcome = rehearse({ body: body }, options);
    if (outcome.kind !== 'completion') return { status: 500 };
    answered += 1;
    return { raw: outcome.body };
  });
  return { server, victim: () => victim, answered: () => answered };
};

const crash = async (name: string, isVictim: (agent: string, prompt: string) => boolean): Promise<Crashed> => {
  const { server, victim, answered } = await startServer(isVictim);
  const runDir = join(directory.path, name);
  const args = [
    'run',
    'Write a guide',
    '--model',
    'openai:m',
    '--sandbox',
    'off',
    '--seed',
    '7',
    '--max-agents',
    String(AGENTS),
  ];
  try {
    const env = environmentOf(server);
    const result = await command([...args, '--run-dir', runDir, '--json'], { env });
    const inspected = await command(['inspect', runDir, '--json']);
    // What no journal holds, the failed tries and the end of the victim, is in no way of a replay (D5).
    expect((await replayRun(runDir)).diverged).toBeNull();
    return {
      exitCode: result.exitCode,
      summary: jsonLine(result) as RunSummary,
      report: JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as Report,
      inspection: jsonLine(inspected) as Inspection,
      victim: victim(),
      bossSaw: JSON.stringify(server.requests.findLast(({ agent }) => agent === 'Boss')?.body.messages),
      answered: answered(),
    };
  } finally {
    await server.stop();
  }
};

test('the subordinates of an Admin that crashed finish under the Boss', async () => {
  const crashed = await crash('admin', (_, prompt) => /- level: Ordinary.*- slots: [1-9]/u.test(prompt));
  const { exitCode, summary, report, inspection, victim, answered } = crashed;
  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({ status: 'completed', agents: AGENTS, neverWoken: 0, restarts: 3 });
  expect(summary.remedies).toMatchObject({ crash: 1 });
  expect(report.missing).toEqual([
    { agent: victim, what: 'failed', detail: expect.stringMatching(/^crash: \S/u) },
    { agent: victim, what: 'missing-file', path: `${victim}/summary.md`, detail: 'the plan names it' },
  ]);
  const others = report.agents.filter(({ name }) => name !== victim);
  expect(others.map(({ status }) => status)).toEqual(others.map(() => 'finished'));

  // What it did before counts, and it is still listed for what it was.
  expect(summary.modelCalls).toBe(answered);
  expect(report.agents.find(({ name }) => name === victim)?.level).toBe('admin');
  expect(inspection.agents).toHaveLength(AGENTS);
  expect(crashed.bossSaw).toMatch(/Contents of 6 of \d+ files/u);
  const seen = inspection.agents.find(({ name }) => name === victim);
  // How many turns two calls are depends on when the mail between them comes.
  expect(seen).toMatchObject({ state: 'failed', level: 'admin', calls: 2 });
  expect(seen?.turns).toBeGreaterThanOrEqual(1);
});

test('without its Boss a run ends failed, and says so', { tags: 'long' }, async () => {
  const { exitCode, summary, report, inspection } = await crash('boss', (agent) => agent === 'Boss');
  expect(exitCode).toBe(1);
  expect(summary).toMatchObject({ status: 'failed', reason: 'boss-failed', agents: AGENTS });
  expect(report.missing).toEqual([{ agent: 'Boss', what: 'failed' }]);
  expect(inspection.agents.find(({ name }) => name === 'Boss')).toMatchObject({ state: 'failed' });
});

test('an answer within a step that the agent did not live to finish is counted, as it is paid for (M3)', async () => {
  const [config, planFile] = [join(directory.path, 'config.json'), join(directory.path, 'plan.json')];
  // The window is so small that the victim has its past summed up before the call that is refused.
  writeFileSync(config, JSON.stringify({ limits: { historyTokensMax: 400, nudgesPerAgentMax: 1 } }));
  writeFileSync(planFile, JSON.stringify(planWith([{ name: 'Victim' }])));
  let answered = 0;
  const server = await startScriptedServer(({ agent, body }) => {
    const told = JSON.stringify(body.messages);
    if (agent === 'Victim' && told.includes('(summary)'))
      return { status: 400, raw: { error: { message: 'planted' } } };
    answered += 1;
    if (agent === '_compactor') return { content: 'It wrote a.md.' };
    const content = 'a line of a long file\n'.repeat(200);
    if (agent === 'Victim') return call('write_file', { path: 'a.md', content });
    const isOver = told.includes('[child-failed]') || told.includes('[final-review]');
    return isOver ? call('terminate', { summary: 'done' }) : { content: '(waiting)' };
  });
  const runDir = join(directory.path, 'spent');
  const args = [
    'run',
    'g',
    '--model',
    'openai:m',
    '--sandbox',
    'off',
    '--plan',
    planFile,
    '--config',
    config,
    '--json',
  ];
  try {
    const env = environmentOf(server);
    const summary = jsonLine(await command([...args, '--run-dir', runDir], { env })) as RunSummary;
    expect(summary.remedies).toMatchObject({ crash: 1 });
    expect(summary.modelCalls).toBe(answered);
    const report = JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as Report;
    const { calls, input, output } = report.spending.total;
    expect([summary.modelCalls, summary.tokens.input, summary.tokens.output]).toEqual([calls, input, output]);
    // The summary that the victim asked for is in no step of its.
    const inspection = jsonLine(await command(['inspect', runDir, '--json'])) as Inspection;
    expect(inspection.agents.reduce((sum, agent) => sum + agent.calls, 0)).toBe(answered - 1);
  } finally {
    await server.stop();
  }
});

test('V1 a Boss that is given up while it waits for the person: the run has failed, and does not pause for an answer', async () => {
  const server = await startScriptedServer(({ agent, body }) => {
    if (agent === '_planner') return call('submit_plan', { ...GUIDE, agents: [] });
    if (body.messages.some(({ role }) => role === 'tool'))
      return { status: 400, raw: { error: { message: 'planted' } } };
    return call('ask_human', { question: 'Which town?' });
  });
  stubServer(server);
  const runDir = join(directory.path, 'asking');
  const options = { model: 'openai:m', sandbox: 'off', shards: 1, threads: 1, seed: 1, maxAgents: 2, runDir } as const;
  const summary = await runSociety('Write a guide', options).report;
  vi.unstubAllEnvs();
  await server.stop();
  expect(summary).toMatchObject({ status: 'failed', reason: 'boss-failed', restarts: 3, remedies: { crash: 1 } });
});

test('what a Boss had come to that crashed for good is in the summary and the report', { tags: 'long' }, async () => {
  const planFile = join(directory.path, 'boss-plan.json');
  writeFileSync(planFile, JSON.stringify(planWith([{ name: 'Other' }])));
  let asked = 0;
  const server = await startScriptedServer(({ agent }) => {
    if (agent !== 'Boss') return call('terminate', { summary: 'done' });
    asked += 1;
    if (asked === 1) return call('talk', { messages: [{ to: 'Other', content: 'begin' }] });
    // An answer of bad format is a remedy, and counted with its agent.
    if (asked === 2) return { toolCalls: [{ name: 'talk', arguments: '{"messages": ' }] };
    return { status: 400, raw: { error: { message: 'planted' } } };
  });
  const runDir = join(directory.path, 'boss-crash');
  const args = ['run', 'g', '--model', 'openai:m', '--sandbox', 'off', '--plan', planFile, '--json'];
  try {
    const result = await command([...args, '--run-dir', runDir], { env: environmentOf(server) });
    expect(result.exitCode).toBe(1);
    const summary = jsonLine(result) as RunSummary;
    expect(summary).toMatchObject({ status: 'failed', reason: 'boss-failed', remedies: { format: 1, crash: 1 } });
    const inspection = jsonLine(await command(['inspect', runDir, '--json'])) as Inspection;
    const other = inspection.agents.find(({ name }) => name === 'Other');
    const boss = inspection.agents.find(({ name }) => name === 'Boss');
    expect(boss).toMatchObject({ state: 'failed', level: 'boss', calls: 2 });
    expect(summary.turns).toBe((boss?.turns ?? 0) + (other?.turns ?? 0));
    expect(readFileSync(join(runDir, 'report.md'), 'utf8')).toContain('crash 1');
  } finally {
    await server.stop();
  }
});

test('V2 whose supervisor had no turn any more to hear of its end is failed in the report, with what it had done', async () => {
  const held = Promise.withResolvers<ScriptedAnswer>();
  const server = await startScriptedServer(({ agent, body }) => {
    const acted = body.messages.some(({ role }) => role === 'tool');
    if (agent === 'Boss')
      return acted ? held.promise : call('talk', { messages: [{ to: 'Victim', content: 'begin' }] });
    return acted
      ? { status: 400, raw: { error: { message: 'planted' } } }
      : call('write_file', { path: 'a.md', content: 'a' });
  });
  stubServer(server);
  const runDir = join(directory.path, 'unheard');
  const plan = planWith([{ name: 'Victim' }]);
  const options = { model: 'openai:m', sandbox: 'off', shards: 1, threads: 1, seed: 1, plan, runDir } as const;
  const run = runSociety('Write a guide', options);
  for await (const { type, agent, restarted } of run.events) {
    if (type === 'restart' && agent === 'Victim' && restarted === false) break;
  }
  const summary = await run.stop();
  held.resolve({ content: '(waiting)' });
  vi.unstubAllEnvs();
  await server.stop();
  expect(summary).toMatchObject({ status: 'stopped', restarts: 3, modelCalls: 2 });
  const report = JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as Report;
  expect(report.agents.map(({ name, status }) => [name, status])).toEqual([
    ['Boss', 'working'],
    ['Victim', 'failed'],
  ]);
  expect(report.missing).toContainEqual({ agent: 'Victim', what: 'failed' });
  const { agents } = await inspectRun(runDir);
  expect(agents.find(({ name }) => name === 'Victim')).toMatchObject({ state: 'failed', calls: 1 });
});
