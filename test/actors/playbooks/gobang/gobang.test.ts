/**
 * The playbook Gobang from its start to a game that is played: the run goes through what it is meant to, and what it leaves
 * is a game in the terminal and in a page. What the paper asks of it: it runs without an error, takes a person's move,
 * answers it, and ends.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../../src/model/types.ts';
import type { Inspection, RunSummary } from '../../../../src/run/types.ts';
import { whyNoSandbox } from '../../../sandbox/support.ts';
import { ROOT } from '../../../style/tree.ts';
import { command, filesBelow, jsonLine, startCommand, temporaryDirectory } from '../../../support/command.ts';
import { GobangPage, loadEngine, playedBySelf } from './page.ts';

const missing = await whyNoSandbox();
const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const RUN = ['run', '--model', 'playbook:gobang', '--threads', '1', '--json', '--quiet'];
const runDir = join(directory.path, 'run');
const workspace = join(runDir, 'workspace');

interface Event {
  readonly type: string;
  readonly agent?: string;
  readonly [field: string]: unknown;
}

const eventsOf = (folder: string): Event[] =>
  readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);

let summary: RunSummary;
let events: Event[] = [];

beforeAll(async () => {
  summary = jsonLine(await command([...RUN, '--run-dir', runDir])) as RunSummary;
  events = eventsOf(runDir);
}, 240_000);

/** What an agent was told and what it did, from its history. */
const storyOf = async (
  agent: string,
): Promise<{ readonly told: string; readonly written: ReadonlyMap<string, string[]> }> => {
  const inspected = jsonLine(await command(['inspect', runDir, '--agent', agent, '--json'])) as Inspection;
  const written = new Map<string, string[]>();
  let told = '';
  for (const entry of inspected.agent?.history ?? []) {
    const message = entry as ChatMessage;
    if (message.role === 'user') told += `${message.content}\n`;
    if (message.role !== 'assistant') continue;
    for (const { function: made } of message.tool_calls ?? []) {
      if (made.name !== 'write_file') continue;
      const { path, content } = JSON.parse(made.arguments) as { path: string; content: string };
      written.set(path, [...(written.get(path) ?? []), content]);
    }
  }
  return { told, written };
};

describe('the run', () => {
  test('P2 it is completed, as scripted, with the files that are known beforehand', () => {
    expect(summary).toMatchObject({
      status: 'completed',
      reason: 'done',
      model: 'playbook:gobang',
      synthetic: true,
      agents: 8,
      agentsByLevel: { boss: 1, admin: 2, ordinary: 5 },
      reviews: { accept: 7, revise: 1 },
      nudges: 0,
      remedies: {},
      neverWoken: 0,
    });
    const files = filesBelow(workspace);
    const known = filesBelow(join(ROOT, 'actors/playbooks/gobang/files'));
    for (const [path, content] of known) expect(files.get(path), path).toBe(content);
    expect([...files.keys()].filter((path) => !known.has(path))).toEqual(['README.md']);
    for (const [path, content] of files) expect(content, path).toMatch(/scripted/iu);
    expect(readFileSync(join(runDir, 'report.md'), 'utf8')).toContain('**Scripted:**');
  });

  test.skipIf(missing !== null)('a test program fails, and passes after the repair', async () => {
    const runs = events.filter(({ tool, path }) => tool === 'run_program' && path === 'tests/rules.test.mjs');
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([1, 0]);
    const repair = events.findIndex(({ tool, path }) => tool === 'edit_file' && path === 'rules.js');
    const [failed, passed] = runs.map((run) => events.indexOf(run));
    expect(repair).toBeGreaterThan(failed ?? Number.POSITIVE_INFINITY);
    expect(repair).toBeLessThan(passed ?? -1);
    const { told, written } = await storyOf('Rules');
    expect(told).toMatch(/Checker: FAILED: .*exit code 1, AssertionError.*a rising diagonal wins/u);
    expect(told).toMatch(/Checker: PASSED: .*exit code 0/u);
    expect(written.get('rules.js')).toEqual([expect.stringContaining('[-1, -1], // rising diagonal')]);
    expect(readFileSync(join(workspace, 'README.md'), 'utf8')).toContain('`tests/all.mjs`, exit code 0.');
  });

  test('a page is sent back, and done again as the review says', async () => {
    const ofPage = events.filter(({ type, agent }) => type === 'review' && agent === 'Page');
    expect(ofPage.map(({ verdict, by }) => [verdict, by])).toEqual([
      ['revise', 'Interface'],
      ['accept', 'Interface'],
    ]);
    const { told, written } = await storyOf('Page');
    expect(told).toMatch(/Interface: \[revise round=1\] Not yet: .*keyboard.*screen reader/u);
    expect(written.get('page.js')?.map((text) => text.includes("'keydown'"))).toEqual([false, true]);
    expect(written.get('index.html')?.map((text) => text.includes('aria-live'))).toEqual([false, true]);
  });

  test('two agents write the README from the same version, and the second one is merged', () => {
    const writes = events.filter(({ tool, path }) => tool === 'write_file' && path === 'README.md');
    expect(new Set(writes.map(({ agent }) => agent))).toEqual(new Set(['Boss', 'Page', 'Terminal']));
    expect(writes.map(({ merged }) => merged)).toEqual([undefined, undefined, true]);
    const headings = readFileSync(join(workspace, 'README.md'), 'utf8').match(/^#+ .*/gmu);
    expect(headings).toEqual([
      '# Gobang',
      '## The rules',
      '## In the terminal',
      '## What is where',
      '## In the browser',
      '## How it was made',
    ]);
  });
});

test('P1 a run that is killed again and again goes on to the same files', async () => {
  const killed = join(directory.path, 'killed');
  const slow = join(directory.path, 'slow.json');
  writeFileSync(slow, JSON.stringify({ latencyMs: 100 }));
  const seen = (mark: string): boolean => {
    try {
      return readFileSync(join(killed, 'events.jsonl'), 'utf8').includes(mark);
    } catch {
      return false;
    }
  };
  let kills = 0;
  let last: RunSummary | null = null;
  for (const mark of ['"path":"rules.js"', '"verdict":"revise"', '"agent":"Terminal","tool":"run_program"', 'never']) {
    const first = kills === 0;
    const words = first
      ? [...RUN, '--run-dir', killed, '--rehearsal', slow]
      : ['resume', killed, '--threads', '1', '--json', '--quiet'];
    const { child, result } = startCommand(words);
    let ended = false;
    void result.then(() => (ended = true));
    await expect.poll(() => ended || seen(mark), { timeout: 120_000, interval: 10 }).toBe(true);
    child.kill('SIGKILL');
    // It may have come to its end before it was met.
    if ((await result).signal === 'SIGKILL') {
      kills += 1;
      continue;
    }
    last = jsonLine(await result) as RunSummary;
    break;
  }
  expect(kills).toBeGreaterThan(1);
  expect(last).toMatchObject({ status: 'completed', reviews: { accept: 7, revise: 1 }, agents: 8 });
  expect(filesBelow(join(killed, 'workspace'))).toEqual(filesBelow(workspace));
}, 300_000);

test('where no program can be run it is the same game, and the terminal and the README say that none was', async () => {
  const without = join(directory.path, 'without');
  const words = ['run', '--model', 'playbook:gobang', '--threads', '1', '--sandbox', 'off', '--run-dir', without];
  const { exitCode, stdout } = await command(words);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('the programs of this playbook were not run');
  expect(stdout).toContain('scripted: the playbook "gobang" wrote it');
  expect(eventsOf(without).some(({ tool }) => tool === 'run_program')).toBe(false);
  const [files, others] = [filesBelow(workspace), filesBelow(join(without, 'workspace'))];
  expect(others.get('README.md')).toContain('No program was run while it was made');
  for (const all of [files, others]) all.delete('README.md');
  expect(others).toEqual(files);
});

test('failures of the model on the way and of the form of its answers change nothing of the game', async () => {
  const failing = join(directory.path, 'failing');
  const file = join(directory.path, 'failures.json');
  const failures = { badJson: 0.04, refusal: 0.04, silence: 0.04, http429: 0.02, http500: 0.04 };
  writeFileSync(file, JSON.stringify({ latencyMs: 0, failures }));
  const result = await command([...RUN, '--run-dir', failing, '--rehearsal', file, '--seed', '3']);
  const ended = jsonLine(result) as RunSummary;
  expect(ended).toMatchObject({ status: 'completed', agents: 8 });
  expect(ended.remedies['format']).toBeGreaterThan(0);
  expect(filesBelow(join(failing, 'workspace'))).toEqual(filesBelow(workspace));
});

/** Plays in the terminal: what is entered, and what is said. */
const play = (
  entered: readonly string[],
  ...words: string[]
): { readonly code: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['gobang.mjs', ...words], {
    cwd: workspace,
    input: entered.map((line) => `${line}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
    timeout: 120_000,
  });
  return { code: status, said: `${stdout}${stderr}` };
};

describe('in the terminal', () => {
  test("a person's move is on the board, and the computer answers", () => {
    const { code, said } = play(['h8', 'quit']);
    expect(code).toBe(0);
    expect(said).toMatch(/^ 8 .* X .* 8$/mu);
    const answer = /The computer plays ([a-o]\d+)\./u.exec(said)?.[1];
    expect(answer).toBeDefined();
    expect(said).toMatch(/\(O\)/u);
  });

  test('what is no move is explained, and a move can be taken back', () => {
    const { code, said } = play(['h8', 'h8', 'z9', 'undo', 'undo', 'board', 'help', 'q']);
    expect(code).toBe(0);
    expect(said).toContain('There is a stone already.');
    expect(said).toContain('"z9" is no point of this board.');
    expect(said).toContain('There is nothing to take back.');
    expect(said).toContain('--first me|computer');
    expect(play([], '--size', '4')).toMatchObject({ code: 2 });
    expect(play(['a1']).said).toContain('No more input');
  });

  test('it ends quietly when nobody reads what it says any more, as in front of `head`', async () => {
    const game = spawn(process.execPath, ['gobang.mjs', '--two'], { cwd: workspace });
    const said: string[] = [];
    game.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    // It may be gone before it has read all of this.
    game.stdin.on('error', () => undefined);
    const ended = once(game, 'close');
    await once(game.stdout, 'data');
    game.stdout.destroy();
    game.stdin.write('board\n'.repeat(1_000));
    expect(await ended).toEqual([0, null]);
    expect(said.join('')).toBe('');
  });

  test('a game ends: two people, a winner, a draw', () => {
    const won = play(['a1', 'a2', 'b2', 'a3', 'c3', 'a4', 'd4', 'b1', 'e5'], '--two', '--size', '7');
    expect(won).toMatchObject({ code: 0 });
    expect(won.said).toContain('Black (X) wins with');
    const draw = ['a5', 'c5', 'b5', 'a4', 'd5', 'b4', 'e5', 'd4', 'c4', 'e4', 'a3', 'c3', 'b3', 'a2', 'd3', 'b2'];
    const rest = ['e3', 'd2', 'c2', 'e2', 'a1', 'c1', 'b1', 'd1', 'e1'];
    const even = play([...draw, ...rest], '--two', '--size', '5');
    expect(even.said).toContain('A draw: the board is full.');
    expect(even.code).toBe(0);
  });

  test('a game against the computer ends, with either side as the winner', async () => {
    const careless = Array.from(
      { length: 15 * 15 },
      (_, index) => `${'abcdefghijklmno'[index % 15]}${15 - Math.floor(index / 15)}`,
    );
    expect(play(careless).said).toMatch(/The computer wins with [a-o]\d+-[a-o]\d+\.\n$/u);
    const { winner, names } = playedBySelf(await loadEngine(workspace));
    const own = names.filter((_, index) => index % 2 === (winner === 2 ? 1 : 0));
    const { code, said } = play(own, ...(winner === 2 ? ['--first', 'computer'] : []));
    expect(code).toBe(0);
    expect(said).toMatch(winner === 0 ? /A draw/u : /You win with [a-o]\d+-[a-o]\d+!\n$/u);
  });

  test('its tests pass', () => {
    const { status, stdout } = spawnSync(process.execPath, ['tests/all.mjs'], { cwd: workspace, encoding: 'utf8' });
    expect(stdout).toContain('all tests pass');
    expect(status).toBe(0);
  });
});

describe('in the page', () => {
  const pages: GobangPage[] = [];
  const open = async (): Promise<GobangPage> => {
    const page = await GobangPage.open(join(workspace, 'index.html'));
    pages.push(page);
    return page;
  };
  afterEach(() => {
    for (const page of pages.splice(0)) {
      page.close();
      expect(page.errors).toEqual([]);
    }
  });

  test("opens without an error, takes a person's move, and the computer answers", async () => {
    const page = await open();
    expect(page.points).toHaveLength(225);
    expect(page.status).toBe('Your move: you are black.');
    page.point('h8').click();
    expect(page.point('h8').dataset['stone']).toBe('black');
    expect(page.status).toMatch(/thinks/u);
    await page.settled();
    expect(page.stones('white')).toHaveLength(1);
    const [answer] = page.stones('white');
    const name = answer?.getAttribute('aria-label')?.split(',')[0] ?? '';
    expect(page.status).toBe(`The computer played ${name}. Your move: you are black.`);
    page.point('h8').click();
    expect(page.status).toBe('There is a stone already.');
    page.find('#undo').click();
    expect(page.stones('black')).toHaveLength(0);
    expect(page.stones('white')).toHaveLength(0);
  });

  test('can be walked over with the keyboard, and says aloud what happens', async () => {
    const page = await open();
    expect(page.find('#status').getAttribute('aria-live')).toBe('polite');
    const entries = page.points.filter(({ tabIndex }) => tabIndex === 0);
    expect(entries.map((point) => point.getAttribute('aria-label'))).toEqual(['h8, empty']);
    entries[0]?.focus();
    for (const key of ['ArrowRight', 'ArrowUp', 'ArrowUp', 'ArrowLeft', 'ArrowDown']) {
      if (page.focused !== null) page.press(page.focused, key);
    }
    expect(page.focused?.getAttribute('aria-label')).toBe('h9, empty');
    expect(page.points.filter(({ tabIndex }) => tabIndex === 0)).toEqual([page.focused]);
  });

  test('a careless person loses, and begins again with white', async () => {
    const page = await open();
    for (let turn = 0; turn < 113 && !page.status.includes('wins'); turn += 1) {
      page.points.find((point) => point.dataset['stone'] === 'empty')?.click();
      await page.settled();
    }
    expect(page.status).toBe('The computer wins.');
    expect(page.points.filter(({ className }) => className.includes('won')).length).toBeGreaterThanOrEqual(5);
    const stones = page.stones('black').length;
    page.points.find((point) => point.dataset['stone'] === 'empty')?.click();
    expect(page.stones('black')).toHaveLength(stones);
    page.find('#side').value = 'white';
    page.find('#controls button').click();
    await page.settled();
    expect(page.stones('black').map((point) => point.getAttribute('aria-label'))).toEqual(['h8, black, last move']);
    expect(page.status).toBe('The computer played h8. Your move: you are white.');
  });

  test('a good person wins', async () => {
    const { winner, names } = playedBySelf(await loadEngine(workspace));
    const page = await open();
    if (winner === 2) {
      page.find('#side').value = 'white';
      page.find('#controls button').click();
    }
    for (const name of names.filter((_, index) => index % 2 === (winner === 2 ? 1 : 0))) {
      await page.settled();
      page.point(name).click();
    }
    await page.settled();
    expect(page.status).toBe(winner === 0 ? 'A draw: the board is full.' : 'You win!');
  });
});
