/** Programs by their owner, with files that come from somewhere and go back there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AgentPrograms, type OwnedFiles, type ProgramAnswer, type Sandbox } from '../../src/sandbox/index.ts';
import { blobId } from '../../src/sandbox/files.ts';
import { openSmall, whyNoSandbox } from './support.ts';

const missing = await whyNoSandbox();

/** Files of all owners together, as plain as can be: a change is taken when its base is what there is. */
class Files {
  readonly content = new Map<string, string>();

  of(owner: string): OwnedFiles {
    return {
      export: async (directory) => {
        for (const [path, text] of this.content) {
          mkdirSync(join(directory, dirname(path)), { recursive: true });
          writeFileSync(join(directory, path), text);
        }
        return await Promise.resolve([...this.content].map(([path, text]) => ({ path, base: this.#base(text) })));
      },
      bringBack: async (changes) =>
        await Promise.resolve(
          changes.map(({ path, content, base }) => {
            const now = this.content.get(path);
            const isSame = (now === undefined ? null : this.#base(now)) === base;
            if (!isSame) return { path, status: 'conflict' as const, message: `somebody was faster than ${owner}` };
            if (content === null) this.content.delete(path);
            else this.content.set(path, Buffer.from(content).toString());
            return { path, status: content === null ? ('removed' as const) : ('written' as const) };
          }),
        ),
    };
  }

  #base(text: string): string {
    return blobId(Buffer.from(text));
  }
}

const TALKER =
  'import sys\nopen("heard", "w").close()\nfor line in sys.stdin:\n  open("heard", "a").write(line)\n  print("you said", line.strip())\nprint("bye")';
const SLEEPER = 'import time\nopen("begun", "w").write("begun")\nprint("begun")\ntime.sleep(600)';

const ended = (stdout: string, more: object = {}): object => ({
  ok: true,
  running: false,
  exitCode: 0,
  signal: null,
  stdout,
  stderr: '',
  truncated: false,
  ...more,
});

describe.skipIf(missing !== null)('programs by their owner', () => {
  let sandbox: Sandbox;
  let files: Files;
  let programs: AgentPrograms;

  beforeAll(async () => {
    sandbox = await openSmall({ limits: { stepMs: 200 } });
  });
  afterAll(() => sandbox.close());

  const begin = (content: Record<string, string>): void => {
    files = new Files();
    for (const [path, text] of Object.entries(content)) files.content.set(path, text);
    programs = new AgentPrograms({ sandbox, filesOf: (owner) => files.of(owner) });
  };

  /** Looks until the program says what is waited for: a whole line, since Python writes its end by itself. */
  const until = async (owner: string, text: string, first: ProgramAnswer): Promise<ProgramAnswer> => {
    let answer = first;
    let said = '';
    for (let look = 0; look < 150; look += 1) {
      if (!answer.ok) return answer;
      said += answer.stdout;
      if (said.includes(text)) return answer;
      answer = await programs.send(owner, '');
    }
    throw new Error(`it never said ${text}`);
  };

  /** Looks until it has ended: the last answer, with all that it has printed. */
  const toEnd = async (owner: string, first: ProgramAnswer): Promise<ProgramAnswer> => {
    let answer = first;
    let stdout = '';
    for (let look = 0; look < 100; look += 1) {
      if (!answer.ok) return answer;
      stdout += answer.stdout;
      if (!answer.running) return { ...answer, stdout };
      answer = await programs.send(owner, '');
    }
    throw new Error('it does not end');
  };

  test('Q2 what it changed is there when it has ended, and what clashes is named', async () => {
    begin({
      'main.py': 'import os\nopen("a", "a").write("!")\nopen("b", "w").write("b")\nos.remove("c")\nprint("done")',
      a: 'a',
      c: 'c',
    });
    const before = files.of('A');
    const slow: OwnedFiles = {
      export: async (directory) => {
        const seen = await before.export(directory);
        files.content.set('a', 'changed meanwhile');
        return seen;
      },
      bringBack: (changes) => before.bringBack(changes),
    };
    programs = new AgentPrograms({ sandbox, filesOf: () => slow });
    expect(await toEnd('A', await programs.run('A', { path: 'main.py' }))).toEqual(
      ended('done\n', {
        files: { written: ['b'], removed: ['c'], left: [{ path: 'a', why: 'somebody was faster than A' }] },
      }),
    );
    expect(Object.fromEntries(files.content)).toMatchObject({ a: 'changed meanwhile', b: 'b' });
    expect(files.content.has('c')).toBe(false);
  });

  test('Q1 a second program is BUSY until the first has ended, others run theirs', async () => {
    begin({ 'talker.py': TALKER, 'quick.py': 'print("quick")' });
    const first = await programs.run('A', { path: 'talker.py' });
    expect(first).toMatchObject({ ok: true, running: true });
    expect(await programs.run('A', { path: 'quick.py' })).toMatchObject({ ok: false, error: { code: 'BUSY' } });
    expect(await toEnd('B', await programs.run('B', { path: 'quick.py' }))).toEqual(ended('quick\n'));
    await until('A', 'you said one\n', await programs.send('A', 'one\n'));
    const last = await toEnd('A', await programs.send('A', 'two\n\u0004'));
    expect(last).toEqual(ended('you said two\nbye\n', { files: { written: ['heard'] } }));
    expect(files.content.get('heard')).toBe('one\ntwo\n');
    expect(await programs.send('A', '')).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    expect(await toEnd('A', await programs.run('A', { path: './quick.py' }))).toEqual(ended('quick\n'));
  });

  test('Q2 Q3 one that ends when nobody looks brings its files back, and how it ended is kept', async () => {
    begin({ 'main.py': 'import time\ntime.sleep(1.5)\nopen("late", "w").write("late")\nprint("late")' });
    expect(await programs.run('A', { path: 'main.py' })).toMatchObject({ running: true, stdout: '' });
    await expect.poll(() => files.content.get('late')).toBe('late');
    expect(await toEnd('A', await programs.send('A', ''))).toEqual(ended('late\n', { files: { written: ['late'] } }));
  });

  test('B2 Ctrl-C ends it and keeps its files; so do the end of its owner and of the run, after which nothing starts', async () => {
    begin({ 'main.py': SLEEPER });
    await until('A', 'begun\n', await programs.run('A', { path: 'main.py' }));
    const stopped = ended('', {
      exitCode: null,
      signal: 'SIGKILL',
      ended: 'it was stopped',
      files: { written: ['begun'] },
    });
    expect(await programs.send('A', '\u0003')).toEqual(stopped);
    for (const end of [() => programs.release('A'), () => programs.finish()]) {
      files.content.delete('begun');
      await until('A', 'begun\n', await programs.run('A', { path: 'main.py' }));
      await end();
      expect(files.content.get('begun')).toBe('begun');
      expect(await programs.send('A', '')).toMatchObject({ error: { code: 'NOT_FOUND' } });
    }
    expect(await programs.run('A', { path: 'main.py' })).toMatchObject({ error: { code: 'REJECTED' } });
  });

  test('input that is closed, or that nobody reads, is refused', async () => {
    begin({ 'main.py': SLEEPER });
    const first = await programs.run('A', { path: 'main.py', stdin: 'all of it' });
    expect(first).toMatchObject({ running: true });
    expect(await programs.send('A', 'more')).toMatchObject({ error: { code: 'NOT_ALLOWED' } });
    await programs.release('A');
    await programs.run('A', { path: 'main.py' });
    const lots = 'x'.repeat(12 * 1024 * 1024);
    await programs.send('A', lots);
    expect(await programs.send('A', lots)).toMatchObject({ error: { code: 'TOO_LARGE' } });
    await programs.release('A');
  });

  test('what is no program, and one that finds no place in time, is refused and leaves nothing behind', async () => {
    begin({ 'main.py': SLEEPER, 'quick.py': 'print("quick")' });
    expect(await programs.run('A', { path: 'nothing.py' })).toMatchObject({ error: { code: 'INVALID_ARGUMENTS' } });
    expect(await programs.run('A', { path: 'main.rb' })).toMatchObject({ error: { code: 'INVALID_ARGUMENTS' } });
    const narrow = await openSmall({ runningMax: 1, limits: { stepMs: 10 } });
    try {
      const filesOf = (owner: string): OwnedFiles => files.of(owner);
      programs = new AgentPrograms({ sandbox: narrow, filesOf, queueMs: 50 });
      expect(await programs.run('A', { path: 'main.py' })).toMatchObject({ running: true });
      expect(await programs.run('B', { path: 'quick.py' })).toMatchObject({ error: { code: 'BUSY' } });
      await programs.release('A');
      expect(await programs.run('B', { path: 'quick.py' })).toMatchObject({ ok: true });
    } finally {
      await narrow.close();
    }
  });
});
