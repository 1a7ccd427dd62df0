/**
 * Faults of a disk that a test plants: `MEGACTOR_DISK_FAULT=kind:value,…`, read only with `NODE_ENV=test`. It says what
 * is to happen; the journal's `faulty-backend.ts` does it.
 */

export interface DiskFaults {
  /** `fail:COUNT`: the count-th group is not written and fails, as on a full disk. */
  readonly failAt: number | null;
  /** `slow:MS`: a group is said to be flushed so much later than it is. */
  readonly slowMs: number;
  /** `shadow:FILE`: keeps a copy of every group that was flushed, which is all that a loss of power would leave. */
  readonly shadow: string | null;
}

const VARIABLE = 'MEGACTOR_DISK_FAULT';
const NONE: DiskFaults = { failAt: null, slowMs: 0, shadow: null };

const numberOf = (word: string, digits: string): number => {
  if (/^\d{1,9}$/u.test(digits)) return Number(digits);
  throw new RangeError(`${VARIABLE} has ${JSON.stringify(word)}, which needs a number`);
};

/**
 * What the environment plants; null when nothing, or outside of tests.
 * @throws RangeError that says what to write
 */
export const readDiskFaults = (environment: Readonly<Record<string, string | undefined>>): DiskFaults | null => {
  const value = environment[VARIABLE];
  if (environment['NODE_ENV'] !== 'test' || value === undefined || value === '') return null;
  let faults = NONE;
  for (const word of value.split(',')) {
    const [kind, ...rest] = word.split(':');
    const argument = rest.join(':');
    if (kind === 'fail') faults = { ...faults, failAt: numberOf(word, argument) };
    else if (kind === 'slow') faults = { ...faults, slowMs: numberOf(word, argument) };
    else if (kind === 'shadow' && argument !== '') faults = { ...faults, shadow: argument };
    else throw new RangeError(`${VARIABLE} has ${JSON.stringify(word)}, not fail:COUNT, slow:MS or shadow:FILE`);
  }
  return faults;
};
