/** Programs around shared data, on a bare kernel: bank, dictionary. */
import type { Finish, Kernel, Ref } from '../kernel.ts';
import { Lcg } from '../outcome.ts';
import { BURST, KEYS, OPENING_BALANCE, SEED, WRITE_EVERY, type Size } from '../settings.ts';

type Transfer = { readonly type: 'transfer'; readonly amount: number; readonly to: Ref<Account> };
type Account =
  | Transfer
  | { readonly type: 'deposit'; readonly amount: number; readonly from: Ref<Account> }
  | { readonly type: 'deposited' }
  | { readonly type: 'balance' };
type Teller =
  { readonly type: 'start' } | { readonly type: 'done' } | { readonly type: 'balance'; readonly amount: number };

/** An account makes one transfer at a time: others wait until the deposit of the one before is acknowledged. */
export const bank = (kernel: Kernel, { actors, items }: Size, finish: Finish): void => {
  const random = new Lcg(SEED);
  const accounts: Ref<Account>[] = [];
  let sent = 0;
  let done = 0;
  let told = 0;
  let balance = 0;
  const transfer = (): void => {
    sent += 1;
    const from = random.below(actors);
    const to = accounts[(from + 1 + random.below(actors - 1)) % actors];
    if (to !== undefined) accounts[from]?.send({ type: 'transfer', amount: 1 + random.below(100), to });
  };
  const teller = kernel.spawn<Teller>((message) => {
    if (message.type === 'start') {
      for (let count = Math.min(BURST, items); count > 0; count -= 1) transfer();
    } else if (message.type === 'done') {
      done += 1;
      if (sent < items) transfer();
      else if (done === items) for (const account of accounts) account.send({ type: 'balance' });
    } else {
      balance += message.amount;
      told += 1;
      if (told === actors) finish({ transactions: done, balance });
    }
  });
  const account = (): Ref<Account> => {
    let amount = OPENING_BALANCE;
    let underWay = false;
    let waiting: Transfer[] = [];
    const self: Ref<Account> = kernel.spawn<Account>((message) => {
      switch (message.type) {
        case 'transfer':
          if (underWay) {
            waiting.push(message);
            return;
          }
          underWay = true;
          amount -= message.amount;
          message.to.send({ type: 'deposit', amount: message.amount, from: self });
          return;
        case 'deposit':
          amount += message.amount;
          message.from.send({ type: 'deposited' });
          return;
        case 'deposited': {
          underWay = false;
          teller.send({ type: 'done' });
          const again = waiting;
          waiting = [];
          for (const one of again) self.send(one);
          return;
        }
        case 'balance':
          teller.send({ type: 'balance', amount });
          return;
        default:
          message satisfies never;
      }
    });
    return self;
  };
  for (let count = 0; count < actors; count += 1) accounts.push(account());
  teller.send({ type: 'start' });
};

type Dictionary =
  | { readonly type: 'read'; readonly key: number; readonly from: Ref<Worker> }
  | { readonly type: 'write'; readonly key: number; readonly value: number; readonly from: Ref<Worker> }
  | { readonly type: 'exit'; readonly wrong: number };
type Worker = { readonly type: 'start' } | { readonly type: 'value'; readonly value: number };

/** What is written under a key; whatever is read must be that or nothing. */
export const valueOf = (key: number): number => key * 31 + 7;
export const NOTHING = -1;

export const dictionary = (kernel: Kernel, { actors, items }: Size, finish: Finish): void => {
  const values = new Map<number, number>();
  let reads = 0;
  let writes = 0;
  let wrong = 0;
  let gone = 0;
  const table = kernel.spawn<Dictionary>((message) => {
    if (message.type === 'read') {
      reads += 1;
      message.from.send({ type: 'value', value: values.get(message.key) ?? NOTHING });
    } else if (message.type === 'write') {
      writes += 1;
      values.set(message.key, message.value);
      message.from.send({ type: 'value', value: message.value });
    } else {
      wrong += message.wrong;
      gone += 1;
      if (gone === actors) finish({ workers: gone, reads, writes, wrong });
    }
  });
  const worker = (index: number): Ref<Worker> => {
    const random = new Lcg(SEED + index);
    let asked = 0;
    let misread = 0;
    let key = 0;
    const self: Ref<Worker> = kernel.spawn<Worker>((message) => {
      if (message.type === 'value' && message.value !== NOTHING && message.value !== valueOf(key)) misread += 1;
      if (asked === items) {
        table.send({ type: 'exit', wrong: misread });
        return;
      }
      asked += 1;
      key = random.below(KEYS);
      if (asked % WRITE_EVERY === 0) table.send({ type: 'write', key, value: valueOf(key), from: self });
      else table.send({ type: 'read', key, from: self });
    });
    return self;
  };
  const all = Array.from({ length: actors }, (_, index) => worker(index));
  for (const one of all) one.send({ type: 'start' });
};
