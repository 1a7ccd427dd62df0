/**
 * How the journal's data become bytes: entries (packed on the client's thread, so that the journal's thread never
 * decodes what it only routes) and records (many entries under one checksum, one record per shard and group commit).
 * It does no input or output.
 *
 * Invariants: every record carries a crc32 over everything else in it, its own shard and position included, so that a
 * record that was changed, cut or moved is noticed. Entries are tuples: the names of fields are not stored.
 */
import { crc32 } from 'node:zlib';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorAddress } from '../protocol/ids.ts';
import type { InboxEntry, StepLogEntry, TimerChange, TimerRecord } from './shard-log.ts';
import { pack, packData, Packed, unpack, unpackData } from './values.ts';

export { pack, packData, Packed, unpack, unpackData } from './values.ts';

/**
 * Grows when an older version could not read what a newer one writes, but for maps in users' data: older versions lost
 * them, and refuse to read them now.
 */
export const JOURNAL_FORMAT = 2;

/** The bytes of a state as entries hold it (`LogAppend.packedState`). @throws MESSAGE_NOT_CLONEABLE */
export const packState = (state: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(packData(state));

/** Shares nothing with `bytes`, which are what a later restart begins with. */
export const unpackState = unpackData;

/** Kinds of inbox entries on the wire and on disk; only `SPAWN` is not counted as pending. */
export const MAIL = 0;
export const SPAWN = 1;
export const SIGNAL = 2;
export type EntryKind = typeof MAIL | typeof SPAWN | typeof SIGNAL;

/** With the name when the address is a ref: whoever gets the entry can say whom it is about. */
type SomeAddress = readonly [number, number] | readonly [number, number, string];
export type AddressTuple = SomeAddress | null;
type InboxTuple =
  | readonly [typeof MAIL, number, AddressTuple, string, unknown]
  | readonly [typeof SPAWN, number, string, string, string, unknown, AddressTuple, unknown]
  | readonly [typeof SIGNAL, number, SomeAddress, unknown];

const someToTuple = (address: ActorAddress & { readonly name?: string }): SomeAddress =>
  typeof address.name === 'string' ? [address.shard, address.id, address.name] : [address.shard, address.id];
const someFromTuple = ([shard, id, name]: SomeAddress): ActorAddress => ({
  shard,
  id,
  ...(name === undefined ? {} : { name }),
});
export const addressToTuple = (address: ActorAddress | null): AddressTuple =>
  address === null ? null : someToTuple(address);
export const addressFromTuple = (tuple: AddressTuple): ActorAddress | null =>
  tuple === null ? null : someFromTuple(tuple);

export const kindOf = (entry: InboxEntry): EntryKind => {
  switch (entry.kind) {
    case 'mail':
      return MAIL;
    case 'spawn':
      return SPAWN;
    case 'signal':
      return SIGNAL;
    default:
      return entry satisfies never;
  }
};

const inboxTuple = (entry: InboxEntry): InboxTuple => {
  switch (entry.kind) {
    case 'mail': {
      const { to, from, type, body } = entry.mail;
      return [MAIL, to, addressToTuple(from), type, body];
    }
    case 'spawn': {
      const { id, name, module, export: exported, init, parent, options } = entry.actor;
      return [SPAWN, id, name, module, exported, init, addressToTuple(parent), options];
    }
    case 'signal':
      return [SIGNAL, entry.to, someToTuple(entry.from), entry.signal];
    default:
      return entry satisfies never;
  }
};

export const encodeInboxEntry = (entry: InboxEntry): Uint8Array => packData(inboxTuple(entry));

export const decodeInboxEntry = (bytes: Uint8Array): InboxEntry => {
  const tuple = unpackData(bytes) as InboxTuple;
  switch (tuple[0]) {
    case MAIL:
      return { kind: 'mail', mail: { to: tuple[1], from: addressFromTuple(tuple[2]), type: tuple[3], body: tuple[4] } };
    case SPAWN:
      return {
        kind: 'spawn',
        actor: {
          id: tuple[1],
          name: tuple[2],
          module: tuple[3],
          export: tuple[4],
          init: tuple[5],
          parent: addressFromTuple(tuple[6]),
          options: tuple[7],
        },
      };
    case SIGNAL:
      return { kind: 'signal', to: tuple[1], from: someFromTuple(tuple[2]), signal: tuple[3] };
    default:
      throw new MegactorError('JOURNAL_DAMAGED', 'an inbox entry of an unknown kind', { details: { tuple } });
  }
};

/** Key, due time, period or null, type and body; without the rest: the timer is gone. */
export type TimerTuple = readonly [string, number, number | null, string, unknown];
type TimerChangeTuple = TimerTuple | readonly [string];

export const timerTuple = ({ key, dueMs, periodMs, type, body }: TimerRecord): TimerTuple => [
  key,
  dueMs,
  periodMs,
  type,
  body,
];
export const timerFromTuple = ([key, dueMs, periodMs, type, body]: TimerTuple): TimerRecord => ({
  key,
  dueMs,
  periodMs,
  type,
  body,
});
const changeTuple = ({ key, timer }: TimerChange): TimerChangeTuple =>
  timer === null ? [key] : timerTuple({ ...timer, key });
const changeFromTuple = (tuple: TimerChangeTuple): TimerChange => ({
  key: tuple[0],
  timer: tuple.length === 1 ? null : timerFromTuple(tuple),
});

/** The id in a packed spawn, read without unpacking what the actor starts with. @throws JOURNAL_DAMAGED */
export const spawnIdOf = (payload: Uint8Array): number => {
  // The head of a tuple of eight, the kind, the id.
  const head = unpackNumber(payload, 2);
  if (payload[0] !== 0x98 || payload[1] !== SPAWN || head === null) throw damaged('a spawn without an id', {});
  return head;
};

const unpackNumber = (bytes: Uint8Array, at: number): number | null => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = bytes[at] ?? 0xff;
  if (tag < 0x80) return tag;
  switch (tag) {
    case 0xcc:
      return view.getUint8(at + 1);
    case 0xcd:
      return view.getUint16(at + 1);
    case 0xce:
      return view.getUint32(at + 1);
    case 0xcb:
      return view.getFloat64(at + 1);
    case 0xcf:
      return Number(view.getBigUint64(at + 1));
    default:
      return null;
  }
};

const BEGIN = 0;
const EFFECT = 1;
const STEP = 2;
const DROP = 3;
type LogTuple =
  | readonly [typeof BEGIN, number, number, readonly number[], string]
  | readonly [typeof EFFECT, number, number, string, unknown]
  | readonly [
      typeof STEP,
      number,
      number,
      readonly number[],
      unknown,
      readonly unknown[],
      readonly (readonly [string, unknown])[],
      boolean,
      boolean,
      timers?: readonly TimerChangeTuple[],
    ]
  | readonly [typeof DROP, number, readonly number[], string, boolean];

const logTuple = (entry: StepLogEntry): LogTuple => {
  switch (entry.kind) {
    case 'begin':
      return [BEGIN, entry.actor, entry.step, entry.taken, entry.key];
    case 'effect':
      return [EFFECT, entry.actor, entry.step, entry.key, entry.result];
    case 'step': {
      const { actor, step, taken, state, history, effects, open, stopped, timers = [] } = entry;
      if (timers.length === 0) return [STEP, actor, step, taken, state, history, effects, open, stopped];
      return [STEP, actor, step, taken, state, history, effects, open, stopped, timers.map(changeTuple)];
    }
    case 'drop':
      return [DROP, entry.actor, entry.taken, entry.reason, entry.stopped];
    default:
      return entry satisfies never;
  }
};

const logEntry = (tuple: LogTuple): StepLogEntry => {
  switch (tuple[0]) {
    case BEGIN:
      return { kind: 'begin', actor: tuple[1], step: tuple[2], taken: tuple[3], key: tuple[4] };
    case EFFECT:
      return { kind: 'effect', actor: tuple[1], step: tuple[2], key: tuple[3], result: tuple[4] };
    case STEP: {
      const [, actor, step, taken, state, history, effects, open, stopped, timers] = tuple;
      const entry = { kind: 'step', actor, step, taken, state, history, effects, open, stopped } as const;
      return timers === undefined ? entry : { ...entry, timers: timers.map(changeFromTuple) };
    }
    case DROP:
      return { kind: 'drop', actor: tuple[1], taken: tuple[2], reason: tuple[3], stopped: tuple[4] };
    default:
      throw new MegactorError('JOURNAL_DAMAGED', 'a step log entry of an unknown kind', { details: { tuple } });
  }
};

/** @param packedState of the step that is the first of `entries`; it is not packed again then */
export const encodeLogEntries = (entries: readonly StepLogEntry[], packedState?: Uint8Array): Uint8Array => {
  const [first, ...others] = entries;
  if (packedState === undefined || first?.kind !== 'step') return packData(entries.map(logTuple));
  return packData([logTuple({ ...first, state: new Packed(packedState) }), ...others.map(logTuple)]);
};
export const decodeLogEntries = (bytes: Uint8Array): StepLogEntry[] => (unpackData(bytes) as LogTuple[]).map(logEntry);

/** One append as it is stored: what the journal's thread must know of it without decoding the entries. */
export type StoredAppend = readonly [
  /** Inbox positions that it consumed. */
  taken: readonly number[],
  /** Actors whose turn it opened, and those whose turn it ended. */
  opened: readonly number[],
  closed: readonly number[],
  entries: Uint8Array,
  /**
   * What it sent, `SENT_FIELDS` numbers each: shard, position in that shard's inbox, id of the spawned actor or 0, and the
   * id of the spawned actor's parent if that is an actor of this shard, or 0.
   */
  sent: readonly number[],
  /** Actors that stopped with it. */
  stopped: readonly number[],
];

export const SENT_FIELDS = 4;

export interface InboxRecord {
  readonly firstSeq: number;
  /** One byte per entry: its kind. */
  readonly kinds: Uint8Array;
  readonly payloads: readonly Uint8Array[];
}

export interface LogRecord {
  readonly firstPosition: number;
  readonly appends: readonly StoredAppend[];
}

/** The tables that are numbered by position. */
export type RecordTable = 'inbox' | 'log';

const CHECKSUM_BYTES = 4;

export const seal = (body: Uint8Array): Uint8Array => {
  const record = Buffer.allocUnsafeSlow(CHECKSUM_BYTES + body.length);
  record.set(body, CHECKSUM_BYTES);
  record.writeUInt32LE(crc32(body), 0);
  return record;
};

export const damaged = (what: string, details: Record<string, unknown>, cause?: unknown): MegactorError =>
  new MegactorError('JOURNAL_DAMAGED', `the journal is damaged: ${what}`, { details, cause });

/** @throws JOURNAL_DAMAGED unless it is the record that was sealed for this place, whose first three fields say so */
export const openSeal = (
  bytes: Uint8Array,
  table: string,
  shard: number,
  position: number,
  read: (body: Uint8Array) => unknown = unpack,
): unknown => {
  const where = { table, shard, position };
  const name = `${table} of shard ${shard} at position ${position}`;
  if (bytes.length <= CHECKSUM_BYTES) throw damaged(`${name} is cut off`, where);
  const body = bytes.subarray(CHECKSUM_BYTES);
  const expected = new DataView(bytes.buffer, bytes.byteOffset, CHECKSUM_BYTES).getUint32(0, true);
  if (crc32(body) !== expected) throw damaged(`${name} does not match its checksum`, where);
  const value = read(body) as readonly unknown[];
  if (value[0] !== table || value[1] !== shard || value[2] !== position) {
    throw damaged(`${name} holds another record`, where);
  }
  return value;
};

export const encodeInboxRecord = (shard: number, record: InboxRecord): Uint8Array =>
  seal(pack(['inbox', shard, record.firstSeq, record.kinds, record.payloads]));

/** @throws JOURNAL_DAMAGED with `table`, `shard` and `position` in the details */
export const decodeInboxRecord = (shard: number, firstSeq: number, bytes: Uint8Array): InboxRecord => {
  const value = openSeal(bytes, 'inbox', shard, firstSeq) as [string, number, number, Uint8Array, Uint8Array[]];
  return { firstSeq, kinds: value[3], payloads: value[4] };
};

export const encodeLogRecord = (shard: number, record: LogRecord): Uint8Array =>
  seal(pack(['log', shard, record.firstPosition, record.appends]));

/** @throws JOURNAL_DAMAGED with `table`, `shard` and `position` in the details */
export const decodeLogRecord = (shard: number, firstPosition: number, bytes: Uint8Array): LogRecord => {
  const value = openSeal(bytes, 'log', shard, firstPosition) as [string, number, number, StoredAppend[]];
  return { firstPosition, appends: value[3] };
};

/** A value of a service's table, under a checksum that covers the key it was stored at. */
export const sealValue = (key: Uint8Array, body: Uint8Array): Uint8Array => {
  const record = Buffer.allocUnsafeSlow(CHECKSUM_BYTES + body.length);
  record.set(body, CHECKSUM_BYTES);
  record.writeUInt32LE(crc32(body, crc32(key)), 0);
  return record;
};

/** @throws JOURNAL_DAMAGED */
export const openValue = (key: Uint8Array, record: Uint8Array): Uint8Array => {
  const name = Buffer.from(key).toString('utf8').replace('\0', ' at ');
  if (record.length < CHECKSUM_BYTES) throw damaged(`store ${name} is cut off`, { key: name });
  const body = record.subarray(CHECKSUM_BYTES);
  const expected = new DataView(record.buffer, record.byteOffset, CHECKSUM_BYTES).getUint32(0, true);
  if (crc32(body, crc32(key)) !== expected) throw damaged(`store ${name} does not match its checksum`, { key: name });
  return body;
};
