/** Plain lines: X1 what `plainText` returns of the text of others moves no cursor and reorders nothing. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { askedLine, withdrawnLine } from '../../src/cli/questions.ts';
import { errorText, nextCommands, steeringText } from '../../src/cli/render.ts';
import { plainText } from '../../src/society/plain-text.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { withWayOn } from '../../src/run/resumable.ts';
import type { PlanDecided, RunReason } from '../../src/run/types.ts';
import { summaryOf } from './fixtures.ts';

const BIDIRECTIONAL = '\u061C\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069'.split('');

describe('text of others (X1)', () => {
  test.each(BIDIRECTIONAL.map((sign) => [sign.codePointAt(0)?.toString(16), sign] as const))(
    'the bidirectional control U+%s becomes visible',
    (_, sign) => {
      expect(plainText(`rm ${sign}fdp.txt`)).toBe('rm \uFFFDfdp.txt');
    },
  );

  test('ordinary text stays as it is, whichever way it is written', () => {
    const text = 'Grüße, 国, 🎉, עברית, العربية\tand\nanother line';
    expect(plainText(text)).toBe(text);
  });

  test('whatever there is: no control and no bidirectional control is left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...BIDIRECTIONAL), (raw, sign) => {
        expect(plainText(`${raw}${sign}${raw}`)).not.toMatch(/(?![\t\n])\p{Cc}|\p{Bidi_Control}/u);
      }),
    );
  });

  test('a question and an error are shown with it', () => {
    const asked = { agent: 'Writer', id: 1, kind: 'approval', text: 'run \u202Eyp.tset' } as const;
    expect(askedLine(asked, 'megactor', null)).toContain('run \uFFFDyp.tset');
    expect(errorText(new MegactorError('USAGE', 'no agent \u2066x'))).toContain('no agent \uFFFDx');
  });
});

test('H5 a question that is asked no more says why', () => {
  const event = { time: '', type: 'human', agent: 'Writer', status: 'withdrawn', question: 3 } as const;
  expect(withdrawnLine({ ...event, why: 'retired' })).toBe('Writer asks #3 no more: it was retired.');
  expect(withdrawnLine(event)).toBe('Writer asks #3 no more.');
  expect(withdrawnLine({ ...event, status: 'answered' })).toBeNull();
});

describe('what becomes of a decision on a plan', () => {
  const told = (status: 'running' | 'paused', decided: PlanDecided): string =>
    steeringText({ runId: 'r', command: 'tell', status, reason: null, agent: 'Boss', answers: [0], decided });

  test('nobody reads it: agents are hired, another plan is made, or there is none', () => {
    expect(told('paused', { plan: 1, verdict: 'approve', another: false })).toBe(
      'The plan #0 is approved: its agents are hired when the run goes on (run r is paused).',
    );
    expect(told('running', { plan: 2, verdict: 'deny', another: true })).toBe(
      'The plan #0.2 is refused: another one is made now, and shown to you (run r is running).',
    );
    expect(told('paused', { plan: 3, verdict: 'deny', another: false })).toBe(
      'The plan #0.3 is refused, and it was the last one: the run ends as failed when it is resumed (run r is paused).',
    );
  });
});

describe('what comes next', () => {
  const next = (status: 'failed' | 'stopped', reason: RunReason): string =>
    nextCommands(summaryOf({ status, reason }), 'megactor', '/data');

  test('a run that failed for a reason around it goes on; one that has ended does not', () => {
    expect(next('failed', 'model-unreachable')).toMatch(/^ {2}megactor resume runs\/abc123 +go on where it failed/mu);
    expect(next('failed', 'journal-damaged')).toMatch(/^ {2}megactor doctor --repair runs\/abc123 +repair/mu);
    for (const text of [next('failed', 'boss-failed'), next('stopped', 'limit-turns')])
      expect(text).not.toMatch(/resume/u);
  });

  test('the failure says it with the directory, unless nothing can go on', () => {
    const hint = (reason: string, durability: 'flushed' | 'none', code: 'MODEL_UNREACHABLE' | 'INTERNAL'): string =>
      withWayOn(new MegactorError(code, 'm'), { status: 'failed', reason, settings: { durability } }, 'runs/a').hint;
    expect(hint('model-unreachable', 'flushed', 'MODEL_UNREACHABLE')).toBe(
      'Check OPENAI_BASE_URL and that the server runs, then resume the run: `megactor resume runs/a`.',
    );
    expect(hint('internal', 'flushed', 'INTERNAL')).toMatch(
      /run directory\. Then go on with `megactor resume runs\/a`\.$/u,
    );
    expect(hint('boss-failed', 'flushed', 'INTERNAL')).not.toContain('resume');
    expect(hint('model-unreachable', 'none', 'MODEL_UNREACHABLE')).toBe(
      'Check OPENAI_BASE_URL and that the server runs, then start a new run. Nothing was kept to go on from (--durability none).',
    );
  });

  test.each([
    ['paused', 'budget-calls'],
    ['failed', 'model-unreachable'],
  ] as const)('a run without a journal that is %s says that nothing was kept, and what there is', (status, reason) => {
    const text = nextCommands(summaryOf({ status, reason, durability: 'none' }), 'megactor', '/data');
    expect(text).toMatch(/^Nothing was kept to go on from \(--durability none\)\.\nNext:\n/u);
    expect(text).not.toMatch(/resume|continue|inspect/u);
    expect(text).toMatch(/git -C .* log --stat.*\n.*cat runs\/abc123\/report\.md/u);
  });

  test('a run without a journal that has ended is not told that it cannot go on', () => {
    const ended = summaryOf({ status: 'completed', reason: 'done', durability: 'none' });
    expect(nextCommands(ended, 'megactor', '/data')).toMatch(/^Next:/u);
  });
});
