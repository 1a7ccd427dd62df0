import { describe, expect, test } from 'vitest';
import { ALLOCATORS_MAX, shardOfName } from '../../src/protocol/ids.ts';
import { BOSS, limitsWith, Roster, ROSTER_ALLOCATOR, zeroCounters, type LimitsInput } from '../../src/society/index.ts';
import type { Plan } from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { memoryStore } from './memory-store.ts';

const start = async (plan: Plan, limits: LimitsInput = {}, reviews = true) => {
  const store = memoryStore();
  const roster = await Roster.open(store);
  const founded = await roster.do('found', { plan, shards: 8, reviews, limits: limitsWith(limits) }, 'run/0/found');
  return { store, roster, founded };
};

const recruit = (name: string, woken = true) => ({ name, description: 'd', initialPrompt: 'p', woken });

describe('founding', () => {
  test('hires the Boss and the plan, with ids of the roster and shards by name', async () => {
    const { founded } = await start(
      planWith([
        { name: 'A', slots: 3 },
        { name: 'B', supervisor: 'A' },
      ]),
      { agentsMax: 10 },
    );
    expect(
      founded.hired.map(({ name, level, depth, supervisor, slots }) => ({ name, level, depth, supervisor, slots })),
    ).toEqual([
      { name: BOSS, level: 'boss', depth: 0, supervisor: null, slots: 5 },
      { name: 'A', level: 'admin', depth: 1, supervisor: BOSS, slots: 0 },
      { name: 'B', level: 'ordinary', depth: 2, supervisor: 'A', slots: 2 },
    ]);
    for (const { id, name, shard } of founded.hired) {
      expect(id % ALLOCATORS_MAX).toBe(ROSTER_ALLOCATOR);
      expect(shard).toBe(shardOfName(name, 8));
    }
    expect(new Set(founded.hired.map(({ id }) => id)).size).toBe(3);
  });

  test('twice is once, with and without an effect id', async () => {
    const { roster, founded } = await start(planWith([{}]));
    const args = { plan: planWith([{}, {}]), shards: 8, reviews: true, limits: limitsWith() };
    expect(await roster.do('found', args, 'run/0/found')).toEqual(founded);
    expect(await roster.do('found', args)).toEqual(founded);
  });

  test('items of the plan stand in the checklists of their owners', async () => {
    const { roster } = await start(planWith([{ name: 'A' }], [{ id: '1', text: 't', owner: 'A' }]));
    expect(roster.group(BOSS)?.subordinates[0]?.checklist).toEqual({ open: 1, closed: 0 });
    expect(await roster.do('terminate', { agent: 'A', summary: 's', files: [] })).toMatchObject({
      ok: false,
      error: { code: 'OPEN_ITEMS', items: ['1: t (todo)'] },
    });
  });
});

test('nobody reviews itself, and nobody is told that it reviews its own work', async () => {
  const { roster } = await start(planWith([{ name: 'A' }, { name: 'B', supervisor: 'A' }]));
  for (const name of [BOSS, 'A', 'B']) {
    expect(await roster.do('review', { reviewer: name, agent: name, verdict: 'accept' })).toMatchObject({
      ok: false,
      error: { code: 'NOT_ALLOWED', message: 'You cannot review your own work.' },
    });
  }
});

test('the size of a group limits what is offered to be hired at once', async () => {
  const plan = planWith([
    { name: 'A', slots: 2 },
    { name: 'B', slots: 2 },
  ]);
  const { roster } = await start(plan, { agentsMax: 300, fanOutMax: 10 });
  const { slots = 0, room } = roster.group(BOSS) ?? {};
  expect(slots).toBeGreaterThan(8);
  expect(room).toBe(8);
});

describe('effect ids', () => {
  test('a repeated hire gives the same agents, in this instance and after a restart', async () => {
    const { store, roster } = await start(planWith([]), { agentsMax: 10 });
    const args = { hirer: BOSS, recruits: [recruit('X'), recruit('Y')] };
    const first = await roster.do('hire', args, 'Boss/1/hire');
    const commits = store.commits;
    expect(await roster.do('hire', args, 'Boss/1/hire')).toEqual(first);
    const again = await Roster.open(store);
    expect(await again.do('hire', args, 'Boss/1/hire')).toEqual(first);
    expect(store.commits).toBe(commits);
    expect(again.summary()).toEqual(roster.summary());
    expect(again.summary().agents).toBe(3);
  });

  test('a repeat that overtakes the first call waits for it', async () => {
    const { roster } = await start(planWith([]));
    const args = { hirer: BOSS, recruits: [recruit('X')] };
    const [first, second] = await Promise.all([
      roster.do('hire', args, 'Boss/0/hire'),
      roster.do('hire', args, 'Boss/0/hire'),
    ]);
    expect(second).toEqual(first);
    expect(roster.summary().agents).toBe(2);
  });

  test('the next step of the same agent is another call', async () => {
    const { roster } = await start(planWith([]), { agentsMax: 10 });
    const args = { hirer: BOSS, recruits: [recruit('X')] };
    await roster.do('hire', args, 'Boss/0/hire');
    const [second] = await roster.do('hire', args, 'Boss/1/hire');
    expect(second).toMatchObject({ ok: true, name: 'Boss-X' });
  });

  test('nothing is decided from a roster that could not be stored', async () => {
    const { store, roster } = await start(planWith([]));
    store.commit = () => Promise.reject(new Error('no space'));
    const args = { hirer: BOSS, recruits: [recruit('X')] };
    await expect(roster.do('hire', args, 'Boss/0/hire')).rejects.toThrow('no space');
    await expect(roster.do('hire', args, 'Boss/0/hire')).rejects.toMatchObject({ code: 'DISK' });
  });
});

describe('hiring', () => {
  test('slots of a step are divided evenly, in any order', async () => {
    const { roster } = await start(planWith([]), { agentsMax: 100 });
    const results = await roster.do('hire', {
      hirer: BOSS,
      recruits: ['A', 'B', 'C', 'D'].map((name) => recruit(name)),
    });
    expect(results.map((result) => (result.ok ? result.slots : result.error.code))).toEqual([23, 23, 23, 23]);
    expect(roster.group(BOSS)?.slots).toBe(3);
  });

  test('one by one everybody gets in as well, until the limit', async () => {
    const { roster } = await start(planWith([]), { agentsMax: 6 });
    for (const name of ['A', 'B', 'C', 'D', 'E']) {
      expect(await roster.do('hire', { hirer: BOSS, recruits: [recruit(name)] })).toMatchObject([{ ok: true, name }]);
    }
    expect(await roster.do('hire', { hirer: BOSS, recruits: [recruit('F')] })).toMatchObject([
      { ok: false, error: { code: 'LIMIT' } },
    ]);
    expect(roster.summary().agents).toBe(6);
  });

  test('names, fan-out and depth', async () => {
    const { roster } = await start(planWith([{ name: 'A', slots: 5 }]), { agentsMax: 50, fanOutMax: 3, depthMax: 2 });
    expect(
      await roster.do('hire', {
        hirer: BOSS,
        recruits: [recruit('group'), recruit('A'), recruit('A'), recruit('Q'), recruit('R')],
      }),
    ).toMatchObject([
      { ok: false, error: { code: 'INVALID_ARGUMENTS' } },
      { ok: true, name: 'Boss-A' },
      { ok: false, error: { code: 'NAME_TAKEN' } },
      { ok: true, name: 'Q' },
      { ok: false, error: { code: 'LIMIT' } },
    ]);
    const [deep] = await roster.do('hire', { hirer: 'A', recruits: [recruit('B')] });
    expect(deep).toMatchObject({ ok: true, slots: 0, level: 'ordinary' });
    expect(await roster.do('hire', { hirer: 'B', recruits: [recruit('C')] })).toMatchObject([
      { ok: false, error: { code: 'LIMIT' } },
    ]);
  });

  test('unused slots of a finished recruit return to its hirer', async () => {
    const { roster } = await start(planWith([{ name: 'A', slots: 5 }]), { agentsMax: 7 }, false);
    expect(roster.group(BOSS)?.slots).toBe(0);
    await roster.do('terminate', { agent: 'A', summary: 's', files: [] });
    expect(roster.group(BOSS)?.slots).toBe(5);
  });
});

describe('finishing', () => {
  test('terminate, revise, terminate, accept', async () => {
    const { roster } = await start(planWith([{ name: 'A' }]));
    const handIn = () => roster.do('terminate', { agent: 'A', summary: 'it is done', files: ['a.md'] });
    expect(await handIn()).toMatchObject({ ok: true, status: 'review', round: 1, reviewer: { name: BOSS } });
    expect(await roster.do('review', { reviewer: BOSS, agent: 'A', verdict: 'revise' })).toMatchObject({
      ok: true,
      status: 'working',
      round: 1,
      member: { name: 'A' },
    });
    const second = await handIn();
    expect(second).toMatchObject({ ok: true, round: 2 });
    expect(second.ok ? second.details : '').toContain('files: a.md');
    expect(await roster.do('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' })).toMatchObject({
      ok: true,
      status: 'finished',
    });
    expect(await roster.do('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' })).toMatchObject({ ok: true });
    expect(roster.summary().reviews).toEqual({ accept: 1, revise: 1 });
  });

  test('the last round keeps the work with a reservation', async () => {
    const { roster } = await start(planWith([{ name: 'A' }]), { reviewRoundsMax: 2 });
    for (const status of ['working', 'finished']) {
      await roster.do('terminate', { agent: 'A', summary: 's', files: [] });
      expect(await roster.do('review', { reviewer: BOSS, agent: 'A', verdict: 'revise' })).toMatchObject({
        ok: true,
        status,
      });
    }
    expect(roster.summary().rows[1]).toMatchObject({ status: 'finished', verdict: 'reservation' });
  });

  test('who may review what', async () => {
    const { roster } = await start(planWith([{ name: 'A' }, { name: 'B', supervisor: 'A' }, { name: 'C' }]));
    await roster.do('terminate', { agent: 'B', summary: 's', files: [] });
    const by = (reviewer: string, agent: string) => roster.do('review', { reviewer, agent, verdict: 'accept' });
    expect(await by('C', 'B')).toMatchObject({ ok: false, error: { code: 'NOT_ALLOWED' } });
    expect(await by('A', 'C')).toMatchObject({ ok: false, error: { code: 'NOT_ALLOWED' } });
    expect(await by('A', 'Nobody')).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    expect(await by(BOSS, 'A')).toMatchObject({ ok: false, error: { code: 'NOT_ALLOWED' } });
    expect(await by('A', 'B')).toMatchObject({ ok: true });
  });

  test('nobody is finished before its subordinates', async () => {
    const { roster } = await start(planWith([{ name: 'A' }, { name: 'B', supervisor: 'A' }]));
    expect(await roster.do('terminate', { agent: 'A', summary: 's', files: [] })).toMatchObject({
      ok: false,
      error: { code: 'OPEN_ITEMS', subordinates: ['B'] },
    });
  });

  test('the Boss approves after the final review, and may reassign before', async () => {
    const { roster } = await start(planWith([{ name: 'A' }]));
    const handIn = (agent: string) => roster.do('terminate', { agent, summary: 's', files: [] });
    await roster.do('resolve', { sender: BOSS, to: ['A'] });
    await handIn('A');
    await roster.do('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' });
    expect(await handIn(BOSS)).toMatchObject({ ok: true, status: 'review', end: null });
    expect(await roster.do('quiet', {})).toMatchObject({
      mails: [{ to: { name: BOSS }, mail: { kind: 'final-review' } }],
      end: null,
    });
    await roster.do('resolve', { sender: BOSS, to: ['A'] });
    expect(await handIn(BOSS)).toMatchObject({ ok: false, error: { code: 'OPEN_ITEMS', subordinates: ['A'] } });
    await handIn('A');
    await roster.do('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' });
    const end = { status: 'completed', reason: 'done' };
    expect(await handIn(BOSS)).toMatchObject({ ok: true, status: 'finished', end });
    expect(await roster.do('quiet', {})).toMatchObject({ mails: [], end });
  });

  test('without reviews the first terminate counts', async () => {
    const { roster } = await start(planWith([{ name: 'A' }]), {}, false);
    expect(await roster.do('terminate', { agent: 'A', summary: 's', files: [] })).toMatchObject({
      status: 'finished',
      reviewer: { name: BOSS },
    });
    expect(await roster.do('terminate', { agent: BOSS, summary: 's', files: [] })).toMatchObject({
      end: { status: 'completed' },
    });
  });
});

describe('failures', () => {
  test('the subordinates of a failed Admin go to the next Admin up', async () => {
    const { roster } = await start(
      planWith([{ name: 'A' }, { name: 'B', supervisor: 'A' }, { name: 'C', supervisor: 'A' }]),
    );
    await roster.do('terminate', { agent: 'C', summary: 's', files: [] });
    await roster.do('review', { reviewer: 'A', agent: 'C', verdict: 'accept' });
    expect(await roster.do('failed', { agent: 'A', why: 'crash' })).toMatchObject({
      leader: { name: BOSS },
      moved: ['B', 'C'],
    });
    // Who has finished may still have something to say, and must not say it to nobody.
    expect(await roster.do('resolve', { sender: 'C', to: ['supervisor'] })).toMatchObject({
      receivers: [[{ name: BOSS }]],
    });
    expect(await roster.do('terminate', { agent: 'B', summary: 's', files: [] })).toMatchObject({
      reviewer: { name: BOSS },
    });
    expect(roster.group('B')?.supervisor).toBe(BOSS);
    expect(roster.summary().remedies).toEqual({ crash: 1 });
  });

  test('a Boss that crashed for good is counted once, keeps its counts, and ends nothing by itself', async () => {
    const { roster } = await start(planWith([{ name: 'A' }]));
    const counters = { ...zeroCounters(), turns: 3, repairs: 2 };
    await roster.do('crashed', { agent: BOSS, detail: 'MODEL_BAD_REQUEST', counters });
    await roster.do('crashed', { agent: BOSS, detail: 'again', counters: zeroCounters() });
    const { end, remedies, examples, rows } = roster.summary();
    expect({ end, remedies, examples }).toEqual({
      end: null,
      remedies: { crash: 1 },
      examples: { crash: { agent: BOSS, what: 'MODEL_BAD_REQUEST' } },
    });
    expect(rows.find(({ name }) => name === BOSS)).toMatchObject({ status: 'working', counters });
    // Whoever finds out afterwards that it is gone does not count it again.
    await roster.do('failed', { agent: BOSS, why: 'crash' });
    expect(roster.summary()).toMatchObject({
      remedies: { crash: 1 },
      end: { status: 'failed', reason: 'boss-failed' },
    });
    // And the other way round.
    const other = (await start(planWith([]))).roster;
    await other.do('failed', { agent: BOSS, why: 'crash' });
    await other.do('crashed', { agent: BOSS, detail: 'd', counters });
    expect(other.summary()).toMatchObject({ remedies: { crash: 1 }, rows: [{ counters }] });
  });

  test('a failed Boss ends the run: by a limit stopped, else failed', async () => {
    const crashed = await start(planWith([]));
    await crashed.roster.do('failed', { agent: BOSS, why: 'crash' });
    expect(await crashed.roster.do('quiet', {})).toMatchObject({ end: { status: 'failed', reason: 'boss-failed' } });
    const limited = await start(planWith([]));
    await limited.roster.do('failed', { agent: BOSS, why: 'limit-turns' });
    expect(await limited.roster.do('quiet', {})).toMatchObject({ end: { status: 'stopped', reason: 'limit-turns' } });
  });
});
