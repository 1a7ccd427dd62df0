import { beforeEach, describe, expect, test } from 'vitest';
import { defineActor, message, request } from '../../src/actor/index.ts';
import type { LogAppend, StepLogEntry } from '../../src/journal/shard-log.ts';
import { has, once, Worlds } from './crashes.ts';
import { MemoryJournal, type AppendFate } from './memory-journal.ts';
import { FIXTURES } from './one-thread.ts';

/** What really happened outside, over all incarnations. */
let calls: string[] = [];
/** What each try of a step hears of earlier ones. */
let interrupted: boolean[] = [];
let failures = 0;

interface State {
  steps: number;
  atMostOnce: boolean;
  seen: string[];
}

/** Its turns have two steps of one call each; the first one says what the second begins with. */
const caller = defineActor(FIXTURES, 'caller', {
  state: (): State => ({ steps: 0, atMostOnce: true, seen: [] }),
  messages: {
    call: message<{ readonly atMostOnce: boolean; readonly without?: boolean }>(),
    own: message(),
    seen: request<void, string[]>(),
  },
  receiveBatch: async (state, batch, ctx) => {
    for (const mail of batch) {
      if (mail.type === 'seen') mail.reply([...state.seen]);
      if (mail.type === 'own') state.seen.push(await ctx.endStep({ intent: '@now' }).catch((error) => error.code));
    }
    const mail = batch.find(({ type }) => type === 'call');
    if (mail === undefined && state.steps % 2 === 0) return;
    const { without = false } = mail?.type === 'call' ? mail.body : {};
    if (mail?.type === 'call') state.atMostOnce = mail.body.atMostOnce;
    while (true) {
      interrupted.push(ctx.interrupted('call'));
      state.steps += 1;
      if (state.steps % 2 === 0 && without) return;
      if (state.steps % 2 === 0 && (failures -= 1) >= 0) throw new Error('before the call');
      const call = (id: string): string => {
        calls.push(id);
        return id;
      };
      state.seen.push(await ctx.effect('call', call, { atMostOnce: state.atMostOnce }).catch((error) => error.code));
      if (state.steps % 2 === 0) return;
      await ctx.endStep({ intent: 'call' });
    }
  },
});

/** Its second step asks for the time before the call that its commit brought along. */
const timed = defineActor(FIXTURES, 'timed', {
  state: () => ({}),
  messages: { call: message(), seen: request<void, string[]>() },
  receiveBatch: async (_state, batch, ctx) => {
    for (const mail of batch) if (mail.type === 'seen') mail.reply([]);
    if (batch.some(({ type }) => type === 'call')) {
      await ctx.effect('first', () => 1);
      await ctx.endStep({ intent: 'call' });
    } else if (batch.length > 0) return;
    const at = ctx.now();
    await ctx.effect('call', () => void calls.push(String(at)), { record: 'step', intent: true });
  },
});

const OPTIONS = { name: 'c', durable: true, restart: 'transient' } as const;

const fresh = async () => {
  const worlds = new Worlds({ caller }, new MemoryJournal());
  const world = await worlds.start();
  const ref = await world.spawn(caller, undefined, OPTIONS);
  const groups: string[] = [];
  const words = (entry: StepLogEntry): string => (entry.kind === 'drop' ? 'drop' : `${entry.kind} ${entry.step}`);
  worlds.journal.onAppend = ({ entries }: LogAppend) => groups.push(entries.map(words).join(', '));
  return { worlds, world, ref, groups };
};

beforeEach(() => {
  calls = [];
  interrupted = [];
  failures = 0;
});

describe('the intent of the next step', () => {
  test.each([true, false])('is in the commit of the step before (at most once: %s)', async (atMostOnce) => {
    const { world, ref, groups } = await fresh();
    world.tell(ref, 'call', { atMostOnce });
    await world.clock.settle();
    expect(groups).toEqual(['begin 0', 'effect 0', 'step 0, begin 1', 'effect 1', 'step 1']);
    expect(calls).toEqual(['c/0/call', 'c/1/call']);
    expect(interrupted).toEqual([false, false]);
    expect(await world.ask(ref, 'seen')).toEqual(['c/0/call', 'c/1/call']);
  });

  test('may come to nothing: the step commits without the call', async () => {
    const { world, ref, groups } = await fresh();
    world.tell(ref, 'call', { atMostOnce: true, without: true });
    await world.clock.settle();
    expect(groups).toEqual(['begin 0', 'effect 0', 'step 0, begin 1', 'step 1']);
    world.tell(ref, 'call', { atMostOnce: true });
    await world.clock.settle();
    expect(calls).toEqual(['c/0/call', 'c/2/call', 'c/3/call']);
  });

  test('D6 a handler that fails before the call makes it in its next try', async () => {
    const { world, ref } = await fresh();
    failures = 1;
    world.tell(ref, 'call', { atMostOnce: true });
    await world.clock.settle();
    expect(calls).toEqual(['c/0/call', 'c/1/call']);
    expect(interrupted).toEqual([false, false, false]);
  });

  test.each<[string, AppendFate, boolean, string[], string]>([
    ['the commit is lost', 'lost', false, ['c/0/call', 'c/1/call'], 'c/1/call'],
    ['nobody hears of the commit', 'unanswered', false, ['c/0/call', 'c/1/call'], 'c/1/call'],
    ['nobody hears of the commit, at most once', 'unanswered', true, ['c/0/call'], 'UNKNOWN_OUTCOME'],
  ])('D3, D6 a crash: %s', async (_when, fate, atMostOnce, made, last) => {
    const { worlds, world, ref } = await fresh();
    worlds.journal.fate = once(fate, has('step'));
    world.tell(ref, 'call', { atMostOnce });
    const next = await worlds.restart(world);
    await next.clock.settle();
    expect(calls).toEqual(made);
    expect(await next.ask(ref, 'seen')).toEqual(['c/0/call', last]);
  });

  test('D5 the time that a step asked for before the call is the same in a try after a crash', async () => {
    const worlds = new Worlds({ timed }, new MemoryJournal());
    const world = await worlds.start();
    const ref = await world.spawn(timed, undefined, OPTIONS);
    worlds.journal.fate = once('lost', ({ entries }) => entries.some((one) => one.kind === 'step' && one.step === 1));
    world.tell(ref, 'call');
    await world.clock.settle();
    expect(calls.length).toBe(1);
    await worlds.restart(world, 5_000);
    expect(calls).toEqual([calls[0], calls[0]]);
  });

  test('is of a key of the handler', async () => {
    const { world, ref } = await fresh();
    world.tell(ref, 'own');
    await world.clock.settle();
    expect(await world.ask(ref, 'seen')).toEqual(['USAGE']);
  });
});
