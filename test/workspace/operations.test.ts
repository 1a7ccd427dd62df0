import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { accepted, by, git, openWorkspace, refused } from './support/harness.ts';

describe('reading and writing', () => {
  test('a new file is read back with the base that the write gave', async () => {
    const { workspace } = await openWorkspace();
    const { base, merged } = accepted(
      await workspace.writeFile({ path: 'docs/a.md', content: 'one\r\ntwo\n' }, by('Boss')),
    );
    expect(merged).toBe(false);
    expect(base).toMatch(/^[0-9a-f]{40}$/u);
    expect(await workspace.readFile({ path: 'docs/a.md' })).toEqual({ ok: true, content: 'one\r\ntwo\n', base });
    expect(await workspace.readFile({ path: './docs/a.md' })).toEqual({ ok: true, content: 'one\r\ntwo\n', base });
    await workspace.close();
  });

  test('a missing file is NOT_FOUND, also for a write with a base', async () => {
    const { workspace } = await openWorkspace();
    expect(refused(await workspace.readFile({ path: 'a' })).code).toBe('NOT_FOUND');
    const written = await workspace.writeFile({ path: 'a', content: 'x', base: '0'.repeat(40) }, by('Boss'));
    expect(refused(written).code).toBe('NOT_FOUND');
    expect(refused(await workspace.readFile({ path: 'constructor' })).code).toBe('NOT_FOUND');
    await workspace.close();
  });

  test('EXISTS gives the current content, its base and where the texts differ', async () => {
    const { workspace } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one\ntwo\n' }, by('A')));
    const error = refused(await workspace.writeFile({ path: 'a', content: 'one\n2\n' }, by('B')));
    expect(error).toMatchObject({ code: 'EXISTS', current: 'one\ntwo\n', base });
    expect(error).toMatchObject({ hunks: [{ line: 2, base: '', current: 'two', yours: '2' }] });
    expect(workspace.stats()).toMatchObject({ files: 1, conflicts: 1 });
    await workspace.close();
  });

  test('the same content again is ok and makes no version', async () => {
    const { workspace } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await workspace.flush();
    const again = await workspace.writeFile({ path: 'a', content: 'one\n' }, by('B'));
    expect(again).toEqual({ ok: true, base, merged: false });
    await workspace.flush();
    expect(workspace.stats().commits).toBe(1);
    expect(workspace.fileRows()[0]).toMatchObject({ path: 'a', author: 'A', size: 4 });
    await workspace.close();
  });

  test('W2: a stale write is merged where the lines allow it, and refused where they clash', async () => {
    const { workspace } = await openWorkspace();
    const lines = ['a', 'b', 'c', 'd', 'e', ''];
    const { base } = accepted(await workspace.writeFile({ path: 'x', content: lines.join('\n') }, by('A')));
    accepted(await workspace.writeFile({ path: 'x', content: lines.with(0, 'A').join('\n'), base }, by('A')));
    const merged = await workspace.writeFile({ path: 'x', content: lines.with(4, 'E').join('\n'), base }, by('B'));
    expect(accepted(merged).merged).toBe(true);
    const now = accepted(await workspace.readFile({ path: 'x' }));
    expect(now.content).toBe('A\nb\nc\nd\nE\n');
    expect(now.base).toBe(accepted(merged).base);
    const error = refused(
      await workspace.writeFile({ path: 'x', content: lines.with(0, 'Z').join('\n'), base }, by('C')),
    );
    expect(error).toMatchObject({ code: 'CONFLICT', current: now.content, base: now.base });
    expect(error).toMatchObject({ hunks: [{ line: 1, base: 'a', current: 'A', yours: 'Z' }] });
    expect(accepted(await workspace.readFile({ path: 'x' })).content).toBe(now.content);
    expect(workspace.stats()).toMatchObject({ conflicts: 1, merges: 1 });
    await workspace.close();
  });

  test('a base that nobody knows is a CONFLICT with the current content', async () => {
    const { workspace } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'x', content: 'one\n' }, by('A')));
    for (const base of ['f'.repeat(40), 'nonsense', '../../etc/passwd', '']) {
      const error = refused(await workspace.writeFile({ path: 'x', content: 'two\n', base }, by('B')));
      expect(error).toMatchObject({ code: 'CONFLICT', current: 'one\n' });
    }
    await workspace.close();
  });

  test('an append has lines of its own and keeps the kind of line ends', async () => {
    const { workspace } = await openWorkspace();
    accepted(await workspace.appendFile({ path: 'log', content: 'one' }, by('A')));
    accepted(await workspace.appendFile({ path: 'log', content: 'two\n' }, by('A')));
    const { base } = accepted(await workspace.appendFile({ path: 'log', content: 'three' }, by('A')));
    expect(await workspace.readFile({ path: 'log' })).toEqual({ ok: true, content: 'one\ntwo\nthree\n', base });
    accepted(await workspace.writeFile({ path: 'dos', content: 'a\r\nb' }, by('A')));
    accepted(await workspace.appendFile({ path: 'dos', content: 'c' }, by('A')));
    expect(accepted(await workspace.readFile({ path: 'dos' })).content).toBe('a\r\nb\r\nc\r\n');
    expect(accepted(await workspace.appendFile({ path: 'log', content: '' }, by('A'))).base).toBe(base);
    await workspace.close();
  });

  test('contents over the limit are TOO_LARGE, whole, appended or merged', async () => {
    const { workspace } = await openWorkspace({ limits: { fileBytesMax: 10 } });
    expect(refused(await workspace.writeFile({ path: 'a', content: 'ééééé1' }, by('A'))).code).toBe('TOO_LARGE');
    accepted(await workspace.writeFile({ path: 'a', content: '123456\n' }, by('A')));
    expect(refused(await workspace.appendFile({ path: 'a', content: '7890' }, by('A'))).code).toBe('TOO_LARGE');
    expect(accepted(await workspace.readFile({ path: 'a' })).content).toBe('123456\n');
    await workspace.close();
  });

  test('files and directories do not take each other’s names', async () => {
    const { workspace } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'a/b', content: 'x' }, by('A')));
    expect(refused(await workspace.writeFile({ path: 'a', content: 'x' }, by('A'))).code).toBe('BAD_PATH');
    expect(refused(await workspace.appendFile({ path: 'a/b/c', content: 'x' }, by('A'))).code).toBe('BAD_PATH');
    expect(refused(await workspace.readFile({ path: 'a' })).code).toBe('NOT_FOUND');
    await workspace.close();
  });

  test('files are listed in order, by glob, up to a limit', async () => {
    const { workspace } = await openWorkspace({ limits: { listCountMax: 3 } });
    for (const path of ['b.md', 'docs/a.md', 'docs/deep/c.txt', 'a.md']) {
      accepted(await workspace.writeFile({ path, content: path }, by('A')));
    }
    expect(await workspace.listFiles()).toEqual({ ok: true, files: ['a.md', 'b.md', 'docs/a.md'], truncated: true });
    const glob = async (pattern: string): Promise<readonly string[]> =>
      accepted(await workspace.listFiles({ glob: pattern })).files;
    expect(await glob('*.md')).toEqual(['a.md', 'b.md']);
    expect(await glob('**/*.md')).toEqual(['a.md', 'b.md', 'docs/a.md']);
    expect(await glob('docs/**')).toEqual(['docs/a.md', 'docs/deep/c.txt']);
    expect(refused(await workspace.listFiles({ glob: '*'.repeat(300) })).code).toBe('INVALID_ARGUMENTS');
    await workspace.close();
  });

  test('nothing is taken after close, and no author may break a commit', async () => {
    const { workspace } = await openWorkspace();
    await expect(workspace.writeFile({ path: 'a', content: '' }, by('A\nB'))).rejects.toMatchObject({ code: 'USAGE' });
    await workspace.close();
    await expect(workspace.readFile({ path: 'a' })).rejects.toMatchObject({ code: 'SYSTEM_STOPPED' });
    await expect(workspace.appendFile({ path: 'a', content: '' }, by('A'))).rejects.toMatchObject({
      code: 'SYSTEM_STOPPED',
    });
  });
});

describe('W3: effect ids', () => {
  test('a repeat gets the first answer and changes nothing', async () => {
    const { workspace } = await openWorkspace();
    const append = by('A', 'A/1/tool0');
    const first = await workspace.appendFile({ path: 'log', content: 'one' }, append);
    accepted(await workspace.appendFile({ path: 'log', content: 'two' }, by('B')));
    expect(await workspace.appendFile({ path: 'log', content: 'one' }, append)).toEqual(first);
    expect(accepted(await workspace.readFile({ path: 'log' })).content).toBe('one\ntwo\n');
    await workspace.close();
  });

  test('repeats at the same time act once', async () => {
    const { workspace } = await openWorkspace();
    const append = by('A', 'A/1/tool0');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => workspace.appendFile({ path: 'log', content: 'one' }, append)),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(accepted(await workspace.readFile({ path: 'log' })).content).toBe('one\n');
    await workspace.close();
  });

  test('calls without an effect id are all different', async () => {
    const { workspace } = await openWorkspace();
    const call = { effectId: null, author: 'A' };
    await Promise.all(['1', '2', '3'].map((content) => workspace.appendFile({ path: 'log', content }, call)));
    expect(accepted(await workspace.readFile({ path: 'log' })).content).toBe('1\n2\n3\n');
    await workspace.close();
  });
});

describe('moving, removing, bytes', () => {
  test('W2: a file is removed by who had read it as it is, and its history stays', async () => {
    const { workspace, directory } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    const { base: next } = accepted(await workspace.writeFile({ path: 'a', content: 'two\n', base }, by('B')));
    const error = refused(await workspace.removeFile({ path: 'a', base }, by('A')));
    expect(error).toMatchObject({ code: 'CONFLICT', current: 'two\n', base: next });
    const call = by('A', 'A/1/remove');
    expect(await workspace.removeFile({ path: 'a', base: next }, call)).toEqual({ ok: true });
    expect(await workspace.removeFile({ path: 'a', base: next }, call)).toEqual({ ok: true });
    expect(refused(await workspace.readFile({ path: 'a' })).code).toBe('NOT_FOUND');
    expect(refused(await workspace.removeFile({ path: 'a', base: next }, by('A'))).code).toBe('NOT_FOUND');
    expect(workspace.stats().files).toBe(0);
    accepted(await workspace.writeFile({ path: 'a', content: 'three\n' }, by('C')));
    await workspace.finish();
    expect(git(directory, 'show', 'HEAD:a')).toBe('three\n');
    await workspace.close();
  });

  test('a moved file holds what it held; a taken name is EXISTS; others’ writes to the old name are told', async () => {
    const { workspace } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    expect(await workspace.moveFile({ path: 'a', to: 'd/b' }, by('A'))).toEqual({ ok: true, base });
    expect(accepted(await workspace.readFile({ path: 'd/b' })).content).toBe('one\n');
    const late = await workspace.writeFile({ path: 'a', content: 'two\n', base }, by('B'));
    expect(refused(late).code).toBe('NOT_FOUND');
    accepted(await workspace.writeFile({ path: 'c', content: 'c' }, by('A')));
    expect(refused(await workspace.moveFile({ path: 'c', to: 'd/b' }, by('A')))).toMatchObject({
      code: 'EXISTS',
      current: 'one\n',
    });
    expect(refused(await workspace.moveFile({ path: 'c', to: 'd' }, by('A'))).code).toBe('BAD_PATH');
    expect(refused(await workspace.moveFile({ path: 'c', to: '../c' }, by('A'))).code).toBe('BAD_PATH');
    expect(refused(await workspace.moveFile({ path: 'x', to: 'y' }, by('A'))).code).toBe('NOT_FOUND');
    expect(accepted(await workspace.listFiles()).files).toEqual(['c', 'd/b']);
    await workspace.close();
  });

  test('bytes come back as they were; agents are told their size; they are never merged', async () => {
    const { workspace, directory, reopen } = await openWorkspace();
    const bytes = new Uint8Array([0xff, 0xfe, 0, 1, 2]);
    const { base } = accepted(await workspace.writeFile({ path: 'x.png', content: bytes }, by('A')));
    bytes[0] = 0;
    const read = accepted(await workspace.readBytes({ path: 'x.png' }));
    expect([...read.bytes]).toEqual([0xff, 0xfe, 0, 1, 2]);
    expect(refused(await workspace.readFile({ path: 'x.png' }))).toMatchObject({
      code: 'NOT_ALLOWED',
      message: 'x.png is not text but 5 bytes.',
    });
    expect(refused(await workspace.appendFile({ path: 'x.png', content: 'x' }, by('B'))).code).toBe('NOT_ALLOWED');
    expect(refused(await workspace.writeFile({ path: 'x.png', content: 'x' }, by('B')))).toMatchObject({
      code: 'EXISTS',
      current: '',
      base,
    });
    accepted(await workspace.writeFile({ path: 'x.png', content: new Uint8Array([0xff]), base }, by('B')));
    const stale = await workspace.writeFile({ path: 'x.png', content: new Uint8Array([0xfe]), base }, by('C'));
    expect(refused(stale).code).toBe('CONFLICT');
    // Both would put the same pack into the same place at the same time, which the lease of a run forbids.
    await workspace.flush();
    const opened = await reopen();
    await opened.workspace.finish();
    expect([...readFileSync(join(directory, 'x.png'))]).toEqual([0xff]);
    await opened.workspace.close();
  });
});
