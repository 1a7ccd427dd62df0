/** V1: a run says what is missing, in its last sentence, in the summary and in both reports, and why it failed; a remedy has an example and events. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { summaryText } from '../../src/cli/render.ts';
import { runSociety } from '../../src/run/index.ts';
import type { RunOptions, RunSummary } from '../../src/run/types.ts';
import { temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer } from '../support/scripted-server.ts';
import { call, calls, stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
afterEach(() => vi.unstubAllEnvs());

interface Report {
  readonly missing: readonly { agent: string; what: string; path?: string; detail?: string }[];
  readonly agents: readonly { name: string; verdict: string }[];
  readonly remedyExamples: Readonly<Record<string, { agent: string; what: string }>>;
  readonly error?: { code: string };
}

interface Played {
  readonly summary: RunSummary;
  readonly report: Report;
  /** `report.md`, and what the command line says at the end. */
  readonly text: string;
  readonly said: string;
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

const WAITING: ScriptedAnswer = { content: '(waiting)' };
const words = { description: 'w', initial_prompt: 'p' };

/** Plays a run; `script` is told whose answer it is, the how manieth, and what is new to it. */
const play = async (
  name: string,
  plan: object,
  script: (agent: string, nth: number, news: string) => ScriptedAnswer,
  options: RunOptions = {},
): Promise<Played> => {
  const asked = new Map<string, number>();
  const server = await startScriptedServer(({ agent, body: { messages } }) => {
    if (agent === '_planner') return call('submit_plan', plan);
    asked.set(agent, (asked.get(agent) ?? 0) + 1);
    const since = messages.findLastIndex(({ role }) => role === 'assistant') + 1;
    const news = messages.slice(since).map(({ content }) => String(content));
    return script(agent, asked.get(agent) ?? 0, news.join('\n'));
  });
  onTestFinished(() => server.stop());
  stubServer(server);
  const runDir = join(directory.path, name);
  const summary = await runSociety('a goal', { model: 'openai:m', sandbox: 'off', runDir, ...options }).report;
  const read = (file: string): string => readFileSync(join(runDir, file), 'utf8');
  const lines = read('events.jsonl').trim().split('\n');
  return {
    summary,
    report: JSON.parse(read('report.json')) as Report,
    text: read('report.md'),
    said: summaryText(summary, '/'),
    events: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};

const named = (news: string, kind: string): readonly string[] =>
  [...news.matchAll(new RegExp(`\\[${kind}\\] agent=(\\S+)`, 'gu'))].map(([, agent = '']) => agent);

const write = (path: string, content: string): ScriptedAnswer => call('write_file', { path, content });
const handIn = call('terminate', { summary: 'done' });

/** A Boss that accepts all but the work of `ignored`, and approves. */
const easyBoss = (nth: number, news: string, ignored = ''): ScriptedAnswer => {
  if (nth === 1) return call('talk', { messages: [{ to: 'subordinates', content: 'go' }] });
  const due = named(news, 'review').filter((agent) => agent !== ignored);
  if (due.length > 0) {
    return calls(...due.map((agent) => call('review', { agent, verdict: 'accept', feedback: 'ok' })));
  }
  return news.includes('[final-review]') ? handIn : WAITING;
};

test('V1 files that were planned and are not there, and checks that failed at the last round, are named', async () => {
  const plan = {
    goal: 'g',
    agents: [
      { name: 'D', ...words, files: ['d.md', 'made/'] },
      { name: 'P', ...words, files: ['./p.md', 'empty.txt'] },
    ],
    items: [],
  };
  const { summary, report, text, said } = await play(
    'checks',
    plan,
    (agent, nth, news) => {
      if (agent === 'Boss') return easyBoss(nth, news);
      if (nth > 1) return handIn;
      if (agent === 'D') return calls(write('made/one.md', '# One\n\nIt is whole.\n'), handIn);
      return calls(write('p.md', '# P\n\nTODO\n'), write('empty.txt', ''), handIn);
    },
    { review: 'auto' },
  );
  expect(summary).toMatchObject({ status: 'completed', reason: 'done', finalReview: 'approved' });
  expect(report.missing).toEqual([
    { agent: 'D', what: 'missing-file', path: 'd.md', detail: 'the plan names it' },
    expect.objectContaining({
      agent: 'P',
      what: 'failed-check',
      path: 'p.md',
      detail: expect.stringContaining('TODO'),
    }),
    { agent: 'P', what: 'failed-check', path: 'empty.txt', detail: 'it is empty' },
  ]);
  expect(summary.missing).toEqual({
    'missing-file': { count: 1, first: ['d.md'] },
    'failed-check': { count: 2, first: ['p.md', 'empty.txt'] },
  });
  expect(text).toContain('| D | missing-file | d.md | the plan names it |');
  expect(text).toContain('| P | failed-check | empty.txt | it is empty |');
  expect(said).toContain(': approved with 1 file missing, 2 files accepted with a failed check.\n');
  expect(said).toMatch(
    /^ {2}missing 1 file missing \(d\.md\), 2 files accepted with a failed check \(p\.md, empty\.txt\)$/mu,
  );
  // The Boss's own word is its verdict.
  expect(report.agents[0]).toMatchObject({ name: 'Boss', verdict: 'accepted' });
});

test('V1 agents that failed and evidence that is not there are told; every remedy has an example and an event', async () => {
  const plan = {
    goal: 'g',
    agents: ['Evidence', 'Json', 'Idle', 'Ignored', 'Silent'].map((name) => ({ name, ...words, files: [] })),
    items: [],
  };
  const done = { id: '1', text: 'x', status: 'done', evidence: 'see ghost.md' };
  const { summary, report, text, said, events } = await play(
    'remedies',
    plan,
    (agent, nth, news) => {
      if (agent === 'Boss') return easyBoss(nth, news, 'Ignored');
      if (agent === 'Evidence') return calls(call('change_task_status', { items: [done] }), handIn);
      if (agent === 'Json') return { toolCalls: [{ name: 'write_file', arguments: '{"path":"x' }] };
      if (agent === 'Silent') return { content: nth === 1 ? "I'm sorry, but I can't help with that." : '' };
      return agent === 'Ignored' ? handIn : WAITING;
    },
    { config: { limits: { stuckReportsPerAgentMax: 2 } } },
  );
  expect(summary).toMatchObject({ status: 'completed', finalReview: 'approved' });
  expect(report.missing).toContainEqual({
    agent: 'Evidence',
    what: 'missing-file',
    path: 'ghost.md',
    detail: 'its checklist names it as evidence',
  });
  const failed = report.missing.flatMap(({ agent, what }) => (what === 'failed' ? [agent] : []));
  expect(failed.toSorted()).toEqual(['Idle', 'Json', 'Silent']);
  expect(text).toContain('| Idle | failed | – | unfinished: it was reminded');
  expect(text).toContain('| Json | failed | – | given-up: Json gave 4 answers in a row');
  expect(said).toContain(': approved with 3 agents failed, 1 file missing.\n');

  expect(Object.keys(summary.remedies).toSorted()).toEqual([
    'format',
    'given-up',
    'silence',
    'unfinished',
    'unreviewed',
  ]);
  const told = events.filter(({ type }) => type === 'remedy');
  for (const [why, times] of Object.entries(summary.remedies)) {
    expect({ why, events: told.filter((event) => event['why'] === why).length }).toEqual({ why, events: times });
    expect(report.remedyExamples[why]?.what).toMatch(/\S/u);
    expect(text).toMatch(new RegExp(`^\\| ${why} \\| ${times} \\| \\w+ \\| \\w`, 'mu'));
  }
  expect(report.remedyExamples['silence']).toEqual({
    agent: 'Silent',
    what: '4 answers in a row, the last: an empty answer',
  });
});

test('V1 a Boss that never approves: the run says so, and what sent nothing back is not counted as sent back', async () => {
  const plan = { goal: 'g', agents: [{ name: 'M', ...words, files: [] }], items: [] };
  const { summary, report, text, said, events } = await play('never', plan, (agent, nth, news) => {
    if (agent === 'M') return calls(write(`m${nth}.md`, 'x'), call('terminate', { summary: 'done' }));
    if (nth === 1) return handIn;
    const due = /\[(?:final-)?review\]/u.test(news);
    return due ? call('review', { agent: 'M', verdict: 'revise', feedback: 'no' }) : WAITING;
  });
  expect(summary).toMatchObject({ status: 'failed', reason: 'boss-failed', reviews: { accept: 0, revise: 2 } });
  expect(events.filter(({ type, verdict }) => type === 'review' && verdict === 'revise').length).toBeGreaterThan(2);
  expect(report.error).toMatchObject({ code: 'BOSS_FAILED' });
  const why = 'the Boss did not approve the result, though it was asked for the final review 3 times';
  expect(text).toContain(`- error: ${why}. `);
  expect(said).toContain(`  error   ${why}. `);
  expect(said).toContain('  missing 1 agent failed (Boss)\n');
});

test('V1 who only plans is told that a plan was made', async () => {
  const plan = { goal: 'g', agents: [{ name: 'M', ...words, files: ['m.md'] }], items: [] };
  const { summary, text, said } = await play('plan', plan, () => WAITING, { planOnly: true });
  expect(summary).toMatchObject({ status: 'completed', reason: 'done', missing: {} });
  expect(said).toContain(': a plan was made, and nobody was hired.\n');
  expect(text).toContain('## Missing\n\nNobody was hired: a plan was made.\n');
});

test('V1 without reviews nobody is said to have approved', async () => {
  const plan = { goal: 'g', agents: [{ name: 'M', ...words, files: [] }], items: [] };
  const { said } = await play('unreviewed', plan, (agent, nth) => (agent === 'M' || nth > 1 ? handIn : WAITING), {
    review: 'none',
  });
  expect(said).toMatch(/^Run \S+ completed after \S+ s: the work has ended, and nobody approved it\.$/mu);
});
