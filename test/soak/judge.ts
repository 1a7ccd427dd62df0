/**
 * What the samples of a soak say: flat, or growing. Pure.
 *
 * The trend of a series is the median of the slopes between all pairs of its points (Theil and Sen), so that a single
 * collection of garbage that came late is none. A series grows when its trend is above its bound.
 */

export interface Series {
  readonly name: string;
  /** Rounds and what was measured after them, the warm-up left out. */
  readonly points: readonly (readonly [round: number, value: number])[];
  /** Most growth per round that is not called a leak. */
  readonly boundPerRound: number;
}

export interface Trend {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly perRound: number;
  readonly boundPerRound: number;
  readonly grows: boolean;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
};

export const slopeOf = (points: Series['points']): number =>
  median(
    points.flatMap(([round, value], at) =>
      points.slice(0, at).map(([before, earlier]) => (value - earlier) / (round - before)),
    ),
  );

export const judge = ({ name, points, boundPerRound }: Series): Trend => {
  const perRound = slopeOf(points);
  const [first, last] = [points[0]?.[1] ?? 0, points.at(-1)?.[1] ?? 0];
  return { name, first, last, perRound, boundPerRound, grows: perRound > boundPerRound };
};
