/**
 * What every service with effect ids must do (D3), over any store: an act under an effect id happens once, whoever
 * repeats it and whatever dies in between, and every repeat gets the first result.
 *
 * A service takes part by saying how it is opened over a store, what it does under an effect id, and what can be seen of
 * that from outside.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServiceStore } from '../../src/journal/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { codeOf } from './fixtures/harness.ts';
import { EFFECTS, type OpenedService, type ServiceSubject, type ServiceWorld } from './service-subject.ts';

/** A store that can be begun anew over what it has kept. */
export interface StoreSubject {
  readonly name: string;
  start(): Promise<{
    store(): ServiceStore;
    restart(): Promise<void>;
    close(): Promise<void>;
  }>;
}

type Fault = 'before' | 'after' | 'fails';

/** The store of a process that meets the fault when it commits under `effectId`; a dead process reads and writes nothing. */
class FaultyStore implements ServiceStore {
  readonly #store: ServiceStore;
  readonly #effectId: string;
  readonly #fault: Fault;
  #dead = false;
  /** Resolves when the fault has happened. */
  readonly happened = Promise.withResolvers<void>();

  constructor(store: ServiceStore, effectId: string, fault: Fault) {
    this.#store = store;
    this.#effectId = effectId;
    this.#fault = fault;
  }

  readonly get: ServiceStore['get'] = (key) => this.#alive(() => this.#store.get(key));
  readonly range: ServiceStore['range'] = (from, to) => this.#alive(() => this.#store.range(from, to));
  readonly result: ServiceStore['result'] = (effectId) => this.#alive(() => this.#store.result(effectId));
  readonly commit: ServiceStore['commit'] = (group) => {
    if (group.effectId !== this.#effectId) return this.#alive(() => this.#store.commit(group));
    if (this.#fault === 'fails') {
      this.happened.resolve();
      return Promise.reject(new MegactorError('DISK', 'no space left'));
    }
    this.#dead = true;
    if (this.#fault === 'before') this.happened.resolve();
    else this.#store.commit(group).then(() => this.happened.resolve(), this.happened.reject);
    return new Promise(() => undefined);
  };

  #alive<Value>(ask: () => Promise<Value>): Promise<Value> {
    return this.#dead ? new Promise<Value>(() => undefined) : ask();
  }
}

const [FIRST, SECOND] = EFFECTS;

export const serviceConformance = (service: ServiceSubject, kept: StoreSubject): void => {
  describe(`${service.name} over ${kept.name}`, () => {
    let world: ServiceWorld;
    let stores: Awaited<ReturnType<StoreSubject['start']>>;
    /** What is seen with nothing done, and with the first act done once, in a world where nothing goes wrong. */
    let nothing: unknown;
    let once: unknown;

    /** The service that is not dead. */
    let living: OpenedService | null = null;

    const open = async (): Promise<OpenedService> => {
      living = await world.open(stores.store());
      return living;
    };
    /** The process ends and the store is begun anew. */
    const restart = async (): Promise<void> => {
      await living?.close?.();
      living = null;
      await stores.restart();
    };
    const cost = (): number => world.cost?.() ?? 0;

    /** A process that meets a fault at its first act; it is dead then, or to be given up. */
    const openFaulty = async (fault: Fault): Promise<{ opened: OpenedService; faulty: FaultyStore }> => {
      const faulty = new FaultyStore(stores.store(), FIRST, fault);
      return { opened: await world.open(faulty), faulty };
    };

    const begin = async (): Promise<void> => {
      world = await service.start();
      stores = await kept.start();
    };
    const end = async (): Promise<void> => {
      await living?.close?.();
      living = null;
      await world.close();
      await stores.close();
    };

    beforeEach(async () => {
      await begin();
      const undisturbed = await open();
      nothing = await undisturbed.observe();
      await undisturbed.act(FIRST, 1);
      once = await undisturbed.observe();
      expect(once).not.toEqual(nothing);
      await end();
      await begin();
    });
    afterEach(end);

    test('a repeat changes nothing and gets the first result, in the same process and in the next', async () => {
      const opened = await open();
      const first = await opened.act(FIRST, 1);
      const paid = cost();
      expect(await opened.act(FIRST, 1)).toEqual(first);
      expect(await opened.observe()).toEqual(once);
      await restart();
      const next = await open();
      expect(await next.observe()).toEqual(once);
      expect(await next.act(FIRST, 1)).toEqual(first);
      expect(await next.act(FIRST, 1)).toEqual(first);
      expect(await next.observe()).toEqual(once);
      expect(cost()).toBe(paid);
    });

    test('a crash between the commit and its answer: it happened, and the repeat is told so', async () => {
      const { opened, faulty } = await openFaulty('after');
      void opened.act(FIRST, 1);
      await faulty.happened.promise;
      const paid = cost();
      const next = await open();
      expect(await next.observe()).toEqual(once);
      const result = await next.act(FIRST, 1);
      expect(await next.observe()).toEqual(once);
      expect(cost()).toBe(paid);
      await restart();
      const last = await open();
      expect(await last.act(FIRST, 1)).toEqual(result);
      expect(await last.observe()).toEqual(once);
    });

    test('a crash before the commit: it did not happen, and the repeat does it', async () => {
      const { opened, faulty } = await openFaulty('before');
      void opened.act(FIRST, 1);
      await faulty.happened.promise;
      const next = await open();
      expect(await next.observe()).toEqual(nothing);
      await next.act(FIRST, 1);
      expect(await next.observe()).toEqual(once);
    });

    test('a commit that fails keeps neither the change nor the result', async () => {
      const { opened } = await openFaulty('fails');
      expect(await codeOf(opened.act(FIRST, 1))).not.toBe('resolved');
      expect(await stores.store().result(FIRST)).toBeUndefined();
      const next = await open();
      expect(await next.observe()).toEqual(nothing);
      await next.act(FIRST, 1);
      expect(await next.observe()).toEqual(once);
    });

    test('duplicates in flight at the same time act once and all get the result', async () => {
      const opened = await open();
      const results = await Promise.all([1, 2, 3].map(() => opened.act(FIRST, 1)));
      expect(results).toEqual([results[0], results[0], results[0]]);
      expect(await opened.observe()).toEqual(once);
    });

    test('another effect is another act', async () => {
      const opened = await open();
      const paid = cost();
      await opened.act(FIRST, 1);
      const paidOnce = cost();
      await opened.act(SECOND, 2);
      const twice = await opened.observe();
      expect(twice).not.toEqual(once);
      expect(cost() - paidOnce).toBe(paidOnce - paid);
      expect(await opened.act(SECOND, 2)).toEqual(await opened.act(SECOND, 2));
      expect(await opened.observe()).toEqual(twice);
    });

    test('the result is in the store with the change', async () => {
      const opened = await open();
      await opened.act(FIRST, 1);
      expect(await stores.store().result(FIRST)).toBeDefined();
      expect(await stores.store().result(SECOND)).toBeUndefined();
    });
  });
};
