/** How many paths are said in one line. */
const NAMED_PATHS_MAX = 5;

/** The first of many paths, and how many more there are. */
export const nameSome = (paths: readonly string[]): string => {
  const rest = paths.length > NAMED_PATHS_MAX ? ` and ${paths.length - NAMED_PATHS_MAX} more` : '';
  return `${paths.slice(0, NAMED_PATHS_MAX).join(', ')}${rest}`;
};
