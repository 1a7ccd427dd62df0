/** A run recorded to a cassette, and played from it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runSociety } from '../../src/run/index.ts';
import type { RunOptions } from '../../src/run/types.ts';
import { filesBelow, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

test('a deterministic run from a cassette comes to what the recorded one came to, and says that it is synthetic', async () => {
  const tape = join(directory.path, 'tape.jsonl');
  const common: RunOptions = { seed: 5, maxAgents: 5, deterministic: true, shards: 2 };
  const live = await runSociety('Write a field guide', {
    ...common,
    record: tape,
    runDir: join(directory.path, 'live'),
  }).report;
  const played = await runSociety('Write a field guide', {
    ...common,
    model: `cassette:${tape}`,
    runDir: join(directory.path, 'played'),
  }).report;
  expect(live.status).toBe('completed');
  // How many writes share a commit depends on the moment.
  const { runId, model, wallSeconds, workspace, runDir, commits, ...same } = live;
  expect([runId, model, wallSeconds, workspace, runDir, commits]).not.toContain(undefined);
  expect(played).toMatchObject(same);
  expect(filesBelow(played.workspace)).toEqual(filesBelow(live.workspace));
  expect(readFileSync(tape, 'utf8').match(/"kind":"call"/gu)).toHaveLength(live.modelCalls);
});

test('a goal that was not recorded fails at once, and says what is nearest', async () => {
  const tape = join(directory.path, 'other.jsonl');
  await runSociety('Write a field guide', { maxAgents: 3, record: tape, runDir: join(directory.path, 'first') }).report;
  const run = runSociety('Write a cook book', {
    model: `cassette:${tape}`,
    maxAgents: 3,
    runDir: join(directory.path, 'second'),
  });
  await expect(run.report).rejects.toMatchObject({
    code: 'CASSETTE_MISS',
    message: expect.stringMatching(/field guide.*cook book/u) as string,
  });
  const missing = runSociety('x', { model: 'cassette:nowhere.jsonl', runDir: join(directory.path, 'third') });
  await expect(missing.report).rejects.toMatchObject({ code: 'CASSETTE_INVALID' });
});
