/** Quiet moments: what they lead to, and that any society has finitely many of them. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BOSS, renderVerdicts, type FileSample } from '../../src/society/index.ts';
import { planWith, treePlan } from './arbitraries.ts';
import { foundedMachine as founded, type Machine } from './machine.ts';

const kinds = (machine: Machine): string[] =>
  machine.do('quiet', {}).mails.map(({ to, mail }) => `${mail.kind} ${to.name}`);

test('an agent that does nothing is started, nudged, reported and let go, and the Boss hears of it', () => {
  const machine = founded();
  const seen = Array.from({ length: 6 }, () => kinds(machine));
  expect(seen).toEqual([
    ['start A'],
    ['nudge A'],
    ['nudge A'],
    ['nudge A'],
    [`remedy ${BOSS}`],
    [`child-failed ${BOSS}`],
  ]);
  expect(kinds(machine)).toEqual([`final-review ${BOSS}`]);
  expect(machine.state.meta?.remedies).toEqual({ unfinished: 1 });
});

test('a review that nobody gives is asked for again, then the work is kept with a reservation', () => {
  const machine = founded();
  machine.do('terminate', { agent: 'A', summary: 's', files: [] });
  const seen = Array.from({ length: 4 }, () => kinds(machine));
  expect(seen).toEqual([[`review ${BOSS}`], [`review ${BOSS}`], [`review ${BOSS}`], [`final-review ${BOSS}`]]);
  expect(machine.state.agents.get('A')).toMatchObject({ status: 'finished', verdict: 'reservation' });
});

test('every round of a review has its own reminders', () => {
  const machine = founded();
  machine.do('terminate', { agent: 'A', summary: 's', files: [] });
  for (let count = 0; count < 3; count += 1) expect(kinds(machine)).toEqual([`review ${BOSS}`]);
  machine.do('review', { reviewer: BOSS, agent: 'A', verdict: 'revise' });
  machine.do('terminate', { agent: 'A', summary: 's', files: [] });
  expect(kinds(machine)).toEqual([`review ${BOSS}`]);
});

test('U2 mails of one moment have numbers of their own, which grow: a receiver may take them in several turns', () => {
  const machine = founded(planWith(Array.from({ length: 6 }, () => ({}))));
  const seen: number[] = [];
  for (let moment = 0; moment < 3; moment += 1) {
    for (const { mail } of machine.do('quiet', {}).mails) seen.push(mail.quiet ?? 0);
  }
  expect(seen.length).toBeGreaterThan(12);
  expect(seen).toEqual(seen.map((_, index) => index + 1));
});

test('the final review shows contents, each clipped, or says that there are none to show', () => {
  const text = (sample: FileSample): string => {
    const { mails } = founded(planWith([])).do('quiet', { sample });
    expect(mails).toHaveLength(1);
    return mails[0]?.mail.text ?? '';
  };
  const long = { path: 'a.md', author: 'A', content: 'x'.repeat(100_000) };
  const shown = text({ total: 9, files: [long, { path: 'b.md', author: 'B', content: 'short' }] });
  expect(shown).toContain('Contents of 2 of 9 files');
  expect(shown).toContain('--- b.md (B)\nshort');
  expect(shown.length).toBeLessThan(3_000);
  expect(text({ total: 0, files: [] })).toContain('no shared files');
  expect(text({ total: null, files: [] })).toContain('could not be looked at');
});

test('whoever waits for its subordinates is not nudged', () => {
  const machine = founded(planWith([{ name: 'A' }, { name: 'B', supervisor: 'A' }]));
  machine.do('woken', { names: ['A', 'B'] });
  expect(kinds(machine)).toEqual(['nudge B']);
});

test('a Boss that never answers ends the run as failed', () => {
  const machine = founded(planWith([]));
  for (let round = 0; round < 3; round += 1) expect(kinds(machine)).toEqual([`final-review ${BOSS}`]);
  expect(machine.do('quiet', {})).toMatchObject({ mails: [], end: { status: 'failed', reason: 'boss-failed' } });
});

type Move = readonly [what: number, agent: number, other: number];

/** What a model might do, sensible or not; `agent` and `other` choose among those who exist. */
const play = (machine: Machine, [what, from, to]: Move, count: number): void => {
  const names = [...machine.state.agents.keys()];
  const agent = names[from % names.length] ?? BOSS;
  const other = names[to % names.length] ?? BOSS;
  const item = { id: '1', text: 't', status: to % 2 === 0 ? ('todo' as const) : ('done' as const) };
  switch (what % 11) {
    case 0:
      return void machine.do('terminate', { agent, summary: 's', files: [] });
    case 1:
      return void machine.do('review', { reviewer: agent, agent: other, verdict: 'accept' });
    case 2:
      return void machine.do('review', { reviewer: agent, agent: other, verdict: 'revise' });
    case 3:
      return void machine.do('hire', {
        hirer: agent,
        recruits: [{ name: `N${count}`, description: 'd', initialPrompt: 'p', woken: to % 2 === 0 }],
      });
    case 4:
      return void machine.do('resolve', { sender: agent, to: [other] });
    case 5:
      return void machine.do('checklist', { agent, items: [item] });
    case 6:
      return void machine.do('review', { reviewer: BOSS, agent: other, verdict: 'revise' });
    case 7:
      return void (agent === BOSS ? undefined : machine.do('failed', { agent, why: 'crash' }));
    case 8:
      return void machine.do('retire', { by: agent, agent: other, reason: 'r' });
    case 9: {
      const items = Array.from({ length: 1 + (to % 4) }, (_, index) => `item ${index}`);
      const args = { hirer: agent, name: `T${count}`, description: 'd', initialPrompt: 'p', items };
      return void machine.do('team', args);
    }
    default:
      return void machine.do('handback', to % 2 === 0 ? { agent } : { agent, comment: `comment ${count}` });
  }
};

test('whatever agents do, quiet moments end the run, and slots are neither made nor lost', () => {
  const agentsMax = 20;
  const move = fc.tuple(fc.nat({ max: 10 }), fc.nat({ max: 1_000 }), fc.nat({ max: 1_000 }));
  fc.assert(
    fc.property(
      treePlan,
      fc.array(fc.array(move, { maxLength: 12 }), { maxLength: 120 }),
      fc.boolean(),
      (plan, script, forever) => {
        const machine = founded(plan, agentsMax);
        // Per agent: a start, 3 nudges, 3 times what it said before, a report, an end, and 3 reminders for each of its rounds and of those it leads.
        const roundsMax = agentsMax * (1 + 3 + 3 + 1 + 1) + agentsMax * (3 + agentsMax * 3) * 3 + 20;
        let count = 0;
        for (let round = 0; round < roundsMax; round += 1) {
          const moves =
            script.length === 0 ? [] : forever ? (script[round % script.length] ?? []) : (script[round] ?? []);
          for (const each of moves) play(machine, each, (count += 1));
          expect(machine.state.agents.size + machine.slots).toBe(agentsMax);
          const result = machine.do('quiet', {});
          expect(result.end !== null || result.mails.length > 0).toBe(true);
          if (result.end !== null) return;
        }
        throw new Error('the run does not end');
      },
    ),
    { numRuns: 150 },
  );
});

test('verdicts come in chunks that say which they are', () => {
  const machine = founded(planWith(Array.from({ length: 120 }, () => ({}))), 400);
  machine.do('hire', {
    hirer: 'A0',
    recruits: Array.from({ length: 2 }, (_, index) => ({
      name: `X${index}`,
      description: 'd',
      initialPrompt: 'p',
      woken: true,
    })),
  });
  const agents = [...machine.state.agents.values()];
  expect(renderVerdicts(agents)).toHaveLength(1);
  const many = renderVerdicts([...agents, ...agents, ...agents]);
  expect(many).toHaveLength(3);
  expect(many[1]).toContain('Part 2 of 3');
  expect(renderVerdicts([])[0]).toContain('Nobody was hired');
});

test('everybody who is not simply accepted has a row, then who leads; members are counted, and the whole is bounded (X1)', () => {
  const machine = founded(planWith([{ name: 'A' }, { name: 'B' }]), 4_000, { fanOutMax: 4_000 });
  const recruits = Array.from({ length: 900 }, (_, index) => ({
    name: `W${index}`,
    description: 'd',
    initialPrompt: 'p',
    woken: true,
  }));
  machine.do('hire', { hirer: 'A', recruits });
  for (const { name } of recruits) {
    machine.do('terminate', { agent: name, summary: 's'.repeat(5_000), files: [`${name}.md`] });
    if (name !== 'W7') machine.do('review', { reviewer: 'A', agent: name, verdict: 'accept' });
  }
  const agents = [...machine.state.agents.values()];
  const [text = '', ...more] = renderVerdicts(agents);
  expect(more).toEqual([]);
  const rows = text.split('\n').filter((line) => line.startsWith('- '));
  expect(rows.map((line) => line.split(' ')[1])).toEqual(['A', 'B', 'W7']);
  expect(text).toContain('902 agents: 899 accepted, 3 unfinished.');
  expect(rows[0]).toContain('group 899/900 accepted');
  expect(text).toContain('899 members of groups were accepted');
  const whole = renderVerdicts(
    Array.from({ length: 5 }, () => agents.map((agent) => ({ ...agent, verdict: null }))).flat(),
  );
  expect(whole.join('').length).toBeLessThan(120_000);
  expect(whole.at(-1)).toContain('4060 more were not simply accepted');
});
