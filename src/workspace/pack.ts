/**
 * Git's pack format, version 2, without deltas: objects into a pack and its index, and a pack apart again. Since no
 * entry refers to another, packs can be joined by copying their entries.
 */
import { promisify } from 'node:util';
import { crc32, deflate, deflateSync } from 'node:zlib';
import { createHash } from '../platform/index.ts';
import type { GitObject, ObjectType } from './git-objects.ts';

/** One object as it lies in a pack: header and compressed body. */
export interface PackEntry {
  readonly oid: string;
  readonly crc: number;
  readonly data: Buffer;
}

export interface Pack {
  /** `pack-CHECKSUM`, without an ending. */
  readonly name: string;
  readonly pack: Buffer;
  readonly index: Buffer;
}

const TYPE_NUMBER: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3 };
const HEADER_BYTES = 12;
const CHECKSUM_BYTES = 20;
const FANOUT_BYTES = 256 * 4;
const INDEX_MAGIC = 0xff744f63;

/** Larger bodies are compressed on another thread: a mebibyte takes some 10 ms. */
const INLINE_BYTES_MAX = 32 * 1024;
const LEVEL = { level: 1 };
const deflateAside = promisify<Buffer, typeof LEVEL, Buffer>(deflate);

export const packEntry = async (object: GitObject): Promise<PackEntry> => {
  const header: number[] = [];
  let rest = object.body.length;
  let byte = (TYPE_NUMBER[object.type] << 4) | (rest & 0x0f);
  rest = Math.floor(rest / 16);
  while (rest > 0) {
    header.push(byte | 0x80);
    byte = rest & 0x7f;
    rest = Math.floor(rest / 128);
  }
  header.push(byte);
  const isLarge = object.body.length > INLINE_BYTES_MAX;
  const body = isLarge ? await deflateAside(object.body, LEVEL) : deflateSync(object.body, LEVEL);
  const data = Buffer.concat([Buffer.from(header), body]);
  return { oid: object.oid, crc: crc32(data), data };
};

const sha1 = (parts: readonly Buffer[]): Buffer => {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const buildIndex = (entries: readonly (PackEntry & { offset: number })[], checksum: Buffer): Buffer => {
  const sorted = [...entries].sort((left, right) => (left.oid < right.oid ? -1 : 1));
  const count = sorted.length;
  const body = Buffer.alloc(8 + FANOUT_BYTES + count * 28);
  body.writeUInt32BE(INDEX_MAGIC, 0);
  body.writeUInt32BE(2, 4);
  const names = 8 + FANOUT_BYTES;
  const checks = names + count * 20;
  const offsets = checks + count * 4;
  sorted.forEach((entry, index) => {
    body.write(entry.oid, names + index * 20, 'hex');
    body.writeUInt32BE(entry.crc, checks + index * 4);
    body.writeUInt32BE(entry.offset, offsets + index * 4);
  });
  let seen = 0;
  for (let first = 0; first < 256; first += 1) {
    while (seen < count && (body[names + seen * 20] ?? 0) <= first) seen += 1;
    body.writeUInt32BE(seen, 8 + first * 4);
  }
  return Buffer.concat([body, checksum, sha1([body, checksum])]);
};

/** Entries of different oids as one pack. The whole must stay under 2 GiB: offsets have 31 bits here. */
export const buildPack = (entries: readonly PackEntry[]): Pack => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('PACK', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  const parts = [header, ...entries.map((entry) => entry.data)];
  const checksum = sha1(parts);
  let offset = HEADER_BYTES;
  const placed = entries.map((entry) => {
    const at = offset;
    offset += entry.data.length;
    return { ...entry, offset: at };
  });
  return {
    name: `pack-${checksum.toString('hex')}`,
    pack: Buffer.concat([...parts, checksum]),
    index: buildIndex(placed, checksum),
  };
};

/** The entries of a pack that `buildPack` made. */
export const splitPack = (pack: Buffer, index: Buffer): PackEntry[] => {
  const count = index.readUInt32BE(8 + 255 * 4);
  const names = 8 + FANOUT_BYTES;
  const checks = names + count * 20;
  const offsets = checks + count * 4;
  const placed = Array.from({ length: count }, (_, at) => ({
    oid: index.toString('hex', names + at * 20, names + at * 20 + 20),
    crc: index.readUInt32BE(checks + at * 4),
    offset: index.readUInt32BE(offsets + at * 4),
  })).sort((left, right) => left.offset - right.offset);
  return placed.map(({ oid, crc, offset }, at) => ({
    oid,
    crc,
    data: pack.subarray(offset, placed[at + 1]?.offset ?? pack.length - CHECKSUM_BYTES),
  }));
};
