/** The look at a hand-in, over files that a test makes up. */
import { expect, test } from 'vitest';
import {
  CHANGES_CHARS,
  CHANGES_FIRST_CHARS,
  lookAt,
  LOOKED_FILES_MAX,
  renderChanges,
  renderFiles,
  type LookRequest,
  type LookView,
  type SeenFile,
} from '../../src/society/index.ts';

const request = (more: Partial<LookRequest> = {}): LookRequest => ({
  agent: 'A',
  own: [],
  planned: [],
  task: 'Do it.',
  checklist: [],
  trail: { programs: [], others: [] },
  since: {},
  round: 1,
  checks: true,
  ...more,
});

interface World extends LookView {
  readonly asked: { path: string; since: string | null | undefined; changesMax: number; textMax: number }[];
  readonly tried: string[];
}

const world = (files: Record<string, Partial<SeenFile>>, syntax = true): World => {
  const asked: World['asked'] = [];
  const tried: string[] = [];
  return {
    asked,
    tried,
    file: async (path, ask) => {
      asked.push({ path, ...ask });
      const known = files[path];
      if (known === undefined) return null;
      const text = known.text === undefined ? 'good work' : known.text;
      const changes = ask.changesMax === 0 ? null : 'x'.repeat(10_000).slice(0, ask.changesMax);
      return { path, base: 'b1', commit: null, author: 'A', bytes: 9, changes, ...known, text };
    },
    syntax: syntax
      ? async (path) => {
          tried.push(path);
          return { ok: true, problem: null };
        }
      : null,
  };
};

test('versions of its files, evidence that is not there, planned files that are not', async () => {
  const view = world({ 'a.md': { base: 'b7', commit: 'c0ffee0123456789' } });
  const checklist = [{ id: '1', text: 't', status: 'done' as const, evidence: 'a.md, other.md' }];
  const look = await lookAt(request({ own: ['a.md'], planned: ['a.md', 'plan.md'], checklist, checks: false }), view);
  expect(look.files).toEqual([{ path: 'a.md', base: 'b7', commit: 'c0ffee0123456789' }]);
  expect([look.missing, look.absent, look.checks]).toEqual([['other.md'], ['plan.md'], null]);
  expect(view.asked.map(({ textMax }) => textMax)).toEqual([0, 0, 0]);
  expect(renderFiles(['a.md', 'z.md'], look.files)).toBe('a.md @c0ffee0123, z.md');
});

test('changes are asked for since the last round, and are few at the first and more later (X4)', async () => {
  const own = Array.from({ length: 5 }, (_, index) => `${index}.md`);
  const files = Object.fromEntries(own.map((path) => [path, {}]));
  for (const [round, max] of [
    [1, CHANGES_FIRST_CHARS],
    [2, CHANGES_CHARS],
  ] as const) {
    const view = world(files);
    const look = await lookAt(request({ own, round, since: { '0.md': 'b0', '1.md': null } }), view);
    expect(look.changes.length).toBeLessThan(max + own.length * 20);
    expect(look.changes.length).toBeGreaterThan(max / 2);
    expect(view.asked.map(({ since }) => since)).toEqual(['b0', null, undefined, undefined, undefined]);
    expect(renderChanges(look, round)).toContain(round === 1 ? 'what it wrote' : 'changes since round 1');
  }
  expect(renderChanges({ files: [], missing: [], absent: [], changes: '', checks: null }, 1)).toBe('');
});

test('what somebody else wrote last is not the fault of who hands in', async () => {
  const view = world({ 'a.md': { text: 'TODO: x' }, 'shared.md': { text: 'TODO: x', author: 'B' } });
  const { checks } = await lookAt(request({ own: ['a.md', 'shared.md'] }), view);
  expect(checks?.findings.map(({ path }) => path)).toEqual(['a.md']);
});

test('without a sandbox programs are left out, and the review says so', async () => {
  const files = { 'a.py': {}, 'b.md': {} };
  const own = ['a.py', 'b.md'];
  expect((await lookAt(request({ own }), world(files))).checks).toMatchObject({ findings: [], leftOut: [] });
  const { checks } = await lookAt(request({ own }), world(files, false));
  expect(checks).toMatchObject({ findings: [], leftOut: ['programs were not tried: there is no sandbox'] });
  expect((await lookAt(request({ own: ['b.md'] }), world(files, false))).checks?.leftOut).toEqual([]);
});

test('it ends: only so many files and programs, none when time is over, and what throws fails nobody (X3)', async () => {
  const own = Array.from({ length: 300 }, (_, index) => `${index}.py`);
  const all = world(Object.fromEntries(own.map((path) => [path, {}])));
  const look = await lookAt(request({ own, planned: own }), all);
  expect(look.files.length).toBeLessThanOrEqual(2 * LOOKED_FILES_MAX);
  expect(all.tried.length).toBeLessThanOrEqual(10);
  expect(look.checks?.leftOut).toContain('250 more files');

  let looks = 0;
  const late = await lookAt(request({ own }), all, () => (looks += 1) > 3);
  expect(late.files).toHaveLength(3);
  expect(late.checks?.findings).toEqual([]);
  expect(late.checks?.leftOut.join()).toContain('could not be looked at');

  const broken: LookView = {
    file: () => Promise.reject(new Error('no answer')),
    syntax: () => Promise.reject(new Error('no answer')),
  };
  const seen = await lookAt(request({ own: ['a.py'], planned: ['b.md'] }), broken);
  expect(seen).toMatchObject({ files: [], missing: [], absent: [] });
  expect(seen.checks).toMatchObject({ findings: [], leftOut: ['2 files could not be looked at'] });
});
