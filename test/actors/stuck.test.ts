/** Agents that repeat themselves, in texts as in calls: who is told, and how often (X6). */
import { expect, test } from 'vitest';
import { BOSS, isRepetition, markOfText, systemMail } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { foundedMachine } from '../society/machine.ts';
import { call, prose, script, tools } from './answers.ts';
import { mailsOf } from './mails.ts';
import { Society } from './society.ts';

const plan = planWith([{ name: 'A', slots: 1 }]);

test('the same text at the end of four turns is a repetition: the supervisor sees checklist and files instead of it', async () => {
  const says = ['I am on it.', 'I am  on it', 'I am on it!', 'I am on it.'].map((text) => prose(text));
  const society = await Society.start({
    plan,
    answer: script({ A: says, [BOSS]: Array.from({ length: 9 }, () => prose('(waiting)')) }),
  });
  for (let turn = 0; turn < 4; turn += 1) {
    society.deliver('A', systemMail('nudge', 'Go on.'));
    await society.settle();
  }
  const told = mailsOf(society, BOSS);
  expect(told.match(/^A: I am/gmu)).toHaveLength(3);
  expect(told).toContain('system: [remedy] agent=A why=repetition');
  expect(told).toContain('the last: I am on it.');
  expect(society.roster.summary().remedies).toEqual({ repetition: 1 });
  expect(society.roster.summary().examples['repetition']).toMatchObject({ agent: 'A' });
});

test('another number, or work in between, is no repetition', () => {
  const says = (text: string): string => markOfText(text);
  expect(
    isRepetition(
      ['1', '2', '3', '4'].map((number) => says(`Chapter ${number} is ready.`)),
      4,
    ),
  ).toBe(false);
  expect(isRepetition(['Noted.', 'x', 'Noted.', 'y', 'Noted.', 'z', 'Noted.'].map(says), 4)).toBe(false);
});

test('an agent that repeats itself for ever is let go after five reports, and its Admin decides', async () => {
  const same = () => tools(call('list_files', { glob: '*' }));
  const again = () => tools(call('talk', { messages: [{ to: 'A', content: 'Go on, now differently.' }] }));
  const society = await Society.start({
    plan,
    answer: (request) => {
      if (request.agent === 'A') return same();
      const last = request.messages.findLast(({ role }) => role !== 'system');
      return last?.role === 'user' && JSON.stringify(last.content).includes('[remedy]') ? again() : prose('(waiting)');
    },
  });
  for (let turn = 0; turn < 8; turn += 1) {
    society.deliver('A', systemMail('nudge', 'Go on.'));
    await society.settle();
  }
  const told = mailsOf(society, BOSS);
  expect(told.match(/\[remedy\] agent=A why=repetition/gu)).toHaveLength(5);
  expect(told).toContain('system: [child-failed] agent=A');
  expect(society.agent('A').state.phase).toBe('failed');
  expect(society.roster.summary().remedies).toEqual({ repetition: 6, 'given-up': 1 });
});

test('whoever is let go hands its subordinates to the next above; the Boss is never let go', () => {
  const machine = foundedMachine(planWith([{ name: 'A' }, { name: 'B', supervisor: 'A' }]), 20, {
    stuckReportsPerAgentMax: 1,
  });
  expect(machine.do('remedy', { agent: 'A', why: 'format' })).toMatchObject({ to: { name: BOSS } });
  expect(machine.do('remedy', { agent: 'A', why: 'repetition' })).toMatchObject({ to: { name: BOSS }, letGo: true });
  expect(machine.state.agents.get('A')).toMatchObject({ status: 'failed' });
  expect(machine.state.agents.get('B')?.supervisor).toBe(BOSS);
  for (let time = 0; time < 5; time += 1) {
    expect(machine.do('remedy', { agent: BOSS, why: 'repetition' })).toEqual({ to: null, more: false });
  }
});
