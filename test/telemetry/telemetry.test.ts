import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import type { EventRecord } from '../../src/protocol/event.ts';
import {
  CounterRow,
  createCounterMemory,
  EventBuffer,
  EventStream,
  EventWriter,
  sumCounters,
} from '../../src/telemetry/index.ts';

const event = (n: number): EventRecord => ({ time: '2026-01-01T00:00:00.000Z', type: 'tool', n });

describe('counters', () => {
  test('T1 rows are independent, shared and summed', () => {
    const memory = createCounterMemory(3);
    const rows = [0, 1, 2].map((row) => new CounterRow(memory, row));
    rows.forEach((row, index) => row.add('turns', index + 1));
    rows[1]?.add('mailboxDepth', 5);
    rows[1]?.add('mailboxDepth', -2);
    const readers = [0, 1, 2].map((row) => new CounterRow(memory, row).read());
    expect(readers.map((row) => row.turns)).toEqual([1, 2, 3]);
    expect(sumCounters(readers)).toMatchObject({ turns: 6, mailboxDepth: 3, steps: 0 });
  });
});

describe('events', () => {
  test('A4 a buffer is bounded and says what it dropped', () => {
    const buffer = new EventBuffer(systemClock, 3);
    for (let n = 0; n < 5; n += 1) buffer.add({ type: 'tool', n });
    expect(buffer.take()).toMatchObject({ dropped: 2, events: [{ n: 0 }, { n: 1 }, { n: 2 }] });
    expect(buffer.take()).toBeNull();
  });

  test('E1 E2 every reader sees all in order, or the loss is counted', async () => {
    const stream = new EventStream(3);
    const heard: unknown[] = [];
    const off = stream.listen(({ n }) => heard.push(n));
    const slow = stream[Symbol.asyncIterator]();
    const fast = (async () => {
      const seen: unknown[] = [];
      for await (const { n } of stream) seen.push(n);
      return seen;
    })();
    await Promise.resolve();
    for (let n = 0; n < 5; n += 1) {
      stream.add(event(n));
      await new Promise((resolve) => setImmediate(resolve));
    }
    off();
    stream.addBatch({ events: [event(5)], dropped: 7 });
    await new Promise((resolve) => setImmediate(resolve));
    stream.end();
    expect(await fast).toEqual([0, 1, 2, 3, 4, 5]);
    const seen: unknown[] = [];
    for (let next = await slow.next(); next.done !== true; next = await slow.next()) seen.push(next.value['n']);
    expect(seen).toEqual([0, 1, 2]);
    expect(heard).toEqual([0, 1, 2, 3, 4]);
    expect(stream.dropped).toBe(7 + 3);
  });

  test('the writer writes one line of JSON per event, in order', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'megactor-telemetry-'));
    try {
      const path = join(directory, 'events.jsonl');
      const file = await open(path, 'a');
      const writer = new EventWriter({ appendFile: (text) => file.appendFile(text), close: () => file.close() });
      for (let n = 0; n < 1_000; n += 1) writer.write(event(n));
      await writer.close();
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { n: number }).n)).toEqual(
        Array.from({ length: 1_000 }, (_, n) => n),
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('a disk that fails costs events, not the run', async () => {
    const writer = new EventWriter({
      appendFile: () => Promise.reject(new Error('no space')),
      close: () => Promise.resolve(),
    });
    writer.write(event(1));
    await writer.flush();
    writer.write(event(2));
    expect(writer.failure).toBeInstanceOf(Error);
    expect(writer.dropped).toBe(1);
  });
});
