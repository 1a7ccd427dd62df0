/** A run killed in the middle goes on where it was: nothing lost, no received answer paid for twice. */
import { afterAll, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import { runWords } from '../../bench/harness/words.ts';
import { readJournal } from '../../src/journal/index.ts';
import { startModelServer } from '../support/aimock.ts';
import { command, filesBelow, jsonLine, startCommand, temporaryDirectory } from '../support/command.ts';
import { environmentOf } from '../support/scripted-society.ts';

const AGENTS = 590;
const AGENTS_AT_KILL = 300;
/** Into the second answers of most agents, so that there is much to lose. The server gives no more until they are killed. */
const ANSWERS_AT_KILL = Math.ceil(AGENTS * 1.3);
/** A busy machine takes many times as long as an idle one. */
const LIMIT_MS = 180_000;
const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const inspect = async (runDir: string): Promise<Inspection | null> => {
  const result = await command(['inspect', runDir, '--json']);
  return result.exitCode === 0 ? (jsonLine(result) as Inspection) : null;
};

/** How many answers a killed run has in its journal: those of committed steps, and those kept for the step in progress. */
const journaledAnswers = async (runDir: string): Promise<number> => {
  const journal = await readJournal(runDir);
  try {
    let answers = journal.store('run').result('_planner/0/plan-0') === undefined ? 0 : 1;
    const steps = new Map<string, number>();
    for (const actor of journal.shards.flatMap((shard) => shard.actors)) {
      steps.set(actor.record.name, actor.step);
      answers += (actor.state as { counters: { calls: number } } | undefined)?.counters.calls ?? 0;
    }
    const kept = journal.store('model');
    for (const [, sent] of kept.range('sent/', 'sent0')) {
      const { effectId } = sent as { effectId: string };
      const [name = '', step = ''] = effectId.split('/');
      const committed = (steps.get(name) ?? 0) > Number(step);
      if (name !== '_planner' && !committed && kept.result(effectId) !== undefined) answers += 1;
    }
    return answers;
  } finally {
    await journal.close();
  }
};

test(
  'D1–D4: SIGKILL with 300 agents at work, then resume: every file is there, no answer is asked for twice',
  async () => {
    const server = await startModelServer({ seed: 7, latencyMs: 150, holdAfter: ANSWERS_AT_KILL });
    const env = environmentOf(server);
    const runDir = join(directory.path, 'run');
    try {
      const args = runWords({ goal: 'Write the policy of a small country', agents: AGENTS, seed: 7, runDir });
      const first = startCommand([...args, '--json'], { env });
      const agents = async (): Promise<number> => (await inspect(runDir))?.agents.length ?? 0;
      await expect.poll(agents, { timeout: LIMIT_MS }).toBeGreaterThanOrEqual(AGENTS_AT_KILL);
      await expect.poll(() => server.answered.length, { interval: 20, timeout: LIMIT_MS }).toBe(ANSWERS_AT_KILL);
      first.child.kill('SIGKILL');
      expect((await first.result).signal).toBe('SIGKILL');
      server.release();
      // Let the server finish what it had received, and what is on its way to it: nobody reads it any more.
      for (let before = -1; before < server.received || server.received > server.answered.length;) {
        before = server.received;
        await sleep(500);
      }
      const journaled = await journaledAnswers(runDir);
      // What was in flight at the kill: sent, and not in the journal.
      const inFlight = server.received - journaled;
      // An agent asks again when the answer before is in the journal.
      expect(journaled).toBeGreaterThanOrEqual(ANSWERS_AT_KILL - AGENTS);

      const killed = await inspect(runDir);
      expect(killed?.status).toBe('killed');
      const resumed = await command(['resume', runDir, '--json'], { env });
      const summary = jsonLine(resumed) as RunSummary;
      expect(resumed.exitCode, resumed.stderr).toBe(0);
      expect(summary).toMatchObject({
        status: 'completed',
        reason: 'done',
        agents: AGENTS,
        neverWoken: 0,
        deadLetters: 0,
      });
      expect(summary.files).toBeGreaterThanOrEqual(summary.agentsByLevel.ordinary);
      expect(filesBelow(summary.workspace).size).toBe(summary.files);

      const seen = new Map<string, number>();
      for (const answer of server.answered) {
        const key = `${answer.agent} ${answer.request}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
      const repeated = [...seen.values()].reduce((sum, times) => sum + times - 1, 0);
      // Only what was in flight at the kill may be asked again.
      expect(repeated).toBeLessThanOrEqual(inFlight);
      // A call cut off in the moment of its sending may repeat uncounted: its mark is not waited for.
      expect(summary.repeatedCalls).toBeGreaterThan(0);
      expect(summary.repeatedCalls).toBeLessThanOrEqual(inFlight);
      // Every answer is paid for once, but for those.
      expect(server.answered.length).toBeGreaterThanOrEqual(summary.modelCalls + summary.repeatedCalls);
      expect(server.answered.length).toBeLessThanOrEqual(summary.modelCalls + inFlight);
    } finally {
      await server.stop();
    }
  },
  2 * LIMIT_MS,
);
