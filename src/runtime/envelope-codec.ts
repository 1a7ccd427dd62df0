/**
 * Packs envelopes for the way between two threads: one array of rows. What most envelopes are (mail, replies, credits)
 * becomes a row of values without names; others travel as they are. Names, and what a reader needs to make objects of
 * them, cost most of the time of a batch of one: rows take a fifth of it. What it does not do: check bodies.
 *
 * Invariant: what was packed comes out equal, in the same order; one envelope that cannot be packed fails its batch.
 */
import { pack, unpack } from '../actor/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { ENVELOPE_VERSION, type Envelope } from './envelope.ts';

/** What a row is; its first value. */
const MAIL = 0;
/** Mail from outside of any actor. */
const OUTSIDE_MAIL = 1;
const REPLY = 2;
const CREDIT = 3;
const OTHER = 4;

type Row = readonly [kind: number, ...values: unknown[]];

const rowOf = (envelope: Envelope): Row => {
  switch (envelope.kind) {
    case 'mail': {
      const { shard, source, to, from, type, body, ask, seq } = envelope;
      if (from === null) return [OUTSIDE_MAIL, shard, source, to, type, body, ask, seq];
      return [MAIL, shard, source, to, type, body, ask, seq, from.shard, from.id, from.name];
    }
    case 'reply':
      return [REPLY, envelope.shard, envelope.source, envelope.ask, envelope.value, envelope.error];
    case 'credit':
      return [CREDIT, envelope.shard, envelope.source, envelope.count];
    default:
      return [OTHER, envelope];
  }
};

/** Trusted: it comes from this same code in another thread. */
const envelopeOf = (row: Row): Envelope => {
  switch (row[0]) {
    case MAIL:
    case OUTSIDE_MAIL: {
      const [kind, shard, source, to, type, body, ask, seq, fromShard, fromId, name] = row as [
        number,
        number,
        number,
        number,
        string,
        unknown,
        number,
        number,
        number,
        number,
        string,
      ];
      const from = kind === MAIL ? { shard: fromShard, id: fromId, name } : null;
      return { kind: 'mail', shard, source, to, from, type, body, ask, seq };
    }
    case REPLY: {
      const [, shard, source, ask, value, error] = row as [number, number, number, number, unknown, null];
      return { kind: 'reply', shard, source, ask, value, error };
    }
    case CREDIT: {
      const [, shard, source, count] = row as [number, number, number, number];
      return { kind: 'credit', shard, source, count };
    }
    case OTHER:
      return row[1] as Envelope;
    default:
      throw new MegactorError('INTERNAL', `a row of kind ${row[0]} among envelopes`);
  }
};

/** Bytes that own their buffer. @throws MESSAGE_NOT_CLONEABLE */
export const packEnvelopes = (envelopes: readonly Envelope[]): Uint8Array<ArrayBuffer> =>
  pack([ENVELOPE_VERSION, envelopes.map(rowOf)]);

/** @throws INTERNAL for what `packEnvelopes` of this version has not made */
export const unpackEnvelopes = (bytes: Uint8Array): Envelope[] => {
  const [version, rows] = unpack(bytes) as [version: number, rows: readonly Row[]];
  if (version !== ENVELOPE_VERSION) throw new MegactorError('INTERNAL', `envelopes of version ${String(version)}`);
  return rows.map(envelopeOf);
};
