/** Which of many names was probably meant by a word that is none of them. Pure; imports nothing. */

/** A pasted text of any length is no misspelt name, and comparing it would cost its square. */
const WORD_LENGTH_MAX = 64;
/** Names looked at: beyond, a run has so many agents that a list is no help. */
const NAMES_MAX = 20_000;

/** Letters left out, added, replaced, or swapped with their neighbour between two words. */
export const editDistance = (left: string, right: string): number => {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= left.length; row += 1) {
    rows[row] = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      rows[row]?.push(
        Math.min(
          at(row - 1, column - 1) + (same ? 0 : 1),
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          swapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(left.length, right.length);
};

/** Smaller is nearer; infinite for a name that is not near at all. Case does not count. */
const remoteness = (word: string, name: string): number => {
  const [left, right] = [word.toLowerCase(), name.toLowerCase()];
  if (left === right) return 0;
  const allowed = Math.max(1, Math.floor(right.length / 3));
  const distance =
    Math.abs(left.length - right.length) > allowed ? Number.POSITIVE_INFINITY : editDistance(left, right);
  if (distance <= allowed) return distance;
  // The beginning of a long name, or its part after the name of its group.
  return left.length >= 3 && right.includes(left) ? allowed + 1 : Number.POSITIVE_INFINITY;
};

/** At most `countMax` names that are near `word`, the nearest first. */
export const nearNames = (word: string, names: Iterable<string>, countMax = 3): readonly string[] => {
  if (word === '' || word.length > WORD_LENGTH_MAX) return [];
  const ranked: { readonly name: string; readonly distance: number }[] = [];
  let looked = 0;
  for (const name of names) {
    looked += 1;
    if (looked > NAMES_MAX) break;
    const distance = remoteness(word, name);
    if (distance !== Number.POSITIVE_INFINITY) ranked.push({ name, distance });
  }
  ranked.sort((left, right) => left.distance - right.distance || (left.name < right.name ? -1 : 1));
  return ranked.slice(0, countMax).map(({ name }) => name);
};
