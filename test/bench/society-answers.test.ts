import { describe, expect, test } from 'vitest';
import { countAdmins, countAnswers, countReviews, readEvents, type RunEvent } from '../../bench/society/answers.ts';

const call = (agent: string, answerClass: string, sentAs?: string): RunEvent => ({
  type: 'modelCall',
  agent,
  class: answerClass,
  ...(sentAs === undefined ? {} : { sentAs }),
});
const tool = (agent: string, name: string, code?: string): RunEvent => ({
  type: 'tool',
  agent,
  tool: name,
  ok: code === undefined,
  ...(code === undefined ? {} : { code }),
});
const message = (agent: string, to: string): RunEvent => ({ type: 'message', agent, to, kind: null });
const hired = (agent: string, by: string): RunEvent => ({ type: 'hired', agent, by });

describe('what model calls were good for', () => {
  const kindsOf = (events: readonly RunEvent[], calls = events.filter(({ type }) => type === 'modelCall').length) => {
    const counts = countAnswers(events, calls);
    const kinds = Object.entries(counts.byKind).filter(([, count]) => count > 0);
    return { useful: counts.useful, kinds: Object.fromEntries(kinds) };
  };

  test.each<[string, RunEvent[], string, number]>([
    ['work', [tool('A', 'write_file')], 'files', 1],
    ['work beside terminate', [tool('A', 'write_file'), tool('A', 'terminate')], 'files', 1],
    ['terminate beside the checklist', [tool('A', 'change_task_status'), tool('A', 'terminate')], 'terminate', 0],
    ['the checklist alone', [tool('A', 'change_task_status')], 'checklist', 0],
    ['a program', [tool('A', 'run_program')], 'other', 1],
    ['a review and files', [tool('A', 'review'), tool('A', 'read_file')], 'files', 1],
    ['calls that were refused', [tool('A', 'write_file', 'EXISTS')], 'refused', 0],
    [
      'calls that were none',
      [tool('A', 'write_file', 'INVALID_ARGUMENTS'), tool('A', 'x', 'UNKNOWN_TOOL')],
      'repair',
      0,
    ],
    ['terminate after refused work', [tool('A', 'write_file', 'EXISTS'), tool('A', 'terminate')], 'terminate', 0],
  ])('%s', (_what, events, kind, useful) => {
    expect(kindsOf([call('A', 'tools'), ...events])).toEqual({ useful, kinds: { [kind]: 1 } });
  });

  test('texts: to somebody, to nobody; answers without use; summaries; the plan and its repetition', () => {
    expect(kindsOf([call('A', 'prose'), message('A', 'Boss')])).toEqual({ useful: 0, kinds: { text: 1 } });
    expect(kindsOf([call('A', 'prose')])).toEqual({ useful: 0, kinds: { waiting: 1 } });
    expect(kindsOf([call('A', 'refusal'), call('A', 'empty')])).toEqual({ useful: 0, kinds: { repair: 2 } });
    expect(kindsOf([call('A', 'prose', '_compactor')])).toEqual({ useful: 0, kinds: { compaction: 1 } });
    expect(kindsOf([], 3)).toEqual({ useful: 1, kinds: { plan: 1, repair: 2 } });
  });

  test('answers of agents that take turns do not mix', () => {
    const events = [
      call('A', 'tools'),
      call('B', 'tools'),
      tool('A', 'terminate'),
      tool('B', 'talk'),
      message('B', 'A'),
    ];
    expect(kindsOf(events)).toEqual({ useful: 1, kinds: { terminate: 1, talk: 1 } });
  });
});

test('Admins: their calls, and the mail of those they hired', () => {
  const events = [
    hired('Boss', 'user'),
    hired('A', 'Boss'),
    hired('W', 'A'),
    hired('V', 'A'),
    call('Boss', 'tools'),
    call('A', 'tools'),
    call('A', 'prose', '_compactor'),
    call('W', 'tools'),
    message('W', 'A'),
    message('V', 'A'),
    message('Boss', 'A'),
    message('W', 'V'),
  ];
  expect(countAdmins(events)).toEqual({ calls: 1, reports: 2 });
});

test('reviews: bad output that was sent back, and good output that was', () => {
  const review = (agent: string, verdict: 'accept' | 'revise', round: number): RunEvent => ({
    type: 'review',
    agent,
    by: 'A',
    verdict,
    round,
    status: 'finished',
  });
  const events = [
    review('bad', 'revise', 1),
    review('bad', 'accept', 2),
    review('missed', 'accept', 1),
    review('good', 'accept', 1),
    review('wronged', 'revise', 1),
  ];
  const counts = countReviews(events, new Set(['bad', 'missed']));
  expect(counts).toEqual({ planted: 2, revised: 1, good: 2, goodSentBack: 1 });
});

test('events are read line by line: others, and a last line that is not whole, are left out', () => {
  const line = JSON.stringify({ time: 't', ...call('A', 'tools'), model: 'm' });
  const text = `${line}\n{"time":"t","type":"step","agent":"A"}\n${line.slice(0, 30)}`;
  expect(readEvents(text)).toEqual([call('A', 'tools')]);
});
