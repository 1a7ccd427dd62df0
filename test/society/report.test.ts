import { expect, test } from 'vitest';
import {
  applyCommand,
  BOSS,
  buildReport,
  Draft,
  emptyRoster,
  fold,
  limitsWith,
  renderReport,
  summarize,
  type CommandArgs,
  type CommandName,
} from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { foundedMachine } from './machine.ts';

const roster = () => {
  let state = emptyRoster();
  const run = <Name extends CommandName>(name: Name, args: CommandArgs<Name>): void => {
    state = fold(state, applyCommand(state, name, args).changes);
  };
  run('found', {
    plan: planWith([{ name: 'A' }, { name: 'B' }, { name: 'C' }]),
    shards: 1,
    reviews: true,
    limits: limitsWith(),
  });
  run('resolve', { sender: BOSS, to: ['A', 'B'] });
  run('terminate', { agent: 'A', summary: 'all | done\nhere', files: ['a.md'] });
  run('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' });
  run('failed', { agent: 'B', why: 'crash', detail: 'it broke | twice' });
  run('remedy', { agent: 'C', why: 'format', detail: 'prose' });
  run('remedy', { agent: 'A', why: 'format', detail: 'a later case' });
  return summarize(new Draft(state));
};

const files = [
  { path: 'a.md', commit: '0123456789abcdef', author: 'A' },
  { path: 'b.md', commit: null, author: 'B' },
  { path: 'u.md', commit: 'ff', author: 'user' },
];

test('a row per file with both verdicts, and what is missing', () => {
  const report = buildReport({ roster: roster(), files, synthetic: true, reviews: true });
  expect(report.files).toEqual([
    { path: 'a.md', commit: '0123456789abcdef', author: 'A', groupVerdict: 'accepted', systemVerdict: 'unapproved' },
    { path: 'b.md', commit: null, author: 'B', groupVerdict: 'failed', systemVerdict: 'unapproved' },
    { path: 'u.md', commit: 'ff', author: 'user', groupVerdict: 'user', systemVerdict: 'unapproved' },
  ]);
  expect(report.missing).toEqual([
    { agent: BOSS, what: 'unfinished' },
    { agent: 'B', what: 'failed', detail: 'crash: it broke | twice' },
    { agent: 'C', what: 'never-woken' },
  ]);
});

test('who was let go is not missed; the word of the Boss is its own verdict', () => {
  const machine = foundedMachine(planWith([{ name: 'A' }, { name: 'B' }]));
  machine.do('resolve', { sender: BOSS, to: ['A'] });
  machine.do('retire', { by: BOSS, agent: 'B', reason: 'not needed' });
  machine.do('terminate', { agent: 'A', summary: 'done', files: [] });
  machine.do('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' });
  machine.do('terminate', { agent: BOSS, summary: 'done', files: [] });
  machine.do('quiet', {});
  machine.do('terminate', { agent: BOSS, summary: 'approved', files: [] });
  // Who has finished does not fail any more, and nothing is counted of it.
  expect(machine.do('failed', { agent: 'A', why: 'limit-turns' })).toMatchObject({ counted: false });
  const summary = summarize(new Draft(machine.state));
  const report = buildReport({ roster: summary, files: [], synthetic: true, reviews: true });
  expect({ missing: report.missing, neverWoken: summary.neverWoken }).toEqual({ missing: [], neverWoken: 0 });
  expect(report.agents.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted', 'retired']);
});

test('without reviews there is no system verdict', () => {
  const report = buildReport({ roster: roster(), files, synthetic: false, reviews: false });
  expect(new Set(report.files.map((file) => file.systemVerdict))).toEqual(new Set(['none']));
});

const numbers = {
  runId: 'r1',
  status: 'failed',
  reason: 'boss-failed',
  model: 'rehearsal',
  seed: 1,
  agents: 4,
  agentsByLevel: { boss: 1, admin: 0, ordinary: 3 },
  modelCalls: 9,
  messages: 2,
  tokens: { input: 10, cachedInput: 5, output: 1 },
  costUsd: null,
  wallSeconds: 1.25,
  nudges: 0,
  reviews: { accept: 1, revise: 0 },
  remedies: { crash: 1, format: 2, silence: 1 },
};

test('the text says that it is synthetic, and its tables hold hostile text', () => {
  const report = buildReport({ roster: roster(), files, synthetic: true, reviews: true });
  const text = renderReport(report, numbers);
  expect(text).toContain('**Synthetic:**');
  expect(text).toContain('| a.md | 0123456789 | A | accepted | unapproved |');
  expect(text).toContain('all \\| done here');
  expect(text).toContain('- cost: unknown');
  // The first case of each kind stands for it.
  expect(report.remedyExamples).toEqual({
    crash: { agent: 'B', what: 'it broke | twice' },
    format: { agent: 'C', what: 'prose' },
  });
  expect(text).toContain('| crash | 1 | B | it broke \\| twice |');
  expect(text).toContain('| format | 2 | C | prose |');
  expect(text).toContain('| silence | 1 | – | – |');
  expect(renderReport({ ...report, synthetic: false }, numbers)).not.toContain('Synthetic');
  // It is read with `cat` as well.
  const agents = report.agents.map((agent) => ({ ...agent, summary: '\u001B[2Jgone \u202Efdp.sj' }));
  expect(renderReport({ ...report, agents }, numbers)).toContain('| \uFFFD[2Jgone \uFFFDfdp.sj |');
});

test('H5 questions are for the person as long as an answer would be read', () => {
  const report = buildReport({ roster: roster(), files, synthetic: true, reviews: true });
  const human = { count: 4, open: 1, answered: 1, approved: 0, denied: 1, withdrawn: 1, granted: [] };
  const questions = [{ agent: 'C', id: 4, kind: 'question', text: 'Which town?' } as const];
  const shown = (status: string, reason: string, open = questions): string =>
    renderReport({ ...report, human, questions: open }, { ...numbers, status, reason });
  for (const text of [shown('paused', 'human-questions'), shown('failed', 'model-unreachable')]) {
    expect(text).toContain('## Questions to you\n');
    expect(text).toContain('Asked: 4; answered 1, allowed 0, refused 1, withdrawn by who asked 1.');
    expect(text).toContain('| #4 | C | question | Which town? |');
  }
  expect(shown('stopped', 'stopped-by-user')).toMatch(
    /## Questions that you were asked\n[\s\S]*nobody reads[\s\S]*#4/u,
  );
  expect(shown('completed', 'done', [])).toContain('withdrawn by who asked 1.');
  expect(renderReport(report, numbers)).not.toContain('Questions');
});
