import { describe, expect, test } from 'vitest';
import { COMMANDS, commandLine } from '../../src/cli/command-line.ts';
import type { CommandContext } from '../../src/cli/ports.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import type { ForecastOptions } from '../../src/run/index.ts';
import { progressOf, recorder, summaryOf } from './fixtures.ts';

/** Runs a line that must end without a run. */
const refused = async (words: readonly string[], files: Record<string, string> = {}) => {
  const recorded = recorder(files);
  const code = await commandLine(words, recorded.context);
  return { code, ...recorded, stdout: recorded.stdout, stderr: recorded.stderr };
};

describe('wrong usage is one line on stderr and exit 2', () => {
  test.each([
    [['rnu'], /no command "rnu"\. Did you mean "run"\?/u],
    [['simulate'], /no command "simulate"\. There are: run, resume, inspect/u],
    [['simulate', 'runs/x'], /no command "simulate"/u],
    [['run'], /needs a goal/u],
    [['run', '  '], /needs a goal/u],
    [['run', 'write', 'a', 'book'], /one goal, and there are 3 arguments/u],
    [['run', 'g', '--sede', '7'], /no option --sede here\. Did you mean --seed\?.*run --help/u],
    [['run', 'g', '-j'], /no option -j here/u],
    [['run', 'g', '--no-json'], /no option --no-json/u],
    [['run', 'g', '--json=yes'], /--json takes no value/u],
    [['run', 'g', '--seed'], /--seed needs a value/u],
    [['run', 'g', '--seed', '--json'], /--seed needs a value/u],
    [['run', 'g', '--seed', '1', '--seed', '2'], /--seed is given twice/u],
    [['run', 'g', '--seed', '1.5'], /--seed needs a whole number from 0 to \d+, not "1\.5"/u],
    [['run', 'g', '--seed', '-1'], /--seed needs a whole number/u],
    [['run', 'g', '--threads', '0'], /--threads needs a whole number from 1/u],
    [['run', 'g', '--threads', 'many'], /--threads .* not "many"/u],
    [['run', 'g', '--threads', ''], /--threads needs a whole number/u],
    [['run', 'g', '--shards', '255'], /--shards needs a whole number from 1 to 254/u],
    [['run', 'g', '--max-agents', '1e3'], /--max-agents .* not "1e3"/u],
    [['run', 'g', '--durability', 'always'], /flushed, committed, none, not "always"/u],
    [['run', 'g', '--review', 'never'], /model, auto, none, not "never"/u],
    [['run', 'g', '--model', 'gpt'], /rehearsal, openai:NAME, cassette:FILE or playbook:NAME, not "gpt"/u],
    [['run', 'g', '--model', 'openai:'], /rehearsal, openai:NAME, cassette:FILE or playbook:NAME/u],
    [['run', 'g', '--run-dir', ''], /--run-dir needs a value/u],
    [['run', 'g', '--config', 'nowhere.json'], /--config: nowhere\.json cannot be read \(there is no such file\)/u],
    [['resume'], /needs the directory of a run/u],
    [['resume', 'a', 'b'], /takes one directory/u],
    [['resume', 'a', '--durability', 'none'], /flushed, committed, not "none"/u],
    [['inspect'], /needs the directory of a run/u],
    [['inspect', 'nowhere'], /there is no directory nowhere.*RUN_DIR_NOT_FOUND/u],
  ])('%j', async (words, expected) => {
    const { code, stdout, stderr, started } = await refused(words);
    expect(stderr).toMatch(expected);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect({ code, stdout, started }).toEqual({ code: 2, stdout: '', started: [] });
  });

  test('every option of run that is not one of resume is refused on resume with the list of those that are', async () => {
    const names = COMMANDS.find((command) => command.name === 'run')?.options.map((option) => option.name) ?? [];
    const budgets = ['budget-calls', 'budget-tokens', 'budget-usd', 'deadline'];
    const mayDiffer = ['threads', 'durability', 'config', ...budgets, 'json', 'quiet'];
    const fixed = names.filter((name) => !mayDiffer.includes(name));
    expect(fixed).toContain('seed');
    for (const name of fixed) {
      const { code, stderr } = await refused(['resume', 'runs/x', `--${name}`, '1']);
      expect(stderr).toMatch(
        new RegExp(
          `--${name} cannot change on resume.*--threads --durability --config --budget-calls --budget-tokens --budget-usd --deadline --json`,
          'u',
        ),
      );
      expect(code).toBe(2);
    }
  });

  test('a file that is not JSON is named, with the reason, in one line', async () => {
    const { code, stderr } = await refused(['run', 'g', '--plan', 'p.json'], { 'p.json': '{"a":\n 1,\n}' });
    expect(stderr).toMatch(/^megactor: --plan: p\.json is not JSON \(.*\)\. Correct the file.*\n$/u);
    expect(code).toBe(2);
  });
});

describe('help and version', () => {
  test.each(COMMANDS.map((command) => command.name))(
    '%s --help: every option, examples, no run API loaded',
    async (name) => {
      const recorded = recorder();
      expect(await commandLine([name, '--help'], recorded.context)).toBe(0);
      const command = COMMANDS.find((candidate) => candidate.name === name);
      for (const option of command?.options ?? []) expect(recorded.stdout).toContain(`--${option.name}`);
      expect(recorded.stdout).toContain(`npm start -- ${command?.examples[0]}`);
      expect(recorded.loads).toBe(0);
    },
  );

  test('the general help names every command; --version is the version alone', async () => {
    const recorded = recorder();
    expect(await commandLine(['--help'], recorded.context)).toBe(0);
    for (const command of COMMANDS) expect(recorded.stdout).toContain(command.usage);
    const version = recorder();
    expect(await commandLine(['--version'], version.context)).toBe(0);
    expect(version.stdout).toBe('1.2.3\n');
  });

  test('--help after -- is an argument', async () => {
    const { code } = await refused(['inspect', '--', '--help']);
    expect(code).toBe(2);
  });

  test('lines of the help fit a terminal', async () => {
    for (const words of [['--help'], ...COMMANDS.map((command) => [command.name, '--help'])]) {
      const recorded = recorder();
      await commandLine(words, recorded.context);
      for (const line of recorded.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(104);
    }
  });
});

describe('run', () => {
  test('passes on what was given, and nothing else', async () => {
    const recorded = recorder({ 'c.json': '\uFEFF{"limits":{}}', 'r.json': '{"latencyMs":0}', 'p.json': '[]' });
    const ended = commandLine(
      [
        'run',
        '--model=rehearsal',
        '--workspace',
        'w',
        '--run-dir',
        'd',
        '--shards',
        '4',
        '--threads',
        '2',
        '--seed',
        '9',
        '--durability',
        'committed',
        '--max-agents',
        '40',
        '--review',
        'none',
        '--no-agent-headers',
        '--config',
        'c.json',
        '--rehearsal',
        'r.json',
        '--plan',
        'p.json',
        '--template',
        'document',
        '--plan-only',
        '--',
        '--a goal',
      ],
      recorded.context,
    );
    recorded.current.finish(summaryOf());
    expect(await ended).toBe(0);
    const { signal, waitForAnswers, ...options } = recorded.started[0]?.options ?? {};
    expect(signal).toBeInstanceOf(AbortSignal);
    // There is no terminal on which somebody could answer.
    expect(waitForAnswers?.aborted).toBe(true);
    expect(recorded.started[0]?.goal).toBe('--a goal');
    expect(options).toEqual({
      model: 'rehearsal',
      workspace: 'w',
      runDir: 'd',
      shards: 4,
      threads: 2,
      seed: 9,
      durability: 'committed',
      maxAgents: 40,
      review: 'none',
      noAgentHeaders: true,
      config: { limits: {} },
      rehearsal: { latencyMs: 0 },
      plan: [],
      template: 'document',
      planOnly: true,
    });
  });

  test('without options every default is left to the run', async () => {
    const recorded = recorder();
    const ended = commandLine(['run', ' g '], recorded.context);
    recorded.current.finish(summaryOf());
    await ended;
    expect(recorded.started[0]?.goal).toBe('g');
    expect(Object.keys(recorded.started[0]?.options ?? {})).toEqual(['signal', 'waitForAnswers']);
  });

  test.each([
    [{ status: 'completed', reason: 'done' }, 0],
    [{ status: 'failed', reason: 'boss-failed' }, 1],
    [{ status: 'stopped', reason: 'limit-turns' }, 1],
    [{ status: 'paused', reason: 'interrupted' }, 3],
  ] as const)('%j ends with its exit code', async (changes, expected) => {
    const recorded = recorder();
    const ended = commandLine(['run', 'g', '--quiet'], recorded.context);
    recorded.current.finish(summaryOf(changes));
    expect(await ended).toBe(expected);
    expect(recorded.stderr).toBe('');
    expect(recorded.stdout).toContain(`Run abc123 ${changes.status}`);
  });

  test('--json: one line on stdout, the summary as it is; synthetic text is announced on stderr', async () => {
    const recorded = recorder();
    const ended = commandLine(['run', 'g', '--json'], recorded.context);
    recorded.current.finish(summaryOf());
    expect(await ended).toBe(0);
    expect(recorded.stdout).toBe(`${JSON.stringify(summaryOf())}\n`);
    expect(recorded.stderr.match(/synthetic/gu)).toHaveLength(2);
  });

  test('without --json: synthetic text is announced at the start and in the report; three commands follow', async () => {
    const recorded = recorder();
    const ended = commandLine(['run', 'g'], recorded.context);
    recorded.current.finish(summaryOf());
    await ended;
    expect(recorded.stderr).toMatch(/^The text of this run is synthetic/u);
    expect(recorded.stdout).toContain('synthetic');
    const next = recorded.stdout.split('Next:\n')[1]?.trimEnd().split('\n') ?? [];
    expect(next).toHaveLength(3);
    expect(next[0]).toContain('npm start -- inspect runs/abc123');
  });

  test('a real model is not called synthetic', async () => {
    const recorded = recorder();
    const ended = commandLine(['run', 'g', '--model', 'openai:m'], recorded.context);
    recorded.current.finish(summaryOf({ synthetic: false, model: 'openai:m' }));
    await ended;
    expect(recorded.stderr + recorded.stdout).not.toContain('synthetic');
  });

  test('a failure before the run exists: the user to blame is exit 2, the system exit 1, stdout stays empty', async () => {
    for (const [code, exit] of [
      ['CONFIG_INVALID', 2],
      ['MODEL_UNREACHABLE', 1],
    ] as const) {
      const recorded = recorder();
      const ended = commandLine(['run', 'g', '--json', '--quiet'], recorded.context);
      recorded.current.fail(new MegactorError(code, 'first line\nsecond line'));
      expect(await ended).toBe(exit);
      expect(recorded.stderr).toMatch(new RegExp(`^megactor: first line second line[.] .*\\[${code}\\]\n$`, 'u'));
      expect(recorded.stdout).toBe('');
      expect(recorded.clock.periodsActive + recorded.listeners()).toBe(0);
    }
  });

  test('what is no MegactorError is a defect: exit 1', async () => {
    const recorded = recorder();
    const ended = commandLine(['run', 'g', '--quiet'], recorded.context);
    recorded.current.fail(new TypeError('x is not a function'));
    expect(await ended).toBe(1);
    expect(recorded.stderr).toContain('[INTERNAL]');
  });
});

describe('progress', () => {
  test('one line a period while something changes, then every tenth; none after the end', async () => {
    const recorded = recorder();
    const ended = commandLine(['run', 'g', '--model', 'openai:m'], recorded.context);
    await recorded.begun();
    const lines = (): number => recorded.stderr.split('\n').length - 1;
    recorded.clock.period();
    expect(recorded.stderr).toMatch(
      /2\.0 s {2}working: 12 agents, 5 model calls \(2 in flight\), 6 messages, 1 file\n/u,
    );
    const first = lines();
    recorded.current.progress = progressOf({ wallSeconds: 3, modelCalls: 9 });
    recorded.clock.period();
    expect(lines()).toBe(first + 1);
    for (let period = 0; period < 9; period += 1) recorded.clock.period();
    expect(lines()).toBe(first + 1);
    recorded.clock.period();
    expect(lines()).toBe(first + 2);
    recorded.current.finish(summaryOf());
    await ended;
    expect(recorded.clock.periodsActive).toBe(0);
  });

  test('--quiet says nothing', async () => {
    const recorded = recorder();
    const ended = commandLine(['run', 'g', '--quiet', '--json'], recorded.context);
    await recorded.begun();
    recorded.clock.period();
    recorded.current.finish(summaryOf());
    await ended;
    expect(recorded.stderr).toBe('');
  });
});

describe('Ctrl-C', () => {
  test('once pauses: the signal aborts, the run ends paused, exit 3 with the command to resume', async () => {
    for (const json of [[], ['--json']]) {
      const recorded = recorder();
      const ended = commandLine(['run', 'g', ...json], recorded.context);
      await recorded.begun();
      expect(recorded.started[0]?.options.signal?.aborted).toBe(false);
      recorded.interrupt();
      expect(recorded.started[0]?.options.signal?.aborted).toBe(true);
      expect(recorded.stderr).toContain('Pausing (2 model calls in flight)');
      recorded.current.finish(summaryOf({ status: 'paused', reason: 'interrupted' }));
      expect(await ended).toBe(3);
      expect(recorded.stdout + recorded.stderr).toContain('npm start -- resume runs/abc123');
      if (json.length > 0) expect(recorded.stdout.trimEnd().split('\n')).toHaveLength(1);
      expect(recorded.exits).toEqual([]);
      expect(recorded.listeners()).toBe(0);
    }
  });

  test('of a run that keeps no journal nothing is said of resuming', async () => {
    for (const times of [1, 2]) {
      const recorded = recorder();
      const ended = commandLine(['run', 'g', '--durability', 'none'], recorded.context);
      await recorded.begun();
      for (let time = 0; time < times; time += 1) recorded.interrupt();
      recorded.current.finish(summaryOf({ status: 'paused', reason: 'interrupted', durability: 'none' }));
      expect(await ended).toBe(3);
      expect(recorded.stdout + recorded.stderr).toMatch(/othing (?:is|was) kept to go on from/u);
      expect(recorded.stdout + recorded.stderr).not.toMatch(/resume/u);
    }
  });

  test('twice ends at once with 130', async () => {
    const recorded = recorder();
    const ended = commandLine(['resume', 'runs/abc123'], recorded.context);
    await recorded.begun();
    recorded.interrupt();
    recorded.interrupt();
    expect(recorded.exits).toEqual([130]);
    recorded.current.finish(summaryOf({ status: 'paused', reason: 'interrupted' }));
    await ended;
  });
});

describe('a forecast', () => {
  const started = (words: readonly string[], recorded = recorder()) => {
    const given: { goal: string; options: ForecastOptions }[] = [];
    const context: CommandContext = {
      ...recorded.context,
      loadRunApi: async () => ({
        ...(await recorded.context.loadRunApi()),
        rehearse: (goal, options) => {
          given.push({ goal, options });
          return new Promise((_, reject) => {
            options.signal?.addEventListener('abort', () => reject(new MegactorError('ABORTED', 'aborted')));
          });
        },
      }),
    };
    return { recorded, given, ended: commandLine(words, context) };
  };

  test('takes what is given, tells on stderr how far it is, and ends with 130 at Ctrl-C, without a forecast', async () => {
    const words = ['--max-agents', '40', '--model', 'openai:m', '--latency', '4000', '--rpm', '60', '--tpm', '5000'];
    const { recorded, given, ended } = started(['rehearse', 'g', '--seed', '3', ...words]);
    await recorded.begun();
    while (given.length === 0) await new Promise(setImmediate);
    const options: ForecastOptions = given[0]?.options ?? {};
    expect(given[0]?.goal).toBe('g');
    expect(options).toMatchObject({
      maxAgents: 40,
      model: 'openai:m',
      latencyMs: 4_000,
      requestsPerMinute: 60,
      tokensPerMinute: 5_000,
      seed: 3,
    });
    options.onProgress?.({ calls: 12, wallSeconds: 34 });
    expect(recorded.stderr).toBe('rehearsing (synthetic): 12 calls, 34.0 s of the run\n');
    recorded.interrupt();
    expect(await ended).toBe(130);
    expect(recorded.stdout).toBe('');
    expect(recorded.stderr).toContain('Interrupted: there is no forecast.');
    expect(recorded.exits).toEqual([]);
    expect(recorded.listeners()).toBe(0);
  });

  test.each([[['rehearse']], [['rehearse', 'g', '--model', 'rehearsal']], [['rehearse', 'g', '--run-dir', 'x']]])(
    '%j is wrong usage',
    async (words) => {
      expect(await commandLine(words, recorder().context)).toBe(2);
    },
  );
});

describe('the demonstration', () => {
  test('no words at all: 590 agents, rehearsed', async () => {
    const recorded = recorder();
    const ended = commandLine([], recorded.context);
    recorded.current.finish(summaryOf());
    expect(await ended).toBe(0);
    expect(recorded.started[0]?.options.maxAgents).toBe(590);
    expect(recorded.started[0]?.options.model).toBeUndefined();
    expect(recorded.stderr).toContain('590 agents');
    expect(recorded.stderr).toContain('synthetic');
  });

  test('options of run change it', async () => {
    const recorded = recorder();
    const ended = commandLine(['--max-agents', '20', '--json', '--quiet'], recorded.context);
    recorded.current.finish(summaryOf());
    expect(await ended).toBe(0);
    expect(recorded.started[0]?.options.maxAgents).toBe(20);
    expect(recorded.stderr).toBe('');
  });
});

describe('resume and inspect', () => {
  test('resume passes on what may differ', async () => {
    const recorded = recorder({ 'c.json': '{}' });
    const ended = commandLine(
      ['resume', 'runs/abc123', '--threads', '3', '--durability', 'committed', '--config', 'c.json'],
      recorded.context,
    );
    recorded.current.finish(summaryOf());
    expect(await ended).toBe(0);
    expect(recorded.resumed[0]).toMatchObject({
      runDir: 'runs/abc123',
      options: { threads: 3, durability: 'committed', config: {} },
    });
  });

  test.each(['resume', 'continue'])('%s says at once that programs are unprotected', async (name) => {
    for (const sandbox of ['none', 'bwrap']) {
      const recorded = recorder({ 'runs/abc123/run.json': JSON.stringify({ settings: { sandbox } }) });
      const ended = commandLine([name, 'runs/abc123'], recorded.context);
      recorded.current.finish(summaryOf());
      await ended;
      expect(recorded.stderr.includes('Programs of this run are unprotected')).toBe(sandbox === 'none');
    }
  });

  const inspection = {
    runId: 'abc123',
    status: 'paused',
    logHash: 'f00d',
    agents: [
      {
        name: 'Boss',
        level: 'boss',
        state: 'idle',
        mail: 2,
        checklist: { open: 1, closed: 3 },
        turns: 4,
        calls: 5,
      },
      {
        name: 'Health_1',
        level: 'ordinary',
        state: 'finished',
        mail: 0,
        checklist: { open: 0, closed: 0 },
        turns: 1200,
        calls: 1,
      },
    ],
  } as const;

  test('inspect: a table, or the line of the contract', async () => {
    const table = recorder({}, inspection);
    expect(await commandLine(['inspect', 'runs/abc123'], table.context)).toBe(0);
    expect(table.stdout).toMatchInlineSnapshot(`
      "Run abc123: paused, 2 agents, log f00d
      agent     level     state     mail  done  turns  calls
      Boss      Boss      idle         2   3/4      4      5
      Health_1  Ordinary  finished     0     -  1,200      1
      "
    `);
    const json = recorder({}, inspection);
    await commandLine(['inspect', 'runs/abc123', '--json'], json.context);
    expect(json.stdout).toBe(`${JSON.stringify(inspection)}\n`);
  });

  test('inspect --agent: asks for this one; its details come below its row', async () => {
    const agent = {
      name: 'Health_1',
      supervisor: 'Health',
      summary: null,
      checklist: [],
      mail: [],
      steps: 1,
      inProgress: null,
      history: [{ role: 'user', content: 'Health: begin' }],
      effects: [],
      timers: [],
    };
    const one = { ...inspection, agents: inspection.agents.slice(1), agent };
    const text = recorder({}, one);
    await commandLine(['inspect', 'runs/abc123', '--agent', 'Health_1'], text.context);
    expect(text.inspected).toMatchObject([{ agent: 'Health_1' }]);
    expect(text.stdout).toContain('Supervisor: Health\nSteps: 1, none in progress\nMail that waits: none\n');
    expect(text.stdout).toContain('History:\n  user: Health: begin\n');
    const json = recorder({}, one);
    await commandLine(['inspect', 'runs/abc123', '--agent', 'Health_1', '--json'], json.context);
    expect(JSON.parse(json.stdout)).toEqual(one);
  });
});
