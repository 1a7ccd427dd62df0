/** What is said of the files of an agent: X8 of `agent-files.ts`. */
import { expect, test } from 'vitest';
import { BOSS, limitsWith, type SharedFile } from '../../src/society/index.ts';
import { filesOf, sharedFiles } from '../../src/society/agent-files.ts';
import { lookDue } from '../../src/society/roster-hand-in.ts';
import { Draft } from '../../src/society/roster-state.ts';
import { planWith } from './arbitraries.ts';
import { foundedMachine, Machine } from './machine.ts';

const PLAN = planWith([{ name: 'N', files: ['never.md', 'theirs.md', 'mine.md'] }, { name: 'W' }]);
const SHARED: readonly SharedFile[] = [
  { path: 'theirs.md', author: 'W' },
  { path: 'mine.md', author: 'N' },
  { path: 'more.md', author: 'N' },
];

/** Until N is reported: its supervisor gets the `[remedy]`. */
const remedy = (files?: readonly SharedFile[]): string => {
  const machine = foundedMachine(PLAN);
  for (let round = 0; round < 20; round += 1) {
    const { mails } = machine.do('quiet', files === undefined ? {} : { files });
    const told = mails.find(({ mail }) => mail.kind === 'remedy' && mail.attributes?.['agent'] === 'N');
    if (told !== undefined) return told.mail.text;
  }
  throw new Error('nobody was told');
};

test('a supervisor is told which files are there, who wrote them, and which are only planned', () => {
  const lines = remedy(SHARED).split('\n');
  expect(lines).toContain('files: mine.md, more.md');
  expect(lines).toContain('planned, and written by others: theirs.md (W)');
  expect(lines).toContain('NOT THERE, though planned or named as evidence: never.md');
});

test('where nobody could look, planned files are called planned', () => {
  const lines = remedy().split('\n');
  expect(lines).toContain('planned, not handed in: never.md, theirs.md, mine.md');
  expect(lines.join('\n')).not.toMatch(/^files:/mu);
});

test.each([
  [SHARED, { files: ['mine.md', 'more.md', 'theirs.md'], notWritten: ['never.md'] }],
  [undefined, { files: [], notWritten: ['never.md', 'theirs.md', 'mine.md'] }],
])('who retires an agent is told the same', (shared, told) => {
  const machine = foundedMachine(PLAN);
  const args = { by: BOSS, agent: 'N', reason: 'no need' };
  expect(machine.do('retire', shared === undefined ? args : { ...args, shared })).toMatchObject(told);
});

test('the final review names what is there and what is not, also with reviews off', () => {
  const machine = new Machine();
  machine.do('found', { plan: PLAN, shards: 2, reviews: false, limits: limitsWith({ agentsMax: 9 }) });
  for (const agent of ['N', 'W']) {
    machine.do('resolve', { sender: BOSS, to: [agent] });
    machine.do('terminate', { agent, summary: 's', files: agent === 'N' ? ['mine.md', 'gone.md'] : [] });
  }
  const text = machine
    .do('quiet', { files: SHARED })
    .mails.map(({ mail }) => mail.text)
    .join('\n');
  expect(text).toContain('files mine.md more.md, planned or named as evidence and NOT THERE: never.md');
});

test('a directory that is planned is there when a file of it is, and ./a.md is a.md', () => {
  const planned = ['docs/', 'src', './a.md', 'empty/', './none.md'];
  const agent = { name: 'N', files: ['docs/x.md', 'a.md', 'src/b/c.ts'], planned, missing: ['src'] };
  const there = [...agent.files, 'more/y.md'].map((path) => ({ path, author: 'N' }));
  expect(filesOf(agent, sharedFiles(there))).toMatchObject({ missing: ['empty', 'none.md'], byOthers: [] });
  expect(filesOf({ ...agent, missing: [] }, null)).toMatchObject({ unknown: ['empty', 'none.md'] });

  const machine = foundedMachine(planWith([{ name: 'N', files: planned }]));
  machine.do('resolve', { sender: BOSS, to: ['N'] });
  const args = { agent: 'N', summary: 's', files: agent.files };
  expect(lookDue(new Draft(machine.state), args)?.planned).toEqual(['a.md', 'none.md']);
});
