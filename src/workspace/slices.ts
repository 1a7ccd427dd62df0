/**
 * Cuts a large set of changes into slices, each small enough for one durable step. It reads paths and sizes, and changes
 * nothing.
 *
 * Invariants: E1 the same changes make the same slices, so that a repeat goes on where it stopped. E2 no slice has more
 * than its count, nor more than its bytes unless it is one change. E3 removals come last, but for those that make room for
 * a write (a file that becomes a directory, or the other way round): what stops between two slices has lost no file whose
 * successor was still to come.
 */
import { byteLengthOf, type Content } from './content.ts';

export interface SliceLimits {
  /** Most changes of a slice. */
  readonly countMax: number;
  /** Most bytes of a slice. */
  readonly bytesMax: number;
}

export const SLICE_LIMITS: SliceLimits = { countMax: 2_000, bytesMax: 32 * 1024 * 1024 };

interface Sliced {
  readonly path: string;
  /** Null: a removal. */
  readonly content: Content | null;
}

const parentsOf = (path: string): string[] => {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
};

const inOrder = <Change extends Sliced>(changes: readonly Change[]): Change[] => {
  const writes = changes.filter(({ content }) => content !== null);
  const removals = changes.filter(({ content }) => content === null);
  const written = new Set(writes.map(({ path }) => path));
  const directories = new Set(writes.flatMap(({ path }) => parentsOf(path)));
  const makesRoom = ({ path }: Change): boolean =>
    directories.has(path) || parentsOf(path).some((parent) => written.has(parent));
  const first = removals.filter(makesRoom);
  const last = removals.filter((change) => !makesRoom(change));
  return [...first, ...writes, ...last];
};

/** The changes in the order in which they are to be made; one slice at least, which is empty when there are none. */
export const slicesOf = <Change extends Sliced>(
  changes: readonly Change[],
  { countMax, bytesMax }: SliceLimits = SLICE_LIMITS,
): (readonly Change[])[] => {
  let slice: Change[] = [];
  const slices = [slice];
  let bytes = 0;
  for (const change of inOrder(changes)) {
    const size = change.content === null ? 0 : byteLengthOf(change.content);
    if (slice.length > 0 && (slice.length >= countMax || bytes + size > bytesMax)) {
      slice = [];
      slices.push(slice);
      bytes = 0;
    }
    slice.push(change);
    bytes += size;
  }
  return slices;
};
