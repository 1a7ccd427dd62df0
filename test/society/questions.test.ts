/** Questions to the person as rules: bounds, what counts as an answer, and what a quiet moment makes of them. */
import { assert, pre, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAnswer, wordsOf, type HumanQuestion } from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { foundedMachine, type Machine } from './machine.ts';

const quiet = (machine: Machine): readonly string[] =>
  machine.do('quiet', {}).mails.map(({ to, mail }) => `${mail.kind} ${to.name}`);

const asking = (): Machine => {
  const machine = foundedMachine(planWith([{ name: 'A' }, { name: 'B' }]));
  machine.do('woken', { names: ['A', 'B'] });
  machine.do('checklist', { agent: 'A', items: [{ id: '1', text: 't', status: 'doing' }] });
  expect(machine.do('ask', { agent: 'A', question: 'Which town?' })).toEqual({ ok: true, pending: true, question: 1 });
  return machine;
};

const finish = (machine: Machine, agent: string): void => {
  machine.do('terminate', { agent, summary: 's', files: [] });
  machine.do('review', { reviewer: 'Boss', agent, verdict: 'accept' });
};

describe('quiet moments', () => {
  test('H4 who waits for a person is not nudged, others are; when nothing else is left the run waits for the person', () => {
    const machine = asking();
    expect(quiet(machine)).toEqual(['nudge B']);
    finish(machine, 'B');
    expect(machine.do('quiet', {})).toMatchObject({ mails: [], end: null, questions: 1 });
    // As often as it is asked.
    expect(machine.do('quiet', {})).toMatchObject({ mails: [], end: null, questions: 1 });
    expect(machine.do('heard', { agent: 'A', questions: [1] }).closed).toMatchObject([{ id: 1 }]);
    expect(quiet(machine)).toEqual(['nudge A']);
  });

  test('H4 a question of the Boss, or of somebody it let finish, does not keep a run from ending', () => {
    const machine = asking();
    finish(machine, 'B');
    machine.do('ask', { agent: 'Boss', question: 'Is it good?' });
    machine.do('heard', { agent: 'A', questions: [1] });
    machine.do('checklist', { agent: 'A', items: [] });
    finish(machine, 'A');
    expect(machine.do('quiet', {})).toMatchObject({ questions: 1 });
    // Whoever hands in does not wait any more.
    expect(machine.do('terminate', { agent: 'Boss', summary: 's', files: [] })).toMatchObject({ ok: true });
    expect(machine.state.meta?.human).toMatchObject({ open: 0, withdrawn: 1 });
    expect(quiet(machine)).toEqual(['final-review Boss']);
    machine.do('ask', { agent: 'Boss', question: 'Really?' });
    machine.do('terminate', { agent: 'Boss', summary: 's', files: [] });
    expect(machine.do('quiet', {})).toMatchObject({ end: { status: 'completed', reason: 'done' } });
  });

  test('H5 an agent that fails or is let go asks nothing any more', () => {
    for (const leave of ['failed', 'retire'] as const) {
      const machine = asking();
      if (leave === 'failed') machine.do('failed', { agent: 'A', why: 'crash' });
      else machine.do('retire', { by: 'Boss', agent: 'A', reason: 'r' });
      expect(machine.state.agents.get('A')?.questions).toEqual([]);
      expect(machine.state.meta?.human).toMatchObject({ count: 1, open: 0, withdrawn: 1 });
      expect(machine.do('heard', { agent: 'A', questions: [1] }).closed).toEqual([]);
    }
  });
});

test('H2 questions are bounded, per agent and in the run; the same one is asked once; a long one is cut', () => {
  const limits = { questionsPerAgentMax: 2, questionsMax: 3, questionCharsMax: 20 };
  const machine = foundedMachine(planWith([{ name: 'A' }, { name: 'B' }]), 20, limits);
  const ask = (agent: string, question: string): unknown => machine.do('ask', { agent, question });
  expect(ask('A', 'one')).toMatchObject({ question: 1 });
  expect(ask('A', ' one ')).toEqual({ ok: true, pending: true, question: 1, again: true });
  expect(ask('A', 'x'.repeat(50))).toMatchObject({ question: 2 });
  expect(ask('A', 'three')).toMatchObject({ ok: false, error: { code: 'LIMIT', message: /You have 2/u } });
  expect(ask('B', 'one')).toMatchObject({ question: 3 });
  expect(ask('B', 'two')).toMatchObject({ ok: false, error: { code: 'LIMIT', hint: /Decide yourself/u } });
  expect(machine.state.agents.get('A')?.questions?.[1]?.text).toBe(`${'x'.repeat(20)}… (30 more characters)`);
  machine.do('heard', { agent: 'A', questions: [1] });
  expect(ask('B', 'two')).toMatchObject({ question: 4 });
});

describe('what a person writes', () => {
  const question: HumanQuestion = { id: 3, kind: 'question', text: 'Which town?' };
  const other: HumanQuestion = { id: 4, kind: 'question', text: 'Which year?' };
  const approval: HumanQuestion = { id: 5, kind: 'approval', text: 'write a.md', kinds: ['files'] };
  const read = (message: string, asked: readonly HumanQuestion[]): unknown => {
    const { questions, text, verdict, all } = readAnswer(message, asked);
    return [questions.map(({ id }) => id), text, verdict, all];
  };

  test('answers what is open, or the one question that it names', () => {
    expect(read('Paris', [question, other])).toEqual([[3, 4], 'Paris', null, false]);
    expect(read('#4 1900', [question, other])).toEqual([[4], '1900', null, false]);
    expect(read('#4: 1900', [question, other])).toEqual([[4], '1900', null, false]);
    expect(read('Hurry up', [])).toEqual([[], 'Hurry up', null, false]);
    expect(read('Again', [{ ...question, answered: true }])).toEqual([[], 'Again', null, false]);
  });

  test('Q1 consent is exactly its word, and only where consent is asked for', () => {
    const all = [question, approval];
    expect(read('approve', all)).toEqual([[5], 'approve', 'approve', false]);
    expect(read(' Approve  ALL ', all)).toEqual([[5], 'Approve  ALL', 'approve', true]);
    expect(read('deny not in\nthis folder', all)).toEqual([[5], 'not in\nthis folder', 'deny', false]);
    expect(read('deny', all)).toEqual([[5], '', 'deny', false]);
    expect(read('#5 approve', all)).toEqual([[5], 'approve', 'approve', false]);
    expect(read('#3 approve', all)).toEqual([[3], 'approve', null, false]);
    for (const words of ['approve it', 'approved', 'yes', 'denying', 'I approve', 'approve all files']) {
      expect(read(words, all), words).toEqual([[3], words, null, false]);
      expect(read(words, [approval]), words).toEqual([[], words, null, false]);
    }
    expect(read('approve', [question])).toEqual([[], 'approve', null, false]);
  });

  test('Q2 words with the number of what is not open answer nothing', () => {
    for (const words of ['#9 Lisbon', '#9', '#0.2 approve', '#9 approve', '#9: Lisbon']) {
      expect(read(words, [question, other, approval])).toEqual([[], words, null, false]);
    }
    expect(read('#4 winter', [question, { ...other, answered: true }])).toEqual([[], '#4 winter', null, false]);
  });

  test('Q2 a number is one only when it stands alone', () => {
    const named = ['#3 a', '#3', '#3\nFrom there', '#3: a', '#0 approve', '#0.2 deny no'];
    expect(named.map((words) => wordsOf(words).number)).toEqual(['3', '3', '3', '3', '0', '0.2']);
    for (const words of [
      '# 3 towns',
      '## 3 towns',
      '#tag',
      '#12abc',
      '#3, a',
      '#3.5 a',
      '3 a',
      'see #3 a',
      '#1234567890 a',
    ]) {
      expect(wordsOf(words).number, words).toBeNull();
      expect(read(words, [question, other])).toEqual([[3, 4], words, null, false]);
    }
  });

  test('Q1 no other words are consent', () => {
    assert(
      property(string(), (words) => {
        pre(!/^(?:#5\s+)?approve(?:\s+all)?$/iu.test(words.trim()));
        expect(readAnswer(words, [approval]).verdict).not.toBe('approve');
      }),
    );
  });
});
