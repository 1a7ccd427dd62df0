/**
 * A real terminal (a pty by `script` of util-linux): Z1 it is as before after every kind of end, Z3 and without one there
 * is no escape code.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, 'on-terminal.ts');
const ENTER = '\u001B[?1049h';
const LEAVE = '\u001B[?1049l';
const HIDE = '\u001B[?25l';
const SHOW = '\u001B[?25h';
const AFTER = 'AFTER:';

const hasPty =
  process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0;

const environment = (env: Record<string, string>): Record<string, string | undefined> => ({
  ...process.env,
  NODE_OPTIONS: '',
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  CI: undefined,
  TERM: 'xterm-256color',
  LC_ALL: 'C.UTF-8',
  ...env,
});

interface Ended {
  readonly text: string;
  readonly code: number | null;
}

const ended = (child: ReturnType<typeof spawn>, onText: (text: string) => void): Promise<Ended> => {
  let text = '';
  const add = (chunk: Buffer): void => {
    text += chunk.toString();
    onText(text);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return new Promise((resolve) => child.on('close', (code) => resolve({ text, code })));
};

/** @param type keys, each sent once the text before it was seen */
const onTerminal = (
  how: string,
  type: readonly (readonly [seen: string, keys: string])[] = [],
  env: Record<string, string> = {},
): Promise<Ended> => {
  const node = `'${process.execPath}' --disable-warning=ExperimentalWarning '${PROGRAM}' ${how}`;
  const command = `stty cols 80 rows 24; ${node}; echo "${AFTER} code=$?"; stty -a`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(env),
  });
  const waiting = [...type];
  let from = 0;
  return ended(child, (text) => {
    const [next] = waiting;
    const at = next === undefined ? -1 : text.indexOf(next[0], from);
    if (next === undefined || at < 0) return;
    from = at + next[0].length;
    waiting.shift();
    child.stdin.write(next[1]);
  }).finally(() => child.stdin.destroy());
};

const expectRestored = (text: string): void => {
  const [during = '', after = ''] = text.split(AFTER);
  expect(during.split(ENTER)).toHaveLength(2);
  expect(during.split(LEAVE)).toHaveLength(2);
  expect(during.indexOf(ENTER)).toBeLessThan(during.indexOf(LEAVE));
  expect(during.lastIndexOf(HIDE)).toBeLessThan(during.lastIndexOf(SHOW));
  // From there on nothing but text; Node itself prints an exception in colours.
  // oxlint-disable-next-line no-control-regex
  expect(during.slice(during.indexOf(LEAVE) + LEAVE.length)).not.toMatch(/\u001B(?!\[[\d;]*m)/u);
  // A terminal in its usual mode.
  expect(after).toMatch(/(?<!-)icanon/u);
  expect(after).toMatch(/(?<!-)\becho\b/u);
};

describe.runIf(hasPty)('a terminal', () => {
  test.concurrent.each([
    ['return', 0, 'completed'],
    ['reject', 1, 'the run broke'],
    ['throw', 1, 'thrown from a timer'],
    ['reject-unhandled', 1, 'nobody handles this'],
    ['exit', 9, ''],
    ['interrupt-twice', 130, 'Ended at once'],
  ])('is as before after %s', async (how, code, said) => {
    const { text } = await onTerminal(how);
    expect(text).toContain('Admin2');
    expectRestored(text);
    expect(text).toContain(`${AFTER} code=${code}`);
    // What is said at the end is said on the usual screen.
    expect(text.slice(text.indexOf(LEAVE))).toContain(said);
  });

  test.concurrent('takes keys: opens an agent, goes back, quits', async () => {
    const { text } = await onTerminal(
      'keys',
      [
        ['Admin2', 'j'],
        ['›   Admin0', '\r'],
        ['Admin0, admin of Boss', '\u001B'],
        ['›   Admin0', 'q'],
      ],
      { NO_COLOR: '1' },
    );
    expect(text).toContain('Admin0, admin of Boss');
    expectRestored(text);
    expect(text).toContain(`${AFTER} code=3`);
  });

  test.concurrent('Ctrl-C arrives as a key: once pauses', async () => {
    const { text } = await onTerminal('keys', [['Admin2', '\u0003']]);
    expectRestored(text);
    expect(text).toContain(`${AFTER} code=3`);
  });

  test.concurrent('has colours, and none with NO_COLOR', async () => {
    // oxlint-disable-next-line no-control-regex
    const colour = /\u001B\[[\d;]*m/u;
    expect((await onTerminal('return')).text).toMatch(colour);
    const { text } = await onTerminal('return', [], { NO_COLOR: '1' });
    expect(text).not.toMatch(colour);
    expect(text).toContain(ENTER);
  });

  test.concurrent('that is dumb gets plain lines', async () => {
    const { text } = await onTerminal('return', [], { TERM: 'dumb' });
    expect(text.split(AFTER)[0]).not.toContain('\u001B');
    expect(text).toContain('Run run-1 (Ctrl-C pauses it).');
  });
});

test('without a terminal no escape code is written', async () => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, 'return'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment({ FORCE_COLOR: '1' }),
  });
  const { text, code } = await ended(child, () => undefined);
  expect(code).toBe(0);
  expect(text).not.toContain('\u001B');
  expect(text).toContain('Run run-1 (Ctrl-C pauses it).');
  expect(text).toContain('completed');
});
