/** Runs a test over many seeds, and says which one failed and how to run that one alone. */

export interface SeedsOptions {
  /** How many. Default 20. */
  readonly count?: number;
  /** The first one. Default 1. */
  readonly first?: number;
  /**
   * Runs each seed twice, and fails when the test returns something else the second time: a `traceHash`, for instance.
   * Default false.
   */
  readonly twice?: boolean;
}

/** The environment variable with the one seed to run, for `forEachSeed`. */
export const SEED_VARIABLE = 'MEGACTOR_SEED';

const chosenSeed = (environment: Readonly<Record<string, string | undefined>>): number | null => {
  const text = environment[SEED_VARIABLE];
  return text === undefined || !/^\d+$/u.test(text) ? null : Number(text);
};

/**
 * Runs `test` with one seed after the other; with `MEGACTOR_SEED=N` in the environment only with N.
 * @throws Error that names the seed, with what the test threw as its cause
 */
export const forEachSeed = async (
  test: (seed: number) => Promise<unknown>,
  { count = 20, first = 1, twice = false }: SeedsOptions = {},
): Promise<void> => {
  const chosen = chosenSeed(process.env);
  const seeds = chosen === null ? Array.from({ length: count }, (_, index) => first + index) : [chosen];
  for (const seed of seeds) {
    try {
      const result = await test(seed);
      if (!twice) continue;
      const again = await test(seed);
      if (!Object.is(result, again)) {
        throw new Error(`it does not repeat: ${String(result)}, then ${String(again)}`);
      }
    } catch (thrown) {
      const said = thrown instanceof Error ? thrown.message : String(thrown);
      throw new Error(`seed ${seed} (alone: ${SEED_VARIABLE}=${seed}): ${said}`, { cause: thrown });
    }
  }
};
