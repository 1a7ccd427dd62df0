/** How a society begins, over HTTP and on the real runtime: what each of five levels is told with its first request. */
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { replayRun, runSociety } from '../../src/run/index.ts';
import { DEPTH, FOUR_LEVELS, nextActs, type Said } from '../actors/four-levels.ts';
import { filesBelow, temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedRequest } from '../support/scripted-server.ts';
import { call, calls, stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
afterEach(() => vi.unstubAllEnvs());

const messagesSchema = z.array(
  z.object({
    role: z.string(),
    content: z.string().nullish(),
    tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) })).optional(),
  }),
);

const saidIn = ({ body }: ScriptedRequest): Said[] =>
  messagesSchema.parse(body.messages).map(({ role, content, tool_calls: calls = [] }) => ({
    role,
    content: content ?? null,
    calls: calls.map((call) => ({
      name: call.function.name,
      args: JSON.parse(call.function.arguments) as Record<string, unknown>,
    })),
  }));

const GOAL = 'Draw the whole land.\nEvery house of it.';

test('O1 L2 five levels: each is told its name, job, exact work, files, collaborators and colleagues; the Boss keeps plan and goal', async () => {
  // What an agent has said and was told, as if its window had not moved.
  const heard = new Map<string, Said[]>();
  const server = await startScriptedServer((request) => {
    const { agent } = request;
    if (agent === '_planner') return call('submit_plan', FOUR_LEVELS);
    const all = heard.get(agent) ?? [];
    heard.set(agent, all);
    all.push(...saidIn(request).filter((said) => !all.some((other) => JSON.stringify(other) === JSON.stringify(said))));
    const acts = nextActs(agent, all, true);
    if (acts.length === 0) return { content: '(waiting)' };
    return calls(...acts.map(({ name, args }) => call(name, args)));
  });
  stubServer(server);
  const report = await runSociety(GOAL, {
    model: 'openai:m',
    sandbox: 'off',
    seed: 1,
    maxAgents: 20,
    threads: 2,
    durability: 'committed',
    config: {
      limits: { depthMax: DEPTH, historyTokensMax: 150 },
      model: { compaction: false },
      memory: { enabled: false },
    },
    runDir: join(directory.path, 'levels'),
  }).report;
  await server.stop();
  expect(report).toMatchObject({
    status: 'completed',
    agentsByLevel: { boss: 1, admin: 3, ordinary: 3 },
    neverWoken: 0,
    nudges: 0,
    reviews: { accept: 6, revise: 0 },
  });
  expect([...filesBelow(report.workspace).keys()].sort()).toEqual([
    'district.md',
    'inn.md',
    'mill.md',
    'press.md',
    'region.md',
    'town.md',
  ]);

  const requestsOf = (agent: string): Said[][] =>
    server.requests.filter((request) => request.agent === agent).map(saidIn);
  const promptOf = (agent: string): string => requestsOf(agent)[0]?.[0]?.content ?? '';
  const factsOf = (agent: string): Record<string, string> =>
    Object.fromEntries([...promptOf(agent).matchAll(/^- ([a-z-]+): (.*)$/gmu)].map(([, key, value]) => [key, value]));
  const taskOf = (agent: string): string => promptOf(agent).split('\n# Your task\n')[1] ?? '';
  const goal = 'Draw the whole land. Every house of it.';

  // The Boss: goal as given, the whole plan, whom to start, its own items; in every request, whatever the window shows.
  expect(factsOf('Boss')).toMatchObject({ goal, name: 'Boss', supervisor: 'user', planned: 'Region, Press' });
  expect(taskOf('Boss')).toBe(
    [
      'Lead the whole run to its goal.',
      '',
      GOAL,
      '',
      'The plan of this run. Goal: a map of the whole land',
      'Agents, already hired:',
      '- Region (under Boss): Answers for the region. Files: region.md.',
      '- Press (under Boss): Prints maps. Files: press.md, paper/size.md.',
      'Items:',
      '- land (Boss): the map is whole',
      '- paper (Press): the size is known',
    ].join('\n'),
  );
  const ofBoss = requestsOf('Boss');
  expect(ofBoss[0]?.[1]?.content).toMatch(/^system: \[start\] /u);
  expect(ofBoss[0]?.at(-1)?.content).toContain('- [todo] land: the map is whole');
  for (const request of ofBoss) expect(request[0]?.content).toBe(promptOf('Boss'));
  expect(ofBoss.at(-1)?.at(-1)?.content).toMatch(/earlier messages are not shown/u);
  expect(ofBoss.at(-1)?.some(({ content }) => content?.startsWith('system: [start]'))).toBe(false);

  // Planned: files, collaborators whichever of the two names the other, items.
  expect(factsOf('Region')).toMatchObject({
    level: 'Ordinary',
    goal,
    supervisor: 'Boss',
    slots: '4',
    files: 'region.md',
  });
  expect(taskOf('Region')).toBe(
    'Answers for the region.\n\nHave every house drawn, then write region.md.\n\nYou are responsible for: region.md\n\nYou work with:\n- Press: Prints maps. (press.md, paper/size.md)',
  );
  expect(factsOf('Press')).toMatchObject({ level: 'Ordinary', slots: '0', files: 'press.md, paper/size.md' });
  expect(taskOf('Press')).toBe(
    'Prints maps.\n\nWrite press.md: the size of paper.\n\nYou are responsible for: press.md, paper/size.md\n\nYou work with:\n- Region: Answers for the region. (region.md)',
  );
  expect(requestsOf('Press')[0]?.at(-1)?.content).toContain('- [todo] paper: the size is known');

  // Hired on the way down, by add_agent and add_team.
  expect(factsOf('District')).toMatchObject({ level: 'Ordinary', goal, supervisor: 'Region', slots: '3' });
  expect(taskOf('District')).toBe('Answers for the District.\n\nLead the District.');
  expect(requestsOf('District')[0]?.[1]?.content).toBe('system: [start] Begin with your task.');
  expect(factsOf('Town')).toMatchObject({ supervisor: 'District', slots: '2' });
  expect(requestsOf('Town')[0]?.[1]?.content).toBe('District: Begin.');
  expect(factsOf('House_2')).toMatchObject({ level: 'Ordinary', goal, supervisor: 'Town', slots: '0' });
  expect(taskOf('House_2')).toBe(
    'draws a house\n\nDraw it.\n\nHouse_1 to House_2 do the same, each for its own item.\nYour item, 2 of 2: the inn',
  );
  expect(await replayRun(report.runDir)).toMatchObject({ diverged: null });
});
