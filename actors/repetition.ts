/** Finds repetition in an agent's calls: the same call, or a short loop of calls, again and again. Pure. */

const PERIOD_MAX = 3;

/** Whether `calls` (newest last) end with `times` rounds of the same one, two or three calls. */
export const isRepetition = (calls: readonly string[], times: number): boolean => {
  for (let period = 1; period <= PERIOD_MAX; period += 1) {
    const length = period * times;
    if (calls.length < length) continue;
    const tail = calls.slice(-length);
    if (tail.every((call, index) => call === tail[index % period])) return true;
  }
  return false;
};
