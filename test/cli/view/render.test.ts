/** The renderer: W1 at any size, and what has to be seen. */
import { describe, expect, test } from 'vitest';
import { STATES } from '../../../src/cli/view/agents.ts';
import { bar } from '../../../src/cli/view/render.ts';
import { ASCII_SIGNS, paint, UNICODE_SIGNS } from '../../../src/cli/view/style.ts';
import { treeRows, windowOf } from '../../../src/cli/view/tree.ts';
import { progressOf } from '../fixtures.ts';
import { event, hired, societyEvents, stage, widest, type Stage } from './society.ts';

const busy = (admins = 24, each = 23): Stage => {
  const made = stage([
    ...societyEvents(admins, each),
    event('turn', 'Admin1-1', { mail: 1 }),
    event('modelCall', 'Admin1-1', { class: 'tools', input: 3_304, output: 613, latencyMs: 1_540, attempts: 1 }),
    event('tool', 'Admin1-1', { tool: 'write_file', ok: true, path: '国/report.md' }),
    event('message', 'Admin1-1', { to: 'Admin1', kind: null, chars: 64 }),
    event('review', 'Admin1-2', { by: 'Admin1', verdict: 'accept', round: 1 }),
  ]);
  made.model.observe(
    progressOf({
      agents: 577,
      modelCalls: 2_387,
      callsInFlight: 70,
      files: 614,
      commits: 17,
      tokens: { input: 5_839_682, cachedInput: 4_230_016, output: 325_877 },
      wallSeconds: 754,
    }),
    0,
  );
  return made;
};

const WIDTHS = [1, 2, 5, 12, 20, 40, 79, 80, 81, 119, 120, 121, 200, 400];
const HEIGHTS = [1, 2, 3, 4, 6, 8, 10, 20, 24, 30, 50, 100];

test('W1: exactly the rows, never more than the columns, at any size and place', () => {
  const made = busy();
  made.navigation.notices = ['First', `Something to say, 国国 ${'long '.repeat(60)}`];
  const text = `${'A plan 国 '.repeat(30)}\n`.repeat(4);
  made.model.apply(event('human', 'Admin1', { status: 'asked', kind: 'approval', question: 1, text }));
  const places: string[][] = [[], ['end'], ['down', 'enter'], ['end', 'enter'], ['escape', 'escape', '?']];
  places.push(['escape', 'a', 'x', 'pagedown']);
  for (const keys of places) {
    made.press(...keys);
    for (const columns of WIDTHS) {
      for (const rows of HEIGHTS) {
        for (const signs of [UNICODE_SIGNS, ASCII_SIGNS]) {
          const lines = made.picture({ columns, rows }, signs);
          expect(lines).toHaveLength(rows);
          expect(widest(lines), `${columns}×${rows} ${keys.join()}`).toBeLessThanOrEqual(columns);
        }
      }
    }
  }
});

describe.each([80, 200])('at %i columns', (columns) => {
  const picture = (made: Stage, rows = columns === 80 ? 24 : 50): string => made.picture({ columns, rows }).join('\n');

  test('goal, run, model, that text is synthetic, time and totals', () => {
    const text = picture(busy());
    for (const part of [
      'Write a field guide',
      'run-1',
      'model rehearsal',
      'synthetic',
      '12:34',
      '2,387, 70 in flight',
      '5.84M in (4.23M cached), 326k out',
      'cost $0',
      'files 614',
      'commits 17',
      '1 accepted, 0 sent back',
    ]) {
      expect(text).toContain(part);
    }
  });

  test('agents by level and state', () => {
    const lines = busy().picture({ columns, rows: 24 });
    const row = lines.find((line) => line.includes('Ordinary')) ?? '';
    // all, finished, in review, working, waiting, new
    expect(row.trim().split(/\s+/u)).toEqual(['Ordinary', '552', '1', '0', '1', '0', '550']);
  });

  test('the Boss, then the Admins with their groups', () => {
    const lines = busy().picture({ columns, rows: 50 });
    const row = lines.find((line) => line.includes('Admin1 ')) ?? '';
    expect(row).toContain('█▒·');
    expect(row).toContain('1/23');
    expect(lines.findIndex((line) => line.includes('Boss  '))).toBeLessThan(lines.indexOf(row));
    expect(lines.join('\n')).not.toContain('Admin1-1 ');
  });

  test('the selection is seen wherever it is', () => {
    const made = busy();
    for (const key of ['down', 'end', 'pageup', 'home']) {
      made.picture({ columns, rows: 24 });
      made.press(key);
      const lines = made.picture({ columns, rows: 24 });
      const selected = lines.filter((line) => line.startsWith('›'));
      expect(selected).toHaveLength(1);
    }
    made.press('end');
    expect(made.picture({ columns, rows: 24 }).find((line) => line.startsWith('›'))).toContain('Admin23');
  });

  test('an agent with its last steps', () => {
    const made = busy();
    made.picture({ columns, rows: 24 });
    made.press('down', 'down', 'enter');
    expect(picture(made)).toContain('Admin1, admin of Boss');
    expect(picture(made)).toContain('from Admin1-1: 64 characters');
    made.press('down', 'enter');
    const text = picture(made);
    expect(text).toContain('Admin1-1, ordinary of Admin1');
    expect(text).toContain('3304 tokens in, 613 out, 1.5 s: tools');
    expect(text).toContain('write_file 国/report.md');
    expect(text).toContain('to Admin1: 64 characters');
  });
});

test('without colours there is no escape code, with them there is', () => {
  const line = [{ text: 'a', style: 'warning' as const }];
  expect(paint(line, false)).toBe('a');
  // oxlint-disable-next-line no-control-regex
  expect(paint(line, true)).toMatch(/^\u001B\[.*a\u001B\[/u);
});

test('before anybody is hired there is something to see', () => {
  expect(stage().picture({ columns: 80, rows: 24 }).join('\n')).toContain('nobody is hired yet');
});

test('the help names every key', () => {
  const made = busy();
  made.press('?');
  const text = made.picture({ columns: 80, rows: 40 }).join('\n');
  for (const word of ['pause', 'quitting pauses', 'select', 'open the agent', 'back', 'Ctrl-C twice']) {
    expect(text).toContain(word);
  }
});

describe('a bar', () => {
  const text = (tally: number[], columns: number): string => paint(bar(tally, columns, UNICODE_SIGNS), false);

  test('a sign for each agent when there is room', () => {
    expect(text([2, 0, 1, 0, 3, 0, 0], 10)).toBe('██▒···    ');
  });

  test('in proportion when there is not, and nobody vanishes', () => {
    const drawn = text([900, 1, 99, 0, 0, 0, 0], 20);
    expect(drawn).toHaveLength(20);
    expect(drawn).toMatch(/^█{16,18}▓▒{1,3}$/u);
  });

  test('any group at any width fills its columns exactly', () => {
    for (let columns = 1; columns <= 45; columns += 1) {
      for (let value = 0; value < 60; value += 7) {
        const tally = STATES.map((_, index) => (index * value * 31) % 97);
        expect(text(tally, columns)).toHaveLength(columns);
      }
    }
  });
});

describe('folding', () => {
  /** Ten Admins, each with five Admins of its own. */
  const deep = (): Stage =>
    stage([
      ...societyEvents(10, 5),
      ...Array.from({ length: 10 }, (_, admin) =>
        Array.from({ length: 5 }, (__, member) => hired(`D${admin}${member}`, `Admin${admin}-${member}`)),
      ).flat(),
    ]);

  test('what fits is shown', () => {
    const rows = treeRows(deep().model, 61);
    expect(rows).toHaveLength(61);
    expect(rows.every(({ folded }) => folded === 0)).toBe(true);
  });

  test('what does not is folded by level, and counted', () => {
    const made = deep();
    const rows = treeRows(made.model, 60);
    expect(rows.map(({ agent }) => agent.name)).toEqual([
      'Boss',
      ...Array.from({ length: 10 }, (_, at) => `Admin${at}`),
    ]);
    expect(rows.slice(1).map(({ folded }) => folded)).toEqual(Array.from({ length: 10 }, () => 5));
    expect(made.picture({ columns: 80, rows: 40 }).find((line) => line.includes('Admin3'))).toContain('+5');
  });

  test('a selected group that is folded away leaves the selection to the group above', () => {
    const made = deep();
    made.picture({ columns: 80, rows: 100 });
    made.press('down', 'down', 'down');
    expect(made.picture({ columns: 80, rows: 100 }).find((line) => line.startsWith('›'))).toContain('Admin0-1');
    expect(made.picture({ columns: 80, rows: 40 }).find((line) => line.startsWith('›'))).toContain('Admin0 +5');
  });
});

test('a window shows what is selected, and all entries are shown or counted', () => {
  for (const length of [0, 1, 2, 5, 30]) {
    for (let height = 0; height <= 12; height += 1) {
      for (let selected = 0; selected < length; selected += 1) {
        const { from, to, above, below } = windowOf(length, selected, height);
        const used = to - from + (above > 0 ? 1 : 0) + (below > 0 ? 1 : 0);
        expect(used).toBeLessThanOrEqual(height);
        if (height > 0) expect(selected >= from && selected < to, `${length} ${height} ${selected}`).toBe(true);
        if (height >= 3) expect(above + (to - from) + below).toBe(length);
      }
    }
  }
});

test('10,000 agents are folded and drawn without walking through them for every picture', () => {
  const made = stage(societyEvents(100, 98));
  const rows = made.tree.at(20);
  made.model.apply(event('turn', 'Admin5-5', { mail: 1 }));
  // The same rows, not equal ones: a change of state does not list the tree anew.
  expect(made.tree.at(20)).toBe(rows);
  expect(made.picture({ columns: 200, rows: 50 })).toHaveLength(50);
});
