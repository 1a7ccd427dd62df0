/** Agents remember what their windows show no more: the tool, the reminders, replay, and embedders of every kind. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { readJournal } from '../../src/journal/index.ts';
import { parseRehearsalOptions } from '../../src/model/index.ts';
import { startRehearsalServer } from '../../src/model/rehearsal-server/index.ts';
import { VIRTUAL_EPOCH_MS } from '../../src/platform/index.ts';
import { replayRun, runSociety, type RunOptions } from '../../src/run/index.ts';
import { temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer, type ScriptedRequest } from '../support/scripted-server.ts';
import { call } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const PLAN = { goal: 'g', agents: [], items: [{ id: '1', text: 'Write the notes', owner: 'Boss' }] };
const SECRET = 'The code of the harbour gate is QX-4417.';
const FILLER = 'Nothing that matters, said at length so that the window moves on. '.repeat(12);
const REMINDED = 'From your memory';

const wrote = (path: string, content: string): ScriptedAnswer => call('write_file', { path, content });

const ANSWERS: readonly ScriptedAnswer[] = [
  wrote('code.md', SECRET),
  ...Array.from({ length: 5 }, (_, at) => wrote(`n${at}.md`, `${FILLER}${at}`)),
  call('recall', { query: 'Which code opens the harbour gate?', k: 2 }),
  call('change_task_status', { items: [{ id: '1', text: 'Write the notes', status: 'done' }] }),
  call('terminate', { summary: 'The notes are written.' }),
];

const OPTIONS: RunOptions = {
  model: 'openai:scripted',
  plan: PLAN,
  maxAgents: 1,
  durability: 'committed',
  shards: 1,
  config: { limits: { historyTokensMax: 700 }, model: { compaction: false } },
};

const textOf = ({ content }: { content: unknown }): string => (typeof content === 'string' ? content : '');

const play = async (
  name: string,
  options: RunOptions,
  instead: (request: ScriptedRequest) => ScriptedAnswer | null = () => null,
): Promise<{ requests: readonly ScriptedRequest[]; runDir: string }> => {
  let step = 0;
  const server = await startScriptedServer((request) => {
    const other = instead(request);
    if (other !== null) return other;
    step += 1;
    return ANSWERS[step - 1] ?? call('terminate', { summary: 'Approved.' });
  });
  vi.stubEnv('OPENAI_BASE_URL', server.baseUrl);
  try {
    const runDir = join(directory.path, name);
    const report = await runSociety('Keep the code of the harbour gate', { ...OPTIONS, ...options, runDir }).report;
    expect(report.status).toBe('completed');
    return { requests: server.requests, runDir };
  } finally {
    vi.unstubAllEnvs();
    await server.stop();
  }
};

test('what the window has left behind comes back: by the tool, and by reminders in the situation', async () => {
  const { requests, runDir } = await play('one', {});
  const afterRecall = requests.find(({ body }) =>
    body.messages.some((message) => textOf(message).includes('"memories"')),
  );
  const found = afterRecall?.body.messages.map(textOf).find((text) => text.includes('"memories"')) ?? '{}';
  const { memories } = JSON.parse(found) as { memories: { when: string; text: string }[] };
  expect(memories[0]?.text).toContain(SECRET);
  expect(memories[0]?.when).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/u);
  // What the window still shows is not recalled.
  expect(memories.map(({ text }) => text).join()).not.toContain('n4.md');
  const reminded = requests.filter(({ body }) => body.messages.some((message) => textOf(message).includes(REMINDED)));
  expect(reminded.length).toBeGreaterThan(0);
  for (const { body } of reminded) {
    expect(textOf(body.messages.at(-1) ?? { content: '' })).toMatch(/^\(situation\)/u);
    expect(body.messages.slice(0, -1).map(textOf).join()).not.toContain(REMINDED);
  }
  expect((await replayRun(runDir)).diverged).toBeNull();
});

test('D5 memories of a deterministic run have the moment at which virtual time begins', async () => {
  const runDir = join(directory.path, 'moments');
  const options: RunOptions = { deterministic: true, seed: 5, maxAgents: 5, durability: 'committed', runDir };
  expect((await runSociety('Write about the harbour', options).report).status).toBe('completed');
  const journal = await readJournal(runDir);
  try {
    const rows = [...journal.store('memory').range('m/', 'm0')];
    const moments = rows.map(([, value]) => (value as readonly [string, number])[1]);
    expect(moments.length).toBeGreaterThan(3);
    expect(new Set(moments)).toEqual(new Set([VIRTUAL_EPOCH_MS]));
  } finally {
    await journal.close();
  }
  expect((await replayRun(runDir)).diverged).toBeNull();
});

test('several owners share the scopes of a run, and answer as one', { tags: 'long' }, async () => {
  const config = { ...(OPTIONS.config as object), memory: { threads: 3 } };
  const { requests, runDir } = await play('three', { config });
  expect(requests.map(({ body }) => body.messages.map(textOf).join()).join()).toContain(SECRET);
  const journal = await readJournal(runDir);
  try {
    const scopes = ['memory', 'memory-1', 'memory-2'].map((name) => [...journal.store(name).range('s/', 's0')].length);
    expect(scopes.reduce((sum, count) => sum + count, 0)).toBe(2);
  } finally {
    await journal.close();
  }
});

test('without a memory nobody is offered the tool', async () => {
  const config = { ...(OPTIONS.config as object), memory: { enabled: false } };
  const { requests } = await play('none', { config });
  expect(JSON.stringify(requests[0]?.body.tools)).not.toContain('"recall"');
  expect(requests.map(({ body }) => body.messages.map(textOf).join()).join()).not.toContain(REMINDED);
});

test('an embedder on a server is asked as _embedder, in the background, and what it gave finds by meaning', async () => {
  const server = await startRehearsalServer({ rehearsal: parseRehearsalOptions({}, 1) });
  vi.stubEnv('OPENAI_BASE_URL', `${server.url}/v1`);
  try {
    const runDir = join(directory.path, 'embedded');
    const { limits } = OPTIONS.config as { limits: object };
    const summary = await runSociety('Write about the harbour', {
      seed: 3,
      maxAgents: 8,
      durability: 'committed',
      shards: 1,
      embedder: 'openai:meaning',
      config: { limits },
      runDir,
    }).report;
    expect(summary.status).toBe('completed');
    const report = JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as { memory: Record<string, unknown> };
    expect(report.memory).toMatchObject({ embedder: 'openai:meaning', model: 'openai:meaning', error: null });
    const { byAgent } = (await (await fetch(`${server.url}/stats`)).json()) as { byAgent: Record<string, number> };
    expect(byAgent['_embedder']).toBeGreaterThan(0);
    expect((await replayRun(runDir)).diverged).toBeNull();
  } finally {
    vi.unstubAllEnvs();
    await server.close();
  }
});

test.each([
  ['a wrong key', { status: 401, raw: { error: { message: 'no such key' } } }, 'no such key'],
  ['a used-up quota', { status: 429, raw: { error: { message: 'spent', code: 'insufficient_quota' } } }, 'spent'],
] as const)(
  '%s of the embedder pauses nothing: words go on, and it is said',
  { tags: 'long' },
  async (what, refused, said) => {
    const { requests, runDir } = await play(what.replaceAll(' ', '-'), { embedder: 'openai:meaning' }, (request) =>
      request.agent === '_embedder' ? refused : null,
    );
    // Found by its words alone.
    expect(
      requests.map(({ body }) => ((body.messages as typeof body.messages | undefined) ?? []).map(textOf).join()).join(),
    ).toContain(SECRET);
    const embedded = requests.filter(({ agent }) => agent === '_embedder');
    expect(embedded.length).toBeGreaterThan(0);
    expect(embedded.length).toBeLessThan(4);
    const report = JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as { memory: object };
    expect(report).toMatchObject({ status: 'completed', embedder: 'openai:meaning' });
    expect(report.memory).toMatchObject({ state: 'stopped', error: expect.stringContaining(said) as string });
    expect(readFileSync(join(runDir, 'report.md'), 'utf8')).toMatch(/^- embedder: openai:meaning, stopped: .+/mu);
    const events = readFileSync(join(runDir, 'events.jsonl'), 'utf8');
    expect(events).toMatch(/"type":"limit".*"limit":"embedder".*"state":"stopped"/u);
  },
);
