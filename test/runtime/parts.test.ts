import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AskTable } from '../../src/runtime/ask-table.ts';
import { CreditBook } from '../../src/runtime/credit-book.ts';
import { DefinitionLoader } from '../../src/runtime/definition-loader.ts';
import { fromModuleId, toModuleId } from '../../src/runtime/module-id.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { ManualClock } from './manual-clock.ts';

describe('module ids', () => {
  test('modules of the package are named without path and extension, others by their URL', () => {
    const own = new URL('../../actors/ordinary.ts', import.meta.url).href;
    expect(toModuleId(own)).toBe('megactor:actors/ordinary');
    expect(fromModuleId('megactor:actors/ordinary')).toBe(own);
    for (const url of ['file:///elsewhere/a.ts', 'data:text/javascript,1']) {
      expect(fromModuleId(toModuleId(url))).toBe(url);
    }
  });
});

describe('definitions', () => {
  const good = { state: () => 0, messages: { a: { kind: 'message' } }, module: 'test:m', export: 'x' };
  const load = (exports: Record<string, unknown>): Promise<unknown> =>
    new DefinitionLoader(() => Promise.resolve(exports)).load('test:m', 'x');

  test('are checked when they are loaded', async () => {
    await expect(load({ x: { ...good, receive: { a: () => undefined } } })).resolves.toBeDefined();
    const bad: unknown[] = [
      undefined,
      { ...good },
      { ...good, receive: {} },
      { ...good, receive: { a: () => undefined }, receiveBatch: () => undefined },
      { ...good, receive: { a: () => undefined }, export: 'y' },
      { ...good, receive: { a: () => undefined }, strategy: 'all_for_one' },
      { ...good, receive: { a: () => undefined }, intensity: { max: -1, withinMs: 1 } },
    ];
    for (const x of bad) await expect(load({ x })).rejects.toMatchObject({ code: 'DEFINITION_INVALID' });
  });
});

describe('credits', () => {
  test('A4 blocked exactly while some shard is over the limit', () => {
    const step = fc.record({ shard: fc.nat(2), change: fc.integer({ min: -5, max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const book = new CreditBook(4);
        const model = [0, 0, 0];
        for (const { shard, change } of steps) {
          if (change > 0) for (let n = 0; n < change; n += 1) book.sent(shard);
          else if (change === -5) expect(book.forget(shard)).toBe(model[shard]);
          else book.credited(shard, -change);
          model[shard] = change === -5 ? 0 : Math.max(0, (model[shard] ?? 0) + change);
          expect(book.blocked).toBe(model.some((count) => count > 4));
          expect(book.underWay(shard)).toBe(model[shard]);
        }
      }),
    );
  });
});

describe('asks', () => {
  test('A5 A6 every ask is settled once: reply, deadline or death', async () => {
    const clock = new ManualClock();
    const table = new AskTable(clock, 100);
    const numbers: number[] = [];
    const open = (shard: number): Promise<unknown> => {
      const answer = table.open(shard, 50, 'test', (ask) => numbers.push(ask));
      answer.catch(() => undefined);
      return answer;
    };
    const [replied, refused, orphaned, late] = [open(0), open(0), open(1), open(0)];
    expect(numbers).toEqual([101, 102, 103, 104]);
    table.settle(101, 'yes', null);
    table.settle(101, 'twice', null);
    table.settle(102, undefined, { code: 'MAILBOX_FULL', message: 'full' });
    table.rejectWhere(
      (shard) => shard === 1,
      () => new MegactorError('HOST_DIED', 'dead'),
    );
    await clock.advance(51);
    expect(await replied).toBe('yes');
    await expect(refused).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
    await expect(orphaned).rejects.toMatchObject({ code: 'HOST_DIED' });
    await expect(late).rejects.toMatchObject({ code: 'ASK_TIMEOUT' });
    expect(table.size).toBe(0);
  });

  test('A5 an ask that is cancelled is forgotten at once, its late reply is ignored, nobody listens any more', async () => {
    const clock = new ManualClock();
    const table = new AskTable(clock);
    const sent: number[] = [];
    const controller = new AbortController();
    const { signal } = controller;
    const open = (): Promise<unknown> => table.open(0, 50, 'test', (ask) => sent.push(ask), signal);
    const [replied, cancelled] = [open(), open()];
    expect(getEventListeners(signal, 'abort')).toHaveLength(2);
    table.settle(1, 'yes', null);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort();
    expect(table.size).toBe(0);
    table.settle(2, 'late', null);
    expect(await replied).toBe('yes');
    await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(open()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(sent).toEqual([1, 2]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await clock.advance(100);
    expect(table.size).toBe(0);
  });
});
