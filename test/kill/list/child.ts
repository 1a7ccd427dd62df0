/**
 * The process that is killed: a system of durable lists on real threads with its journal on disk. It does what its
 * parent asks and answers when the system has acknowledged; when the system fails, it says so and stops.
 */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toMegactorError } from '../../../src/protocol/errors.ts';
import { ActorSystem, type SystemRef } from '../../../src/runtime/index.ts';
import { list } from './actors.ts';
import { LEDGER } from './ledger.ts';
import { type ChildSettings, type FromChild, listName, type Operation, type ToChild } from './wire.ts';

type List = SystemRef<(typeof list)['messages']>;

/** Exit code of a child whose system failed and was stopped in order. */
const FAILED = 4;

const settings = JSON.parse(process.argv[2] ?? '') as ChildSettings;
const say = (message: FromChild): void => {
  process.send?.(message);
};

let failed = false;
const fail = (thrown: unknown): void => {
  if (failed) return;
  failed = true;
  say({ kind: 'failed', code: toMegactorError(thrown).code });
  process.exitCode = FAILED;
  stop().catch(() => process.exit(FAILED));
};

const start = (): Promise<ActorSystem> => {
  const { durability, ...system } = settings.system;
  return ActorSystem.start({
    ...system,
    journal: { directory: settings.directory, durability },
    services: [{ name: LEDGER, module: new URL('./ledger.ts', import.meta.url).href }],
    onFailure: ({ error }) => fail(error),
    onHostDeath: ({ error }) => fail(error),
  });
};

let started: ActorSystem | null = null;
const stop = async (): Promise<void> => {
  await started?.stop({ deadlineMs: 2_000 });
  process.disconnect();
};

const lists: List[] = [];
const listAt = (index: number): List => lists[index] as List;

const findOrSpawn = async (actors: ActorSystem, index: number): Promise<List> => {
  const { balance } = settings;
  // The journal remembers it, and may be copied.
  const outside = basename(settings.outside);
  const name = listName(index);
  const known = await actors.lookup<(typeof list)['messages']>(name);
  return known ?? actors.spawn(list, { outside, balance }, { name, durable: true });
};

const ASK = { deadlineMs: 60_000 };

const perform = async (actors: ActorSystem, operation: Operation): Promise<unknown> => {
  const { element } = operation;
  switch (operation.kind) {
    case 'append':
      return listAt(operation.list).ask('append', { element }, ASK);
    case 'read':
      return listAt(operation.list).ask('read', undefined, ASK);
    case 'transfer': {
      const { shard, id, name } = listAt(operation.to);
      return listAt(operation.list).ask(
        'transfer',
        { element, amount: operation.amount, to: { shard, id, name } },
        ASK,
      );
    }
    case 'remind':
      return listAt(operation.list).ask('remind', { element, delayMs: operation.delayMs }, ASK);
    case 'put':
    case 'fetch':
    case 'charge': {
      const mails = operation.lists.map((index) => {
        const { shard, id } = listAt(index);
        const mail = { to: id, from: null, type: operation.kind, body: { element } };
        return { shard, entry: { kind: 'mail', mail } } as const;
      });
      return actors.deliver(mails, operation.level ?? undefined);
    }
    default:
      return operation satisfies never;
  }
};

/** A reminder that has not come by then is missing, which the parent finds. */
const REMINDED_MAX_MS = 20_000;

const settle = async (actors: ActorSystem, { reminders }: Extract<ToChild, { kind: 'settle' }>): Promise<void> => {
  const until = performance.now() + REMINDED_MAX_MS;
  for (const [index, element] of reminders) {
    while (!(await listAt(index).ask('read', undefined, ASK)).includes(element) && performance.now() < until) {
      await sleep(10);
    }
  }
  while (((await actors.journal?.pending()) ?? 0) > 0) await sleep(5);
  say({ kind: 'settled' });
};

const obey = (actors: ActorSystem, message: ToChild): void => {
  switch (message.kind) {
    case 'do':
      perform(actors, message.operation).then(
        (result) => say({ kind: 'done', id: message.id, result: result ?? null }),
        (error: unknown) => say({ kind: 'refused', id: message.id, code: toMegactorError(error).code }),
      );
      return;
    case 'settle':
      settle(actors, message).catch(fail);
      return;
    case 'stop':
      stop().catch(fail);
      return;
    default:
      message satisfies never;
  }
};

process.on('disconnect', () => process.exit());
try {
  const actors = await start();
  started = actors;
  for (let index = 0; index < settings.lists; index += 1) lists.push(await findOrSpawn(actors, index));
  process.on('message', (message: ToChild) => obey(actors, message));
  say({ kind: 'ready' });
} catch (error) {
  fail(error);
}
