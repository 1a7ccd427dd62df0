/** Calls that a person has to allow: what is shown, that nothing happens before, and that a crash changes none of it. */
import { describe, expect, test } from 'vitest';
import { BOSS, USER, systemMail, type ReportQuestion } from '../../src/society/index.ts';
import { changedLines, consentText } from '../../actors/consent-text.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, results, script, seen, tools } from './answers.ts';
import { Crash, Society, type SocietyOptions } from './society.ts';

const plan = planWith([{ name: 'A', slots: 0 }]);
const start = systemMail('start', 'go');
const append = (content: string, path = 'a.md') => call('append_file', { path, content });

const begin = async (options: Omit<SocietyOptions, 'plan'>): Promise<Society> => {
  const society = await Society.start({ plan, reviews: false, ...options });
  society.deliver('A', start);
  await society.settle();
  return society;
};

const questionsOf = (society: Society, name: string): readonly string[] =>
  (society.roster.state.agents.get(name)?.questions ?? []).map(({ text }) => text);

const decide = async (society: Society, verdict: 'approve' | 'deny', reason = ''): Promise<void> => {
  const questions = (society.roster.state.agents.get('A')?.questions ?? []).map(({ id }) => id);
  society.deliver('A', { ...systemMail('human', ''), human: { questions, verdict, reason } });
  await society.settle();
};

describe('what is allowed', () => {
  test('a tool that there is not, called what every object has, is a call like any other unknown one', async () => {
    const society = await begin({
      approve: ['files'],
      answer: script({ A: [tools(call('constructor', {}), call('__proto__', {})), prose('(waiting)')] }),
    });
    expect(society.agent('A').state).toMatchObject({ phase: 'idle', counters: { calls: 2 } });
    expect(questionsOf(society, 'A')).toEqual([]);
  });

  test('H6 nothing of an answer is done before consent, all of it after, and the model is asked once', async () => {
    const society = await begin({
      approve: ['files'],
      answer: script({ A: [tools(append('one\n'), call('list_files', {}), append('two\n')), prose('(waiting)')] }),
    });
    expect(society.files.size).toBe(0);
    expect(questionsOf(society, 'A')).toEqual([
      '1. append to a.md: 4 characters\n  + one\n2. append to a.md: 4 characters\n  + two',
    ]);
    expect(society.agent('A').state).toMatchObject({ phase: 'idle', counters: { calls: 1, turns: 1, tools: 0 } });
    await decide(society, 'approve');
    expect(society.files.get('a.md')).toBe('one\ntwo\n');
    expect(questionsOf(society, 'A')).toEqual([]);
    const { state, history } = society.agent('A');
    expect(state).toMatchObject({ turn: null, counters: { calls: 2, turns: 1, tools: 3, toolErrors: 0 } });
    expect(state).not.toHaveProperty('waits');
    expect(history.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'tool',
      'tool',
      'tool',
      'assistant',
    ]);
    // A decision that comes again does nothing.
    society.deliver('A', { ...systemMail('human', ''), human: { questions: [1], verdict: 'approve' } });
    await society.settle();
    expect(society.agent('A').history).toHaveLength(7);
    expect(society.files.get('a.md')).toBe('one\ntwo\n');
  });

  test('H7 a call that is not allowed does nothing, and the model reads why; the others of the answer are made', async () => {
    const society = await begin({
      approve: ['files'],
      answer: script({ A: [tools(append('one\n'), call('list_files', {})), prose('(waiting)')] }),
    });
    await decide(society, 'deny', 'not into\nthis file');
    expect(society.files.size).toBe(0);
    expect(results(society.lastRequest('A'))).toMatchObject([
      { ok: false, error: { code: 'REJECTED', message: 'The person does not allow this: not into\nthis file' } },
      { ok: true, files: [] },
    ]);
  });

  test('H7 T3 an agent whose last work is not allowed does not hand in with it, and reads why first', async () => {
    const society = await begin({
      approve: ['files'],
      answer: script({
        A: [
          tools(append('one\n'), call('terminate', { summary: 'it is written' })),
          tools(call('terminate', { summary: 'nothing is written' })),
        ],
      }),
    });
    await decide(society, 'deny', 'not into this file');
    expect(society.files.size).toBe(0);
    const [written, ended] = results(society.lastRequest('A'));
    expect(written).toMatchObject({ ok: false, error: { code: 'REJECTED' } });
    expect(ended).toMatchObject({ ok: false, error: { code: 'NOT_ALLOWED' } });
    expect(society.roster.state.agents.get('A')).toMatchObject({ status: 'finished', summary: 'nothing is written' });
  });

  test('H6 the event has all that is asked, however long', async () => {
    const content = Array.from({ length: 4 }, (_, file) => `${file}${'x'.repeat(1_900)}\n`);
    const society = await begin({
      approve: ['files'],
      answer: script({ A: [tools(...content.map((text) => append(text)))] }),
    });
    const [text = ''] = questionsOf(society, 'A');
    expect(text.length).toBeGreaterThan(7_600);
    expect(society.events).toContainEqual(expect.objectContaining({ type: 'human', status: 'asked', text }));
  });

  test('H6 mail that comes meanwhile decides nothing, and is answered after the calls', async () => {
    const society = await begin({
      approve: ['files'],
      answer: script({ A: [tools(append('one\n'), call('terminate', { summary: 's' })), prose('(waiting)')] }),
    });
    society.deliver('A', { from: USER, kind: null, text: 'approve this, please' });
    await society.settle();
    expect(society.files.size).toBe(0);
    expect(society.requests.filter(({ agent }) => agent === 'A')).toHaveLength(1);
    await decide(society, 'approve');
    expect(society.files.get('a.md')).toBe('one\n');
    expect(seen(society.lastRequest('A'))).toContain('user: approve this, please');
  });

  test('what cannot be a call, and what is not on the list, waits for nobody', async () => {
    const society = await begin({
      approve: ['hires', 'programs'],
      answer: script({ A: [tools(append('one\n')), prose('(waiting)')] }),
    });
    expect(society.files.get('a.md')).toBe('one\n');
    const malformed = await begin({
      approve: ['files'],
      answer: script({ A: [tools(call('append_file', { path: 'a.md' })), prose('(waiting)')] }),
    });
    expect(results(malformed.lastRequest('A'))).toMatchObject([{ error: { code: 'INVALID_ARGUMENTS' } }]);
  });

  test('H5 an agent that is let go while it waits does nothing any more', async () => {
    const society = await begin({ approve: ['files'], answer: script({ A: [tools(append('one\n'))] }) });
    await society.roster.do('retire', { by: BOSS, agent: 'A', reason: 'r' });
    society.deliver('A', { ...systemMail('replaced', 'r'), retired: true });
    society.deliver('A', { ...systemMail('human', ''), human: { questions: [1], verdict: 'approve' } });
    await society.settle();
    expect(society.files.size).toBe(0);
    expect(society.agent('A').state).toMatchObject({ phase: 'retired', turn: null });
  });
});

describe('crashes', () => {
  const seededCrash = (seed: number) => {
    let state = seed;
    return (point: string): void => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      if (state / 4_294_967_296 < 0.2) throw new Crash(point);
    };
  };
  const lines: Record<string, ReturnType<typeof tools>[]> = {
    [BOSS]: [
      tools(call('add_agent', { name: 'B', description: 'd', initial_prompt: 'p', first_message: 'go' })),
      prose('(waiting)'),
    ],
    A: [tools(append('one\n')), tools(append('two\n')), tools(call('terminate', { summary: 'a' }))],
    B: [tools(append('b\n', 'b.md')), tools(call('terminate', { summary: 'b' }))],
  };
  const play = async (crash?: (point: string) => void): Promise<Society> => {
    const given = script(lines);
    const once = new Map<string, ReturnType<typeof given>>();
    const society = await Society.start({
      plan: planWith([{ name: 'A', slots: 0 }]),
      reviews: false,
      approve: ['hires', 'files'],
      // The same request gets the same answer, however often it is sent.
      answer: (request) => {
        const history = seen(request);
        if (request.agent === BOSS && history.includes('[final-review]'))
          return tools(call('terminate', { summary: 's' }));
        const key = `${request.agent} ${history}`;
        const known = once.get(key) ?? given(request);
        once.set(key, known);
        return known;
      },
      person: ({ text }: ReportQuestion) => (text.includes('two') ? 'deny one is enough' : 'approve'),
      ...(crash === undefined ? {} : { crash }),
    });
    society.deliver('A', start);
    await society.run();
    return society;
  };
  const outcome = (society: Society) => ({
    files: Object.fromEntries(society.files),
    agents: [...society.actors.values()].map(({ ref }) => ref.name).toSorted(),
    heard: society.heard.toSorted(),
    human: society.roster.summary().human,
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'H6 whatever is interrupted, allowed calls act once, and others never: seed %i',
    async (seed) => {
      const calm = outcome(await play());
      expect(calm).toMatchObject({ files: { 'a.md': 'one\n', 'b.md': 'b\n' }, agents: ['A', 'B', BOSS] });
      expect(calm.human).toMatchObject({ count: 4, open: 0, approved: 3, denied: 1 });
      expect(outcome(await play(seededCrash(seed)))).toEqual(calm);
    },
  );
});

describe('what is shown', () => {
  const shown = (tool: string, args: object, more: object = {}): readonly string[] =>
    consentText([{ tool, args, ...more }]).split('\n');

  test('hires by name, job and task', () => {
    expect(shown('add_agent', { name: 'B', description: 'writes', initial_prompt: 'Write\nit' })).toEqual([
      'hire B: writes',
      '  task: Write',
      '  it',
    ]);
    const items = Array.from({ length: 30 }, (_, index) => `item ${index + 1}`);
    const team = shown('add_team', { name: 'T', description: 'reads', initial_prompt: 'Read', items });
    expect(team[0]).toBe('hire 30 agents T_1 to T_30: reads');
    expect(team).toContain('  T_20: item 20');
    expect(team.slice(-2)).toEqual(['  and 10 more items', '  task: Read']);
  });

  test('programs by their words and input', () => {
    expect(shown('run_program', { path: 'a.py', args: ['-x', 'two words'], stdin: 'in' })).toEqual([
      'run a.py',
      '  arguments: ["-x","two words"]',
      '  input, 2 characters:',
      '  in',
    ]);
    expect(shown('send_input', { content: '\u0003' }, { program: 'a.py' })).toEqual([
      'send 1 characters to a.py',
      String.raw`  "\u0003"`,
    ]);
  });

  test('files by what changes in them', () => {
    expect(shown('write_file', { path: 'a', content: 'x\ny\n' }, { current: null })).toEqual([
      'write a: 4 characters, a new file',
      '  + x',
      '  + y',
    ]);
    expect(shown('write_file', { path: 'a', content: '1\nX\n3\n' }, { current: '1\n2\n3\n' })).toEqual([
      'write a: 6 characters in place of 6',
      '  (from line 2)',
      '  - 2',
      '  + X',
    ]);
    expect(shown('edit_file', { path: 'a', old: 'b', new: 'c\nd' })).toEqual([
      'edit a: 3 characters in place of 1',
      '  - b',
      '  + c',
      '  + d',
    ]);
    expect(changedLines('same', 'same')).toEqual(['(no change)']);
  });

  test('X1 much is cut, and never the first line of a call', () => {
    const calls = Array.from({ length: 50 }, (_, index) => ({
      tool: 'append_file',
      args: { path: `f${index}`, content: 'x'.repeat(5_000) },
    }));
    const text = consentText(calls);
    expect(text.length).toBeLessThan(20_000);
    for (const index of calls.keys()) expect(text).toContain(`${index + 1}. append to f${index}: 5000 characters`);
    expect(text).toContain('more characters)');
  });

  test('X1 what is cut of a long call is not taken from those after it', () => {
    const long = { tool: 'append_file', args: { path: 'long.md', content: 'x'.repeat(20_000) } };
    const program = { tool: 'run_program', args: { path: 'a.py', args: ['--all'] } };
    expect(consentText([long, program]).split('\n').slice(-2)).toEqual(['2. run a.py', '  arguments: ["--all"]']);
  });
});
