/** L1, L2: what is asked of a run before it can be steered: held until it can, or refused when it never will. */
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import type { AgentLookup } from '../../src/society/find-agent.ts';
import { resumeRun, runSociety } from '../../src/run/index.ts';
import { LiveSteering, type LiveParts } from '../../src/run/live-steering.ts';
import { RunDirectory } from '../../src/run/run-directory.ts';
import { SocietyRun } from '../../src/run/society-run.ts';
import { temporaryDirectory } from '../support/command.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { call, calls, GUIDE, stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
afterEach(() => vi.unstubAllEnvs());

/** Two whole runs. */
const LONG = { tags: 'long' } as const;

/** How a promise stands after whatever could go on without time has gone on. */
const stateOf = async (promise: Promise<unknown>): Promise<'waiting' | 'kept' | 'broken'> => {
  let state: 'waiting' | 'kept' | 'broken' = 'waiting';
  promise.then(
    () => (state = 'kept'),
    () => (state = 'broken'),
  );
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return state;
};

test('L2 who tells an agent of a run that is starting waits for the start, and is heard then', LONG, async () => {
  const server = await startScriptedServer(({ agent, body }) => {
    const text = body.messages.map(({ content }) => String(content)).join('\n');
    if (agent === '_planner') return call('submit_plan', GUIDE);
    if (agent === 'Boss') {
      return text.includes('handed over') ? call('terminate', { summary: 'Done.' }) : { content: '(waiting)' };
    }
    if (!text.includes('"pending":true')) return call('ask_human', { question: 'Which town?' });
    if (!text.includes('user: Atlantis')) return { content: '(waiting)' };
    const report = call('talk', { messages: [{ to: 'Boss', content: 'handed over' }] });
    return calls(report, call('terminate', { summary: 'Atlantis' }));
  });
  stubServer(server);
  const runDir = join(directory.path, 'held');
  const options = { model: 'openai:m', sandbox: 'off', review: 'none', seed: 1, shards: 1, threads: 1 } as const;
  expect(await runSociety('Write a guide', { ...options, runDir }).report).toMatchObject({ reason: 'human-questions' });

  // As `resumeRun`, with a start that waits; somebody is there, so that the run waits for the answer.
  const start = Promise.withResolvers<void>();
  const { signal: waitForAnswers } = new AbortController();
  const prepare = async () => {
    await start.promise;
    return { ...RunDirectory.open(runDir), fresh: false, prompts: null };
  };
  const run = new SocietyRun(prepare, { signal: undefined, waitForAnswers, clock: systemClock, resume: resumeRun });
  const told = run.tell('Writer', 'Atlantis');
  expect(await stateOf(told)).toBe('waiting');
  start.resolve();
  await told;
  expect(await run.report).toMatchObject({ status: 'completed', reason: 'done' });
  await expect(run.tell('Writer', 'Too late')).rejects.toMatchObject({ code: 'RUN_NOT_RUNNING' });
  await server.stop();
});

describe('before a run can be steered', () => {
  const given = (): { parts: LiveParts; ended: unknown[]; delivered: unknown[] } => {
    const ended: unknown[] = [];
    const delivered: unknown[] = [];
    const boss: AgentLookup = {
      founded: true,
      end: null,
      agent: { status: 'working', shard: 0, id: 7, questions: [] },
      near: [],
      open: [],
    };
    const parts = {
      controller: { ending: null, end: (outcome: unknown) => void ended.push(outcome) },
      system: { callService: (_: string, method: string) => Promise.resolve(method === 'find' ? boss : {}) },
      journal: { deliver: (outgoing: readonly unknown[]) => Promise.resolve(delivered.push(...outgoing)) },
      onTold: () => undefined,
    };
    return { parts: parts as unknown as LiveParts, ended, delivered };
  };

  test('L2 who tells an agent waits, and those who wait are heard in their order', async () => {
    const steering = new LiveSteering();
    const { parts, delivered } = given();
    const told = Promise.all([steering.tell('Boss', 'one'), steering.tell('Boss', 'two')]);
    expect(await stateOf(told)).toBe('waiting');
    steering.attach(parts);
    expect(await told).toEqual([{ answers: [] }, { answers: [] }]);
    const mail = (text: string) => ({ shard: 0, entry: { mail: { to: 7, body: { from: 'user', text } } } });
    expect(delivered).toMatchObject([mail('one'), mail('two')]);
  });

  test('L2 who waits for a start that fails is refused', async () => {
    const steering = new LiveSteering();
    const told = steering.tell('Boss', 'Hello');
    expect(await stateOf(told)).toBe('waiting');
    steering.close();
    await expect(told).rejects.toMatchObject({ code: 'RUN_NOT_RUNNING', message: 'the run is over' });
  });

  test('L1 L2 a wish to end is kept for the start, the first one holds, and who tells meanwhile is refused', async () => {
    const steering = new LiveSteering();
    const before = steering.tell('Boss', 'Hello');
    expect(steering.end('pause')).toMatchObject({ reason: 'paused-by-user' });
    expect(steering.end('stop')).toMatchObject({ reason: 'paused-by-user' });
    await expect(steering.tell('Boss', 'Hello')).rejects.toMatchObject({ code: 'RUN_NOT_RUNNING' });
    expect(await stateOf(before)).toBe('waiting');
    const { parts, ended } = given();
    steering.attach(parts);
    await expect(before).rejects.toMatchObject({ code: 'RUN_NOT_RUNNING' });
    expect(ended).toMatchObject([{ status: 'paused', reason: 'paused-by-user' }]);
  });
});
