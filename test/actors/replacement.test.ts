/** Refusal and silence: N1, N2 of `replacement.ts`. */
import { describe, expect, test } from 'vitest';
import { memoriesOf } from '../../actors/remembering.ts';
import type { ChatAnswer } from '../../src/model/types.ts';
import { BOSS, systemMail } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { badJson, call, empty, prose, refusal, script, seen, tools } from './answers.ts';
import { mailsOf } from './mails.ts';
import { Crash, Society, type SocietyOptions } from './society.ts';

const plan = planWith([{ name: 'A', slots: 0 }], [{ id: '1', text: 'write', owner: 'A' }]);
const write = tools(call('write_file', { path: 'a.md', content: 'text' }));
const close = tools(
  call('change_task_status', { items: [{ id: '1', text: 'write', status: 'done' }] }),
  call('terminate', { summary: 'it is done' }),
);
const bad = (make: () => ChatAnswer, count: number): ChatAnswer[] => Array.from({ length: count }, () => make());

const play = async (answers: readonly ChatAnswer[], more: Partial<SocietyOptions> = {}): Promise<Society> => {
  const society = await Society.start({ plan, answer: script({ A: answers }), ...more });
  society.deliver('A', systemMail('start', 'Write about ants.'));
  await society.settle();
  return society;
};

describe.each([
  ['refusal', () => refusal('I must not.'), 'refused to go on', 'I must not.'],
  ['silence', empty, 'said nothing any more', 'Your last answer was empty'],
] as const)('%s', (why, make, told, trace) => {
  test('a fresh agent goes on with the mail and the work, and without those answers (N1)', async () => {
    const society = await play([write, ...bad(make, 4), close]);
    const { state, history } = society.agent('A');
    expect(state).toMatchObject({
      phase: 'finished',
      replaced: 1,
      files: ['a.md'],
      counters: { turns: 1, steps: 6, repairs: 3 },
    });
    const text = seen(society.lastRequest('A'));
    expect(text).toContain('Write about ants.');
    expect(text).toContain(
      `system: [replaced] agent=A why=${why}\n  You are new here: the agent that had your name ${told}`,
    );
    expect(text).not.toContain(trace);
    expect(JSON.stringify(history)).not.toContain(trace);
    expect(society.lastRequest('A').messages.some(({ role }) => role === 'tool')).toBe(true);
    expect(society.roster.summary()).toMatchObject({ agents: 2, remedies: { [why]: 1 } });
    expect(mailsOf(society, BOSS)).not.toContain('[remedy]');
    expect(society.roster.summary().examples[why]).toMatchObject({
      agent: 'A',
      what: expect.stringContaining('4 answers in a row, the last: ') as string,
    });
  });

  test('that is done twice; then the supervisor decides (N2)', async () => {
    const society = await play(bad(make, 30));
    expect(society.agent('A').state).toMatchObject({ replaced: 2, phase: 'idle', turn: null, counters: { steps: 12 } });
    expect(society.roster.summary().remedies).toEqual({ [why]: 2, format: 1 });
    expect(mailsOf(society, BOSS)).toContain('system: [remedy] agent=A why=format\n  A gave 4 answers in a row');
    // What the last one said is kept, so that it can be seen why.
    expect(JSON.stringify(society.agent('A').history)).toContain(trace);
  });

  test('replacing survives a crash at every point, and is counted once', async () => {
    for (let at = 1; at <= 10; at += 1) {
      let points = 0;
      const crash = (point: string): void => {
        if (point.includes('remedy') || point.includes('replace') || point.startsWith('commit A')) points += 1;
        if (points === at) {
          points += 1;
          throw new Crash(point);
        }
      };
      const society = await play([...bad(make, 4), write, close], { crash });
      expect(society.agent('A').state).toMatchObject({ phase: 'finished', replaced: 1, counters: { calls: 6 } });
      expect(society.roster.summary().remedies).toEqual({ [why]: 1 });
    }
  });
});

test('what it runs ends when a fresh one takes its place, and what was said and done there stays its memory (N1)', async () => {
  const calls: string[] = [];
  const sandbox = (method: string, args: Record<string, unknown>): unknown => {
    calls.push(`${method} ${String(args['agent'])}`);
    return method === 'run' ? { ok: true, running: true, exitCode: null, signal: null, stdout: '' } : null;
  };
  const start = tools(call('run_program', { path: 'a.py' }));
  const input = tools(call('send_input', { content: '' }));
  const society = await play([write, start, ...bad(() => refusal('I must not.'), 4), input, close], { sandbox });
  const { state, history } = society.agent('A');
  expect(state).toMatchObject({ phase: 'finished', replaced: 1, program: null });
  // It was run, whatever became of it.
  expect(state.programs).toEqual([{ path: 'a.py', exitCode: null }]);
  expect(calls.slice(0, 2)).toEqual(['run A', 'release A']);
  expect(calls).not.toContain('send A');
  const results = history.flatMap((entry) => (entry.role === 'tool' ? [entry.content] : []));
  expect(results[2]).toContain('No program of yours is running.');
  // The same scope, under the same name, and nothing of what could not be used.
  const memories = memoriesOf(state, history, { from: 1, until: history.length });
  expect(memories).toContainEqual(
    expect.objectContaining({ scope: 'agent/A', agent: 'A', text: 'write_file a.md: text' }),
  );
  expect(memories.some(({ text }) => text.includes('I must not.'))).toBe(false);
});

test('answers that were repaired stand in the history in their order, also before calls that were wrong', async () => {
  const society = await play([refusal('no'), badJson('talk', '{'), empty(), write, prose('(waiting)')]);
  const roles = society.agent('A').history.map(({ role, content }) => `${role} ${(content ?? '').slice(0, 16)}`);
  expect(roles.slice(2)).toEqual([
    'assistant no',
    'user system: [remedy]',
    'assistant ',
    'tool {"ok":false,"err',
    'user system: [remedy]',
    'assistant ',
    'tool {"ok":true,"base',
    'assistant (waiting)',
  ]);
});

test('a limit of one replacement holds', async () => {
  const society = await play(bad(refusal, 30), { limits: { replacementsPerAgentMax: 1 } });
  expect(society.roster.summary().remedies).toEqual({ refusal: 1, format: 1 });
});

describe('refusals in plain text, as of servers that have no other', () => {
  const SORRY = [
    "I'm sorry, but I can't help with that.",
    'I cannot assist with that request.',
    "Sorry, but I can't help with that.",
    "I'm unable to help with this request.",
  ];
  const approve = tools(call('terminate', { summary: 'approved' }));
  const accept = tools(call('review', { agent: 'A', verdict: 'accept', feedback: 'good' }));
  const refusing = SORRY.map((text) => prose(text));

  test('a fresh agent takes over after four, whatever their words, and sees none of them (N1)', async () => {
    const society = await Society.start({
      plan,
      answer: script({
        A: [...refusing, write, close],
        [BOSS]: [...bad(() => prose('(waiting)'), 4), accept, approve, approve, approve],
      }),
    });
    expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
    expect(society.agent('A').state).toMatchObject({ phase: 'finished', replaced: 1, files: ['a.md'] });
    expect(society.roster.summary().remedies).toEqual({ refusal: 1 });
    expect(society.roster.summary().examples['refusal']).toMatchObject({
      what: `4 answers in a row, the last: ${SORRY[3]}`,
    });
    // The first three went up, as every text does; the last one did not.
    expect(SORRY.map((text) => mailsOf(society, BOSS).includes(`A: ${text}`))).toEqual([true, true, true, false]);
    const text = seen(society.lastRequest('A'));
    expect(text).toContain('system: [replaced] agent=A why=refusal');
    expect(text).toContain('[nudge]');
    for (const sorry of SORRY) expect(text).not.toContain(sorry);
  });

  test('a report that begins like one is a report, and four of them are a repetition', async () => {
    const report = "I'm sorry, but I can't find a.md.";
    const society = await Society.start({ plan, answer: script({ A: bad(() => prose(report), 4) }) });
    await society.run();
    expect(society.agent('A').state.replaced).toBeUndefined();
    expect(society.roster.summary().remedies).toMatchObject({ repetition: 1 });
    expect(seen(society.lastRequest('A'))).toContain(report);
  });

  test('replacing survives a crash at every point, and is counted once', async () => {
    let points = 0;
    for (let at = 1; at <= points + 1; at += 1) {
      points = 0;
      const crash = (point: string): void => {
        if (!point.includes('remedy') && !point.includes('replace') && !point.startsWith('commit A')) return;
        points += 1;
        if (points === at) throw new Crash(point);
      };
      const society = await Society.start({ plan, answer: script({ A: [...refusing, write, close] }), crash });
      await society.run();
      expect(society.agent('A').state).toMatchObject({ phase: 'finished', replaced: 1, omitted: { length: 4 } });
      expect(society.roster.summary().remedies['refusal']).toBe(1);
    }
    expect(points).toBeGreaterThan(5);
  });

  test('that is done as often as may be; then the supervisor decides (N2)', async () => {
    const society = await Society.start({ plan, answer: script({ A: bad(() => prose(SORRY[0] ?? ''), 100) }) });
    for (let round = 0; round < 10; round += 1) {
      society.deliver('A', { from: 'user', kind: null, text: `Go on, ${round}.` });
      await society.settle();
    }
    expect(society.roster.summary().remedies).toEqual({ refusal: 2, repetition: 1 });
    expect(mailsOf(society, BOSS)).toContain('system: [remedy] agent=A why=repetition');
  });
});
