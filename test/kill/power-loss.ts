/**
 * What a loss of power leaves of an LMDB data file that a killed process left whole. LMDB keeps the head of the last
 * state that it has flushed beside the newest ones, and goes back to it when the heads were written before the machine
 * started: so the heads get another boot id, and every page that a later transaction wrote is torn. The layout is that
 * of `src/journal/data-file.ts`.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

const PAGE_BYTES_AT = 48;
const TRANSACTION_AT = 152;
const BOOT_ID_AT = 160;
/** Of no machine, and the same when the power is lost a second time before anybody has opened the file. */
const EARLIER_BOOT = 1n;
/** In the header of every page: its number, and the transaction that wrote it. */
const PAGE_TRANSACTION_AT = 8;
const PAGE_HEADER = 24;

/** Changes `file`, which nobody has open. @returns how many pages were torn */
export const losePower = (file: string, random: () => number): number => {
  const descriptor = openSync(file, 'r+');
  try {
    const read = (at: number, length: number): Buffer => {
      const buffer = Buffer.alloc(length);
      readSync(descriptor, buffer, 0, length, at);
      return buffer;
    };
    const pageBytes = read(PAGE_BYTES_AT, 4).readUInt32LE(0);
    const flushedHead = pageBytes / 2;
    const flushed = read(flushedHead + TRANSACTION_AT, 8).readBigUInt64LE(0);
    for (const head of [0, flushedHead, pageBytes]) {
      const bootId = Buffer.alloc(8);
      bootId.writeBigInt64LE(EARLIER_BOOT);
      writeSync(descriptor, bootId, 0, 8, head + BOOT_ID_AT);
    }
    let torn = 0;
    const pages = Math.floor(fstatSync(descriptor).size / pageBytes);
    for (let page = 2; page < pages; page += 1) {
      const header = read(page * pageBytes, PAGE_HEADER);
      // The later pages of a long value have no header, and may look like anything: its first page is enough.
      if (header.readBigUInt64LE(0) !== BigInt(page)) continue;
      if (header.readBigUInt64LE(PAGE_TRANSACTION_AT) <= flushed || random() < 0.3) continue;
      const garbage = Buffer.alloc(pageBytes, Math.floor(random() * 256));
      writeSync(descriptor, garbage, 0, pageBytes, page * pageBytes);
      torn += 1;
    }
    return torn;
  } finally {
    closeSync(descriptor);
  }
};
