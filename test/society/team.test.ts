/** Teams and leaving: T1, T2, T3 of `roster-team.ts`, L1, L2, L3 of `roster-leave.ts`. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BOSS, divideSlots, renderTeam, type RosterAgent } from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { foundedMachine as founded, type Machine } from './machine.ts';

const hireTeam = (machine: Machine, items: readonly string[], name = 'Part', hirer: string = BOSS) =>
  machine.do('team', { hirer, name, description: 'writes a part', initialPrompt: 'Write it.', items });

const handIn = (machine: Machine, agent: string, files: readonly string[] = []) =>
  machine.do('terminate', { agent, summary: `${agent} is done`, files });

const accept = (machine: Machine, agent: string, reviewer: string = BOSS) =>
  machine.do('review', { reviewer, agent, verdict: 'accept' });

const agent = (machine: Machine, name: string): RosterAgent => {
  const found = machine.state.agents.get(name);
  if (found === undefined) throw new Error(`no agent ${name}`);
  return found;
};

describe('a team is hired whole or not at all (T1)', () => {
  test('one agent for each item, which is part of its task; slots are divided as for everybody', () => {
    const machine = founded(planWith([]), 10);
    const result = hireTeam(machine, ['Athens', 'Sparta', 'Corinth']);
    expect(result).toMatchObject({ ok: true, members: [{ name: 'Part_1' }, { name: 'Part_2' }, { name: 'Part_3' }] });
    expect(agent(machine, 'Part_2')).toMatchObject({
      woken: true,
      supervisor: BOSS,
      task: 'Your item, 2 of 3: Sparta\nWrite it.',
      slots: divideSlots(9, 3).shares[1],
    });
  });

  test('more items than there is room for: LIMIT says how many there may be, and nobody is hired', () => {
    const machine = founded(planWith([]), 4);
    expect(hireTeam(machine, ['a', 'b', 'c', 'd'])).toMatchObject({
      ok: false,
      error: { code: 'LIMIT', remaining: 3, hint: expect.stringContaining('at most 3') as string },
    });
    expect(machine.state.agents.size).toBe(1);
    expect(hireTeam(machine, ['a', 'b', 'c']).ok).toBe(true);
    expect(hireTeam(machine, ['d'])).toMatchObject({ error: { code: 'LIMIT', remaining: 0 } });
  });

  test('fan-out and depth hold', () => {
    const wide = founded(planWith([]), 50, { fanOutMax: 3 });
    expect(hireTeam(wide, ['a', 'b', 'c', 'd'])).toMatchObject({ error: { code: 'LIMIT', remaining: 3 } });
    const deep = founded(planWith([{ name: 'A', slots: 5 }]), 20, { depthMax: 1 });
    expect(hireTeam(deep, ['a'], 'P', 'A')).toMatchObject({ error: { code: 'LIMIT' } });
  });

  test('one name that is taken moves the whole team to names of its hirer; a second clash is refused', () => {
    const machine = founded(planWith([{ name: 'Part_2' }]), 20);
    expect(hireTeam(machine, ['a', 'b'])).toMatchObject({
      members: [{ name: 'Boss-Part_1' }, { name: 'Boss-Part_2' }],
    });
    expect(hireTeam(machine, ['a', 'b'])).toMatchObject({ error: { code: 'NAME_TAKEN' } });
    expect(hireTeam(machine, ['a'], 'no name')).toMatchObject({ error: { code: 'INVALID_ARGUMENTS' } });
    expect(hireTeam(machine, ['a'], 'x'.repeat(64))).toMatchObject({ error: { code: 'NAME_TAKEN' } });
    expect(hireTeam(machine, [])).toMatchObject({ error: { code: 'INVALID_ARGUMENTS' } });
    expect(machine.state.agents.size).toBe(4);
  });

  test('no team makes or loses slots', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (agentsMax, size) => {
        const machine = founded(planWith([]), agentsMax);
        const items = Array.from({ length: size }, (_, index) => `item ${index}`);
        const { ok } = hireTeam(machine, items);
        expect(ok).toBe(size < agentsMax);
        expect(machine.state.agents.size).toBe(ok ? size + 1 : 1);
        expect(machine.state.agents.size + machine.slots).toBe(agentsMax);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the hirer is told once what all came to (T2)', () => {
  test('with the last review, in one list', () => {
    const machine = founded(planWith([]), 10);
    hireTeam(machine, ['Athens', 'Sparta']);
    handIn(machine, 'Part_1', ['athens.md']);
    expect(accept(machine, 'Part_1')).toMatchObject({ ok: true, notices: [] });
    handIn(machine, 'Part_2', ['sparta.md']);
    const last = accept(machine, 'Part_2');
    expect(last).toMatchObject({
      notices: [{ to: { name: BOSS }, mail: { kind: 'hired', attributes: { team: 'Part', members: 2, accepted: 2 } } }],
    });
    const text = last.ok ? (last.notices[0]?.mail.text ?? '') : '';
    expect(text.split('\n').slice(1)).toEqual([
      '- Part_1 (Athens): accepted; files athens.md; Part_1 is done',
      '- Part_2 (Sparta): accepted; files sparta.md; Part_2 is done',
    ]);
    expect(accept(machine, 'Part_2')).toMatchObject({ notices: [] });
  });

  test('a member that goes on after the final review makes it due again', () => {
    const machine = founded(planWith([]), 10);
    hireTeam(machine, ['Athens']);
    handIn(machine, 'Part_1');
    expect(accept(machine, 'Part_1')).toMatchObject({ notices: [{ mail: { kind: 'hired' } }] });
    expect(machine.do('review', { reviewer: BOSS, agent: 'Part_1', verdict: 'revise' })).toMatchObject({ notices: [] });
    handIn(machine, 'Part_1');
    expect(accept(machine, 'Part_1')).toMatchObject({ notices: [{ mail: { kind: 'hired' } }] });
  });

  test('whatever ends the last one: reviews off, a failure, being let go', () => {
    const reviewed = founded(planWith([]), 10, {}, false);
    hireTeam(reviewed, ['a']);
    expect(handIn(reviewed, 'Part_1')).toMatchObject({ notices: [{ to: { name: BOSS }, mail: { kind: 'hired' } }] });
    const crashed = founded(planWith([]), 10);
    hireTeam(crashed, ['a']);
    const { notices } = crashed.do('failed', { agent: 'Part_1', why: 'crash' });
    expect(notices[0]?.mail.text).toContain('Part_1 (a): failed');
    const left = founded(planWith([]), 10);
    hireTeam(left, ['a']);
    const retired = left.do('retire', { by: BOSS, agent: 'Part_1', reason: 'no need' });
    expect(retired.ok && retired.notices[0]?.mail.text).toContain('Part_1 (a): retired');
  });

  test('a hirer that is gone leaves it to who leads in its place', () => {
    const machine = founded(planWith([{ name: 'A', slots: 5 }]), 10);
    hireTeam(machine, ['a'], 'P', 'A');
    machine.do('failed', { agent: 'A', why: 'crash' });
    handIn(machine, 'P_1');
    expect(accept(machine, 'P_1')).toMatchObject({ notices: [{ to: { name: BOSS }, mail: { kind: 'hired' } }] });
  });

  test('an agent that never finishes does not keep the list from coming', () => {
    const machine = founded(planWith([]), 10);
    hireTeam(machine, ['a']);
    const kinds = Array.from({ length: 5 }, () => machine.do('quiet', {}).mails.map(({ mail }) => mail.kind));
    expect(kinds.at(-1)).toEqual(['child-failed', 'hired']);
  });
});

test('the list is bounded, and shows first what was not simply accepted (T3)', () => {
  const machine = founded(planWith([]), 5_000, { fanOutMax: 5_000 });
  hireTeam(
    machine,
    Array.from({ length: 3_000 }, (_, index) => `item ${index} ${'x'.repeat(200)}`),
  );
  const members = Array.from({ length: 3_000 }, (_, index): RosterAgent => ({
    ...agent(machine, `Part_${index + 1}`),
    status: 'finished',
    summary: 'y'.repeat(5_000),
    files: Array.from({ length: 20 }, (__, file) => `${'f'.repeat(100)}${file}.md`),
    verdict: index === 2_500 ? 'reservation' : 'accepted',
  }));
  const text = renderTeam('Part', members);
  expect(text.length).toBeLessThan(20_000);
  expect(text.split('\n')[1]).toContain('Part_2501');
  expect(text.split('\n').at(-1)).toContain('and 2800 more');
});

describe('retiring', () => {
  const tree = () =>
    founded(
      planWith(
        [
          { name: 'A', slots: 6 },
          { name: 'B', supervisor: 'A', slots: 2 },
          { name: 'C', supervisor: 'B' },
          { name: 'D', supervisor: 'B' },
          { name: 'E' },
        ],
        [{ id: '1', text: 'write it', owner: 'B' }],
      ),
      30,
    );

  test('a subordinate goes: slots return (L1), its group goes to the next Admin up (L2), open items are told', () => {
    const machine = tree();
    handIn(machine, 'D');
    const before = machine.state.agents.size + machine.slots;
    expect(machine.do('retire', { by: 'A', agent: 'B', reason: 'too slow' })).toMatchObject({
      ok: true,
      retired: { name: 'B' },
      open: ['1: write it'],
      moved: ['C', 'D'],
      supervisor: 'A',
      notices: [],
    });
    expect(agent(machine, 'B')).toMatchObject({ status: 'retired', slots: 0, subordinates: [], led: true });
    expect(agent(machine, 'C').supervisor).toBe('A');
    expect(agent(machine, 'A').subordinates).toEqual(['B', 'C', 'D']);
    expect(machine.state.agents.size + machine.slots).toBe(before);
    expect(accept(machine, 'D', 'A')).toMatchObject({ ok: true, status: 'finished' });
    expect(machine.do('retire', { by: 'A', agent: 'B', reason: 'again' })).toMatchObject({ ok: true, retired: null });
  });

  test('the Boss lets anybody go but itself, and who led is told', () => {
    const machine = tree();
    expect(machine.do('retire', { by: BOSS, agent: 'B', reason: 'no need' })).toMatchObject({
      ok: true,
      notices: [{ to: { name: 'A' }, mail: { kind: 'child-failed', attributes: { agent: 'B' } } }],
    });
    expect(machine.do('retire', { by: BOSS, agent: BOSS, reason: 'x' })).toMatchObject({
      error: { code: 'NOT_ALLOWED' },
    });
  });

  test('others let go only their own, and are told whom to ask', () => {
    const machine = tree();
    expect(machine.do('retire', { by: 'A', agent: 'E', reason: 'x' })).toMatchObject({
      error: { code: 'NOT_ALLOWED', hint: 'Write to Boss and say why E should go.' },
    });
    expect(machine.do('retire', { by: 'A', agent: 'C', reason: 'x' })).toMatchObject({
      error: { code: 'NOT_ALLOWED', hint: 'Write to B and say why C should go.' },
    });
    expect(machine.do('retire', { by: 'A', agent: BOSS, reason: 'x' })).toMatchObject({
      error: { code: 'NOT_ALLOWED' },
    });
    expect(machine.do('retire', { by: 'A', agent: 'BB', reason: 'x' })).toMatchObject({
      error: { code: 'NOT_FOUND', hint: 'Did you mean B?' },
    });
  });

  test('a retired agent changes nothing any more, and is told who answers for its work (L3)', () => {
    const machine = tree();
    machine.do('retire', { by: 'A', agent: 'B', reason: 'x' });
    const before = structuredClone(machine.state);
    const refused = {
      ok: false,
      error: { code: 'NOT_ALLOWED', retired: true, hint: 'A answers for your work now.' },
    };
    expect(machine.do('resolve', { sender: 'B', to: ['C'] })).toMatchObject(refused);
    expect(machine.do('checklist', { agent: 'B', items: [] })).toMatchObject(refused);
    expect(machine.do('review', { reviewer: 'B', agent: 'C', verdict: 'accept' })).toMatchObject(refused);
    expect(machine.do('retire', { by: 'B', agent: 'C', reason: 'x' })).toMatchObject(refused);
    expect(hireTeam(machine, ['a'], 'P', 'B')).toMatchObject(refused);
    const recruits = [{ name: 'X', description: 'd', initialPrompt: 'p', woken: true }];
    expect(machine.do('hire', { hirer: 'B', recruits })).toMatchObject([refused]);
    expect(machine.do('handback', { agent: 'B' })).toEqual({ to: null, more: false });
    expect(machine.do('terminate', { agent: 'B', summary: 's', files: ['x'] })).toMatchObject({
      status: 'retired',
      reviewer: null,
    });
    expect(machine.state).toEqual(before);
    expect(machine.do('resolve', { sender: 'A', to: ['B'] })).toMatchObject({
      error: { code: 'NOT_FOUND', hint: 'It was under you: give its work to somebody else, or do without.' },
    });
  });
});

test('a second team of one name is told of by the name that its members have', () => {
  const machine = founded(planWith([{ name: 'A' }]), 20);
  const hire = (items: readonly string[]) =>
    machine.do('team', { hirer: BOSS, name: 'T', description: 'd', initialPrompt: 'p', items });
  expect(hire(['x', 'y'])).toMatchObject({ ok: true, team: 'T', members: [{ name: 'T_1' }, { name: 'T_2' }] });
  expect(hire(['z'])).toMatchObject({ ok: true, team: `${BOSS}-T`, members: [{ name: `${BOSS}-T_1` }] });
  machine.do('terminate', { agent: `${BOSS}-T_1`, summary: 's', files: [] });
  const result = machine.do('review', { reviewer: BOSS, agent: `${BOSS}-T_1`, verdict: 'accept' });
  const texts = result.ok ? result.notices.map(({ mail }) => [mail.attributes?.['team'], mail.text]) : [];
  expect(texts).toEqual([
    [`${BOSS}-T`, expect.stringContaining(`Everybody of the team ${BOSS}-T is through`) as string],
  ]);
});
