/** Folding events into the model: V1 to V3, and T1 to T3 of the tree of agents. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEVELS, STATES, type AgentPhase, type ViewAgent } from '../../../src/cli/view/agents.ts';
import { SocietyModel } from '../../../src/cli/view/model.ts';
import type { EventRecord } from '../../../src/protocol/event.ts';
import { progressOf } from '../fixtures.ts';
import { event, hired, societyEvents, stage } from './society.ts';

const agentOf = (model: SocietyModel, name: string): ViewAgent => {
  const agent = model.agents.get(name);
  if (agent === undefined) throw new Error(`there is no ${name}`);
  return agent;
};

const states = (model: SocietyModel, name: string): Partial<Record<AgentPhase, number>> =>
  Object.fromEntries(
    STATES.flatMap((state, index) => {
      const value = agentOf(model, name).below[index] ?? 0;
      return value === 0 ? [] : [[state, value]];
    }),
  );

/** Counts again from nothing, as the tallies ought to be. */
const recount = (agent: ViewAgent): number[] => {
  const tally = STATES.map(() => 0);
  for (const member of agent.members) {
    const index = STATES.indexOf(member.state);
    tally[index] = (tally[index] ?? 0) + 1;
    for (const [at, value] of recount(member).entries()) tally[at] = (tally[at] ?? 0) + value;
  }
  return tally;
};

const expectExactTallies = (model: SocietyModel): void => {
  for (const agent of model.agents.values()) expect(agent.below).toEqual(recount(agent));
  for (const level of LEVELS) {
    const own = [...model.agents.values()].filter((agent) => agent.level === level);
    expect(model.byLevel[level]).toEqual(STATES.map((state) => own.filter((agent) => agent.state === state).length));
  }
  const reached = new Set<ViewAgent>();
  const visit = (agent: ViewAgent): void => {
    expect(reached.has(agent)).toBe(false);
    reached.add(agent);
    agent.members.forEach(visit);
  };
  model.roots.forEach(visit);
  expect(reached.size).toBe(model.agents.size);
};

describe('the states of an agent', () => {
  test('from its hire to its acceptance', () => {
    const { model } = stage(societyEvents(2, 3));
    const seen: AgentPhase[] = [];
    const apply = (one: EventRecord): void => {
      model.apply(one);
      seen.push(agentOf(model, 'Admin0-0').state);
    };
    apply(event('turn', 'Admin0-0', { mail: 1 }));
    apply(event('step', 'Admin0-0', { step: 0, open: true }));
    apply(event('step', 'Admin0-0', { step: 1, open: false }));
    apply(event('turn', 'Admin0-0', { mail: 1 }));
    apply(event('step', 'Admin0-0', { step: 2, open: false }));
    apply(event('tool', 'Admin0-0', { tool: 'terminate', ok: true }));
    apply(event('review', 'Admin0-0', { by: 'Admin0', verdict: 'revise', round: 1 }));
    apply(event('tool', 'Admin0-0', { tool: 'terminate', ok: true }));
    apply(event('review', 'Admin0-0', { by: 'Admin0', verdict: 'accept', round: 2 }));
    expect(seen).toEqual([
      'working',
      'working',
      'waiting',
      'working',
      'waiting',
      'review',
      'waiting',
      'review',
      'finished',
    ]);
    expect(states(model, 'Admin0')).toEqual({ finished: 1, new: 2 });
    expect(states(model, 'Boss')).toEqual({ finished: 1, new: 7 });
    expect(model.reviews).toEqual({ accept: 1, revise: 1 });
    expectExactTallies(model);
  });

  test('a turn of somebody who has finished ends as it began', () => {
    const { model } = stage([...societyEvents(1, 1), event('review', 'Admin0-0', { by: 'Admin0', verdict: 'accept' })]);
    model.apply(event('turn', 'Admin0-0', { mail: 1 }));
    expect(agentOf(model, 'Admin0-0').state).toBe('working');
    model.apply(event('step', 'Admin0-0', { open: false }));
    expect(agentOf(model, 'Admin0-0').state).toBe('finished');
  });

  test('what is kept at the last round, with a reservation, has not been sent back', () => {
    const last = { by: 'Admin0', verdict: 'revise', status: 'finished', round: 3 };
    const { model } = stage([...societyEvents(1, 1), event('review', 'Admin0-0', last)]);
    expect(model.reviews).toEqual({ accept: 0, revise: 0 });
    expect(agentOf(model, 'Admin0-0').steps.at(-1)?.text).toBe('kept with a reservation of Admin0 (round 3)');
  });

  test('without reviews a handed in task is finished; the Boss has nobody above it', () => {
    const { model } = stage(societyEvents(1, 1));
    model.apply(event('tool', 'Boss', { tool: 'terminate', ok: true }));
    expect(agentOf(model, 'Boss').state).toBe('finished');
    model.apply(event('run', undefined, { reviews: false }));
    model.apply(event('tool', 'Admin0-0', { tool: 'terminate', ok: true }));
    expect(agentOf(model, 'Admin0-0').state).toBe('finished');
  });

  test('a refused terminate changes nothing; the limit of turns ends an agent', () => {
    const { model } = stage(societyEvents(1, 1));
    model.apply(event('tool', 'Admin0-0', { tool: 'terminate', ok: false, code: 'OPEN_ITEMS' }));
    expect(agentOf(model, 'Admin0-0').state).toBe('new');
    expect(agentOf(model, 'Admin0-0').steps.at(-1)).toMatchObject({ text: 'terminate: OPEN_ITEMS', bad: true });
    model.apply(event('limit', 'Admin0-0', { limit: 'turns' }));
    expect(agentOf(model, 'Admin0-0').state).toBe('failed');
  });

  test('a resumed run tells who is there and where they stand', () => {
    const recovered = (agent: string, by: string, level: string, status: string): EventRecord =>
      event('spawned', agent, { by, level, status, recovered: true });
    const { model } = stage([
      recovered('Boss', 'user', 'boss', 'working'),
      recovered('Admin0', 'Boss', 'admin', 'review'),
      recovered('One', 'Admin0', 'ordinary', 'finished'),
    ]);
    expect(states(model, 'Boss')).toEqual({ finished: 1, review: 1 });
    expect(agentOf(model, 'Boss').state).toBe('waiting');
  });
});

describe('the tree (T2, T3)', () => {
  test('the order of events does not matter', () => {
    const events = [
      ...societyEvents(2, 2),
      hired('Deep', 'Admin0-1'),
      event('turn', 'Deep', { mail: 1 }),
      event('turn', 'Admin1', { mail: 1 }),
      event('tool', 'Admin0-0', { tool: 'terminate', ok: true }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (shuffled) => {
        const { model } = stage(shuffled);
        expectExactTallies(model);
        expect(model.roots.map(({ name }) => name)).toEqual(['Boss']);
        expect(states(model, 'Boss')).toEqual({ new: 4, review: 1, working: 2 });
        expect(agentOf(model, 'Admin0-1').level).toBe('admin');
      }),
    );
  });

  test('hires that contradict each other make no circle', () => {
    const name = fc.constantFrom('Boss', 'A', 'B', 'C', 'D');
    const level = fc.constantFrom('boss', 'admin', 'ordinary', 'nonsense');
    const hires = fc.array(fc.tuple(name, name, level, fc.boolean()), { maxLength: 30 });
    fc.assert(
      fc.property(hires, (drawn) => {
        const events = drawn.map(([agent, by, rank, turn]) => (turn ? event('turn', agent) : hired(agent, by, rank)));
        expectExactTallies(stage(events).model);
      }),
    );
  });
});

describe('bounds', () => {
  test('steps are bounded, each agent by a share of what all may have (V2)', () => {
    const { model } = stage(societyEvents(1, 1));
    for (let index = 0; index < 500; index += 1) model.apply(event('tool', 'Boss', { tool: `t${index}`, ok: true }));
    expect(agentOf(model, 'Boss').steps).toHaveLength(60);
    expect(agentOf(model, 'Boss').steps.at(-1)?.text).toBe('t499');
    const { model: many } = stage(societyEvents(100, 99));
    for (let index = 0; index < 100; index += 1) many.apply(event('tool', 'Boss', { tool: 't', ok: true }));
    expect(agentOf(many, 'Boss').steps.length).toBeLessThanOrEqual(10);
  });

  test('no text of an event reaches the model as it is (V3)', () => {
    const evil = '\u001B[2J\u202E';
    const { model } = stage([
      event('run', undefined, { goal: evil, runId: evil, model: evil }),
      hired(`N${evil}`, 'Boss'),
      event('tool', `N${evil}`, { tool: evil, ok: false, code: evil, path: evil }),
      event('message', `N${evil}`, { to: 'Boss', kind: evil, text: evil }),
      event('modelCall', `N${evil}`, { class: evil }),
      event('limit', `N${evil}`, { limit: evil }),
      event('remedy', `N${evil}`, { why: evil }),
      event('restart', `N${evil}`, { message: evil }),
      event('deadLetter', `N${evil}`, { reason: evil }),
      event('human', `N${evil}`, { question: evil }),
      event('review', `N${evil}`, { by: evil, verdict: 'revise' }),
      event('turn', `N${evil}`, { log: evil }),
    ]);
    const everything = JSON.stringify([
      model.head,
      [...model.agents.values()].map(({ name, steps }) => ({ name, steps })),
    ]);
    // JSON writes controls as escapes.
    expect(everything).not.toMatch(/\\u001b|\u202E/iu);
    expect(everything).toContain('[2J');
  });

  test('events with fields of other types are taken for what they are', () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.object());
    const fields = fc.dictionary(
      fc.constantFrom('by', 'level', 'status', 'tool', 'ok', 'to', 'kind', 'text', 'input', 'log', 'open', 'recovered'),
      value,
    );
    const type = fc.constantFrom(
      ...(['spawned', 'hired', 'turn', 'step', 'modelCall', 'tool', 'message', 'review', 'limit', 'remedy'] as const),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(type, fc.constantFrom('A', 'B'), fields)), (drawn) => {
        expectExactTallies(stage(drawn.map(([kind, agent, own]) => event(kind, agent, own))).model);
      }),
    );
  });
});

describe('progress', () => {
  test('rates are those of the last seconds', () => {
    const model = new SocietyModel();
    for (let second = 0; second <= 20; second += 1) {
      const turns = second <= 10 ? second * 100 : 1_000 + (second - 10) * 20;
      model.observe(progressOf({ turns, messages: second * 2, wallSeconds: second }), second * 1_000);
    }
    expect(model.turnsPerSecond).toBeCloseTo(20);
    expect(model.messagesPerSecond).toBeCloseTo(2);
  });

  test('the time left is told when some have finished lately, and not before', () => {
    const { model } = stage(societyEvents(1, 98));
    for (let second = 0; second <= 10; second += 1) {
      model.observe(progressOf({ wallSeconds: second }), second * 1_000);
    }
    expect(model.secondsLeft).toBeNull();
    for (let second = 11; second <= 40; second += 1) {
      model.apply(event('review', `Admin0-${second}`, { by: 'Admin0', verdict: 'accept' }));
      model.observe(progressOf({ wallSeconds: second }), second * 1_000);
    }
    // 30 of 100 have finished, one a second.
    expect(model.secondsLeft).toBeGreaterThan(60);
    expect(model.secondsLeft).toBeLessThan(80);
    model.observe(progressOf({ phase: 'closing' }), 41_000);
    expect(model.secondsLeft).toBeNull();
  });

  test('the same progress is no news', () => {
    const model = new SocietyModel();
    model.observe(progressOf({ wallSeconds: 2.1 }), 0);
    const { version } = model;
    model.observe(progressOf({ wallSeconds: 2.9 }), 800);
    expect(model.version).toBe(version);
    model.observe(progressOf({ wallSeconds: 3 }), 900);
    expect(model.version).toBe(version + 1);
  });
});
