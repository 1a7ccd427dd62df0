/** What a server that is not the project's sees of a run: headers, tools, and prefixes that only grow. */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { RunSummary } from '../../src/run/types.ts';
import { startModelServer, type Answered, type ModelServer } from '../support/aimock.ts';
import { command, jsonLine, temporaryDirectory, type CommandResult } from '../support/command.ts';
import { environmentOf } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const SLICE_TOOLS = [
  'add_agent',
  'add_team',
  'append_file',
  'ask_human',
  'change_task_status',
  'edit_file',
  'list_files',
  'read_file',
  'recall',
  'retire_agent',
  'review',
  'search_files',
  'talk',
  'terminate',
  'write_file',
];

/** The messages of a request without the situation, which is made anew for every call and comes last. */
const lasting = (request: Answered): string[] => {
  const last = request.messages.at(-1);
  const isSituation = typeof last?.content === 'string' && last.content.startsWith('(situation)');
  return (isSituation ? request.messages.slice(0, -1) : request.messages).map((entry) => JSON.stringify(entry));
};

const ask = (server: ModelServer, goal: string, agents: string, ...more: string[]): Promise<CommandResult> => {
  const words = ['run', goal, '--model', 'openai:rehearsal', '--sandbox', 'off', '--seed', '4', '--max-agents', agents];
  const runDir = join(directory.path, `run-of-${agents}`);
  return command([...words, '--run-dir', runDir, ...more, '--json'], { env: environmentOf(server) });
};

test('headers name agent and run; each request of an agent begins with all of its previous one', async () => {
  const server = await startModelServer({ seed: 4, latencyMs: 5 });
  try {
    const result = await ask(server, 'Write the policy of a small country', '30');
    expect(result.exitCode, result.stderr).toBe(0);
    const summary = jsonLine(result) as RunSummary;
    expect(summary).toMatchObject({ status: 'completed', agents: 30, synthetic: false, repeatedCalls: 0 });
    expect(server.answered.length).toBe(summary.modelCalls);

    const headers = server.headers();
    expect(headers).toHaveLength(summary.modelCalls);
    expect(new Set(headers.map((entry) => entry['x-run-id']))).toEqual(new Set([summary.runId]));
    const named = new Set(headers.map((entry) => entry['x-agent-id']));
    expect(named.size).toBe(31);
    expect(named).toContain('_planner');
    expect(named).toContain('Boss');

    const byAgent = Map.groupBy(server.answered, (request) => request.agent);
    for (const [agent, requests] of byAgent) {
      for (const [index, request] of requests.entries()) {
        const tools = request.tools.toSorted();
        if (agent === '_planner') expect(tools).toEqual(['submit_plan']);
        else expect(SLICE_TOOLS, agent).toEqual(expect.arrayContaining(tools));
        const before = requests[index - 1];
        if (before === undefined) continue;
        const prefix = lasting(before);
        expect(lasting(request).slice(0, prefix.length), `${agent}, request ${index}`).toEqual(prefix);
        expect(request.tools).toEqual(before.tools);
      }
    }
    const boss = byAgent.get('Boss')?.[0];
    expect(boss?.tools.toSorted()).toEqual(SLICE_TOOLS);
  } finally {
    await server.stop();
  }
});

test('--no-agent-headers sends none', async () => {
  const server = await startModelServer({ seed: 4, latencyMs: 5 });
  try {
    const result = await ask(server, 'Write a guide', '3', '--no-agent-headers');
    expect(result.exitCode, result.stderr).toBe(0);
    for (const entry of server.headers()) {
      expect(entry).not.toHaveProperty('x-agent-id');
      expect(entry).not.toHaveProperty('x-run-id');
    }
  } finally {
    await server.stop();
  }
});
