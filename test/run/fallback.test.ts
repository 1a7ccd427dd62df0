/** G4: a run whose model does not answer at all is planned and done by its fallback. */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runSociety } from '../../src/run/index.ts';
import { startModelServer } from '../support/aimock.ts';
import { temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer } from '../support/scripted-server.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const OTHER = 'openai:other';

test('G4 the plan comes from the fallback when the time of the call is used up on a server that is silent', async () => {
  const silent = await startScriptedServer(() => new Promise<ScriptedAnswer>(() => {}));
  const other = await startModelServer({ seed: 1, latencyMs: 1 });
  try {
    const summary = await runSociety('Write a field guide', {
      model: 'openai:silent',
      sandbox: 'off',
      seed: 1,
      maxAgents: 3,
      shards: 1,
      runDir: join(directory.path, 'run'),
      config: {
        limits: { callDeadlineMs: 3_000 },
        model: { fallbacks: [OTHER] },
        models: { 'openai:silent': { baseUrl: silent.baseUrl }, [OTHER]: { baseUrl: other.baseUrl } },
        // Only the planner calls the model of the run.
        modelOf: { admin: OTHER, ordinary: OTHER, agents: { Boss: OTHER } },
      },
    }).report;
    expect(summary).toMatchObject({ status: 'completed', agents: 3 });
    expect(silent.requests).toHaveLength(1);
  } finally {
    await silent.stop();
    await other.stop();
  }
});
