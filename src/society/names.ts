/** Names of agents: which are allowed, and what becomes of one that is taken. */
import { z } from 'zod';

export const BOSS = 'Boss';
/** Where a mail of the runtime comes from. */
export const SYSTEM = 'system';
/** Where a mail of the person comes from; also the supervisor of the Boss. */
export const USER = 'user';
export const NAME_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
export const NAME_LENGTH_MAX = 64;

const RESERVED: ReadonlySet<string> = new Set(
  // Those with an underscore ask models themselves, and are counted under these names.
  'user system group supervisor subordinates human _planner _compactor _embedder'.split(' '),
);

export const nameSchema = z
  .string()
  .regex(NAME_PATTERN, 'a name has 1 to 64 letters, digits, underscores or hyphens')
  .describe('Letters, digits, _ or -');

/**
 * Reserved names are reserved in every spelling, so that a person does not mistake `User` for the user; so is that of the
 * Boss in every other one than its own, which is taken.
 */
export const isReserved = (name: string): boolean =>
  RESERVED.has(name.toLowerCase()) || (name !== BOSS && name.toLowerCase() === BOSS.toLowerCase());

/** Why `name` cannot be an agent's name, or null. */
export const nameIssue = (name: string): string | null => {
  if (!NAME_PATTERN.test(name)) return `"${name.slice(0, 80)}" is not a name: 1 to 64 letters, digits, _ or -`;
  if (isReserved(name)) return `"${name}" is reserved`;
  return null;
};

/** `wanted`, or `PARENT-wanted` when it is taken, or null when that is taken (or too long) as well. */
export const freeName = (wanted: string, parent: string, taken: (name: string) => boolean): string | null => {
  if (!taken(wanted)) return wanted;
  const qualified = `${parent}-${wanted}`;
  return qualified.length <= NAME_LENGTH_MAX && !taken(qualified) ? qualified : null;
};
