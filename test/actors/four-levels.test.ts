/** Recursion: five levels hire each other within their quotas, hand in to each other, and are woken when nobody does it. */
import { describe, expect, test } from 'vitest';
import type { ChatRequest } from '../../src/model/types.ts';
import { call, prose, results, tools } from './answers.ts';
import { DEPTH, FOUR_LEVELS, nextActs, type Said } from './four-levels.ts';
import { mailsOf } from './mails.ts';
import { Crash, Society, type SocietyOptions } from './society.ts';

const saidIn = ({ messages }: ChatRequest): Said[] =>
  messages.map((message) => ({
    role: message.role,
    content: message.content,
    calls:
      message.role === 'assistant'
        ? (message.tool_calls ?? []).map((made) => ({
            name: made.function.name,
            args: JSON.parse(made.function.arguments) as Record<string, unknown>,
          }))
        : [],
  }));

const play = async (reviews: boolean, more: Partial<SocietyOptions> = {}): Promise<Society> => {
  const society = await Society.start({
    plan: FOUR_LEVELS,
    reviews,
    limits: { depthMax: DEPTH, agentsMax: 20 },
    answer: (request) => {
      const acts = nextActs(request.agent, saidIn(request), reviews);
      return acts.length === 0 ? prose('(waiting)') : tools(...acts.map(({ name, args }) => call(name, args)));
    },
    ...more,
  });
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  return society;
};

const TREE = {
  Boss: null,
  Region: 'Boss',
  Press: 'Boss',
  District: 'Region',
  Town: 'District',
  House_1: 'Town',
  House_2: 'Town',
};
const FILES = ['district.md', 'inn.md', 'mill.md', 'press.md', 'region.md', 'town.md'];

const treeOf = (society: Society): Record<string, string | null> =>
  Object.fromEntries(society.roster.summary().rows.map(({ name, supervisor }) => [name, supervisor]));

describe.each([true, false])('five levels, reviews %s', (reviews) => {
  test('everybody is hired, works and hands in to the one above; nobody is left that nobody has woken', async () => {
    const society = await play(reviews);
    expect(treeOf(society)).toEqual(TREE);
    expect([...society.files.keys()].toSorted()).toEqual(FILES);
    const { rows, neverWoken, nudges } = society.roster.summary();
    expect({ neverWoken, nudges }).toEqual({ neverWoken: 0, nudges: 0 });
    expect(rows.map(({ status }) => status)).toEqual(rows.map(() => 'finished'));
    for (const [name, supervisor] of Object.entries(TREE)) {
      if (supervisor === null) continue;
      // A team hands in together where nobody reviews it.
      const line = reviews ? `system: [review] agent=${name} round=1` : `${name}: Done: ${name}.`;
      expect(mailsOf(society, supervisor), name).toContain(line);
    }
    expect(mailsOf(society, 'District').split('\n')[0]).toBe('system: [start] Begin with your task.');
    expect(mailsOf(society, 'Press').split('\n')[0]).toBe('system: [start] Begin with your task.');
    expect(mailsOf(society, 'Town').split('\n')[0]).toBe('District: Begin.');
  });

  test('quotas hold all the way down: whoever has no slots left hires nobody, whoever stands lowest is offered nothing', async () => {
    const society = await play(reviews);
    expect(results(society.lastRequest('Town'))[1]).toMatchObject({ ok: false, error: { code: 'LIMIT' } });
    const slots = ['Region', 'District', 'Town', 'House_1'].map((name) => society.agent(name).state.slots);
    expect(slots).toEqual([4, 3, 2, 0]);
    const offered = society.lastRequest('House_1').tools?.map((tool) => tool.function.name) ?? [];
    expect(offered).toContain('write_file');
    expect(offered).not.toContain('add_agent');
    expect(society.agent('House_1').state).toMatchObject({
      depth: DEPTH,
      level: 'ordinary',
      above: ['Boss', 'Region', 'District', 'Town'],
    });
  });
});

test('D4 a process that dies anywhere on the way comes to the same society and files', async () => {
  for (let at = 5; at <= 200; at += 15) {
    let points = 0;
    const society = await play(true, {
      crash: (point) => {
        points += 1;
        if (points === at) throw new Crash(point);
      },
    });
    expect(treeOf(society)).toEqual(TREE);
    expect([...society.files.keys()].toSorted()).toEqual(FILES);
  }
});
