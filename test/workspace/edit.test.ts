import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editText } from '../../src/workspace/edit.ts';
import { accepted, by, git, openWorkspace, refused } from './support/harness.ts';

const nearest = (content: string, old: string): unknown => {
  const outcome = editText(content, old, 'x');
  if (outcome.kind !== 'nowhere') throw new Error(outcome.kind);
  return outcome.nearest;
};

describe('one passage of a text', () => {
  test('a passage that is there once is replaced, and every other byte is kept', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r\n', ' ', '\ufeff', 'é'), maxLength: 40 });
    fc.assert(
      fc.property(text, text, text, text, (before, old, after, replacement) => {
        fc.pre(old !== '');
        const content = before + old + after;
        const outcome = editText(content, old, replacement);
        const places = Array.from(content.split('').keys()).filter((at) => content.startsWith(old, at));
        if (places.length > 1) expect(outcome).toMatchObject({ kind: 'several', count: places.length });
        else expect(outcome).toEqual({ kind: 'edited', content: before + replacement + after });
      }),
      { numRuns: 300, verbose: 1 },
    );
  });

  test('a dollar sign in what replaces is itself', () => {
    expect(editText('a b c', 'b', "$& $1 $' $$")).toEqual({ kind: 'edited', content: "a $& $1 $' $$ c" });
  });

  test('line ends are the file’s', () => {
    const crlf = 'one\r\ntwo\r\nthree\r\n';
    expect(editText(crlf, 'one\ntwo', 'eins\nzwei')).toEqual({ kind: 'edited', content: 'eins\r\nzwei\r\nthree\r\n' });
    expect(editText(crlf, 'two', 'zwei')).toEqual({ kind: 'edited', content: 'one\r\nzwei\r\nthree\r\n' });
    expect(editText('one\ntwo\n', 'one\ntwo', 'x')).toEqual({ kind: 'edited', content: 'x\n' });
  });

  test('the nearest passage: where it is, and how it differs', () => {
    const content = '# Plan\n\n  alpha = 1;\n  beta  = 2;\n\ngamma = 3;\n';
    expect(nearest(content, 'alpha = 1;\nbeta = 2;')).toEqual({
      line: 3,
      text: '  alpha = 1;\n  beta  = 2;',
      differs: 'only in white space',
    });
    expect(nearest(content, 'pha = 1;\n beta =')).toMatchObject({ line: 3, differs: 'only in white space' });
    expect(nearest(content, 'GAMMA = 3;')).toMatchObject({ line: 6, differs: 'in upper and lower case' });
    expect(nearest(content, 'alpha = 1;\nbeta = 5;')).toMatchObject({ line: 3, differs: 'in 1 of 2 lines' });
    expect(nearest(content, 'gamma = 4;')).toMatchObject({ line: 6, text: 'gamma = 3;', differs: 'in words' });
    expect(nearest(content, 'entirely unlike')).toBeNull();
    expect(nearest('', 'a')).toBeNull();
    expect(nearest('a', ' \n ')).toBeNull();
  });

  test('whatever is looked for, a nearest passage is one of the file', () => {
    const lines = fc.string({ unit: fc.constantFrom('a', 'b', 'B', ' ', '\n', '\t'), maxLength: 60 });
    fc.assert(
      fc.property(lines, lines, (content, old) => {
        const outcome = editText(content, old, 'x');
        if (outcome.kind !== 'nowhere' || outcome.nearest === null) return;
        const { line, text } = outcome.nearest;
        expect(
          content
            .split('\n')
            .slice(line - 1)
            .join('\n')
            .startsWith(text),
        ).toBe(true);
      }),
      { numRuns: 300, verbose: 1 },
    );
  });
});

describe('edit_file', () => {
  test('NO_MATCH tells the nearest passage, AMBIGUOUS the lines, and neither changes anything', async () => {
    const { workspace } = await openWorkspace();
    const content = 'one\n\ttwo\none\n';
    const { base } = accepted(await workspace.writeFile({ path: 'a', content }, by('A')));
    const missing = refused(await workspace.editFile({ path: 'a', old: '  two', new: 'x' }, by('A')));
    expect(missing).toMatchObject({ code: 'NO_MATCH', nearest: { line: 2, text: '\ttwo' } });
    expect(missing.message).toContain('The nearest, in line 2, differs only in white space.');
    const several = refused(await workspace.editFile({ path: 'a', old: 'one', new: 'x' }, by('A')));
    expect(several).toMatchObject({ code: 'AMBIGUOUS', lines: [1, 3] });
    expect(refused(await workspace.editFile({ path: 'b', old: 'one', new: 'x' }, by('A'))).code).toBe('NOT_FOUND');
    expect(refused(await workspace.editFile({ path: 'a', old: '', new: 'x' }, by('A'))).code).toBe('INVALID_ARGUMENTS');
    const large = await workspace.editFile({ path: 'a', old: 'two', new: 'x'.repeat(1024 * 1024) }, by('A'));
    expect(refused(large).code).toBe('TOO_LARGE');
    expect(accepted(await workspace.readFile({ path: 'a' })).base).toBe(base);
    await workspace.close();
  });

  test('W3: an edit that is repeated is made once', async () => {
    const { workspace } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'a', content: 'x' }, by('A')));
    const call = by('A', 'A/1/edit');
    const edited = await workspace.editFile({ path: 'a', old: 'x', new: 'xx' }, call);
    expect(await workspace.editFile({ path: 'a', old: 'x', new: 'xx' }, call)).toEqual(edited);
    expect(accepted(await workspace.readFile({ path: 'a' })).content).toBe('xx');
    await workspace.close();
  });

  test('W2, W6: two hundred edit their own part of one file, two hundred append to another: nothing is lost', async () => {
    const { workspace, directory } = await openWorkspace({ sync: false });
    const count = 200;
    const parts = Array.from({ length: count }, (_, agent) => `## Part ${agent}.\nopen\n`);
    accepted(await workspace.writeFile({ path: 'plan.md', content: parts.join('') }, by('Boss')));
    await Promise.all(
      parts.map(async (part, agent) => {
        const name = `Agent${agent}`;
        const done = part.replace('open', `done by ${name}`);
        accepted(await workspace.editFile({ path: 'plan.md', old: part, new: done }, by(name)));
        accepted(await workspace.appendFile({ path: 'log', content: name }, by(name)));
      }),
    );
    await workspace.finish();
    const plan = git(directory, 'show', 'HEAD:plan.md');
    expect(plan).toBe(parts.map((part, agent) => part.replace('open', `done by Agent${agent}`)).join(''));
    const logged = git(directory, 'show', 'HEAD:log').trimEnd().split('\n');
    expect(new Set(logged).size).toBe(count);
    expect(logged).toHaveLength(count);
    expect(workspace.stats().conflicts).toBe(0);
    await workspace.close();
  });
});

describe('search_files', () => {
  test('lines in the order of paths, by glob, case counting when it is given', async () => {
    const { workspace } = await openWorkspace();
    const write = async (path: string, content: string | Uint8Array): Promise<void> => {
      accepted(await workspace.writeFile({ path, content }, by('A')));
    };
    await write('b.md', 'Needle one\r\nnothing\r\n a needle\r\n');
    await write('a/c.txt', 'needle');
    await write('bytes', Buffer.concat([Buffer.from('needle'), Buffer.from([0xff])]));
    const find = async (query: string, glob?: string): Promise<string[]> => {
      const { matches, truncated } = accepted(await workspace.searchFiles({ query, glob }));
      expect(truncated).toBe(false);
      return matches.map(({ path, line, text }) => `${path}:${line}:${text}`);
    };
    expect(await find('needle')).toEqual(['a/c.txt:1:needle', 'b.md:1:Needle one', 'b.md:3: a needle']);
    expect(await find('Needle')).toEqual(['b.md:1:Needle one']);
    expect(await find('needle', '**/*.txt')).toEqual(['a/c.txt:1:needle']);
    expect(await find('.*')).toEqual([]);
    for (const query of ['', 'a\nb', 'x'.repeat(1_001)]) {
      expect(refused(await workspace.searchFiles({ query })).code).toBe('INVALID_ARGUMENTS');
    }
    await workspace.close();
  });

  test('what is found is bounded in lines and in their length, and says so', async () => {
    const { workspace } = await openWorkspace({ sync: false });
    const long = `${'a'.repeat(500)}needle${'b'.repeat(500)}`;
    const content = `${long}\n${'needle\n'.repeat(150)}`;
    for (const path of ['a', 'b', 'c']) accepted(await workspace.writeFile({ path, content }, by('A')));
    const { matches, truncated } = accepted(await workspace.searchFiles({ query: 'needle' }));
    expect(truncated).toBe(true);
    expect(matches).toHaveLength(200);
    expect(matches[0]?.text).toContain('aneedleb');
    expect(matches[0]?.text.length).toBeLessThanOrEqual(202);
    expect(accepted(await workspace.searchFiles({ query: 'needle', limit: 3 })).matches).toHaveLength(3);
    await workspace.close();
  });

  test('L1: others are answered while a search goes on', async () => {
    const { workspace } = await openWorkspace({ sync: false });
    const changes = Array.from({ length: 1_500 }, (_, number) => ({
      path: `d/${number}`,
      content: `line\n`.repeat(20),
      base: null,
    }));
    accepted(await workspace.applyChanges({ changes }, by('A')));
    let left = 20;
    const reading = (async () => {
      for (; left > 0; left -= 1) {
        accepted(await workspace.readFile({ path: 'd/7' }));
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    accepted(await workspace.searchFiles({ query: 'nowhere' }));
    // 1,500 files are 24 slices, each with a turn for the others.
    expect(left).toBe(0);
    await reading;
    await workspace.close();
  });
});
