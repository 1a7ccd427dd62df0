/** Whatever a model server or a model says, a run ends with a true status, the documented exit code, and its files. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { inspectRun } from '../../src/run/index.ts';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import { startModelServer } from '../support/aimock.ts';
import { command, jsonLine, startCommand, temporaryDirectory, type CommandResult } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer, type ScriptedRequest } from '../support/scripted-server.ts';
import { call, environmentOf, GUIDE } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
let runs = 0;

type Script = (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

const runAgainst = async (
  script: Script,
  args: readonly string[] = [],
): Promise<{ result: CommandResult; calls: number; runDir: string }> => {
  const server = await startScriptedServer(script);
  runs += 1;
  const runDir = join(directory.path, `run-${runs}`);
  try {
    const result = await command(
      ['run', 'Write a guide', '--model', 'openai:m', '--sandbox', 'off', '--run-dir', runDir, '--json', ...args],
      { env: { OPENAI_BASE_URL: server.baseUrl, OPENAI_API_KEY: 'sk-secret-of-the-test' } },
    );
    expect(result.stdout + result.stderr).not.toContain('sk-secret-of-the-test');
    return { result, calls: server.requests.length, runDir };
  } finally {
    await server.stop();
  }
};

const errorAnswer = (status: number, code: string): ScriptedAnswer => ({
  status,
  raw: { error: { message: `the server says ${code}`, type: code, code } },
});

const ITEMS = [{ id: 'guide', text: 'the guide is written', owner: 'Writer' }];
const plan = call('submit_plan', { ...GUIDE, items: ITEMS });

const planned =
  (then: Script): Script =>
  (request) =>
    request.agent === '_planner' ? plan : then(request);

describe('a server that refuses', () => {
  test('a wrong key pauses the run: one call, exit 3, resumable', async () => {
    const { result, calls, runDir } = await runAgainst(() => errorAnswer(401, 'invalid_api_key'));
    expect(result.exitCode, result.stderr).toBe(3);
    expect(jsonLine(result)).toMatchObject({ status: 'paused', reason: 'wrong-key', agents: 0 });
    expect(calls).toBe(1);

    const server = await startScriptedServer(planned(() => ({ content: 'Nothing to do.' })));
    const resumed = await command(['resume', runDir, '--json'], {
      env: { OPENAI_BASE_URL: server.baseUrl, OPENAI_API_KEY: 'another' },
    });
    await server.stop();
    expect((jsonLine(resumed) as RunSummary).agents).toBe(2);
  });

  test('a quota that is used up pauses the run, exit 3', { tags: 'long' }, async () => {
    const { result } = await runAgainst(() => errorAnswer(429, 'insufficient_quota'));
    expect(result.exitCode, result.stderr).toBe(3);
    expect(jsonLine(result)).toMatchObject({ status: 'paused', reason: 'quota' });
  });

  test('an unknown model is a wrong configuration, exit 2, with the name in one line', async () => {
    const { result, calls } = await runAgainst(() => errorAnswer(404, 'model_not_found'));
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/MODEL_UNKNOWN/u);
    expect(calls).toBe(1);
  });

  test('a wrong key in the middle of a run keeps what exists', { tags: 'long' }, async () => {
    const { result } = await runAgainst(planned(() => errorAnswer(401, 'invalid_api_key')));
    expect(result.exitCode, result.stderr).toBe(3);
    expect(jsonLine(result)).toMatchObject({ status: 'paused', reason: 'wrong-key', agents: 2 });
  });
});

describe('a model that misbehaves', () => {
  const kinds: Readonly<Record<string, ScriptedAnswer>> = {
    prose: { content: 'I would rather talk about the weather.' },
    'bad JSON': { toolCalls: [{ name: 'write_file', arguments: '{"path": "a.md", "content": ' }] },
    'an unknown tool': call('fly_to_the_moon', {}),
    'wrong arguments': call('write_file', { path: 7 }),
    nothing: { content: null },
    'the same call for ever': call('list_files', {}),
  };

  const unusable = ['bad JSON', 'an unknown tool', 'wrong arguments', 'nothing'];

  const quick = ['bad JSON', 'the same call for ever'];

  for (const [kind, answer] of Object.entries(kinds)) {
    const tags = quick.includes(kind) ? [] : ['long'];
    test(`${kind}: the run ends failed, within its limits, and says what is missing`, { tags }, async () => {
      const { result, calls, runDir } = await runAgainst(planned(() => answer));
      expect(result.exitCode, result.stderr).toBe(1);
      const summary = jsonLine(result) as RunSummary;
      expect(summary.status).toBe('failed');
      expect(summary.agents).toBe(2);
      // Two agents, a few nudges each, at most twenty steps a turn.
      expect(calls).toBeLessThan(400);
      expect(existsSync(join(runDir, 'report.md'))).toBe(true);
      // Each answer but the plan had a bad format, and each is counted once: as that, or as what led to a fresh agent.
      const { format = 0, silence = 0 } = summary.remedies;
      if (unusable.includes(kind)) expect(format + silence).toBe(calls - 1);
      expect(silence > 0).toBe(kind === 'nothing');
    });
  }

  test('a planner that never plans: failed, three attempts', async () => {
    const { result, calls, runDir } = await runAgainst(() => ({ content: 'What a nice goal!' }));
    expect(result.exitCode).toBe(1);
    expect(calls).toBe(3);
    expect(result.stderr).toMatch(/no usable plan/u);
    // No defect of ours (`internal`), and nothing that another try with the same answers could help.
    const run = JSON.parse(readFileSync(join(runDir, 'run.json'), 'utf8')) as unknown;
    expect(run).toMatchObject({ status: 'failed', reason: 'boss-failed' });
  });

  test('V5: a run that is over has nobody at work, also when it ended in the middle of a call', async () => {
    const config = join(directory.path, 'one-turn.json');
    writeFileSync(config, JSON.stringify({ limits: { turnsPerAgentMax: 1 } }));
    const two = [...GUIDE.agents, ...GUIDE.agents.map((agent) => ({ ...agent, name: 'Reader' }))];
    const asked = Promise.withResolvers<void>();
    const { result, runDir } = await runAgainst(
      async ({ agent, body }) => {
        if (agent === '_planner') return call('submit_plan', { ...GUIDE, agents: two, items: ITEMS });
        if (agent === 'Boss' && body.messages.length < 4) {
          return call('talk', { messages: [{ to: 'subordinates', content: 'go' }] });
        }
        if (agent === 'Reader') {
          asked.resolve();
          return new Promise(() => {});
        }
        // What the Writer says is the mail that the Boss has no turn left for.
        await asked.promise;
        return { content: agent === 'Boss' ? '(waiting)' : 'I have nothing to say.' };
      },
      ['--config', config],
    );
    expect(result.exitCode, result.stderr).toBe(1);
    expect(jsonLine(result)).toMatchObject({ status: 'stopped', reason: 'limit-turns' });
    const inspected = jsonLine(await command(['inspect', runDir, '--json'])) as Inspection;
    expect(inspected.agents.map(({ name, state }) => [name, state])).toEqual([
      ['Boss', 'failed'],
      ['Writer', 'idle'],
      ['Reader', 'idle'],
    ]);
  });

  test('what was written before stays', async () => {
    const seen = new Set<string>();
    const { result } = await runAgainst(
      planned(({ agent }) => {
        if (seen.has(agent)) return { content: 'I am done with this.' };
        seen.add(agent);
        if (agent === 'Boss') return call('talk', { messages: [{ to: 'Writer', content: 'go' }] });
        return call('write_file', { path: 'guide.md', content: '# Guide\n' });
      }),
    );
    const summary = jsonLine(result) as RunSummary;
    expect(summary.status).toBe('failed');
    expect(summary.files).toBe(1);
    expect(existsSync(join(summary.workspace, 'guide.md'))).toBe(true);
  });
});

describe('a model that uses its tools without measure, or not at all', () => {
  const limits = { stepsPerTurnMax: 5, turnsPerAgentMax: 10, nudgesPerAgentMax: 1, finalReviewsMax: 2 };
  const AGENTS = 6;
  const config = join(directory.path, 'small.json');
  writeFileSync(config, JSON.stringify({ limits }));
  const WAITING: ScriptedAnswer = { content: '(waiting)' };

  const heard = ({ body }: ScriptedRequest, mail: RegExp): boolean =>
    body.messages.some(({ role, content }) => role === 'user' && mail.test(String(content)));

  /** Writes its file, and hands in. */
  const works = ({ agent, body }: ScriptedRequest): ScriptedAnswer =>
    body.messages.some(({ role }) => role === 'tool')
      ? call('terminate', { summary: `${agent}.md` })
      : call('write_file', { path: `${agent}.md`, content: '# Guide\n' });

  interface Ended {
    readonly exitCode: number | null;
    readonly summary: RunSummary;
    /** Who is missed by the report. */
    readonly missing: readonly string[];
    readonly states: Readonly<Record<string, string>>;
  }

  /** A run within small limits, which are checked: V3, what a person can work out beforehand. */
  const play = async (script: Script): Promise<Ended> => {
    const { result, calls, runDir } = await runAgainst(
      (request) => (request.agent === '_planner' ? call('submit_plan', GUIDE) : script(request)),
      ['--config', config, '--max-agents', String(AGENTS), '--seed', '1', '--shards', '2'],
    );
    const summary = jsonLine(result) as RunSummary;
    expect(calls).toBeLessThanOrEqual(1 + summary.agents * limits.turnsPerAgentMax * limits.stepsPerTurnMax);
    expect(summary).toMatchObject({ repeatedCalls: 0, restarts: 0, deadLetters: 0 });
    // Whom the end of a run that is stopped, or has failed, meets in the middle of a call does not wait for its answer.
    expect(summary.modelCalls).toBeLessThanOrEqual(calls);
    expect(summary.modelCalls).toBeGreaterThanOrEqual(calls - (summary.status === 'completed' ? 0 : summary.agents));
    const { agents } = await inspectRun(runDir);
    expect(agents).toHaveLength(summary.agents);
    for (const { turns } of agents) expect(turns).toBeLessThanOrEqual(limits.turnsPerAgentMax);
    const report = readFileSync(join(runDir, 'report.json'), 'utf8');
    const { missing } = JSON.parse(report) as { missing: readonly { readonly agent: string }[] };
    return {
      exitCode: result.exitCode,
      summary,
      missing: missing.map(({ agent }) => agent),
      states: Object.fromEntries(agents.map(({ name, state }) => [name, state])),
    };
  };

  test('V1 V3 everybody hires for ever: as many as there may be, and the run does not end well', async () => {
    let asked = 0;
    const { exitCode, summary, missing, states } = await play(() => {
      asked += 1;
      const work = { description: 'hires more', initial_prompt: 'Hire.', first_message: 'go' };
      return call('add_agent', { name: `recruit-${asked}`, ...work });
    });
    expect({ exitCode, agents: summary.agents }).toEqual({ exitCode: 1, agents: AGENTS });
    expect(['stopped limit-turns', 'failed boss-failed']).toContain(`${summary.status} ${summary.reason}`);
    expect(missing.toSorted()).toEqual(Object.keys(states).toSorted());
  });

  test('V2 everybody is done at once: the Boss is believed once it was asked for the final review, not before', async () => {
    let asked = false;
    const { exitCode, summary, states } = await play((request) => {
      if (request.agent === 'Boss') asked ||= heard(request, /^system: \[final-review\]/mu);
      return call('terminate', { summary: 'Everything is done.' });
    });
    expect({ exitCode, asked }).toEqual({ exitCode: 0, asked: true });
    // Nobody has reviewed the Writer, and that is said.
    expect(summary).toMatchObject({ status: 'completed', reason: 'done', files: 0, remedies: { unreviewed: 1 } });
    expect(states).toEqual({ Boss: 'finished', Writer: 'finished' });
  });

  test('V1 an idle Boss, who never works and never ends: others do their part, and the run fails', async () => {
    const { exitCode, summary, missing, states } = await play((request) =>
      request.agent === 'Boss' ? WAITING : works(request),
    );
    expect(exitCode).toBe(1);
    expect(summary).toMatchObject({ status: 'failed', reason: 'boss-failed', files: 1, neverWoken: 0 });
    expect(missing).toEqual(['Boss']);
    expect(states).toEqual({ Boss: 'failed', Writer: 'finished' });
    expect(readFileSync(join(summary.workspace, 'Writer.md'), 'utf8')).toBe('# Guide\n');
  });

  test('a recruit whom nobody wakes is woken by the runtime, and does its part', async () => {
    const woken: string[] = [];
    const { exitCode, summary, states } = await play((request) => {
      const { agent, body } = request;
      if (agent === 'Forgotten' && heard(request, /^system: \[start\]/mu)) woken.push(agent);
      if (agent !== 'Boss') return works(request);
      if (!body.messages.some(({ role }) => role === 'tool')) {
        return call('add_agent', { name: 'Forgotten', description: 'writes', initial_prompt: 'Write your file.' });
      }
      const isAsked = heard(request, /^system: \[final-review\]/mu);
      return isAsked ? call('terminate', { summary: 'The guide is there.' }) : WAITING;
    });
    expect({ exitCode, woken: woken.length > 0 }).toEqual({ exitCode: 0, woken: true });
    expect(summary).toMatchObject({ status: 'completed', agents: 3, files: 2, neverWoken: 0 });
    expect(states).toEqual({ Boss: 'finished', Writer: 'finished', Forgotten: 'finished' });
  });
});

describe('Ctrl-C', () => {
  test('once: pauses with exit 3, and the run goes on from there', { tags: 'long' }, async () => {
    const runDir = join(directory.path, 'interrupted');
    const args = ['run', 'Write a guide', '--max-agents', '60', '--seed', '5', '--run-dir', runDir, '--json'];
    // Of some two hundred answers: then most are hired, and the run stays where it is.
    const server = await startModelServer({ seed: 5, latencyMs: 5, holdAfter: 60 });
    onTestFinished(() => server.stop());
    const env = environmentOf(server);
    const running = startCommand([...args, '--model', 'openai:any', '--sandbox', 'off'], { env });
    const spawned = async (): Promise<number> => (await inspectRun(runDir).catch(() => ({ agents: [] }))).agents.length;
    await expect.poll(spawned).toBeGreaterThan(20);
    const busy = await command(['resume', runDir, '--json'], { env });
    expect(busy.exitCode).toBe(2);
    expect(busy.stderr).toMatch(/RUN_DIR_IN_USE/u);
    running.child.kill('SIGINT');
    server.release();
    const paused = await running.result;
    expect(paused, paused.stderr).toMatchObject({ exitCode: 3, signal: null });
    expect(jsonLine(paused)).toMatchObject({ status: 'paused', reason: 'interrupted', repeatedCalls: 0 });
    const resumed = await command(['resume', runDir, '--json'], { env });
    expect(resumed.exitCode, resumed.stderr).toBe(0);
    // What was in flight was answered and kept before the pause.
    expect(jsonLine(resumed)).toMatchObject({ status: 'completed', agents: 60, repeatedCalls: 0, neverWoken: 0 });
  });
});
