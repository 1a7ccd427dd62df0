/**
 * What a bad disk makes of the data file of a journal that no process has open: cut off somewhere, or some of its pages
 * overwritten. It says nothing about what is to happen then (`damaged-copy.ts` does).
 */
import { closeSync, fstatSync, openSync, truncateSync, writeSync } from 'node:fs';

const PAGE_BYTES = 4_096;

export interface Damage {
  readonly kind: 'truncated' | 'overwritten';
  /** Where it begins, as a part of the file. */
  readonly part: number;
  /** How many pages are overwritten. */
  readonly pages: number;
}

export const damageFile = (file: string, { kind, part, pages }: Damage): void => {
  const descriptor = openSync(file, 'r+');
  try {
    const { size } = fstatSync(descriptor);
    const at = Math.floor(part * size);
    if (kind === 'truncated') {
      truncateSync(file, at);
      return;
    }
    const first = Math.floor(at / PAGE_BYTES) * PAGE_BYTES;
    const length = Math.min(pages * PAGE_BYTES, size - first);
    // No byte repeats itself in the same place of the next page.
    const garbage = Buffer.from(Array.from({ length }, (_, index) => (index * 167 + (index >> 8)) & 0xff));
    writeSync(descriptor, garbage, 0, length, first);
  } finally {
    closeSync(descriptor);
  }
};
