/** Programs around shared data, as a user of the engine writes them: bank (with a stash), dictionary. */
import { defineActor, message, type ActorRef } from '../../../src/actor/index.ts';
import { Lcg } from '../outcome.ts';
import { NOTHING, valueOf } from '../programs/tables.ts';
import { BURST, KEYS, OPENING_BALANCE, SEED, WRITE_EVERY, type Size } from '../settings.ts';
import { REPORT, Report } from './report.ts';

interface Transfer {
  readonly amount: number;
  readonly to: ActorRef;
}

/** Makes one transfer at a time: others are stashed until the deposit of the one before is acknowledged. */
export const account = defineActor(import.meta.url, 'account', {
  state: (teller: ActorRef) => ({ teller, amount: OPENING_BALANCE, underWay: false }),
  messages: { transfer: message<Transfer>(), deposit: message<number>(), deposited: message(), balance: message() },
  receive: {
    transfer: (state, { amount, to }, ctx) => {
      if (state.underWay) {
        ctx.stash();
        return;
      }
      state.underWay = true;
      state.amount -= amount;
      ctx.tell(to, 'deposit', amount);
    },
    deposit: (state, amount, ctx) => {
      state.amount += amount;
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'deposited');
    },
    deposited: (state, _, ctx) => {
      state.underWay = false;
      ctx.tell(state.teller, 'done');
      ctx.unstash();
    },
    balance: (state, _, ctx) => {
      ctx.tell(state.teller, 'told', state.amount);
    },
  },
});

class Transfers {
  readonly #random = new Lcg(SEED);
  readonly accounts: readonly ActorRef[];
  readonly items: number;
  sent = 0;
  done = 0;

  constructor(accounts: readonly ActorRef[], items: number) {
    this.accounts = accounts;
    this.items = items;
  }

  next(): { readonly from: ActorRef; readonly transfer: Transfer } {
    this.sent += 1;
    const { length } = this.accounts;
    const index = this.#random.below(length);
    const other = (index + 1 + this.#random.below(length - 1)) % length;
    const transfer = { amount: 1 + this.#random.below(100), to: this.accounts[other] as ActorRef };
    return { from: this.accounts[index] as ActorRef, transfer };
  }
}

export const bank = defineActor(import.meta.url, 'bank', {
  state: () => ({ report: new Report(), transfers: new Transfers([], 0), balance: 0, told: 0 }),
  messages: { ...REPORT, done: message(), told: message<number>() },
  receive: {
    begin: (state, { actors, items }: Size, ctx) => {
      state.report.begin();
      const accounts = Array.from({ length: actors }, () => ctx.spawn(account, ctx.self));
      state.transfers = new Transfers(accounts, items);
      for (let count = 0; count < BURST && state.transfers.sent < items; count += 1) {
        const { from, transfer } = state.transfers.next();
        ctx.tell(from, 'transfer', transfer);
      }
    },
    done: ({ transfers }, _, ctx) => {
      transfers.done += 1;
      if (transfers.sent < transfers.items) {
        const { from, transfer } = transfers.next();
        ctx.tell(from, 'transfer', transfer);
      } else if (transfers.done === transfers.items) {
        for (const one of transfers.accounts) ctx.tell(one, 'balance');
      }
    },
    told: (state, amount, ctx) => {
      state.balance += amount;
      state.told += 1;
      const { accounts, done } = state.transfers;
      if (state.told === accounts.length) state.report.finish({ transactions: done, balance: state.balance }, ctx);
    },
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});

interface Work {
  readonly table: ActorRef;
  readonly items: number;
  readonly seed: number;
}

export const worker = defineActor(import.meta.url, 'worker', {
  state: ({ table, items, seed }: Work) => ({ table, items, random: new Lcg(seed), asked: 0, wrong: 0, key: 0 }),
  messages: { start: message(), value: message<number>() },
  receive: {
    start: (state, _, ctx) => {
      state.asked = 1;
      state.key = state.random.below(KEYS);
      ctx.tell(state.table, 'read', state.key);
    },
    value: (state, value, ctx) => {
      if (value !== NOTHING && value !== valueOf(state.key)) state.wrong += 1;
      if (state.asked === state.items) {
        ctx.tell(state.table, 'exit', state.wrong);
        return;
      }
      state.asked += 1;
      const key = state.random.below(KEYS);
      state.key = key;
      if (state.asked % WRITE_EVERY === 0) ctx.tell(state.table, 'write', { key, value: valueOf(key) });
      else ctx.tell(state.table, 'read', key);
    },
  },
});

export const dictionary = defineActor(import.meta.url, 'dictionary', {
  state: () => ({
    report: new Report(),
    values: new Map<number, number>(),
    actors: 0,
    reads: 0,
    writes: 0,
    wrong: 0,
    gone: 0,
  }),
  messages: {
    ...REPORT,
    read: message<number>(),
    write: message<{ key: number; value: number }>(),
    exit: message<number>(),
  },
  receive: {
    begin: (state, { actors, items }: Size, ctx) => {
      state.report.begin();
      state.actors = actors;
      const all = Array.from({ length: actors }, (_, index) =>
        ctx.spawn(worker, { table: ctx.self, items, seed: SEED + index }),
      );
      for (const one of all) ctx.tell(one, 'start');
    },
    read: (state, key, ctx) => {
      state.reads += 1;
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'value', state.values.get(key) ?? NOTHING);
    },
    write: (state, { key, value }, ctx) => {
      state.writes += 1;
      state.values.set(key, value);
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'value', value);
    },
    exit: (state, wrong, ctx) => {
      state.wrong += wrong;
      state.gone += 1;
      if (state.gone < state.actors) return;
      const { reads, writes } = state;
      state.report.finish({ workers: state.gone, reads, writes, wrong: state.wrong }, ctx);
    },
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});
