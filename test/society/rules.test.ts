/** Limits, names, checklists, quotas, chat: pure rules. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BOSS,
  chatRefusal,
  checklistIssue,
  countItems,
  defaultLimits,
  divideSlots,
  drawBack,
  freeName,
  limitsWith,
  nameIssue,
  resolveReceivers,
  type Member,
} from '../../src/society/index.ts';

describe('limits', () => {
  test('the defaults of the contract', () => {
    expect(defaultLimits).toMatchObject({
      stepsPerTurnMax: 20,
      turnsPerAgentMax: 200,
      agentsMax: 100,
      depthMax: 6,
      fanOutMax: 128,
      nudgesPerAgentMax: 3,
      reviewRoundsMax: 3,
      repairsPerAnswerMax: 3,
    });
  });

  test('overrides are checked and unknown ones refused', () => {
    expect(limitsWith({ depthMax: 2 }).depthMax).toBe(2);
    expect(() => limitsWith({ depthMax: 0 })).toThrow();
    expect(() => limitsWith({ depth: 1 } as never)).toThrow();
  });
});

describe('names', () => {
  test.each([
    'user',
    'System',
    'GROUP',
    'supervisor',
    'subordinates',
    'Human',
    '',
    'a b',
    'ä',
    'x'.repeat(65),
    'a/b',
    'a:b',
  ])('refuses %j', (name) => expect(nameIssue(name)).not.toBeNull());

  test('accepts the others', () => expect(nameIssue('Health-2_x')).toBeNull());

  test('a clash becomes PARENT-NAME, a second one nothing', () => {
    const taken = new Set(['X']);
    expect(freeName('X', 'P', (name) => taken.has(name))).toBe('P-X');
    taken.add('P-X');
    expect(freeName('X', 'P', (name) => taken.has(name))).toBeNull();
    expect(freeName('y'.repeat(64), 'P', () => true)).toBeNull();
  });
});

describe('checklists', () => {
  const item = (id: string, status: 'todo' | 'done' | 'blocked') => ({ id, text: 't', status });

  test('ids are unique, their number is limited', () => {
    expect(checklistIssue([item('1', 'todo'), item('1', 'done')], 10)).toContain('"1"');
    expect(checklistIssue([item('1', 'todo'), item('2', 'done')], 1)).toContain('at most 1');
    expect(checklistIssue([item('1', 'todo')], 1)).toBeNull();
  });

  test('blocked is open', () => {
    expect(countItems([item('1', 'todo'), item('2', 'blocked'), item('3', 'done')])).toEqual({ open: 2, closed: 1 });
  });
});

describe('quotas', () => {
  test('what is left less one per recruit, divided evenly', () => {
    expect(divideSlots(99, 4)).toEqual({ shares: [23, 23, 23, 23], rest: 3 });
    expect(divideSlots(3, 3)).toEqual({ shares: [0, 0, 0], rest: 0 });
    expect(divideSlots(3, 0)).toEqual({ shares: [], rest: 3 });
  });

  test('a hirer without slots draws back from recruits that hired nobody, and shares evenly', () => {
    const first = { name: 'A', slots: 98, fixed: false };
    const redivision = drawBack(0, 1, [first]);
    expect(redivision).toEqual({ held: new Map([['A', 48]]), shares: [48], rest: 1 });
  });

  test('slots fixed by the plan are taken one by one and last', () => {
    const holders = [
      { name: 'A', slots: 5, fixed: true },
      { name: 'B', slots: 5, fixed: true },
    ];
    expect(drawBack(0, 1, holders)).toEqual({ held: new Map([['A', 4]]), shares: [0], rest: 0 });
    expect(drawBack(0, 11, holders)).toBeNull();
  });

  test('no division makes or loses slots', () => {
    const holder = fc.record({ name: fc.uuid(), slots: fc.nat({ max: 50 }), fixed: fc.boolean() });
    fc.assert(
      fc.property(
        fc.nat({ max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(holder, { maxLength: 6 }),
        (remaining, recruits, holders) => {
          const before = remaining + holders.reduce((sum, { slots }) => sum + slots, 0);
          const redivision = drawBack(remaining, recruits, holders);
          if (redivision === null) {
            expect(before).toBeLessThan(recruits);
            return;
          }
          const kept = holders.reduce((sum, { name, slots }) => sum + (redivision.held.get(name) ?? slots), 0);
          const given = redivision.shares.reduce((sum, share) => sum + share, 0);
          expect(kept + given + redivision.rest + recruits).toBe(before);
          expect(Math.min(redivision.rest, ...redivision.shares, ...redivision.held.values())).toBeGreaterThanOrEqual(
            0,
          );
        },
      ),
    );
  });
});

/** Boss → A, B (Admins) → A1, A2 / B1; C works alone under the Boss. */
const society = (): Map<string, Member> => {
  const member = (name: string, supervisor: string | null, subordinates: string[] = []): [string, Member] => [
    name,
    { name, supervisor, subordinates, admin: subordinates.length > 0, reachable: true },
  ];
  return new Map([
    member(BOSS, null, ['A', 'B', 'C']),
    member('A', BOSS, ['A1', 'A2']),
    member('B', BOSS, ['B1']),
    member('C', BOSS),
    member('A1', 'A'),
    member('A2', 'A'),
    member('B1', 'B'),
  ]);
};

describe('chat', () => {
  const members = society();
  const lookup = (name: string): Member | undefined => members.get(name);
  const may = (from: string, to: string): boolean =>
    chatRefusal(members.get(from) as Member, members.get(to) as Member) === null;

  test.each([
    ['A1', 'A2'],
    ['A1', 'A'],
    ['A', 'A1'],
    ['A', 'B'],
    ['A', BOSS],
    [BOSS, 'A'],
    ['C', 'A'],
    [BOSS, 'B'],
  ])('%s may write to %s', (from, to) => expect(may(from, to)).toBe(true));

  test.each([
    ['A1', 'B1'],
    ['A1', BOSS],
    ['A1', 'B'],
    ['C', 'A1'],
    [BOSS, 'A1'],
    ['A', 'B1'],
    ['A1', 'A1'],
  ])('%s may not write to %s', (from, to) => expect(may(from, to)).toBe(false));

  test('the refusal says whom to ask instead', () => {
    const hint = (from: string, to: string): string =>
      chatRefusal(members.get(from) as Member, members.get(to) as Member)?.error.hint ?? '';
    expect(hint('A1', 'B1')).toContain('Write to A ');
    expect(hint('A', 'B1')).toContain('Write to B ');
  });

  test('of one who has left it names neither who asks nor somebody out of reach', () => {
    const gone = { ...(members.get('B1') as Member), reachable: false };
    const hint = (from: string): string => chatRefusal(members.get(from) as Member, gone)?.error.hint ?? '';
    expect(hint('B')).toBe('It was under you: give its work to somebody else, or do without.');
    expect(hint('A')).toContain('Write to B ');
    expect(hint('A1')).toContain('Write to A ');
  });

  test('groups', () => {
    const of = (from: string, to: string): unknown => {
      const resolved = resolveReceivers(members.get(from) as Member, [to], lookup);
      return resolved.ok ? resolved.receivers[0]?.toSorted() : resolved.error.code;
    };
    expect(of('A', 'group')).toEqual(['A1', 'A2', 'B', BOSS, 'C']);
    expect(of('A1', 'group')).toEqual(['A', 'A2']);
    expect(of('A', 'subordinates')).toEqual(['A1', 'A2']);
    expect(of('A1', 'supervisor')).toEqual(['A']);
    expect(of('A1', 'subordinates')).toBe('NOT_FOUND');
    expect(of(BOSS, 'supervisor')).toBe('NOT_FOUND');
    expect(of('A1', 'Nobody')).toBe('NOT_FOUND');
  });

  test('all or nothing', () => {
    const resolved = resolveReceivers(members.get('A1') as Member, ['A', 'B1'], lookup);
    expect(resolved).toMatchObject({ ok: false, error: { code: 'NOT_ALLOWED', to: 'B1' } });
  });

  test('mail of an Ordinary agent never leaves its group, whatever the tree', () => {
    const tree = fc.array(fc.nat({ max: 1_000 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(tree, fc.nat(), fc.nat(), (choices, from, to) => {
        const parents = choices.map((choice, index) => (index === 0 ? null : `N${choice % index}`));
        const all = parents.map((supervisor, index): Member => {
          const subordinates = parents.flatMap((parent, child) => (parent === `N${index}` ? [`N${child}`] : []));
          return {
            name: index === 0 ? BOSS : `N${index}`,
            supervisor,
            subordinates,
            admin: subordinates.length > 0,
            reachable: true,
          };
        });
        const sender = all[1 + (from % (all.length - 1))] as Member;
        const receiver = all[to % all.length] as Member;
        if (sender.admin || sender === receiver) return;
        const inGroup =
          receiver.supervisor === sender.supervisor ||
          receiver.name === sender.supervisor ||
          (sender.supervisor === 'N0' && receiver.name === BOSS);
        if (chatRefusal(sender, receiver) === null) expect(inGroup).toBe(true);
      }),
    );
  });
});
