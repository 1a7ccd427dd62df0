/** Mail from the person: words about one question are for that one alone, and decisions are taken once, by who asks. */
import { expect, test } from 'vitest';
import { findAgent } from '../../src/society/find-agent.ts';
import { LiveSteering, type LiveParts } from '../../src/run/live-steering.ts';
import { checkUserText, postUserMail, type PostOffice } from '../../src/run/user-mail.ts';
import { limitsWith, Roster } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { memoryStore } from '../society/memory-store.ts';

interface Desk {
  readonly roster: Roster;
  readonly office: PostOffice;
  /** The texts that have reached a mailbox. */
  readonly delivered: string[];
}

/** A and B; A asks for consent (#1) and has a question (#2). */
const openDesk = async (atRest = true): Promise<Desk> => {
  const roster = await Roster.open(memoryStore());
  const plan = planWith([{ name: 'A' }, { name: 'B' }]);
  await roster.do('found', { plan, shards: 1, reviews: false, limits: limitsWith() });
  await roster.do('consent', { agent: 'A', kinds: ['files'], text: 'write a.md' });
  await roster.do('ask', { agent: 'A', question: 'Which town?' });
  const delivered: string[] = [];
  const office: PostOffice = {
    atRest,
    find: (name) => Promise.resolve(findAgent(roster.state, name)),
    woken: (name) => roster.do('woken', { names: [name] }),
    answered: (args) => roster.do('answered', args),
    deliver: (outgoing) => {
      delivered.push(JSON.stringify(outgoing));
      return Promise.resolve();
    },
  };
  return { roster, office, delivered };
};

test('H10 a decision on what was answered, or is not asked, is refused and reaches nobody', async () => {
  const { office, delivered } = await openDesk();
  expect(await postUserMail(office, 'A', '#1 approve')).toEqual([1]);
  const refused = (name: string, text: string) => expect(postUserMail(office, name, text)).rejects;
  await refused('A', '#1 deny no').toMatchObject({ code: 'ALREADY_DECIDED', message: /#1 of A/u });
  await refused('A', '#7 approve').toMatchObject({ code: 'USAGE', message: 'A has no question #7 open' });
  await refused('B', '#2 approve all').toMatchObject({ code: 'USAGE', message: 'B has no question #2 open' });
  expect(delivered).toHaveLength(1);
  // These decide nothing, or answer a question.
  expect(await postUserMail(office, 'B', 'approve of it, please')).toEqual([]);
  expect(await postUserMail(office, 'A', '#2 approve')).toEqual([2]);
});

test.each([true, false])(
  'Q2 H10 words about what is not open with the agent reach nobody: at rest %s',
  async (atRest) => {
    const { office, delivered, roster } = await openDesk(atRest);
    await roster.do('ask', { agent: 'B', question: 'Which season?' });
    const refused = (name: string, text: string) => expect(postUserMail(office, name, text), text).rejects;
    const where = { hint: /^Waits for an answer: #2 of A, #3 of B\. Waits for a decision: #1 of A\. / };
    await refused('A', '#7 Lisbon').toMatchObject({ code: 'USAGE', message: 'A has no question #7 open', ...where });
    await refused('A', '#3 winter').toMatchObject({ code: 'USAGE', message: 'A has no question #3 open', ...where });
    await refused('A', '#0.2 approve').toMatchObject({ code: 'USAGE', message: 'A has no question #0.2 open' });
    for (const text of ['#2', ' #2 ', '#2:']) {
      await refused('A', text).toMatchObject({ code: 'USAGE', message: 'there is no text after #2' });
    }
    await refused('A', '#1 yes').toMatchObject({ code: 'USAGE', message: /#1 of A waits for a decision/u });
    expect(await postUserMail(office, 'A', '#2 Lisbon')).toEqual([2]);
    await refused('A', '#2 Paris, I correct myself').toMatchObject({ code: 'ALREADY_DECIDED', message: /#2 of A/u });
    expect(delivered).toHaveLength(1);
    for (const text of ['# 3 towns', '#tag', '#3abc'])
      expect(await postUserMail(office, 'B', text)).toHaveLength(text === '# 3 towns' ? 1 : 0);
  },
);

test('H6 a decision without a number is on the only one that waits, and on none while the run goes on', async () => {
  const live = await openDesk(false);
  for (const text of ['approve', 'approve all', 'deny', 'deny no']) {
    await expect(postUserMail(live.office, 'A', text), text).rejects.toMatchObject({
      code: 'USAGE',
      message: /say which decision you mean/u,
      hint: expect.stringContaining(`"#1 ${text.startsWith('deny') ? 'deny REASON' : 'approve'}"`) as unknown,
    });
  }
  expect(live.delivered).toEqual([]);
  expect(await postUserMail(live.office, 'A', '#1 deny no')).toEqual([1]);

  const rest = await openDesk();
  await rest.roster.do('consent', { agent: 'A', kinds: ['files'], text: 'write b.md' });
  await expect(postUserMail(rest.office, 'A', 'approve')).rejects.toMatchObject({ message: /^2 decisions of A wait/u });
  expect(await postUserMail(rest.office, 'A', '#3 deny no')).toEqual([3]);
  expect(await postUserMail(rest.office, 'A', 'approve')).toEqual([1]);
  await expect(postUserMail(rest.office, 'A', 'approve')).rejects.toMatchObject({ code: 'ALREADY_DECIDED' });
});

test.each([true, false])('H10 a decision where none waits reaches nobody as mail: at rest %s', async (atRest) => {
  const { office, delivered, roster } = await openDesk(atRest);
  const refused = (text: string) => expect(postUserMail(office, 'B', text), text).rejects;
  for (const text of ['approve', 'Approve all', 'deny', 'deny no way']) {
    await refused(text).toMatchObject({
      code: 'USAGE',
      message: 'nothing of B waits for a decision',
      hint: /Waits for a decision: #1 of A\./u,
    });
  }
  await roster.do('ask', { agent: 'B', question: 'What of the tower?' });
  await refused('deny it').toMatchObject({ hint: /As an answer to #3 say "#3 deny REASON"\./u });
  expect(delivered).toEqual([]);
  expect(await postUserMail(office, 'B', '#3 deny it')).toEqual([3]);
});

test('what is no text is refused as that', () => {
  for (const value of [5, null, undefined, ['a']]) {
    expect(() => checkUserText(value)).toThrow(/^a message is a text/u);
  }
  expect(() => checkUserText('x'.repeat(65_537))).toThrow(/at most 65536 characters/u);
});

test('H10 of two who decide at one moment the second is told that it is decided', async () => {
  const { office, delivered } = await openDesk();
  const methods: Record<string, (args: never) => Promise<unknown>> = {
    find: ({ agent }: { agent: string }) => office.find(agent),
    woken: ({ names }: { names: readonly string[] }) => office.woken(names[0] ?? ''),
    answered: (args: Parameters<PostOffice['answered']>[0]) => office.answered(args),
  };
  const steering = new LiveSteering();
  steering.attach({
    controller: { ending: null },
    system: { callService: (_: string, method: string, args: never) => methods[method]?.(args) },
    journal: { deliver: (outgoing: Parameters<PostOffice['deliver']>[0]) => office.deliver(outgoing) },
    onTold: () => undefined,
  } as unknown as LiveParts);
  const both = await Promise.allSettled([steering.tell('A', '#1 deny no'), steering.tell('A', '#1 approve')]);
  expect(both).toMatchObject([
    { status: 'fulfilled', value: { answers: [1] } },
    { status: 'rejected', reason: { code: 'ALREADY_DECIDED' } },
  ]);
  expect(delivered).toHaveLength(1);
});
