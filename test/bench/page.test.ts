import { describe, expect, test } from 'vitest';
import { groupsOf, pageOf } from '../../bench/harness/page.ts';
import {
  machine,
  measuredRow,
  resultSchema,
  skippedRow,
  type BenchResult,
  type Row,
} from '../../bench/harness/result.ts';
import { commandLine } from '../../src/cli/command-line.ts';
import { recorder } from '../cli/fixtures.ts';

const floor = measuredRow({ name: 'ring: floor', unit: 'hops/s', higherIsBetter: true }, [90, 100, 200]);
const against = { unit: 'hops/s', higherIsBetter: true, baseline: { name: floor.name, value: 100 } } as const;
const ROWS: Row[] = [
  floor,
  measuredRow({ ...against, name: 'ring: ours', target: { is: 'ratio', limit: 0.5 } }, [80]),
  measuredRow({ ...against, name: 'ring: theirs <b>', target: { is: 'ratio', limit: 1.5 } }, [50]),
  skippedRow({ ...against, name: 'ring: Erlang' }, 'Erlang & Co is not installed'),
  measuredRow({ name: 'idle actor', unit: 'bytes', target: { is: 'value', limit: 400 } }, [300]),
];

const resultOf = (rows: Row[]): BenchResult => ({
  bench: 'savina',
  machine: machine(),
  runs: 3,
  settings: { note: 'a </dd> in it', sizes: [1, 2] },
  rows,
});

/** The tags of a page, without what they hold. */
const tagsOf = (html: string): string[] => [...html.matchAll(/<\/?[a-z]\w*/gu)].map((match) => match[0]);
const VOID = new Set(['<meta', '<rect', '<path', '<line']);

describe('the page of a result', () => {
  const html = pageOf(resultSchema.parse(resultOf(ROWS)));
  const width = (label: string): number =>
    Number(
      new RegExp(`<title>${label}: .*?<rect class="bar[^"]*" x="250.0" y="\\d+" width="([\\d.]+)"`, 'su').exec(
        html,
      )?.[1],
    );

  test('every tag is closed, and nothing comes from a network or runs', () => {
    const open: string[] = [];
    for (const tag of tagsOf(html)) {
      if (VOID.has(tag)) continue;
      if (tag.startsWith('</')) expect(open.pop()).toBe(tag.slice(2));
      else open.push(tag.slice(1));
    }
    expect(open).toEqual([]);
    expect(html).not.toMatch(/https?:|<script|<link|<img|@import|url\(/u);
    expect(html).toContain('prefers-color-scheme: dark');
  });

  test('has every row, its figures, and why there are none', () => {
    for (const words of ['ring: floor', 'ring: ours', 'idle actor', 'not measured: Erlang &#38; Co is not installed']) {
      expect(html).toContain(words);
    }
    expect(html).toContain('<span class="met">met</span>');
    expect(html).toContain('<span class="missed">missed</span>');
    expect(html).toContain('2 of 3 targets met; missed: ring: theirs &#60;b&#62;');
    expect(html).toContain(`Node ${process.versions.node}; median of 3 runs`);
    expect(html).not.toContain('<b>');
    expect(html).toContain('a &#60;/dd&#62; in it');
  });

  test('bars and whiskers are to one scale, and a target stands where the ratio is reached', () => {
    expect(width('ring: floor') / width('ring: ours')).toBeCloseTo(100 / 80, 2);
    const target = Number(/<line class="target met" x1="(?<x>[\d.]+)"/u.exec(html)?.groups?.['x']) - 250;
    expect(target / width('ring: floor')).toBeCloseTo(0.5, 2);
    // The largest repetition is at the end of the plot, the smallest before the median.
    expect(html).toMatch(/<title>ring: floor: 90 to 200<\/title>.*?d="M444\.4 8v8M444\.4 12H682\.0/su);
  });

  test('rows of one prefix and one unit are one group, in their order', () => {
    expect(groupsOf(ROWS).map(({ title, unit, rows }) => [title, unit, rows.length])).toEqual([
      ['ring', 'hops/s', 4],
      ['', 'bytes', 1],
    ]);
  });

  test('a result without any value is a page all the same', () => {
    const nothing = pageOf(resultOf([skippedRow({ ...against, name: 'ring: Erlang' }, 'missing')]));
    expect(nothing).toContain('not measured: missing');
    expect(nothing).not.toMatch(/<svg|NaN|Infinity|undefined/u);
  });
});

test('bench --html refuses at once what cannot be written', async () => {
  const recorded = recorder();
  expect(await commandLine(['bench', 'savina', '--html', 'no/such/folder/page.html'], recorded.context)).toBe(2);
  expect(recorded.stderr).toMatch(/--html: .*page\.html cannot be written/u);
});
