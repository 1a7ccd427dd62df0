/**
 * Finds repetition in the trail of an agent: the same call or text, or nearly the same, or a short loop of them, again and again.
 * Pure; keeps hashes, no texts. What follows from it is decided elsewhere.
 *
 * Invariant E1: of the trail no more is kept than is needed to see the longest loop.
 */
import { hashString } from '../protocol/ids.ts';
import { gistOf } from './duplicates.ts';

/** Calls that a loop has at most. */
const PERIOD_MAX = 3;
/** Longer arguments are compared as they are: what matters in a whole file may be a single letter. */
const GIST_CHARS_MAX = 2_000;

/** What is kept of a call; equal for calls that say the same in nearly the same words. */
export const markOfCall = (tool: string, args: string): string =>
  hashString(`${tool} ${args.length > GIST_CHARS_MAX ? args : gistOf(args)}`).toString(36);

/** The same of a text that an agent ended its turn with. No tool has such a name. */
export const markOfText = (text: string): string => markOfCall('(text)', text);

/** The trail with these calls, newest last. @param times how often is a repetition */
export const withCalls = (trail: readonly string[], added: readonly string[], times: number): string[] =>
  [...trail, ...added].slice(-PERIOD_MAX * times);

/** Whether `trail` (newest last) ends with `times` rounds of the same one, two or three calls. */
export const isRepetition = (trail: readonly string[], times: number): boolean => {
  for (let period = 1; period <= PERIOD_MAX; period += 1) {
    const length = period * times;
    if (trail.length < length) continue;
    const tail = trail.slice(-length);
    if (tail.every((call, index) => call === tail[index % period])) return true;
  }
  return false;
};
