/** What is noted of an agent's work while it works, and looked up when it hands in. */
import { expect, test } from 'vitest';
import { BOSS, systemMail } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, script, tools } from './answers.ts';
import { Society, type SocietyOptions } from './society.ts';

const plan = planWith([{ name: 'A', slots: 0 }]);
const list = (evidence: string) =>
  call('change_task_status', { items: [{ id: '1', text: 'write', status: 'done', evidence }] });
const handIn = call('terminate', { summary: 'done' });

const review = async (calls: readonly ReturnType<typeof call>[], more: Partial<SocietyOptions> = {}) => {
  const society = await Society.start({
    plan,
    answer: script({ A: calls.map((each) => tools(each)), [BOSS]: [prose('(waiting)')] }),
    ...more,
  });
  society.deliver('A', systemMail('start', 'go'));
  await society.settle();
  const mails = society.agent(BOSS).history.flatMap((entry) => (entry.role === 'user' ? [entry.content] : []));
  return { text: mails.join('\n'), society };
};

test('a file that is named as evidence and is not there is pointed out to the reviewer', async () => {
  const write = call('write_file', { path: 'a.md', content: 'text' });
  const { text } = await review([write, list('a.md and chapters/b.md'), handIn]);
  expect(text).toContain('files: a.md');
  expect(text).toContain('NOT THERE, though planned or named as evidence: chapters/b.md');
});

test('files of its own, and files that somebody else wrote, are proof', async () => {
  const write = call('write_file', { path: 'a.md', content: 'text' });
  const own = await review([write, list('a.md 3f2e'), handIn]);
  expect(own.text).not.toContain('NOT THERE');
});

test('programs are shown with what came of them, whatever the agent says', async () => {
  let running = true;
  const sandbox = (method: string): unknown => {
    if (method === 'release') return null;
    if (method === 'run') return { ok: true, running: false, exitCode: 2, stdout: '', stderr: 'no', files: {} };
    running = !running;
    return { ok: true, running: !running, exitCode: 0, stdout: '', stderr: '' };
  };
  const calls = [call('run_program', { path: 'test.py' }), list('test.py passes'), handIn];
  const { text, society } = await review(calls, { sandbox });
  expect(text).toContain('programs it ran: test.py (exit 2)');
  expect(society.agent('A').state.programs).toEqual([{ path: 'test.py', exitCode: 2 }]);
});

test('of a program that is followed no more it stays known that it was started', async () => {
  const sandbox = (method: string, args: Record<string, unknown>): unknown => {
    if (method === 'send') return { ok: false, error: { code: 'NOT_FOUND', message: 'gone', hint: '' } };
    if (method !== 'run') return null;
    const running = args['path'] !== 'c.py';
    return { ok: true, running, exitCode: running ? null : 0, stdout: '', stderr: '', files: {} };
  };
  const send = call('send_input', { content: '' });
  const [a, b, c] = ['a.py', 'b.py', 'c.py'].map((path) => call('run_program', { path }));
  const { text, society } = await review([a!, b!, send, c!, list('a.py exit 0, b.py exit 0'), handIn], { sandbox });
  expect(society.agent('A').state.programs).toEqual([
    { path: 'a.py', exitCode: null },
    { path: 'b.py', exitCode: null },
    { path: 'c.py', exitCode: 0 },
  ]);
  expect(text).toContain('a.py exit none, b.py exit none');
  expect(text).not.toContain('never run by');
});

test('the program of an agent that is let go is ended', async () => {
  const released: unknown[] = [];
  const sandbox = (method: string, args: Record<string, unknown>): null => {
    released.push([method, args['agent']]);
    return null;
  };
  const society = await Society.start({
    plan,
    sandbox,
    answer: script({ [BOSS]: [tools(call('retire_agent', { name: 'A', reason: 'no need' })), prose('(waiting)')] }),
  });
  await society.settle();
  expect(released).toEqual([['release', 'A']]);
});
