/** Watching models speak: who is streamed, to whom it comes, and calls that are aborted with their run. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseRehearsalOptions, rehearse } from '../../src/model/index.ts';
import { eventsOf } from '../../src/model/rehearsal-server/stream.ts';
import { runSociety, type RunOptions } from '../../src/run/index.ts';
import { TextStreams } from '../../src/run/text-streams.ts';
import type { TextDelta, TextStream } from '../../src/run/types.ts';
import { temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
const GOAL = 'Write a guide to a small island';
const OPTIONS: RunOptions = { seed: 4, maxAgents: 6, durability: 'committed', model: 'openai:any', sandbox: 'off' };

interface Seen {
  readonly agent: string;
  readonly streamed: boolean;
}

/** The rehearsal over HTTP; agents in `hanging` are never answered. */
const seen: Seen[] = [];
const hanging = new Set<string>();
let abandoned = 0;
let arrived: (() => void) | null = null;
const rehearsal = parseRehearsalOptions({ latencyMs: 0 }, 4);
const server = createServer((incoming, response) => {
  let text = '';
  incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
  incoming.on('end', () => {
    const body = JSON.parse(text) as { stream?: boolean };
    const agent = String(incoming.headers['x-agent-id']);
    seen.push({ agent, streamed: body.stream === true });
    if (hanging.has(agent)) {
      response.on('close', () => (abandoned += 1));
      arrived?.();
      return;
    }
    const outcome = rehearse({ headers: incoming.headers, body }, rehearsal);
    if (outcome.kind !== 'completion') throw new Error('the rehearsal fails only where it was asked to');
    const streams = body.stream === true;
    response.writeHead(200, { 'content-type': streams ? 'text/event-stream' : 'application/json' });
    response.end(streams ? eventsOf(outcome.body, true) : JSON.stringify(outcome.body));
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('OPENAI_BASE_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  directory.cleanUp();
});

const collect = async (stream: TextStream): Promise<TextDelta[]> => {
  const deltas: TextDelta[] = [];
  for await (const delta of stream) deltas.push(delta);
  return deltas;
};

const textOf = (deltas: readonly TextDelta[], agent: string): string =>
  deltas.flatMap((delta) => (delta.agent === agent ? [delta.text] : [])).join('');

describe('run.stream', () => {
  test('brings what the watched agent says, and only its calls are streamed', async () => {
    seen.length = 0;
    const run = runSociety(GOAL, { ...OPTIONS, runDir: join(directory.path, 'one') });
    const deltas = await collect(run.stream('Boss'));
    const summary = await run.report;
    expect(summary.status).toBe('completed');
    expect(new Set(deltas.map(({ agent }) => agent))).toEqual(new Set(['Boss']));
    const text = textOf(deltas, 'Boss');
    const calls = seen.filter(({ agent }) => agent === 'Boss');
    expect(text.split('\n').filter((line) => line.startsWith('terminate {"summary":'))).toHaveLength(1);
    expect(text).toContain('(waiting)');
    expect(text.endsWith('\n')).toBe(true);
    expect(calls.length).toBeGreaterThan(3);
    expect(seen.filter(({ streamed }) => streamed)).toEqual(calls);
  });

  test('without an agent brings everybody, and without a reader nothing is streamed', { tags: 'long' }, async () => {
    seen.length = 0;
    const run = runSociety(GOAL, { ...OPTIONS, runDir: join(directory.path, 'all') });
    const deltas = await collect(run.stream());
    await run.report;
    expect(new Set(deltas.map(({ agent }) => agent))).toEqual(new Set(seen.map(({ agent }) => agent)));
    expect(seen.every(({ streamed }) => streamed)).toBe(true);

    seen.length = 0;
    const left = runSociety(GOAL, { ...OPTIONS, runDir: join(directory.path, 'none') });
    const reader = left.stream()[Symbol.asyncIterator]();
    await reader.return?.();
    expect((await left.report).status).toBe('completed');
    expect(seen.some(({ streamed }) => streamed)).toBe(false);
    // After the end there is nothing to wait for.
    expect(await collect(left.stream())).toEqual([]);
  });

  test('D5 changes nothing in the log of a deterministic run', { tags: 'long' }, async () => {
    const options: RunOptions = { seed: 4, maxAgents: 4, deterministic: true };
    const { inspectRun } = await import('../../src/run/index.ts');
    const hashes: string[] = [];
    for (const name of ['watched', 'unwatched']) {
      const run = runSociety(GOAL, { ...options, runDir: join(directory.path, name) });
      const deltas = name === 'watched' ? await collect(run.stream()) : [];
      const { runDir } = await run.report;
      hashes.push((await inspectRun(runDir)).logHash);
      if (name === 'watched') expect(textOf(deltas, 'Boss')).toContain('terminate');
    }
    expect(hashes[1]).toBe(hashes[0]);
  });
});

test('V1 a reader who does not read loses the oldest pieces, and sees how many', async () => {
  const streams = new TextStreams();
  const slow = streams.stream();
  for (let at = 0; at < 10_001; at += 1) streams.push({ kind: 'deltas', deltas: [{ agent: 'A', text: `${at} ` }] });
  expect(slow.dropped).toBe(5_000);
  streams.close();
  expect((await collect(slow))[0]?.text).toBe('5000 ');
});

test('V2 the service is told of those who are watched, and when nobody is any more', async () => {
  const told: (readonly string[] | null)[] = [];
  const streams = new TextStreams();
  streams.stream('A');
  streams.attach((agents) => told.push(agents));
  const again = streams.stream('A')[Symbol.asyncIterator]();
  const all = streams.stream()[Symbol.asyncIterator]();
  await all.return?.();
  await again.return?.();
  await again.return?.();
  expect(told).toEqual([['A'], ['A'], null, ['A'], ['A']]);
});

test('stopping a run aborts its calls', async () => {
  hanging.add('Boss');
  const called = new Promise<void>((resolve) => (arrived = resolve));
  const run = runSociety(GOAL, { ...OPTIONS, runDir: join(directory.path, 'stopped') });
  await called;
  expect(await run.stop()).toMatchObject({ status: 'stopped', reason: 'stopped-by-user' });
  await expect.poll(() => abandoned).toBe(1);
  hanging.clear();
});
