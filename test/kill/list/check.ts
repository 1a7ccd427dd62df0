/**
 * The checker of list histories. Because every element is unique and lists only grow, a list says in which order
 * everything happened to it, and what was acknowledged can be judged one by one. Every check returns what is wrong.
 */
import type { Entry } from './actors.ts';
import type { Asked, JournalView, ListView, OutsideCall } from './history.ts';
import { listName } from './wire.ts';

const LISTED_MAX = 4;
const some = (what: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`${what}: ${names.slice(0, LISTED_MAX).join(', ')} (${names.length})`];

/** A list with what it is going to take: nothing in it can be lost any more. */
const heldBy = ({ entries, mail, reminders }: ListView): string[] => [
  ...entries.map(({ element }) => element),
  ...mail.map(({ element }) => element),
  ...reminders,
];

const emptyList: ListView = { entries: [], count: 0, balance: 0, mail: [], reminders: [], recorded: [] };

/** What an operation adds an element to, by asking (true) or by mail. */
const targetsOf = ({ operation }: Asked): { readonly lists: readonly number[]; readonly byAsk: boolean } => {
  switch (operation.kind) {
    case 'read':
      return { lists: [], byAsk: true };
    case 'append':
    case 'transfer':
      return { lists: [operation.list], byAsk: true };
    case 'remind':
      return { lists: [operation.list], byAsk: false };
    default:
      return { lists: operation.lists, byAsk: false };
  }
};

/** What a later list must not contradict. */
export interface Kept {
  /** Whether what was acknowledged at a level must be there still. */
  (level: Asked['level']): boolean;
}

/** D1: what was acknowledged is there: the answer to an ask says that it is done, the answer to mail that it will be. */
export const acknowledgedIsThere = (asked: readonly Asked[], view: JournalView, kept: Kept): string[] => {
  const done = new Map<string, Set<string>>();
  const held = new Map<string, Set<string>>();
  for (const [name, found] of view.lists) {
    done.set(name, new Set(found.entries.map(({ element }) => element)));
    held.set(name, new Set(heldBy(found)));
  }
  const lost = asked.flatMap((question) => {
    if (question.answeredAt === null || !kept(question.level)) return [];
    const { lists, byAsk } = targetsOf(question);
    const missing = lists.filter((list) => !(byAsk ? done : held).get(listName(list))?.has(question.operation.element));
    return missing.map((list) => `${question.operation.kind} ${question.operation.element} of ${listName(list)}`);
  });
  return some('acknowledged and lost', lost);
};

/** D2: no element twice, neither in a list nor in a list and on its way to it; and the state agrees with the history. */
export const nothingTwice = ({ lists, charges }: JournalView, balance: number): string[] => {
  const twice: string[] = [];
  const torn: string[] = [];
  for (const [name, found] of lists) {
    const seen = new Set<string>();
    for (const element of heldBy(found)) {
      if (seen.has(element)) twice.push(`${element} of ${name}`);
      seen.add(element);
    }
    const moved = found.entries.reduce((sum, { amount = 0 }) => sum + amount, 0);
    if (found.count !== found.entries.length || found.balance !== balance + moved) torn.push(name);
  }
  const charged = [...charges].filter(([, times]) => times !== 1).map(([element]) => element);
  return [...some('twice', twice), ...some('state and history differ', torn), ...some('charged twice', charged)];
};

/** J2: what was asked for as one is there as one; a transfer that left has arrived or is on its way, and none other. */
export const wholeGroups = (asked: readonly Asked[], view: JournalView): string[] => {
  const half: string[] = [];
  const strange: string[] = [];
  const held = new Map([...view.lists].map(([name, found]) => [name, new Set(heldBy(found))]));
  const known = new Map<string, Asked>(asked.map((question) => [question.operation.element, question]));
  for (const { operation } of asked) {
    const { element } = operation;
    const lists =
      operation.kind === 'transfer' ? [operation.list, operation.to] : 'lists' in operation ? operation.lists : [];
    const there = lists.filter((list) => held.get(listName(list))?.has(element) === true);
    if (there.length > 0 && there.length < lists.length) half.push(`${operation.kind} ${element}`);
  }
  for (const [name, elements] of held) {
    for (const element of elements) {
      const operation = known.get(element)?.operation;
      const lists =
        operation === undefined
          ? []
          : 'lists' in operation
            ? operation.lists
            : [operation.list, 'to' in operation ? operation.to : -1];
      if (!lists.some((list) => listName(list) === name)) strange.push(`${element} in ${name}`);
    }
  }
  return [...some('half there', half), ...some('nobody asked for', strange)];
};

/** A2: what one client sent to a list in one way, and what one list sent to another, is there in that order. */
export const inOrder = (asked: readonly Asked[], { lists }: JournalView): string[] => {
  const askedAt = new Map(asked.map((question) => [question.operation.element, question] as const));
  const wrong: string[] = [];
  const places = new Map(
    [...lists].map(([name, { entries }]) => [name, new Map(entries.map((entry, at) => [entry.element, at]))]),
  );
  for (const [name, { entries }] of lists) {
    const last = new Map<string, number>();
    for (const entry of entries) {
      const question = askedAt.get(entry.element);
      if (question === undefined || entry.kind === 'remind') continue;
      const way = wayOf(entry, question);
      const at = entry.kind === 'in' ? (places.get(entry.other ?? '')?.get(entry.element) ?? -1) : question.askedAt;
      if (at < (last.get(way) ?? -1)) wrong.push(`${entry.element} of ${name}`);
      last.set(way, at);
    }
  }
  return some('out of order', wrong);
};

const wayOf = (entry: Entry, question: Asked): string =>
  entry.kind === 'in'
    ? `from ${entry.other}`
    : `client ${question.client} ${targetsOf(question).byAsk ? 'asks' : 'sends'}`;

/** Reads are prefixes of the list, hold what was done before they were asked, and never go back. */
export const readsArePrefixes = (asked: readonly Asked[], view: JournalView, kept: Kept): string[] => {
  const wrong: string[] = [];
  const reads = asked.filter(
    ({ operation, answeredAt, level }) => operation.kind === 'read' && answeredAt !== null && kept(level),
  );
  for (const read of reads) {
    const list = (read.operation as { list: number }).list;
    const name = listName(list);
    const { entries } = view.lists.get(name) ?? emptyList;
    const seen = read.result as readonly string[];
    const strange = seen.findIndex((element, at) => entries[at]?.element !== element);
    if (strange >= 0)
      wrong.push(`${name} has ${entries[strange]?.element ?? 'an end'} where ${seen[strange]} was read`);
    const before = asked.filter(
      ({ operation, answeredAt }) =>
        answeredAt !== null &&
        answeredAt < read.askedAt &&
        (operation.kind === 'append' || operation.kind === 'transfer') &&
        operation.list === list,
    );
    const missing = before.filter(({ operation }) => !seen.includes(operation.element));
    wrong.push(...missing.map(({ operation }) => `${name} was read without ${operation.element}, which was done`));
  }
  return some('reads', wrong);
};

/** D1: a look at the journal finds all that an earlier look found. */
export const neverBack = (before: JournalView, after: JournalView): string[] => {
  const back: string[] = [];
  for (const [name, { entries, mail, reminders }] of before.lists) {
    const now = after.lists.get(name) ?? emptyList;
    const held = new Set(heldBy(now));
    if (entries.some(({ element }, at) => now.entries[at]?.element !== element)) back.push(name);
    for (const { element } of mail) if (!held.has(element)) back.push(`mail ${element} to ${name}`);
    for (const element of reminders) if (!held.has(element)) back.push(`reminder ${element} of ${name}`);
  }
  return some('went back', back);
};

/** D3: everything outside was done with one answer, and it is the one that the list remembers. */
export const actedOnRecorded = (view: JournalView, calls: readonly OutsideCall[]): string[] => {
  const acted = new Map<string, Set<string>>();
  for (const { what, id, value } of calls) {
    if (what !== 'acted') continue;
    let values = acted.get(id);
    if (values === undefined) acted.set(id, (values = new Set()));
    values.add(value);
  }
  const wrong = [...acted].filter(([, values]) => values.size > 1).map(([element]) => element);
  for (const { entries } of view.lists.values()) {
    for (const { element, value } of entries) {
      if (value !== undefined && acted.get(element)?.has(value) !== true) wrong.push(element);
    }
  }
  return some('acted on an answer that was lost', wrong);
};

/** D3: an effect that a kill found in the journal is not tried after it. @param from how many calls there were then */
export const neverAskedAgain = (view: JournalView, calls: readonly OutsideCall[], from: number): string[] => {
  const recorded = new Set([...view.lists.values()].flatMap((found) => found.recorded));
  const again = calls.slice(from).filter(({ what, id }) => what === 'asked' && recorded.has(id));
  return some(
    'asked again although recorded',
    again.map(({ id }) => id),
  );
};

/** At the end nothing is on its way, every reminder has come, and every charge was made. */
export const allArrived = (asked: readonly Asked[], view: JournalView, kept: Kept): string[] => {
  const waiting = [...view.lists].flatMap(([name, { mail, reminders }]) => [
    ...mail.map(({ element }) => `${element} to ${name}`),
    ...reminders.map((element) => `${element}, of which ${name} is to be reminded`),
  ]);
  const uncharged: string[] = [];
  const forgotten: string[] = [];
  for (const { entries } of view.lists.values()) {
    for (const { kind, element } of entries) {
      if (kind === 'charge' && view.charges.get(element) !== 1) uncharged.push(element);
    }
  }
  for (const { operation, answeredAt, level } of asked) {
    if (operation.kind !== 'remind' || answeredAt === null || !kept(level)) continue;
    const entries = view.lists.get(listName(operation.list))?.entries ?? [];
    if (!entries.some(({ element }) => element === operation.element)) forgotten.push(operation.element);
  }
  return [...some('still on its way', waiting), ...some('not charged', uncharged), ...some('not reminded', forgotten)];
};
