import { describe, expect, test } from 'vitest';
import { createPulseMemory, PulseReader, PulseWriter, type RunningTurn } from '../../src/runtime/host-pulse.ts';
import { HostWatch, SILENT_MS } from '../../src/runtime/host-watch.ts';
import { Charges, whoseFault } from '../../src/runtime/blame.ts';
import { ManualClock } from './manual-clock.ts';

const LIMIT_MS = 2_000;

class Watched {
  readonly clock = new ManualClock();
  readonly blocked: number[] = [];
  readonly memory = createPulseMemory();
  readonly pulse = new PulseWriter(this.memory);
  delayMs = 0;
  readonly watch: HostWatch;

  constructor(blockedAfterMs = LIMIT_MS) {
    this.watch = new HostWatch({
      clock: this.clock,
      blockedAfterMs,
      threadDelayMs: () => this.delayMs,
      onBlocked: (host, silentMs) => {
        expect(host).toBe(3);
        this.blocked.push(silentMs);
        this.watch.unwatch(3);
      },
    });
    this.pulse.begin(1);
    this.watch.watch(3, new PulseReader(this.memory));
  }

  /** Time passes in which the watcher is on time. */
  async pass(ms: number, each: () => void = () => undefined): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await this.clock.advance(50);
      each();
    }
  }
}

describe('the watch over hosts', () => {
  test('Q1 a host that beats is never blocked; one that does not is, after its limit', async () => {
    const watched = new Watched();
    await watched.pass(10_000, () => watched.pulse.beat());
    expect(watched.blocked).toEqual([]);
    await watched.pass(LIMIT_MS - 400);
    expect(watched.blocked).toEqual([]);
    await watched.pass(1_000);
    expect(watched.blocked).toHaveLength(1);
    expect(watched.blocked[0]).toBeGreaterThanOrEqual(LIMIT_MS);
  });

  test('Q1 a process that was suspended blames nobody', async () => {
    const watched = new Watched();
    for (let nights = 0; nights < 5; nights += 1) {
      // The watcher stands still as well: its timer fires once, late.
      watched.clock.skip(8 * 3_600_000);
      await watched.pass(100);
      watched.pulse.beat();
      await watched.pass(400);
    }
    expect(watched.blocked).toEqual([]);
  });

  test('Q1 a thread that waits for a processor has four times as long', async () => {
    const watched = new Watched();
    await watched.pass(LIMIT_MS * 3, () => (watched.delayMs += 48));
    expect(watched.blocked).toEqual([]);
    expect(watched.watch.silentMs(3)).toBeGreaterThan(500);
  });

  test('0 watches and ends nobody; who does not want to wait for a silent host is told', async () => {
    const watched = new Watched(0);
    const signal = new AbortController().signal;
    let told = false;
    void watched.watch.untilSilent(3, signal).then(() => (told = true));
    await watched.pass(SILENT_MS / 2);
    expect(told).toBe(false);
    await watched.pass(10_000);
    expect(told).toBe(true);
    expect(watched.blocked).toEqual([]);
    await watched.watch.untilSilent(3, signal);
    watched.pulse.beat();
    await watched.pass(1_200);
    expect(watched.watch.silentMs(3)).toBe(0);
  });
});

const turn = (actor: number, seq = -1): RunningTurn => ({ actor, shard: 1, durable: true, type: 1, seq });

describe('whose fault it was', () => {
  const read = (memory: SharedArrayBuffer): RunningTurn | null => whoseFault(new PulseReader(memory).read());

  test('G1 whose code runs; else the only turn that is under way; else nobody', async () => {
    const memory = createPulseMemory();
    const pulse = new PulseWriter(memory);
    expect(read(memory)).toBeNull();
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const one = pulse.within(
      () => turn(1, 7),
      () => first.promise,
    );
    pulse.leave();
    expect(read(memory)).toEqual(turn(1, 7));
    const two = pulse.within(
      () => turn(2),
      () => second.promise,
    );
    expect(read(memory)).toBeNull();
    pulse.enter(1, 2, true, 1, 5);
    expect(read(memory)).toEqual(turn(2, 5));
    expect(pulse.nested(turn(9), () => read(memory))).toEqual(turn(9));
    expect(read(memory)).toEqual(turn(2, 5));
    await new Promise((resolve) => setImmediate(resolve));
    expect(read(memory)).toBeNull();
    first.resolve();
    second.resolve();
    await Promise.all([one, two]);
    expect(read(memory)).toBeNull();
  });

  test('G1 who waits for what the runtime gave him does not come into question', async () => {
    const memory = createPulseMemory();
    const pulse = new PulseWriter(memory);
    const gate = Promise.withResolvers<void>();
    const going = pulse.within(
      () => turn(1, 7),
      async () => {
        pulse.hold();
        await gate.promise;
        pulse.resume(turn(1, 7));
        await new Promise((resolve) => setImmediate(resolve));
        expect(read(memory)).toEqual(turn(1, 7));
      },
    );
    pulse.leave();
    expect(read(memory)).toBeNull();
    gate.resolve();
    await going;
    await new Promise((resolve) => setImmediate(resolve));
    expect(read(memory)).toBeNull();
  });

  test('G1 more turns than have names are nobody, and all places are free again', async () => {
    const memory = createPulseMemory();
    const pulse = new PulseWriter(memory);
    for (let round = 0; round < 3; round += 1) {
      const gate = Promise.withResolvers<void>();
      for (let actor = 1; actor <= 100; actor += 1) pulse.waiting(turn(actor), gate.promise);
      expect(new PulseReader(memory).read()).toMatchObject({ more: true });
      expect(read(memory)).toBeNull();
      gate.resolve();
      await gate.promise;
      await new Promise((resolve) => setImmediate(resolve));
      expect(new PulseReader(memory).read()).toMatchObject({ more: false, turns: [] });
    }
  });

  test('G1 what a turn starts and does not wait for is still its fault; what nobody is known for is nobody’s', () => {
    const memory = createPulseMemory();
    const pulse = new PulseWriter(memory);
    void pulse.within(
      () => turn(4, 2),
      () => {
        pulse.leave();
        pulse.blame();
        return Promise.resolve();
      },
    );
    expect(read(memory)).toEqual(turn(4, 2));
    // The exit of the thread that follows changes nothing.
    pulse.blame();
    expect(read(memory)).toEqual(turn(4, 2));
    const other = createPulseMemory();
    const writer = new PulseWriter(other);
    writer.waiting(turn(5), new Promise(() => undefined));
    writer.blame();
    expect(read(other)).toBeNull();
  });
});

describe('charges', () => {
  test('A7 the same message never grows old; others do, by the time in which the actor could run', () => {
    const charges = new Charges();
    charges.add(turn(1, 10), 'spin', 'blocked', 1_000, 500);
    expect(charges.of([0], 1_000)).toEqual([]);
    expect(charges.of([1], 1_000)).toMatchObject([{ actor: 1, agesMs: [], fresh: true, seq: 10, type: 'spin' }]);
    // Two seconds of recovery, then ten of work, then thirty of silence.
    charges.answered([1], 3_000);
    expect(charges.of([1], 3_000)).toMatchObject([{ agesMs: [0], fresh: false }]);
    charges.add(turn(1, 10), 'spin', 'blocked', 43_000, 30_000);
    expect(charges.of([1], 43_500)).toMatchObject([{ agesMs: [0], fresh: true }]);
    charges.answered([1], 44_000);
    charges.add(turn(1, 11), 'spin', 'blocked', 54_000, 4_000);
    expect(charges.of([1], 60_000)).toMatchObject([{ agesMs: [16_000, 6_000], fresh: true, seq: 11 }]);
  });

  test('A4 those without a charge for the longest time are forgotten', () => {
    const charges = new Charges();
    for (let actor = 1; actor <= 3_000; actor += 1) charges.add(turn(actor), '', '', actor, 0);
    const kept = charges.of([1], 3_000);
    expect(kept).toHaveLength(1_024);
    expect(kept.at(-1)).toMatchObject({ actor: 3_000 });
    for (let n = 0; n < 1_000; n += 1) charges.add(turn(7), '', '', 3_000 + n, 0);
    expect(charges.of([1], 4_000).at(-1)?.agesMs).toHaveLength(63);
  });

  test('A7 G1 who is under way at three ends that nobody is known for is charged with the third', () => {
    const charges = new Charges();
    expect(charges.suspect([turn(1, 10), turn(2, 20), turn(3)])).toEqual([]);
    expect(charges.suspect([turn(1, 10), turn(2, 21), turn(3)])).toEqual([]);
    expect(charges.suspect([turn(1, 10), turn(2, 21), turn(3)])).toEqual([turn(1, 10)]);
    // It begins anew: the charge counts by the actor's own limit.
    expect(charges.suspect([turn(1, 10)])).toEqual([]);
  });
});
