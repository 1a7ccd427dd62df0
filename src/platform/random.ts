/**
 * Seeded randomness: one small generator for everything that must repeat, and the process's own entropy for the rest, whose
 * module few threads need and none loads before (`hash.ts`).
 */

/** Numbers in [0, 1). */
export type Random = () => number;

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes PractRand; not for secrets. */
export const seededRandom = (seedA: number, seedB = 0): Random => {
  let a = 0x9e3779b9 ^ seedB;
  let b = 0x243f6a88 ^ Math.imul(seedB, 0x85ebca6b);
  let c = seedA | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
};

/** An unguessable lower-case identifier of `length` characters, for run ids and tokens. */
export const randomId = (length: number): string => {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const bytes = process.getBuiltinModule('node:crypto').randomBytes(length);
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join('');
};

/** A fresh seed when the user gave none. */
export const freshSeed = (): number => process.getBuiltinModule('node:crypto').randomInt(1, 2_147_483_647);
