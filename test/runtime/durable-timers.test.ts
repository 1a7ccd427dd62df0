/** The timers of a shard by themselves: how much they do at once, and whom they wake. */
import { describe, expect, test } from 'vitest';
import { resolveSpawnOptions } from '../../src/actor/index.ts';
import { ActorCell } from '../../src/runtime/cell.ts';
import { DefinitionLoader } from '../../src/runtime/definition-loader.ts';
import { DurableCell } from '../../src/runtime/durable-cell.ts';
import { ShardCore } from '../../src/runtime/shard-core.ts';
import { CounterRow, createCounterMemory } from '../../src/telemetry/index.ts';
import { ManualClock } from './manual-clock.ts';

/** A shard that only counts what is put into mailboxes. */
class Counting extends ShardCore {
  readonly woken: number[] = [];
  /** Ticks per callback of the clock. */
  readonly looks: number[] = [];
  ticks = 0;

  static make(): { core: Counting; clock: ManualClock } {
    const clock = new ManualClock(0);
    const { after } = clock;
    clock.after = (delayMs, callback) =>
      after(delayMs, () => {
        const before = core.ticks;
        callback();
        core.looks.push(core.ticks - before);
      });
    const core = new Counting({
      shard: 0,
      shards: 1,
      seed: 1,
      incarnation: 0,
      clock,
      random: () => 0,
      links: { send: () => 'refused' },
      log: null,
      journal: null,
      callService: () => Promise.reject(new Error('no services')),
      loader: new DefinitionLoader(() => Promise.resolve({})),
      counters: new CounterRow(createCounterMemory(1), 0),
      onEvent: () => undefined,
      onFailure: () => undefined,
    });
    core.activate = (id) => {
      core.woken.push(id);
      return Promise.resolve(null);
    };
    return { core, clock };
  }

  override force(): void {
    this.ticks += 1;
  }

  leave(cell: ActorCell): void {
    this.cells.delete(cell.ref.id);
    this.timers.left(cell);
  }

  /** An actor in memory with timers, all due at one moment. */
  add(id: number, timers: number, dueMs: number): ActorCell {
    const options = resolveSpawnOptions({ durable: true });
    const record = { id, name: String(id), module: '', export: '', init: null, parent: null, options };
    const durable = new DurableCell();
    const cell = ActorCell.of(0, record, durable);
    for (let key = 0; key < timers; key += 1) {
      durable.timers.set(String(key), { key: String(key), dueMs, periodMs: null, type: 'tick', body: null });
    }
    this.cells.set(id, cell);
    this.timers.arrived(cell);
    return cell;
  }
}

describe('the timers of a shard', () => {
  test('A4 a flood fires in portions, with one callback of the clock for all', async () => {
    const { core, clock } = Counting.make();
    for (let id = 1; id <= 5; id += 1) core.add(id, 1_000, 100);
    expect(clock.timers).toBe(1);
    await clock.advance(99);
    expect(core.ticks).toBe(0);
    await clock.advance(1);
    expect(core.ticks).toBe(5_000);
    expect(Math.max(...core.looks)).toBeLessThanOrEqual(1_024);
  });

  test('A3 a passive actor is woken when a timer of its own is due, in whatever way it became passive', async () => {
    const { core, clock } = Counting.make();
    core.timers.passive([
      { actor: 1, key: 'a', dueMs: 100 },
      { actor: 2, key: 'a', dueMs: 200 },
    ]);
    core.leave(core.add(3, 2, 300));
    await clock.advance(200);
    expect(core.woken).toEqual([1, 2]);
    await clock.advance(100);
    expect(core.woken).toEqual([1, 2, 3]);
    expect(core.ticks).toBe(0);
    expect(clock.timers).toBe(0);
  });

  test('an actor that came back before its timer was due is not woken for it', async () => {
    const { core, clock } = Counting.make();
    core.timers.passive([{ actor: 1, key: '0', dueMs: 100 }]);
    core.add(1, 1, 100);
    await clock.advance(100);
    expect(core.woken).toEqual([]);
    expect(core.ticks).toBe(1);
  });

  test('A4 T5 one that comes and goes with the same timers is waited for once', async () => {
    const { core, clock } = Counting.make();
    for (let round = 0; round < 5_000; round += 1) core.leave(core.add(1, 2, 1_000_000));
    expect(core.timers.waiting).toBeLessThanOrEqual(128);
    await clock.advance(999_999);
    expect(core.woken).toEqual([]);
    await clock.advance(1);
    expect(core.woken).toEqual([1]);
  });

  test('T5 one is not brought back for a timer that it has no more', async () => {
    const { core, clock } = Counting.make();
    core.leave(core.add(1, 1, 1_000));
    core.leave(core.add(1, 1, 2_000));
    core.leave(core.add(2, 1, 1_000));
    core.leave(core.add(2, 0, 0));
    await clock.advance(1_999);
    expect(core.woken).toEqual([]);
    await clock.advance(1);
    expect(core.woken).toEqual([1]);
  });

  test('A4 D7 of many that are due at once only so many are asked for at a time, and all in the end', async () => {
    const count = 5_000;
    const { core, clock } = Counting.make();
    const loaded = new Set<number>();
    const waiting: (() => void)[] = [];
    let most = 0;
    core.activate = (id) => {
      loaded.add(id);
      return new Promise((resolve) => {
        waiting.push(() => resolve(null));
        most = Math.max(most, waiting.length);
      });
    };
    core.timers.passive(Array.from({ length: count }, (_, id) => ({ actor: id + 1, key: 'a', dueMs: 1_000 })));
    await clock.advance(2_000);
    for (let round = 0; loaded.size < count && round < 1_000; round += 1) {
      for (const answer of waiting.splice(0)) answer();
      await clock.settle();
    }
    expect(loaded.size).toBe(count);
    expect(most).toBeLessThanOrEqual(1_024);
  });

  test('nothing fires after the end', async () => {
    const { core, clock } = Counting.make();
    core.add(1, 1, 100);
    core.timers.close();
    core.timers.passive([{ actor: 2, key: 'a', dueMs: 1 }]);
    await clock.advance(1_000);
    expect([core.ticks, core.woken]).toEqual([0, []]);
    expect(clock.timers).toBe(0);
  });
});
