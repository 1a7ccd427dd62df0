import { describe, expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import type { LogAppend } from '../../src/journal/shard-log.ts';
import { list, mailTo } from '../support/durable-list.ts';
import { has, once, Worlds } from './crashes.ts';
import { MemoryJournal, type AppendFate } from './memory-journal.ts';
import { EARLY_MAIL_MS } from '../../src/runtime/early-mail.ts';
import { FIXTURES, type World } from './one-thread.ts';

/** What happened outside, over all incarnations. */
let calls: string[] = [];
/** Handlers look here for what they are to do. */
let mood: { fail?: boolean; interrupted?: boolean[]; wait?: Promise<void> } = {};

interface AgentState {
  seen: string[];
  turns: number;
}

const ledger = defineActor(FIXTURES, 'ledger', {
  state: (start: number) => ({ total: start, log: [] as string[] }),
  messages: {
    add: message<number>(),
    total: request<void, number>(),
    log: request<void, string[]>(),
    failing: message<number>(),
    pass: message<{ to: ActorRef; by: number; fail?: boolean }>(),
    hire: request<{ name: string; durable: boolean }, ActorRef>(),
    quit: message(),
    fireChild: message<ActorRef>(),
    moment: request<void, number[]>(),
    later: message<number>(),
    hireAndFail: message<string>(),
    waitAndFail: message(),
    call: message<string>(),
  },
  receive: {
    add: (s, n) => {
      s.total += n;
    },
    total: (s) => s.total,
    log: (s) => s.log,
    failing: (s, n) => {
      s.total += n;
      if (mood.fail === true) throw new Error('bad mood');
    },
    pass: (s, { to, by, fail }, ctx) => {
      s.total -= by;
      ctx.tell(to as ActorRef<{ add: ReturnType<typeof message<number>> }>, 'add', by);
      if (fail === true) throw new Error('after the tell');
    },
    hire: (_s, { name, durable }, ctx): ActorRef => ctx.spawn(ledger, 0, { name, durable }),
    quit: (_s, _b, ctx) => ctx.stop(),
    fireChild: (_s, child, ctx) => ctx.stop(child),
    moment: async (s, _b, ctx) => {
      const before = [ctx.now(), ctx.random()];
      await ctx.effect('moment', async () => {
        calls.push('moment');
        await mood.wait;
      });
      s.log.push(before.join());
      return [...before, ctx.now()];
    },
    hireAndFail: (_s, name, ctx) => {
      ctx.spawn(ledger, 0, { name, durable: true });
      if (mood.fail === true) throw new Error('bad mood');
    },
    waitAndFail: async () => {
      await mood.wait;
      throw new Error('bad mood');
    },
    call: async (s, words, ctx) => {
      const answer = await ctx.effect('call', () => {
        calls.push(words);
        return words;
      });
      s.log.push(answer);
    },
    later: (_s, ms, ctx) => ctx.timers.once('later', ms, 'add', 100),
  },
  onChildFailed: (s, child, reason) => {
    s.log.push(`failed ${child.name} ${reason}`);
  },
});

/** Takes batches and calls a model in steps, as an agent does. */
const agent = defineActor(FIXTURES, 'agent', {
  state: (): AgentState => ({ seen: [], turns: 0 }),
  messages: { mail: message<string>(), state: request<void, AgentState>() },
  receiveBatch: async (state, batch, ctx) => {
    for (const mail of batch) {
      if (mail.type === 'state') mail.reply(structuredClone(state));
      else state.seen.push(mail.body);
    }
    if (batch.every((mail) => mail.type === 'state') && batch.length > 0) return;
    ctx.appendHistory({ batch: batch.map((mail) => String(mail.body)) });
    for (let step = 0; step < 2; step += 1) {
      (mood.interrupted ??= []).push(ctx.interrupted('model'));
      const answer = await ctx.effect('model', async (id) => {
        calls.push(id);
        await mood.wait;
        return `answer to ${state.seen.join()} (${calls.length})`;
      });
      ctx.appendHistory(answer);
      if (mood.fail === true) throw new Error('bad mood');
      if (ctx.history.filter((entry) => typeof entry === 'string').length % 2 === 0) break;
      await ctx.endStep();
    }
    state.turns += 1;
  },
});

/** Over one journal. */
let worlds: Worlds;

const fresh = async (shards = 1): Promise<{ journal: MemoryJournal; world: World }> => {
  calls = [];
  mood = {};
  worlds = new Worlds({ ledger, agent, list }, new MemoryJournal(shards));
  return { journal: worlds.journal, world: await worlds.start() };
};

describe('a durable actor', () => {
  test('D1 keeps its state over a crash, and mail in order with asks (A2)', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 1, { name: 'l', durable: true });
    world.tell(ref, 'add', 2);
    world.tell(ref, 'add', 3);
    expect(await world.ask(ref, 'total')).toBe(6);
    const next = await worlds.restart(world);
    expect(await next.shards[0]?.lookup('l')).toMatchObject({ durable: true, ref });
    expect(await next.ask(ref, 'total')).toBe(6);
    expect(journal.pending).toBe(0);
  });

  test('an ask that changes nothing writes nothing', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 1, { durable: true });
    await world.ask(ref, 'total');
    const written = journal.entries.length;
    await world.ask(ref, 'total');
    expect(journal.entries).toHaveLength(written);
  });

  test.each(['lost', 'unanswered'] as const)('D2 no mail acts twice when a crash makes the commit %s', async (fate) => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 0, { durable: true });
    journal.fate = once(fate, has('step'));
    world.tell(ref, 'add', 5);
    world.tell(ref, 'add', 7);
    const next = await worlds.restart(world);
    expect(await next.ask(ref, 'total')).toBe(12);
    expect(journal.pending).toBe(0);
  });

  test('output gate: nothing leaves before the commit, and nothing of a failed step', async () => {
    const { journal, world } = await fresh(2);
    const from = await world.spawn(ledger, 100, { durable: true, shard: 0, restart: 'transient' });
    const to = await world.spawn(ledger, 0, { durable: true, shard: 1 });
    const near = await world.spawn(list, undefined, { shard: 0 });
    world.tell(from, 'pass', { to, by: 10, fail: true });
    await world.clock.settle();
    // Past its restarts: the mail is dropped with the actor.
    expect(await world.ask(to, 'total')).toBe(0);
    expect(journal.pending).toBe(0);

    const second = await world.spawn(ledger, 100, { durable: true, shard: 0 });
    journal.fate = once('lost', has('step'));
    world.tell(second, 'pass', { to: near, by: 1 });
    await world.clock.settle();
    journal.fate = () => 'works';
    expect(await world.ask(near, 'got')).toEqual([]);
  });

  test('mail between durable actors of two shards, and to an ephemeral one, arrives once', async () => {
    const { journal, world } = await fresh(2);
    const from = await world.spawn(ledger, 100, { durable: true, shard: 0 });
    const to = await world.spawn(ledger, 0, { durable: true, shard: 1 });
    const far = await world.spawn(list, undefined, { shard: 1 });
    const near = await world.spawn(list, undefined, { shard: 0 });
    for (const receiver of [to, far, near]) world.tell(from, 'pass', { to: receiver, by: 7 });
    expect(await world.ask(from, 'total')).toBe(79);
    expect(await world.ask(to, 'total')).toBe(7);
    expect([await world.ask(far, 'got'), await world.ask(near, 'got')]).toEqual([[7], [7]]);
    expect(journal.pending).toBe(0);
    const next = await worlds.restart(world);
    expect(await next.ask(to, 'total')).toBe(7);
  });

  test('a failed step is tried again with the same mail and the committed state', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 0, {
      durable: true,
      restart: 'transient',
      backoff: { minMs: 10, maxMs: 10 },
    });
    world.tell(ref, 'add', 1);
    await world.ask(ref, 'total');
    mood.fail = true;
    world.tell(ref, 'failing', 5);
    await world.clock.settle();
    mood.fail = false;
    await world.clock.advance(20);
    expect(await world.ask(ref, 'total')).toBe(6);
    expect(journal.pending).toBe(0);
    expect(world.counters[0]?.read()).toMatchObject({ restarts: 1, steps: 2 });
  });

  test('past its intensity it stops, its mail is dropped, and a durable parent is told through the journal', async () => {
    const { journal, world } = await fresh(2);
    const boss = await world.spawn(ledger, 0, { name: 'boss', durable: true, shard: 0 });
    const child = (await world.ask(boss, 'hire', { name: 'kid', durable: true })) as ActorRef;
    mood.fail = true;
    world.tell(child, 'failing', 1);
    world.tell(child, 'add', 1);
    await world.clock.settle();
    expect(await world.ask(boss, 'log')).toEqual(['failed kid ACTOR_FAILED: bad mood']);
    expect(journal.pending).toBe(0);
    expect(journal.entries.filter((entry) => entry.kind === 'drop')).toMatchObject([
      { actor: child.id, stopped: true },
    ]);
    const next = await worlds.restart(world);
    const gone = next.askSoon(child, 'total');
    await next.clock.advance(EARLY_MAIL_MS + 1);
    await expect(gone).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    expect(await next.ask(boss, 'log')).toHaveLength(1);
  });

  test('the children of an actor that failed for good go on, and their failures are told further up', async () => {
    const { journal, world } = await fresh(2);
    const boss = await world.spawn(ledger, 0, { name: 'boss', durable: true, shard: 0 });
    const admin = (await world.ask(boss, 'hire', { name: 'admin', durable: true })) as ActorRef;
    const worker = (await world.ask(admin, 'hire', { name: 'worker', durable: true })) as ActorRef;
    mood.fail = true;
    world.tell(admin, 'failing', 1);
    await world.clock.settle();
    world.tell(worker, 'add', 1);
    expect(await world.ask(worker, 'total')).toBe(1);
    world.tell(worker, 'failing', 1);
    await world.clock.settle();
    const failed = ['admin', 'worker'].map((name) => `failed ${name} ACTOR_FAILED: bad mood`);
    expect(await world.ask(boss, 'log')).toEqual(failed);
    expect(journal.pending).toBe(0);
  });

  test('stops itself, is stopped by its parent, and stays stopped', async () => {
    const { journal, world } = await fresh(2);
    const boss = await world.spawn(ledger, 0, { name: 'boss', durable: true, shard: 0 });
    const one = (await world.ask(boss, 'hire', { name: 'one', durable: true })) as ActorRef;
    const two = (await world.ask(boss, 'hire', { name: 'two', durable: true })) as ActorRef;
    world.tell(one, 'quit');
    world.tell(boss, 'fireChild', two);
    await world.clock.settle();
    const next = await worlds.restart(world);
    expect(next.shards.flatMap((shard) => shard.snapshots()).map((actor) => actor.name)).toEqual(['boss']);
    expect(journal.pending).toBe(0);
  });

  test('mail for an actor that is not there is dropped in the journal and becomes a dead letter', async () => {
    const { journal, world } = await fresh();
    await journal.deliver([mailTo(4711, 'add', 1)]);
    await world.clock.settle();
    expect(journal.pending).toBe(0);
    expect(world.shards[0]?.deadLetters()).toMatchObject([{ reason: 'not-found', to: { id: 4711 } }]);
  });

  test('time is fixed within a step and the same when a crash repeats it; randomness too', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 0, { name: 'l', durable: true });
    await journal.deliver([mailTo(ref.id, 'moment')]);
    journal.fate = once('lost', has('step'));
    await world.clock.advance(5_000);
    const next = await worlds.restart(world, 60_000);
    expect(calls).toEqual(['moment']);
    const [entry] = (await next.ask(ref, 'log')) as string[];
    expect(Number(entry?.split(',')[0])).toBeLessThan(1_010_000);
    expect(journal.entries.filter((e) => e.kind === 'effect').map((e) => e.key)).toEqual(['@now', 'moment']);
  });

  test('time does not pass for a step', async () => {
    const { world } = await fresh();
    const ref = await world.spawn(ledger, 0, { durable: true });
    const waiting = Promise.withResolvers<void>();
    mood.wait = waiting.promise;
    const answer = world.askSoon(ref, 'moment', undefined, 60_000);
    await world.clock.advance(1_000);
    waiting.resolve();
    await world.clock.settle();
    const [before, , after] = (await answer) as number[];
    expect(after).toBe(before);
    const [next] = (await world.ask(ref, 'moment')) as number[];
    expect(next).toBe((before ?? 0) + 1_000);
  });

  test('D3 a handler of single messages that acts outside is recorded with the mail up to it', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 0, { name: 'l', durable: true });
    const outgoing = ['one', 'two'].map((body) => mailTo(ref.id, 'call', body));
    journal.fate = once('lost', has('step'));
    await journal.deliver(outgoing);
    const next = await worlds.restart(world);
    await next.clock.settle();
    expect(calls).toEqual(['one', 'two']);
    expect(await next.ask(ref, 'log')).toEqual(['one', 'two']);
  });

  test('a child that was spawned by a failed step does not exist, and nobody waits for it', async () => {
    const { journal, world } = await fresh(2);
    const options = { durable: true, restart: 'transient', backoff: { minMs: 10, maxMs: 10 } } as const;
    const ref = await world.spawn(ledger, 0, options);
    mood.fail = true;
    world.tell(ref, 'hireAndFail', 'kid');
    world.watch(ref);
    await world.clock.settle();
    expect(world.shards.flatMap((shard) => shard.snapshots())).toHaveLength(1);
    mood.fail = false;
    await world.clock.advance(20);
    expect(world.shards.flatMap((shard) => shard.snapshots())).toHaveLength(2);
    world.stop(ref);
    await world.clock.settle();
    expect(world.shards.flatMap((shard) => shard.snapshots())).toEqual([]);
    expect(world.mainSignals).toHaveLength(1);
    expect(journal.pending).toBe(0);
  });

  test('the wish to stop survives a crash before the stop is recorded', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 0, { name: 'l', durable: true });
    journal.fate = once('lost', has('drop'));
    world.tell(ref, 'quit');
    const next = await worlds.restart(world);
    expect(next.shards[0]?.snapshots()).toEqual([]);
    expect(journal.pending).toBe(0);
  });

  test('a timer is mail to self', async () => {
    const { world } = await fresh();
    const ref = await world.spawn(ledger, 0, { durable: true });
    world.tell(ref, 'later', 1_000);
    await world.clock.advance(1_001);
    expect(await world.ask(ref, 'total')).toBe(100);
  });

  test.each([
    { what: 'a durable', how: 'failed for good' },
    { what: 'a durable', how: 'was stopped' },
    { what: 'an ephemeral', how: 'failed for good' },
    { what: 'an ephemeral', how: 'was stopped' },
  ])(
    'A9 what $what actor that $how had not yet heard of its durable children is told further up, once',
    async ({ what, how }) => {
      const { world } = await fresh(2);
      const wait = Promise.withResolvers<void>();
      const boss = await world.spawn(ledger, 0, { name: 'boss', durable: true, shard: 0 });
      const hired = { name: 'admin', durable: what === 'a durable' };
      const admin = (await world.ask(boss, 'hire', hired)) as ActorRef;
      const worker = (await world.ask(admin, 'hire', { name: 'worker', durable: true })) as ActorRef;
      mood = { fail: true, wait: wait.promise };
      world.tell(admin, 'waitAndFail');
      await world.clock.settle();
      world.tell(worker, 'failing', 1);
      await world.clock.settle();
      // Its turn is still under way, and what it is to hear waits behind it.
      expect(await world.ask(boss, 'log')).toEqual([]);
      if (how === 'was stopped') world.stop(admin);
      else wait.resolve();
      await world.clock.advance(60_000);
      const failures = ['failed admin ACTOR_FAILED: bad mood', 'failed worker ACTOR_FAILED: bad mood'];
      const heard = how === 'was stopped' ? failures.slice(1) : failures;
      expect(await world.ask(boss, 'log')).toEqual(heard);
      const next = await worlds.restart(world);
      expect(await next.ask(boss, 'log')).toEqual(heard);
      expect(worlds.journal.pending).toBe(0);
    },
  );

  test('a journal that fails halts the shard and nothing leaves', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(ledger, 0, { durable: true, restart: 'permanent' });
    journal.fate = once('fails', has('step'));
    world.tell(ref, 'add', 1);
    await world.clock.settle();
    expect(world.failures).toMatchObject([{ code: 'DISK' }]);
    expect(world.counters[0]?.read()).toMatchObject({ steps: 0, restarts: 0 });
  });
});

describe('steps of an agent', () => {
  const run = async (fate: AppendFate | null, matches: (group: LogAppend) => boolean): Promise<World> => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(agent, undefined, { name: 'a', durable: true });
    if (fate !== null) journal.fate = once(fate, matches);
    await journal.deliver(['x', 'y'].map((body) => mailTo(ref.id, 'mail', body)));
    const next = fate === null ? world : await worlds.restart(world);
    await next.clock.settle();
    // It went on by itself: the ask below does not wake it.
    expect(next.shards[0]?.snapshots()).toMatchObject([{ step: 2, status: 'idle' }]);
    const state = (await next.ask(ref, 'state')) as AgentState;
    expect(state).toEqual({ seen: ['x', 'y'], turns: 1 });
    expect(journal.pending).toBe(0);
    expect(next.shards[0]?.snapshots()).toMatchObject([{ step: 2, status: 'idle' }]);
    const steps = journal.entries.filter((entry) => entry.kind === 'step');
    expect(steps.map(({ step, open }) => [step, open])).toEqual([
      [0, true],
      [1, false],
    ]);
    return next;
  };

  test('a turn of two steps, each with one call', async () => {
    await run(null, has('step'));
    expect(calls).toEqual(['a/0/model', 'a/1/model']);
  });

  test.each([
    ['lost', 'step'],
    ['unanswered', 'effect'],
    ['unanswered', 'step'],
  ] as const)('D3 an answer that was recorded is not paid again: crash, %s %s', async (fate, kind) => {
    await run(fate, has(kind));
    expect(calls).toEqual(['a/0/model', 'a/1/model']);
  });

  test('an answer that was not recorded is asked for again, and the actor is told', async () => {
    await run('lost', has('effect'));
    expect(calls).toEqual(['a/0/model', 'a/0/model', 'a/1/model']);
    expect(mood.interrupted).toEqual([false, true, false]);
  });

  test('a crash while a turn is open goes on with an empty batch', async () => {
    const second = (group: LogAppend): boolean =>
      group.entries.some((entry) => entry.kind === 'step' && entry.step === 1);
    const world = await run('lost', second);
    expect(calls).toEqual(['a/0/model', 'a/1/model']);
    expect(world.shards[0]?.snapshots()[0]?.historyLength).toBe(4);
  });

  test('the interrupted step takes exactly the mail it had taken', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(agent, undefined, { name: 'a', durable: true });
    const mail = (body: string): Promise<void> => journal.deliver([mailTo(ref.id, 'mail', body)]);
    journal.fate = once('lost', has('effect'));
    await mail('x');
    await world.clock.settle();
    await mail('late');
    const next = await worlds.restart(world);
    await next.clock.settle();
    const steps = journal.entries.filter((entry) => entry.kind === 'step');
    expect(steps.map((entry) => entry.taken)).toEqual([[1], [], [2], []]);
  });

  test('a failing turn keeps what was recorded and stops past its intensity', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(agent, undefined, { name: 'a', durable: true, restart: 'transient' });
    mood.fail = true;
    await journal.deliver([mailTo(ref.id, 'mail', 'x')]);
    await world.clock.settle();
    // The first try and three restarts, and one call for all of them.
    expect(calls).toEqual(['a/0/model']);
    expect(world.counters[0]?.read()).toMatchObject({ restarts: 3, stopped: 1 });
    expect(journal.pending).toBe(0);
  });

  test('history of a failed try is taken back', async () => {
    const { journal, world } = await fresh();
    const options = { name: 'a', durable: true, restart: 'transient', backoff: { minMs: 10, maxMs: 10 } } as const;
    const ref = await world.spawn(agent, undefined, options);
    mood.fail = true;
    await journal.deliver([mailTo(ref.id, 'mail', 'x')]);
    await world.clock.settle();
    mood.fail = false;
    await world.clock.advance(20);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ step: 2, historyLength: 3, restarts: 1 }]);
  });

  test('D1 mail for an actor whose turn was given up waits in the journal, and is no dead letter', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(agent, undefined, { name: 'a', durable: true });
    const tell = (body: string): Promise<void> => journal.deliver([mailTo(ref.id, 'mail', body)]);
    mood.wait = new Promise(() => undefined);
    await tell('x');
    await world.clock.settle();
    const drained = world.shards[0]?.drain(10);
    await world.clock.advance(10);
    await drained;
    await tell('y');
    await world.clock.settle();
    expect(world.shards[0]?.deadLetters()).toEqual([]);
    expect(journal.entries.filter((entry) => entry.kind === 'drop')).toEqual([]);
    mood.wait = Promise.resolve();
    const next = await worlds.restart(world);
    await next.clock.settle();
    expect(await next.ask(ref, 'state')).toMatchObject({ seen: ['x', 'y'] });
  });

  test('quiesce starts no more turns, and a turn that is aborted then is given up, not restarted', async () => {
    const { journal, world } = await fresh();
    const ref = await world.spawn(agent, undefined, { name: 'a', durable: true, restart: 'transient' });
    mood.fail = false;
    world.shards[0]?.quiesce();
    await journal.deliver([mailTo(ref.id, 'mail', 'x')]);
    await world.clock.settle();
    expect(calls).toEqual([]);
    expect(world.shards[0]?.snapshots()).toMatchObject([{ hold: 'pause', mailbox: 1 }]);
    const next = await worlds.restart(world);
    await next.clock.settle();
    expect(calls).toEqual(['a/0/model', 'a/1/model']);
  });
});
