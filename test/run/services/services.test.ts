import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createService as createModel } from '../../../src/run/services/model.ts';
import { createService as createRoster } from '../../../src/run/services/roster.ts';
import { createService as createWorkspace } from '../../../src/run/services/workspace.ts';
import { BOSS, limitsWith } from '../../../src/society/index.ts';
import { plannerRequest } from '../../../actors/planner.ts';
import { planWith } from '../../society/arbitraries.ts';
import { startScriptedServer, type ScriptedAnswer } from '../../support/scripted-server.ts';
import { hostService } from './host.ts';

const founding = { plan: planWith([{ name: 'A' }]), shards: 2, reviews: false, limits: limitsWith() };

describe('roster', () => {
  test('commands, queries, and a repeat after a restart', async () => {
    const first = await hostService(createRoster, undefined);
    await first.call('found', founding, { effectId: 'run/0/found' });
    const args = { hirer: BOSS, recruits: [{ name: 'X', description: 'd', initialPrompt: 'p', woken: true }] };
    const hired = await first.call('hire', args, { effectId: 'Boss/0/hire' });
    const second = await hostService(createRoster, {}, first.store);
    expect(await second.call('hire', args, { effectId: 'Boss/0/hire' })).toEqual(hired);
    expect(await second.call('summary', {})).toEqual(await first.call('summary', {}));
    expect(await second.call('group', { agent: 'X' })).toMatchObject({ supervisor: BOSS, peers: ['A'] });
    expect(await second.call('group', { agent: 'Nobody' })).toBeNull();
    await expect(second.call('hire', 'text')).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
  });

  test('B2 what an agent runs ends with it: handed in, failed, retired', async () => {
    const released: unknown[] = [];
    const others = async (service: string, method: string, args: unknown): Promise<void> => {
      await Promise.resolve();
      if (service === 'workspace') return;
      expect([service, method]).toEqual(['sandbox', 'release']);
      released.push((args as { agent: string }).agent);
    };
    const { call } = await hostService(createRoster, { programs: true }, undefined, others);
    await call('found', { ...founding, plan: planWith([{ name: 'A' }, { name: 'B' }, { name: 'C' }]) });
    await call('checklist', { agent: 'A', items: [] });
    await call('terminate', { agent: BOSS, summary: 'refused: others are at work', files: [] });
    expect(released).toEqual([]);
    await call('terminate', { agent: 'A', summary: 'done', files: [] });
    await call('failed', { agent: 'B', why: 'crash' });
    await call('retire', { by: BOSS, agent: 'C', reason: 'no need' });
    expect(released).toEqual(['A', 'B', 'C']);
  });

  test('X8 what files an agent has that did not hand in, the workspace says', async () => {
    const others = async (_: string, method: string): Promise<unknown> => {
      await Promise.resolve();
      if (method !== 'files') throw new Error('nothing else is asked');
      return [{ path: 'a.md', author: 'A' }];
    };
    const { call } = await hostService(createRoster, { finishGraceMs: null }, undefined, others);
    const limits = limitsWith({ nudgesPerAgentMax: 1 });
    const plan = planWith(['A', 'B'].map((name) => ({ name, files: ['a.md', `${name}.txt`] })));
    await call('found', { ...founding, plan, reviews: true, limits });
    await call('woken', { names: ['A', 'B'] });
    await call('quiet', {});
    const mails = (await call('quiet', {})) as { mails: { mail: { text: string } }[] };
    const texts = mails.mails.map(({ mail }) => mail.text);
    expect(texts[0]).toContain('\nfiles: a.md\nNOT THERE, though planned or named as evidence: A.txt');
    expect(texts[1]).toContain('\nplanned, and written by others: a.md (A)\nNOT THERE');
    expect(await call('retire', { by: BOSS, agent: 'A', reason: 'r' })).toMatchObject({
      files: ['a.md'],
      notWritten: ['A.txt'],
    });
  });

  test('H5 a question that is closed without an answer is told, once and with the reason; answers are not', async () => {
    const { call, events, store } = await hostService(createRoster, undefined);
    const names = ['A', 'B', 'C', 'D', 'E'];
    await call('found', { ...founding, plan: planWith(names.map((name) => ({ name }))) });
    await call('woken', { names });
    for (const agent of names.slice(0, 4)) await call('ask', { agent, question: `What, ${agent}?` });
    await call('consent', { agent: 'B', kinds: ['files'], text: 'write a.md' });
    await call('heard', { agent: 'A', questions: [1] });
    const failing = { agent: 'B', why: 'crash' };
    await call('failed', failing, { effectId: 'Boss/1/failed' });
    await call('failed', failing, { effectId: 'Boss/1/failed' });
    await call('retire', { by: BOSS, agent: 'C', reason: 'r' });
    await call('terminate', { agent: 'D', summary: 's', files: [] });
    const withdrawn = { type: 'human', status: 'withdrawn', kind: 'question' };
    const told = () => events.filter(({ type }) => type === 'human');
    expect(told()).toEqual([
      { ...withdrawn, agent: 'B', question: 2, why: 'failed' },
      { ...withdrawn, agent: 'B', kind: 'approval', question: 5, why: 'failed' },
      { ...withdrawn, agent: 'C', question: 3, why: 'retired' },
      { ...withdrawn, agent: 'D', question: 4, why: 'handed-in' },
    ]);
    expect(await call('summary', {})).toMatchObject({ human: { count: 5, open: 0, withdrawn: 4 } });
    // The Boss, who ends the run, as well, and after a restart nothing is told again.
    await call('ask', { agent: BOSS, question: 'And now?' });
    await call('failed', { agent: BOSS, why: 'limit-turns' });
    expect(told().at(-1)).toEqual({ ...withdrawn, agent: BOSS, question: 6, why: 'failed' });
    const again = await hostService(createRoster, undefined, store);
    await again.call('quiet', {});
    expect(again.events).toEqual([]);
  });

  test('H5 also what was asked after handing in, when that is accepted', async () => {
    const { call, events } = await hostService(createRoster, undefined);
    await call('found', { ...founding, reviews: true, plan: planWith([{ name: 'A' }]) });
    await call('woken', { names: ['A'] });
    await call('terminate', { agent: 'A', summary: 's', files: [] });
    await call('ask', { agent: 'A', question: 'Is it good?' });
    await call('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' });
    expect(events).toMatchObject([{ agent: 'A', status: 'withdrawn', question: 1, why: 'handed-in' }]);
  });

  test('before it is founded there is nobody', async () => {
    const { call } = await hostService(createRoster, undefined);
    expect(await call('summary', {})).toMatchObject({ agents: 0, rows: [] });
    expect(await call('group', { agent: BOSS })).toBeNull();
  });

  test('the final review brings a few files along, drawn by the seed', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => ({ path: `f${index}.md`, author: 'A', commit: null }));
    const contents = async (service: string, method: string, args: unknown): Promise<unknown> => {
      expect(service).toBe('workspace');
      if (method === 'files') return rows;
      const { path } = args as { path: string };
      return { ok: true, content: `content of ${path}`, base: 'b' };
    };
    const drawn = async (seed: number): Promise<string[]> => {
      const { call } = await hostService(createRoster, { seed }, undefined, contents);
      await call('found', { ...founding, plan: planWith([]) });
      const { mails } = (await call('quiet', {})) as { mails: { mail: { text: string } }[] };
      return mails[0]?.mail.text.match(/content of \S+/gu) ?? [];
    };
    const first = await drawn(1);
    expect(new Set(first).size).toBe(6);
    expect(await drawn(1)).toEqual(first);
    expect(await drawn(2)).not.toEqual(first);
    const { call } = await hostService(createRoster, undefined);
    await call('found', { ...founding, plan: planWith([]) });
    expect(JSON.stringify(await call('quiet', {}))).toContain('could not be looked at');
  });

  test('the end is announced once, after the grace period', async () => {
    const { call, notices } = await hostService(createRoster, { finishGraceMs: 20 });
    await call('found', founding);
    await call('terminate', { agent: 'A', summary: 's', files: [] });
    expect(notices).toEqual([]);
    await call('terminate', { agent: BOSS, summary: 's', files: [] });
    expect(notices).toEqual([]);
    expect(await call('quiet', {})).toMatchObject({ end: { status: 'completed' } });
    await sleep(60);
    expect(notices).toEqual([{ kind: 'finished', status: 'completed', reason: 'done' }]);
  });
});

describe('model', () => {
  const request = plannerRequest({ goal: 'g', run: 'r', limits: limitsWith({ agentsMax: 3 }) });
  const options = { model: 'rehearsal', seed: 1, rehearsal: { latencyMs: 1 } };

  test('answers, and hands a kept answer out again without a second request', async () => {
    const { call, instance } = await hostService(createModel, options);
    const first = await call('complete', request, { effectId: 'A/0/model' });
    expect(first).toMatchObject({ class: 'tools', synthetic: true, joined: false });
    expect(await call('complete', request, { effectId: 'A/0/model' })).toMatchObject({ class: 'tools', joined: true });
    expect(await call('stats', {})).toMatchObject({ calls: 1, joined: 1, kept: 1 });
    expect(await call('complete', request, { effectId: 'A/1/model' })).toMatchObject({ joined: false });
    // The next call of an agent means that its last answer is journaled.
    expect(await call('stats', {})).toMatchObject({ calls: 2, kept: 1 });
    await call('release', { effectIds: ['A/1/model'] });
    expect(await call('stats', {})).toMatchObject({ kept: 0 });
    await instance.close?.();
    await expect(call('complete', request, { effectId: 'A/2/model' })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('a request that would not fit into the context is not sent, and it says by how much', async () => {
    const server = await startScriptedServer(() => ({ content: 'ok' }));
    const sized = (characters: number): unknown => ({
      ...request,
      messages: [{ role: 'user', content: 'word '.repeat(characters / 5) }],
      tools: [],
      maxTokens: 500,
    });
    const remote = { model: 'openai:m', seed: 1, baseUrl: server.baseUrl };
    const { call, instance } = await hostService(createModel, {
      ...remote,
      config: { model: { contextTokens: 2_000, tokenizer: 'o200k_base' } },
    });
    // Five characters a token: many more characters than tokens fit.
    expect(await call('complete', sized(7_000), { effectId: 'A/0/model' })).toMatchObject({ content: 'ok' });
    await expect(call('complete', sized(8_000), { effectId: 'A/1/model' })).rejects.toMatchObject({
      code: 'MODEL_CONTEXT_OVERFLOW',
      details: { tokens: 1_608, limit: 1_500 },
    });
    expect(server.requests).toHaveLength(1);
    await instance.close?.();
    await server.stop();
  });

  test('every process that sent a call and died is counted, also when the last one got the answer', async () => {
    let requests = 0;
    const server = await startScriptedServer(() => {
      requests += 1;
      return requests > 2 ? { content: 'here' } : new Promise<ScriptedAnswer>(() => {});
    });
    const remote = { model: 'openai:m', seed: 1, baseUrl: server.baseUrl };
    const first = await hostService(createModel, remote);
    const { store } = first;
    // Nobody closes these before the next begins: they are processes that were killed.
    first.call('complete', request, { effectId: '_planner/0/plan-0' }).catch(() => {});
    await expect.poll(() => requests).toBe(1);
    const second = await hostService(createModel, remote, store);
    second.call('complete', request, { effectId: '_planner/0/plan-0' }).catch(() => {});
    await expect.poll(() => requests).toBe(2);

    const third = await hostService(createModel, remote, store);
    const asked = { effectId: '_planner/0/plan-0' };
    expect(await third.call('complete', request, asked)).toMatchObject({ joined: false, repeats: 2 });
    const fourth = await hostService(createModel, remote, store);
    expect(await fourth.call('complete', request, asked)).toMatchObject({ joined: true, repeats: 2 });
    expect(await fourth.call('complete', request, { effectId: '_planner/0/plan-1' })).toMatchObject({ repeats: 0 });
    expect(requests).toBe(4);
    for (const { instance } of [first, second, third, fourth]) await instance.close?.();
    await server.stop();
  });

  test('M1 who shared the request of another call finds the answer in a later process', async () => {
    const server = await startScriptedServer(() => ({ content: 'shared' }));
    const remote = { model: 'openai:m', seed: 1, baseUrl: server.baseUrl };
    const first = await hostService(createModel, remote);
    const ask = (call: typeof first.call, agent: string): Promise<unknown> =>
      call('complete', { ...request, agent, temperature: 0 }, { effectId: `${agent}/1/model` });
    await Promise.all([ask(first.call, 'A'), ask(first.call, 'B')]);
    expect(server.requests).toHaveLength(1);
    const second = await hostService(createModel, remote, first.store);
    for (const agent of ['A', 'B']) {
      expect(await ask(second.call, agent)).toMatchObject({ content: 'shared', joined: true, repeats: 0 });
    }
    expect(server.requests).toHaveLength(1);
    for (const { instance } of [first, second]) await instance.close?.();
    await server.stop();
  });

  test('how long one request may take is a setting', async () => {
    let requests = 0;
    const server = await startScriptedServer(() => {
      requests += 1;
      return requests === 1 ? new Promise<ScriptedAnswer>(() => {}) : { content: 'here' };
    });
    const remote = { model: 'openai:m', seed: 1, baseUrl: server.baseUrl };
    const { call, instance } = await hostService(createModel, {
      ...remote,
      config: { model: { requestTimeoutMs: 200 } },
    });
    const answer = await call('complete', request, { effectId: '_planner/0/plan-0' });
    // On a busy machine the second one may be late as well.
    expect(answer).toMatchObject({ content: 'here', attempts: requests });
    expect(requests).toBeGreaterThan(1);
    await instance.close?.();
    await server.stop();
  });

  test('a server that is not there stops the calls, main is told why, the drain ends what waits', async () => {
    const unreachable = { model: 'openai:x', seed: 1, baseUrl: 'http://127.0.0.1:9/v1' };
    const { call, notices } = await hostService(createModel, unreachable);
    const waiting = call('complete', request, { effectId: 'A/0/model' });
    waiting.catch(() => {});
    await expect.poll(() => notices.length).toBeGreaterThan(0);
    expect(notices).toMatchObject([
      { kind: 'model-stop', reason: 'model-unreachable', error: { code: 'MODEL_UNREACHABLE' } },
    ]);
    await call('drain', { deadlineMs: 10 });
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('options are checked', async () => {
    await expect(hostService(createModel, { model: 'gpt', seed: 1 })).rejects.toThrow();
  });
});

describe('workspace', () => {
  const directories: string[] = [];
  afterEach(async () => {
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
  });

  test('files by tool results, repeats by effect id, rows for the report', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'megactor-services-'));
    directories.push(directory);
    const options = { directory: join(directory, 'workspace'), runId: 'r1' };
    const { call, events, instance } = await hostService(createWorkspace, options);
    const write = { path: 'a/b.md', content: 'one\n', author: 'A' };
    const written = await call('write', write, { effectId: 'A/0/tool-0' });
    expect(written).toMatchObject({ ok: true });
    expect(await call('write', write, { effectId: 'A/0/tool-0' })).toEqual(written);
    expect(await call('append', { path: 'a/b.md', content: 'two', author: 'B' })).toMatchObject({ ok: true });
    expect(await call('read', { path: 'a/b.md', author: 'A' })).toMatchObject({ ok: true, content: 'one\ntwo\n' });
    expect(await call('read', { path: '../x', author: 'A' })).toMatchObject({ ok: false, error: { code: 'BAD_PATH' } });
    expect(await call('write', { ...write, content: 'other' })).toMatchObject({ ok: false, error: { code: 'EXISTS' } });
    expect(await call('list', { author: 'A' })).toMatchObject({ ok: true, files: ['a/b.md'] });
    await call('finish', {});
    expect(await readFile(join(options.directory, 'a/b.md'), 'utf8')).toBe('one\ntwo\n');
    expect(await call('files', {})).toMatchObject([
      { path: 'a/b.md', author: 'B', commit: expect.stringMatching(/^[0-9a-f]{40}$/) as unknown },
    ]);
    expect(await call('stats', {})).toMatchObject({ files: 1 });
    expect(events.some((event) => event['type'] === 'commit')).toBe(true);
    await instance.close?.();
  });
});
