/** The live view of a run on a terminal that records: L1, L2, and who is told of which key. */
import { describe, expect, test } from 'vitest';
import { watchRun } from '../../../src/cli/watch.ts';
import type { Key } from '../../../src/cli/view/navigation.ts';
import type { Terminal } from '../../../src/cli/view/terminal.ts';
import type { EventRecord } from '../../../src/protocol/event.ts';
import { EventChannel } from '../../../src/run/event-channel.ts';
import { progressOf, recorder, summaryOf, type Recorded } from '../fixtures.ts';
import { event, societyEvents } from './society.ts';

class FakeTerminal implements Terminal {
  readonly colours = false;
  readonly unicode = true;
  readonly keys = true;
  readonly pictures: (readonly string[])[] = [];
  columns = 80;
  closes = 0;
  suspensions = 0;
  press: (key: Key) => void = () => undefined;
  resized: () => void = () => undefined;
  size = () => ({ columns: this.columns, rows: 24 });
  draw = (lines: readonly string[]): void => {
    if (this.closes > 0) throw new Error('drawn after the end');
    this.pictures.push(lines);
  };
  onKey = (listener: (key: Key) => void): void => void (this.press = listener);
  onResize = (listener: () => void): void => void (this.resized = listener);
  suspend = (): void => void (this.suspensions += 1);
  close = (): void => void (this.closes += 1);
  get last(): string {
    return this.pictures.at(-1)?.join('\n') ?? '';
  }
}

interface Watched extends Recorded {
  readonly terminal: FakeTerminal;
  readonly signal: AbortSignal;
  readonly waitForAnswers: AbortSignal;
  /** Agents and what they were told. */
  readonly told: (readonly [string, string])[];
  readonly code: Promise<number>;
  readonly events: EventChannel;
  /** Feeds events and waits until they were read. */
  readonly feed: (events: readonly EventRecord[]) => Promise<void>;
}

const watched = async (options: { json?: boolean; quiet?: boolean } = {}): Promise<Watched> => {
  const terminal = new FakeTerminal();
  const recorded = recorder();
  const events = new EventChannel();
  const opened: FakeTerminal[] = [];
  let signals: readonly [AbortSignal, AbortSignal] | undefined;
  const told: (readonly [string, string])[] = [];
  const tell = (agent: string, text: string): Promise<void> => {
    if (agent === 'Gone') return Promise.reject(new Error('nobody is called Gone'));
    told.push([agent, text]);
    return Promise.resolve();
  };
  const code = watchRun(
    (...given) => {
      signals = given;
      return { ...recorded.current.run, tell, events };
    },
    {
      json: options.json === true,
      quiet: options.quiet === true,
      synthetic: 'rehearsal',
      unprotected: false,
      kept: true,
    },
    {
      ...recorded.context,
      openTerminal: () => {
        opened.push(terminal);
        return terminal;
      },
    },
  );
  await recorded.begun();
  expect(opened).toHaveLength(options.quiet === true ? 0 : 1);
  const feed = async (fed: readonly EventRecord[]): Promise<void> => {
    for (const one of fed) events.push(one);
    await new Promise(setImmediate);
  };
  const [signal, waitForAnswers] = signals ?? [];
  if (signal === undefined || waitForAnswers === undefined) throw new Error('the run was not started');
  return Object.assign(recorded, { terminal, signal, waitForAnswers, told, code, events, feed });
};

const key = (name: string, ctrl = false): Key => ({ name, ctrl });

describe('drawing (L1)', () => {
  test('once a period at most, and not when nothing changed', async () => {
    const { terminal, clock, feed } = await watched();
    expect(terminal.pictures).toHaveLength(1);
    await feed(societyEvents(3, 3));
    expect(terminal.pictures).toHaveLength(1);
    clock.period();
    expect(terminal.pictures).toHaveLength(2);
    expect(terminal.last).toContain('Admin2');
    clock.period();
    clock.period();
    expect(terminal.pictures).toHaveLength(2);
    await feed([event('turn', 'Admin2', { mail: 1 }), event('turn', 'Admin1', { mail: 1 })]);
    clock.period();
    expect(terminal.pictures).toHaveLength(3);
  });

  test('after a key, another size and other progress', async () => {
    const { terminal, clock, current, feed } = await watched();
    await feed(societyEvents(3, 3));
    clock.period();
    terminal.press(key('down'));
    clock.period();
    expect(terminal.last).toContain('› ');
    terminal.columns = 120;
    terminal.resized();
    clock.period();
    expect(terminal.pictures.at(-1)?.some((line) => line.length > 80)).toBe(true);
    const before = terminal.pictures.length;
    current.progress = progressOf({ modelCalls: 77 });
    clock.period();
    expect(terminal.pictures).toHaveLength(before + 1);
    expect(terminal.last).toContain('77, 2 in flight');
  });
});

describe('keys', () => {
  test.each(['p', 'q'])('%s pauses the run once, and the view stays', async (name) => {
    const { terminal, clock, signal, exits, stderr } = await watched();
    terminal.press(key(name));
    terminal.press(key(name));
    terminal.press(key('p'));
    expect(signal.aborted).toBe(true);
    expect(exits).toEqual([]);
    clock.period();
    expect(terminal.last).toContain('pausing');
    expect(terminal.closes).toBe(0);
    expect(stderr).not.toContain('Pausing');
  });

  test('q says that quitting pauses', async () => {
    const { terminal, clock } = await watched();
    terminal.press(key('q'));
    clock.period();
    expect(terminal.last).toContain('Quitting means pausing');
    expect(terminal.last).toContain('2 model calls in flight');
  });

  test('p and then Ctrl-C ends at once, with the terminal given back before', async () => {
    const watching = await watched();
    const { terminal } = watching;
    terminal.press(key('p'));
    terminal.press(key('c', true));
    expect(terminal.closes).toBe(1);
    expect(watching.exits).toEqual([130]);
    expect(watching.stderr).toMatch(/Ended at once/u);
  });

  test('a signal and the key Ctrl-C count together', async () => {
    const watching = await watched();
    watching.interrupt();
    expect(watching.signal.aborted).toBe(true);
    watching.terminal.press(key('c', true));
    expect(watching.exits).toEqual([130]);
  });

  test('Ctrl-Z goes to the terminal', async () => {
    const { terminal } = await watched();
    terminal.press(key('z', true));
    expect(terminal.suspensions).toBe(1);
  });
});

describe('questions to the person', () => {
  const asked = (id: number, agent: string, kind: 'question' | 'approval', text: string): EventRecord =>
    event('human', agent, { status: 'asked', kind, question: id, text });
  const type = (terminal: FakeTerminal, text: string): void => {
    for (const point of text) terminal.press(key(point === ' ' ? 'space' : point));
  };

  test('a key opens the oldest, what is typed goes to its agent, and tab goes on to the next', async () => {
    const { terminal, clock, told, feed } = await watched();
    terminal.press(key('a'));
    clock.period();
    expect(terminal.last).not.toContain('answer (');
    await feed([
      ...societyEvents(2, 2),
      asked(2, 'Admin2', 'approval', 'write a.md\n  + x'),
      asked(1, 'Admin1', 'question', 'Which town?'),
    ]);
    clock.period();
    expect(terminal.last).toContain('a answer (2)');
    terminal.press(key('a'));
    clock.period();
    expect(terminal.last).toContain('#1 Admin1 asks (1 of 2)');
    expect(terminal.last).toContain('Which town?');
    type(terminal, 'São Paulx');
    terminal.press(key('backspace'));
    type(terminal, 'o q p');
    clock.period();
    expect(terminal.last).toContain('> São Paulo q p_');
    terminal.press(key('return'));
    expect(told).toEqual([['Admin1', '#1 São Paulo q p']]);
    await feed([event('human', 'Admin1', { status: 'answered', kind: 'question', question: 1 })]);
    clock.period();
    expect(terminal.last).toContain('#2 Admin2 waits for your consent');
    expect(terminal.last).toContain('  + x');
    terminal.press(key('return'));
    expect(told).toHaveLength(1);
    type(terminal, 'approve');
    terminal.press(key('return'));
    await feed([event('human', 'Admin2', { status: 'approved', kind: 'approval', question: 2 })]);
    clock.period();
    expect(told.at(-1)).toEqual(['Admin2', '#2 approve']);
    expect(terminal.last).not.toContain('answer (');
    expect(terminal.last).toContain('Admin2 was told.');
  });

  test('escape leaves the line; Ctrl-C pauses from there as well; what cannot be told is said', async () => {
    const { terminal, clock, signal, told, feed } = await watched();
    await feed([asked(0, 'Boss', 'approval', 'The plan')]);
    terminal.press(key('a'));
    type(terminal, 'x');
    terminal.press(key('escape'));
    clock.period();
    expect(terminal.last).toContain('a answer (1)');
    terminal.press(key('a'));
    type(terminal, 'approve');
    terminal.press(key('return'));
    expect(told).toEqual([['Boss', '#0 approve']]);
    await feed([event('human', 'Boss', { status: 'approved', kind: 'approval', question: 0 })]);
    clock.period();
    expect(terminal.last).toContain('Your decision on the plan was taken.');
    await feed([asked(3, 'Gone', 'question', 'Who?')]);
    terminal.press(key('a'));
    terminal.press(key('tab'));
    type(terminal, 'me');
    terminal.press(key('return'));
    await feed([]);
    clock.period();
    expect(terminal.last).toContain('Gone could not be told: nobody is called Gone');
    expect(terminal.last).toContain('> me_');
    terminal.press(key('c', true));
    expect(signal.aborted).toBe(true);
  });

  test('what is decided on is what was shown: of a plan, this one; what was typed for another is not sent at once (Q2)', async () => {
    const { terminal, clock, told, feed } = await watched();
    const plan = (number: number): EventRecord =>
      event('human', 'Boss', { status: 'asked', kind: 'approval', question: 0, text: `Plan ${number}`, plan: number });
    await feed([plan(1)]);
    terminal.press(key('a'));
    type(terminal, 'approve');
    await feed([event('human', 'Boss', { status: 'denied', kind: 'approval', question: 0, plan: 1 }), plan(2)]);
    terminal.press(key('return'));
    expect(told).toEqual([]);
    clock.period();
    expect(terminal.last).toContain('#0.2 Boss waits for your consent');
    expect(terminal.last).toContain('Plan 2');
    expect(terminal.last).toContain('is not asked any more');
    expect(terminal.last).toContain('> approve_');
    terminal.press(key('return'));
    expect(told).toEqual([['Boss', '#0.2 approve']]);
    await feed([asked(1, 'Admin1', 'question', 'Which town?'), asked(2, 'Admin2', 'question', 'Which river?')]);
    terminal.press(key('a'));
    type(terminal, 'Ur');
    terminal.press(key('tab'));
    terminal.press(key('return'));
    expect(told.at(-1)).toEqual(['Admin1', '#1 Ur']);
  });

  test('a long text is read to its end with the keys that move elsewhere', async () => {
    const { terminal, clock, feed } = await watched();
    const lines = Array.from({ length: 60 }, (_, line) => `line ${line} of the text`);
    await feed([
      asked(1, 'Boss', 'approval', [...lines, `${'x'.repeat(3_000)}the end`].join('\n')),
      asked(2, 'Boss', 'question', 'Short?'),
    ]);
    const seen = (): string => {
      clock.period();
      return terminal.last;
    };
    terminal.press(key('a'));
    expect(seen()).toContain('line 0 of the text');
    expect(terminal.last).toMatch(/↓ \d+ more lines/u);
    const all = new Set<string>();
    for (let page = 0; page < 100 && !all.has('the end'); page += 1) {
      for (const line of [...lines, 'the end']) if (seen().includes(line)) all.add(line);
      terminal.press(key('pagedown'));
    }
    expect(all.size).toBe(61);
    expect(terminal.last).not.toContain('↓');
    terminal.press(key('up'));
    expect(seen()).toContain('↓ 1 more line ');
    terminal.press(key('home'));
    expect(seen()).toContain('line 0 of the text');
    terminal.press(key('down'));
    expect(seen()).not.toContain('line 0 of the text');
    expect(terminal.last).toContain('↑ 1 more line ');
    terminal.press(key('pagedown'));
    terminal.press(key('pageup'));
    expect(seen()).toContain('↑ 1 more line ');
    terminal.press(key('end'));
    expect(seen()).toContain('the end');
    // Every question is read from its beginning, and keys that move are not typed.
    terminal.press(key('tab'));
    expect(seen()).toContain('Short?');
    expect(terminal.last).toContain('> _');
    expect(terminal.last).not.toMatch(/[↑↓] \d+ more/u);
  });

  test('a run in which only questions are open waits a minute after the last key, and ten while one is read', async () => {
    const { terminal, clock, waitForAnswers, feed } = await watched();
    await feed([asked(1, 'Boss', 'question', 'Which town?'), event('human', undefined, { status: 'waiting' })]);
    const pass = (ms: number): void => {
      clock.nowMs += ms;
      clock.period();
    };
    pass(0);
    pass(59_000);
    terminal.press(key('down'));
    pass(0);
    pass(59_000);
    terminal.press(key('a'));
    pass(0);
    pass(599_000);
    terminal.press(key('x'));
    pass(0);
    pass(599_000);
    expect(waitForAnswers.aborted).toBe(false);
    terminal.press(key('escape'));
    pass(0);
    // Somebody works again: nothing is waited for.
    await feed([event('turn', 'Boss', { mail: 1, time: '2026-11-21T06:47:43.317Z' })]);
    pass(600_000);
    expect(waitForAnswers.aborted).toBe(false);
    await feed([event('human', undefined, { status: 'waiting', time: '2026-11-21T06:47:43.318Z' })]);
    pass(0);
    pass(60_000);
    expect(waitForAnswers.aborted).toBe(true);
  });

  test('events of threads that come late do not make it wait without end', async () => {
    const { clock, waitForAnswers, feed } = await watched();
    await feed([
      asked(1, 'Boss', 'question', 'Which town?'),
      event('human', undefined, { status: 'waiting' }),
      event('turn', 'Boss', { mail: 1, time: '2026-11-21T06:47:43.315Z' }),
      event('modelCall', 'Boss', { class: 'prose' }),
      event('step', 'Boss', { open: false, time: '2026-11-21T06:47:43.317Z' }),
      event('commit', undefined, { time: '2026-11-21T06:47:44.000Z' }),
      event('human', 'Boss', { status: 'withdrawn', question: 7, time: '2026-11-21T06:47:44.000Z' }),
    ]);
    clock.period();
    clock.nowMs += 60_000;
    clock.period();
    expect(waitForAnswers.aborted).toBe(true);
  });

  test('it does not wait without end with a question open that nobody answers', async () => {
    const { terminal, clock, waitForAnswers, feed } = await watched();
    await feed([asked(1, 'Boss', 'question', 'Which town?'), event('human', undefined, { status: 'waiting' })]);
    terminal.press(key('a'));
    clock.period();
    clock.nowMs += 600_000;
    clock.period();
    expect(waitForAnswers.aborted).toBe(true);
  });
});

describe('the end (L2)', () => {
  test('the terminal is given back before the summary, and no timer is left', async () => {
    const watching = await watched();
    let closesAtSummary = 0;
    const { terminal } = watching;
    Object.defineProperty(watching, 'stdout', {
      set: () => {
        closesAtSummary = terminal.closes;
      },
      get: () => '',
    });
    watching.current.finish(summaryOf());
    expect(await watching.code).toBe(0);
    expect(closesAtSummary).toBe(1);
    expect(watching.clock.periodsActive).toBe(0);
    expect(watching.listeners()).toBe(0);
    expect(terminal.closes).toBe(1);
    await watching.feed(societyEvents(1, 1));
    watching.clock.period();
  });

  test('also when the run breaks', async () => {
    const watching = await watched();
    watching.current.fail(new Error('broken'));
    await expect(watching.code).rejects.toThrow('broken');
    expect(watching.terminal.closes).toBe(1);
    expect(watching.clock.periodsActive).toBe(0);
  });

  test('with --json stdout is one line all the same', async () => {
    const watching = await watched({ json: true });
    watching.current.finish(summaryOf());
    await watching.code;
    expect(watching.stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(watching.stdout)).toMatchObject({ runId: 'abc123' });
  });
});

test('with --quiet the terminal is left alone', async () => {
  const watching = await watched({ quiet: true });
  watching.clock.period();
  expect(watching.terminal.pictures).toEqual([]);
  expect(watching.stderr).toBe('');
  watching.interrupt();
  expect(watching.stderr).toMatch(/^Pausing .* Ctrl-C again ends at once\.\n$/u);
});
