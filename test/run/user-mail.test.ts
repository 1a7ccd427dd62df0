/** Mail from the person: a decision on a question by its number is taken once, and only by who asks it. */
import { expect, test } from 'vitest';
import { findAgent } from '../../src/society/find-agent.ts';
import { LiveSteering, type LiveParts } from '../../src/run/live-steering.ts';
import { postUserMail, type PostOffice } from '../../src/run/user-mail.ts';
import { limitsWith, Roster } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { memoryStore } from '../society/memory-store.ts';

interface Desk {
  readonly office: PostOffice;
  /** The texts that have reached a mailbox. */
  readonly delivered: string[];
}

/** A and B; A asks for consent (#1) and has a question (#2). */
const openDesk = async (): Promise<Desk> => {
  const roster = await Roster.open(memoryStore());
  const plan = planWith([{ name: 'A' }, { name: 'B' }]);
  await roster.do('found', { plan, shards: 1, reviews: false, limits: limitsWith() });
  await roster.do('consent', { agent: 'A', kinds: ['files'], text: 'write a.md' });
  await roster.do('ask', { agent: 'A', question: 'Which town?' });
  const delivered: string[] = [];
  const office: PostOffice = {
    find: (name) => Promise.resolve(findAgent(roster.state, name)),
    woken: (name) => roster.do('woken', { names: [name] }),
    answered: (args) => roster.do('answered', args),
    deliver: (outgoing) => {
      delivered.push(JSON.stringify(outgoing));
      return Promise.resolve();
    },
  };
  return { office, delivered };
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
  expect(await postUserMail(office, 'B', '#1 is the best')).toEqual([]);
  expect(await postUserMail(office, 'B', 'approve')).toEqual([]);
  expect(await postUserMail(office, 'A', '#2 approve')).toEqual([2]);
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
