import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { appendLines, compareTwo, mergeThree } from '../../src/workspace/merge.ts';
import { temporaryDirectory } from './support/harness.ts';

const text = (...lines: string[]): string => lines.join('\n');

const merged = (base: string, current: string, yours: string): string => {
  const outcome = mergeThree(base, current, yours);
  return outcome.clean ? outcome.content : `clash at ${outcome.hunks.map((hunk) => hunk.line).join()}`;
};

describe('merging three ways', () => {
  const base = text('a', 'b', 'c', 'd', '');

  test('changes in different lines come together', () => {
    expect(merged(base, text('A', 'b', 'c', 'd', ''), text('a', 'b', 'c', 'D', 'e', ''))).toBe(
      text('A', 'b', 'c', 'D', 'e', ''),
    );
    expect(merged(base, text('b', 'c', 'd', ''), text('a', 'b', 'x', 'c', 'd', ''))).toBe(text('b', 'x', 'c', 'd', ''));
  });

  test('M2: neighbouring lines that were replaced are no clash', () => {
    expect(merged(base, text('a', 'B', 'c', 'd', ''), text('a', 'b', 'C', 'd', ''))).toBe(text('a', 'B', 'C', 'd', ''));
  });

  test('M2: the same line, or the same place of insertion, is a clash', () => {
    expect(merged(base, text('A', 'b', 'c', 'd', ''), text('X', 'b', 'c', 'd', ''))).toBe('clash at 1');
    expect(merged(base, text('a', 'b', 'c', 'd', 'e', ''), text('a', 'b', 'c', 'd', 'f', ''))).toBe('clash at 5');
    expect(merged(base, text('a', 'B', 'c', 'd', ''), text('a', 'b', 'x', 'c', 'd', ''))).toBe('clash at 2');
    expect(merged(base, text('a', 'd', ''), text('a', 'b', 'C', 'd', ''))).toBe('clash at 2');
  });

  test('the same change on both sides is no clash, beside others that are', () => {
    expect(merged(base, text('A', 'b', 'c', 'd', ''), text('A', 'b', 'c', 'D', ''))).toBe(text('A', 'b', 'c', 'D', ''));
    const outcome = mergeThree(base, text('0', 'A', 'b', 'c', 'D', ''), text('0', 'A', 'b', 'c', 'X', ''));
    expect(outcome).toEqual({ clean: false, hunks: [{ line: 5, base: 'd', current: 'D', yours: 'X' }] });
  });

  test('carriage returns and a missing last line end are kept', () => {
    expect(merged('a\r\nb\r\nc', 'A\r\nb\r\nc', 'a\r\nb\r\nC')).toBe('A\r\nb\r\nC');
  });

  test('texts without a common base are compared', () => {
    expect(compareTwo(text('a', 'b', 'c'), text('a', 'x', 'c', 'd'))).toEqual([
      { line: 2, base: '', current: 'b', yours: 'x' },
      { line: 4, base: '', current: '', yours: 'd' },
    ]);
  });

  test('M3: texts made to be slow are done in time', () => {
    const long = (salt: string): string =>
      Array.from({ length: 60_000 }, (_, at) => (at % 2 === 0 ? '' : `${salt}${at}`)).join('\n');
    // Of this process, since others may have the machine; and without a limit it ends in no time that a test has.
    const before = process.cpuUsage();
    mergeThree(long('a'), long('b'), long('c'));
    mergeThree('\n'.repeat(500_000), `x${'\n'.repeat(400_000)}y`, `${'\n'.repeat(450_000)}z`);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(10_000);
  });
});

describe('properties', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 8 });
  const three = fc.tuple(lines, lines, lines).map((texts) => texts.map((part) => part.join('\n')));

  test('who changed nothing does not matter', () => {
    fc.assert(
      fc.property(three, ([base = '', other = '']) => {
        expect(mergeThree(base, other, base)).toEqual({ clean: true, content: other });
        expect(mergeThree(base, base, other)).toEqual({ clean: true, content: other });
        expect(mergeThree(base, other, other)).toEqual({ clean: true, content: other });
      }),
    );
  });

  test('M2: what git merges without a conflict is merged, and to the same', () => {
    const directory = temporaryDirectory();
    // Lines that differ: where texts repeat themselves there are several ways to see what was changed.
    const kinds = fc.array(fc.constantFrom('keep', 'keep', 'replace', 'insert', 'remove'), {
      minLength: 10,
      maxLength: 10,
    });
    const apply = (who: string, edits: readonly string[]): string =>
      edits
        .flatMap((kind, at) => {
          if (kind === 'remove') return [];
          if (kind === 'insert') return [`${who} ${at}`, `line ${at}`];
          return [kind === 'replace' ? `${who} ${at}` : `line ${at}`];
        })
        .map((line) => `${line}\n`)
        .join('');
    let merges = 0;
    fc.assert(
      fc.property(kinds, kinds, (left, right) => {
        const [base, current, yours] = [
          apply(
            '',
            left.map(() => 'keep'),
          ),
          apply('current', left),
          apply('yours', right),
        ];
        for (const [name, content] of Object.entries({ base, current, yours })) {
          writeFileSync(join(directory, name), content);
        }
        const { status, stdout } = spawnSync('git', ['merge-file', '-p', 'current', 'base', 'yours'], {
          cwd: directory,
        });
        if (status !== 0) return;
        merges += 1;
        expect(mergeThree(base, current, yours)).toEqual({ clean: true, content: stdout.toString() });
      }),
      {
        numRuns: 100,
        examples: [[Array.from({ length: 10 }, () => 'keep'), Array.from({ length: 10 }, () => 'replace')]],
      },
    );
    expect(merges).toBeGreaterThan(0);
  });

  test('both orders agree', () => {
    fc.assert(
      fc.property(three, ([base = '', current = '', yours = '']) => {
        const one = mergeThree(base, current, yours);
        const two = mergeThree(base, yours, current);
        expect(one.clean).toBe(two.clean);
        if (one.clean && two.clean) expect(one.content).toBe(two.content);
      }),
    );
  });

  test('M1: lines that one side alone added are all there, those it alone removed are gone', () => {
    const edits = fc.array(fc.tuple(fc.nat(19), fc.constantFrom('replace', 'insert', 'remove')), { maxLength: 6 });
    const apply = (who: string, changes: readonly (readonly [number, string])[]): string[] => {
      const result: string[][] = Array.from({ length: 20 }, (_, at) => [`line ${at}`]);
      for (const [at, kind] of changes) {
        const own = `${who} ${at}`;
        result[at] = kind === 'replace' ? [own] : kind === 'insert' ? [own, `line ${at}`] : [];
      }
      return result.flat();
    };
    fc.assert(
      fc.property(edits, edits, (left, right) => {
        const base = apply('', []);
        const current = apply('current', left);
        const yours = apply('yours', right);
        const outcome = mergeThree(base.join('\n'), current.join('\n'), yours.join('\n'));
        const places = new Set(left.map(([at]) => at));
        const near = right.some(([at]) => places.has(at) || places.has(at - 1) || places.has(at + 1));
        if (!near) expect(outcome.clean).toBe(true);
        if (!outcome.clean) return;
        const content = outcome.content.split('\n').filter((line) => line !== '');
        const expected = [
          ...base.filter((line) => current.includes(line) && yours.includes(line)),
          ...current.filter((line) => !base.includes(line)),
          ...yours.filter((line) => !base.includes(line)),
        ];
        expect(content.sort()).toEqual(expected.sort());
      }),
      { numRuns: 2_000, verbose: 1 },
    );
  });

  test('appended lines are lines', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (current, piece) => {
        const result = appendLines(current, piece);
        expect(result.startsWith(current)).toBe(true);
        expect(result.endsWith('\n')).toBe(true);
        expect(result.slice(current.length).trimStart().startsWith(piece.trimStart().trimEnd())).toBe(true);
      }),
    );
  });
});
