import { describe, expect, test } from 'vitest';
import { accepted, by, git, openWorkspace, refused, soundness } from './support/harness.ts';

describe('W6: many at once', () => {
  test('a hundred agents append to one file: every line is there once, whole, and nobody is refused', async () => {
    const { workspace, directory } = await openWorkspace();
    const names = Array.from({ length: 100 }, (_, number) => `Agent${number}`);
    await Promise.all(
      names.map(async (name) => {
        for (let step = 0; step < 5; step += 1) {
          accepted(await workspace.appendFile({ path: 'shared.md', content: `${name} says ${step}` }, by(name)));
        }
      }),
    );
    const { content } = accepted(await workspace.readFile({ path: 'shared.md' }));
    const expected = names.flatMap((name) => [0, 1, 2, 3, 4].map((step) => `${name} says ${step}`));
    expect(content.trimEnd().split('\n').sort()).toEqual(expected.sort());
    expect(workspace.stats()).toMatchObject({ files: 1, conflicts: 0 });
    await workspace.finish();
    expect(soundness(directory)).toEqual({ fsck: '', status: '' });
    expect(git(directory, 'show', 'HEAD:shared.md')).toBe(content);
    await workspace.close();
  });

  test('a hundred agents change their own line of one file: all merge, without a refusal', async () => {
    const { workspace } = await openWorkspace();
    const lines = Array.from({ length: 100 }, (_, number) => `row ${number}: open`);
    const { base } = accepted(await workspace.writeFile({ path: 'table', content: lines.join('\n') }, by('Boss')));
    await Promise.all(
      lines.map(async (line, number) => {
        const content = lines.with(number, line.replace('open', 'done')).join('\n');
        accepted(await workspace.writeFile({ path: 'table', content, base }, by(`Agent${number}`)));
      }),
    );
    const { content } = accepted(await workspace.readFile({ path: 'table' }));
    expect(content).toBe(lines.join('\n').replaceAll('open', 'done'));
    expect(workspace.stats()).toMatchObject({ conflicts: 0, merges: 99 });
    await workspace.close();
  });

  test('W2: of many who count in one line, one wins at a time and every other is told', async () => {
    const { workspace } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'counter', content: '0 by Boss' }, by('Boss')));
    const count = async (agent: number): Promise<void> => {
      let read = { content: '0 by Boss', base };
      for (let tries = 0; tries < 100; tries += 1) {
        const content = `${Number.parseInt(read.content, 10) + 1} by ${agent}`;
        const result = await workspace.writeFile({ path: 'counter', content, base: read.base }, by(`Agent${agent}`));
        if (result.ok) return;
        const error = refused(result);
        if (error.code !== 'CONFLICT') throw new Error(error.code);
        read = { content: error.current, base: error.base };
      }
      throw new Error('starved');
    };
    await Promise.all(Array.from({ length: 20 }, (_, agent) => count(agent)));
    const { content } = accepted(await workspace.readFile({ path: 'counter' }));
    expect(Number.parseInt(content, 10)).toBe(20);
    await workspace.close();
  });

  test('G4: the backlog is bounded; writers wait and lose nothing', async () => {
    const limits = { backlogCountMax: 8, batchCountMax: 4, commitDelayMs: 1 };
    const { workspace } = await openWorkspace({ limits, sync: false });
    await Promise.all(
      Array.from({ length: 200 }, (_, number) => workspace.writeFile({ path: `f${number}`, content: 'x' }, by('A'))),
    );
    await workspace.flush();
    expect(accepted(await workspace.listFiles()).files).toHaveLength(200);
    expect(workspace.stats().commits).toBeGreaterThanOrEqual(20);
    await workspace.close();
  });

  test('two who make the same new file at once: one makes it, the other hears EXISTS', async () => {
    const { workspace } = await openWorkspace();
    const results = await Promise.all(
      ['one', 'two'].map((content) => workspace.writeFile({ path: 'new', content }, by(content))),
    );
    expect(results.map((result) => result.ok)).toEqual([true, false]);
    const clashing = await Promise.all([
      workspace.writeFile({ path: 'x', content: '' }, by('A')),
      workspace.writeFile({ path: 'x/y', content: '' }, by('B')),
    ]);
    expect(clashing.filter((result) => result.ok)).toHaveLength(1);
    await workspace.close();
  });
});
