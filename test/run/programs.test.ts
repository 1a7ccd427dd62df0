/** Programs in a run: offered, run on a snapshot, brought back, ended with their agent, unknown after a crash. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { resumeRun, runSociety } from '../../src/run/index.ts';
import { chooseSandbox } from '../../src/run/sandbox-choice.ts';
import { settingsOf } from '../../src/run/settings.ts';
import type { RunOptions, RunSummary } from '../../src/run/types.ts';
import { marked, whyNoSandbox } from '../sandbox/support.ts';
import { command, startCommand, temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer, type ScriptedServer } from '../support/scripted-server.ts';
import { call, calls, environmentOf, stubServer } from '../support/scripted-society.ts';

const missing = await whyNoSandbox();
const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
afterEach(() => vi.unstubAllEnvs());

const write = (path: string, content: string): ScriptedAnswer => call('write_file', { path, content });
const END = call('terminate', { summary: 'Done.' });
const PLAN = call('submit_plan', { goal: 'a program', agents: [], items: [] });
const MARK = `program-${process.pid}`;

type Result = Record<string, unknown> & { ok: boolean };

/** A society of one, the Boss, that says what the script says; `results` are those of its tools, in order. */
const startBoss = async (
  script: readonly ScriptedAnswer[],
): Promise<{ server: ScriptedServer; results: () => Result[]; tools: () => string[] }> => {
  let number = 0;
  const server = await startScriptedServer(({ agent }) => {
    if (agent !== 'Boss') return PLAN;
    number += 1;
    return script[number - 1] ?? END;
  });
  const last = () => server.requests.findLast(({ agent }) => agent === 'Boss')?.body;
  return {
    server,
    results: () =>
      (last()?.messages ?? []).flatMap(({ role, content }) =>
        role === 'tool' ? [JSON.parse(String(content)) as Result] : [],
      ),
    tools: () => (last()?.tools ?? []).map((tool) => (tool as { function: { name: string } }).function.name),
  };
};

const OPTIONS: RunOptions = { model: 'openai:m', review: 'none', seed: 1, maxAgents: 2, durability: 'committed' };

const runBoss = async (
  name: string,
  script: readonly ScriptedAnswer[],
  options: RunOptions = {},
): Promise<{ summary: RunSummary; results: Result[]; tools: string[] }> => {
  const boss = await startBoss(script);
  stubServer(boss.server);
  try {
    const runDir = join(directory.path, name);
    const summary = await runSociety('A program', { ...OPTIONS, ...options, runDir }).report;
    return { summary, results: boss.results(), tools: boss.tools() };
  } finally {
    await boss.server.stop();
  }
};

const ADDER = 'import sys\nopen("sum.txt", "w").write(str(sum(map(int, sys.argv[1:]))))\nprint("added")\n';
const BIG = 'open("big.txt", "w").write("x" * 2097152)\nopen("small.txt", "w").write("x")\nprint("big")\n';
const TALKER = 'for line in __import__("sys").stdin: print("you said", line.strip())\n';
const SLEEPER = `import time\nopen("begun", "a").write("begun ")\nprint("begun")\ntime.sleep(600)\n`;

describe.skipIf(missing !== null)('programs in a run', () => {
  test('B3 a program sees the workspace, and what it writes is in it, with its agent as author', async () => {
    const { summary, results, tools } = await runBoss('adder', [
      write('add.py', ADDER),
      call('run_program', { path: 'add.py', args: ['1', '2', '39'] }),
      call('read_file', { path: 'sum.txt' }),
    ]);
    expect(tools).toEqual(expect.arrayContaining(['run_program', 'send_input']));
    expect(results[1]).toEqual({
      ok: true,
      running: false,
      exitCode: 0,
      signal: null,
      stdout: 'added\n',
      stderr: '',
      truncated: false,
      files: { written: ['sum.txt'] },
    });
    expect(results[2]).toMatchObject({ ok: true, content: '42' });
    expect(summary).toMatchObject({ status: 'completed', files: 2, sandbox: 'bwrap' });
    expect(readFileSync(join(summary.workspace, 'sum.txt'), 'utf8')).toBe('42');
    const report = JSON.parse(readFileSync(join(summary.runDir, 'report.json'), 'utf8')) as { files: unknown[] };
    expect(report.files).toContainEqual(expect.objectContaining({ path: 'sum.txt', author: 'Boss' }));
  });

  test(
    'Q1 one that runs is talked to, a second is BUSY; with its agent it ends, and its files are kept',
    { tags: 'long' },
    async () => {
      const { summary, results } = await runBoss(
        'talker',
        [
          calls(write('talk.py', TALKER), write('sleep.py', SLEEPER)),
          calls(call('run_program', { path: 'talk.py' }), call('run_program', { path: 'sleep.py' })),
          call('send_input', { content: 'hello\n' }),
          call('send_input', { content: '\u0004' }),
          call('send_input', { content: '' }),
          call('run_program', { path: 'sleep.py', args: [MARK] }),
        ],
        { config: { programs: { stepMs: 3_000 } } },
      );
      const [, , first, second, said, closed, gone, sleeping] = results;
      expect(first).toMatchObject({ ok: true, running: true });
      expect(second).toMatchObject({ ok: false, error: { code: 'BUSY' } });
      expect(said).toMatchObject({ ok: true, running: true, stdout: 'you said hello\n' });
      expect(closed).toMatchObject({ ok: true, running: false, exitCode: 0 });
      expect(gone).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
      expect(sleeping).toMatchObject({ ok: true, running: true, stdout: 'begun\n' });
      expect(summary.status).toBe('completed');
      expect(readFileSync(join(summary.workspace, 'begun'), 'utf8')).toBe('begun ');
      await expect.poll(() => marked(MARK)).toEqual([]);
    },
  );

  test(
    'what became of programs is in the report, over all processes; a file that is too large is refused with its limit',
    { tags: 'long' },
    async () => {
      const runDir = join(directory.path, 'counted');
      const { summary, results } = await runBoss(
        'counted',
        [
          calls(write('add.py', ADDER), write('fail.py', 'raise SystemExit(3)\n'), write('big.py', BIG)),
          call('run_program', { path: 'add.py', args: ['1'] }),
          call('run_program', { path: 'fail.py' }),
          call('run_program', { path: 'big.py' }),
          calls(write('sleep.py', SLEEPER), call('run_program', { path: 'sleep.py' })),
          call('send_input', { content: '\u0003' }),
        ],
        { embedder: 'none', config: { programs: { stepMs: 3_000 } } },
      );
      const big = results.find(({ stdout }) => stdout === 'big\n');
      expect(big).toMatchObject({ ok: true, exitCode: 0, files: { written: ['small.txt'] } });
      expect(JSON.stringify(big)).toMatch(
        /"path":"big.txt","why":"big.txt would have 2097152 bytes, at most 1048576. Split /u,
      );
      expect(summary).toMatchObject({ sandbox: 'bwrap', embedder: 'none' });
      const counted = {
        run: 4,
        failed: 1,
        timedOut: 0,
        overLimit: 0,
        stopped: 1,
        filesBroughtBack: 3,
        filesRefused: 1,
      };
      expect(JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8'))).toMatchObject({
        programs: counted,
        sandbox: 'bwrap',
        embedder: 'none',
      });
      const text = readFileSync(join(runDir, 'report.md'), 'utf8');
      expect(text).toContain(
        '- sandbox: bwrap; programs run: 4 (1 failed, 0 out of time, 0 beyond another limit, 1 stopped)\n' +
          '- files of programs: 3 brought back, 1 refused\n- embedder: none\n',
      );
    },
  );

  test(
    'D6 a runtime that is killed while a program runs: what became of it is unknown, and it is not run again',
    { tags: 'long' },
    async () => {
      const cutOff = call('run_program', { path: 'sleep.py', args: [`${MARK}-killed`] });
      const script = [
        calls(write('sleep.py', SLEEPER), write('talk.py', TALKER)),
        call('run_program', { path: 'talk.py' }),
        calls(call('send_input', { content: '\u0003' }), cutOff),
        call('send_input', { content: 'hello\n' }),
        call('run_program', { path: 'talk.py', stdin: 'again\n' }),
      ];
      const boss = await startBoss(script);
      const env = environmentOf(boss.server);
      const runDir = join(directory.path, 'killed');
      try {
        const words = [
          'run',
          'A program',
          '--model',
          'openai:m',
          '--review',
          'none',
          '--seed',
          '1',
          '--max-agents',
          '2',
        ];
        const first = startCommand([...words, '--durability', 'committed', '--run-dir', runDir, '--quiet'], { env });
        await expect.poll(() => marked(`${MARK}-killed`).length, { timeout: 60_000 }).toBeGreaterThan(0);
        first.child.kill('SIGKILL');
        await first.result;
        await expect.poll(() => marked(`${MARK}-killed`)).toEqual([]);
        stubServer(boss.server);
        const summary = await resumeRun(runDir).report;
        expect(summary.status).toBe('completed');
        const results = boss.results();
        const unknown = results.filter(
          (result) => (result['error'] as { code?: string } | undefined)?.code === 'UNKNOWN_OUTCOME',
        );
        // The program that was cut off, and then the input for it.
        expect(unknown).toHaveLength(2);
        expect(results.at(-1)).toMatchObject({ ok: true, running: false, stdout: 'you said again\n' });
        // It ran once, and the end of its process was its end.
        expect(existsSync(join(summary.workspace, 'begun'))).toBe(false);
        // Counted over both processes: two were talked to, of which one was stopped, and one ended with its process.
        const { programs } = JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as {
          programs: { run: number };
        };
        expect(programs).toMatchObject({ failed: 0, stopped: 1 });
        // The kill may have come before the start of the second was counted.
        expect([2, 3]).toContain(programs.run);
      } finally {
        await boss.server.stop();
      }
    },
  );

  test('without a sandbox it is said everywhere', async () => {
    const runDir = join(directory.path, 'unprotected');
    const words = ['run', 'A guide', '--sandbox', 'none', '--max-agents', '2', '--run-dir', runDir];
    const result = await command([...words, '--durability', 'committed']);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/^Programs of this run are unprotected/mu);
    expect(result.stdout).toMatch(/^ {2}sandbox none: programs are unprotected/mu);
    expect(readFileSync(join(runDir, 'report.md'), 'utf8')).toContain('**Unprotected:**');
    expect(JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8'))).toMatchObject({ sandbox: 'none' });
    const [begun] = readFileSync(join(runDir, 'events.jsonl'), 'utf8').split('\n');
    expect(JSON.parse(begun ?? '')).toMatchObject({ type: 'run', sandbox: 'none' });
  });
});

describe('whether programs are offered', () => {
  const chosen = (options: RunOptions) =>
    chooseSandbox(options, settingsOf(options, { workspace: directory.path, seed: 1 }));

  test('not to a rehearsal, nor where a run is to repeat itself, unless one asks', async () => {
    const off = { sandbox: 'off', sandboxNetwork: false };
    expect(await chosen({})).toEqual(off);
    expect(await chosen({ deterministic: true })).toEqual(off);
    expect(await chosen({ model: 'openai:m', sandbox: 'off' })).toEqual(off);
    const refused = expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error;
    await expect(chosen({ sandbox: 'off', sandboxNetwork: true })).rejects.toEqual(refused);
    await expect(chosen({ deterministic: true, sandbox: 'none' })).rejects.toEqual(refused);
  });

  test('to a cassette whose requests offered them', async () => {
    const [offered, plain] = [join(directory.path, 'offered'), join(directory.path, 'plain')];
    const tools = [{ name: 'run_program', description: '' }];
    writeFileSync(offered, `${JSON.stringify({ kind: 'text', hash: 'a', text: JSON.stringify(tools) })}\n`);
    writeFileSync(plain, '{"kind":"text","hash":"a","text":"run_program"}\n');
    expect((await chosen({ model: `cassette:${plain}` })).sandbox).toBe('off');
    const choice = chosen({ model: `cassette:${offered}` });
    if (missing === null) expect((await choice).sandbox).toBe('bwrap');
    else await expect(choice).rejects.toMatchObject({ code: 'SANDBOX_MISSING' });
  });

  test.skipIf(missing !== null)('to real models where the sandbox holds', async () => {
    expect(await chosen({ model: 'openai:m' })).toEqual({ sandbox: 'bwrap', sandboxNetwork: false });
    expect(await chosen({ model: 'openai:m', sandboxNetwork: true })).toEqual({
      sandbox: 'bwrap',
      sandboxNetwork: true,
    });
    expect(await chosen({ sandbox: 'bwrap' })).toEqual({ sandbox: 'bwrap', sandboxNetwork: false });
  });
});
