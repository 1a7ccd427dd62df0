/**
 * Who else there is, as a part of a recruit's task: those hired with it, those it works with, those below it. Pure.
 *
 * Invariant O1: what is said of a group is bounded: up to `FULL_MAX` colleagues with what they do and their files, of a
 * larger group a few names and how many there are.
 */
import { oneLine } from './mail.ts';

export interface Colleague {
  readonly name: string;
  readonly description: string;
  readonly files?: readonly string[];
}

const FULL_MAX = 8;
const NAMES_CHARS_MAX = 48;
const DESCRIPTION_CHARS_MAX = 120;
const FILES_CHARS_MAX = 120;

const lineOf = ({ name, description, files = [] }: Colleague): string => {
  const owned = files.length === 0 ? '' : ` (${oneLine(files.join(', '), FILES_CHARS_MAX)})`;
  return `- ${name}: ${oneLine(description, DESCRIPTION_CHARS_MAX)}${owned}`;
};

/**
 * Lines on `group`, without those in `leftOut`; none when nobody is left.
 * @param heading what they are to the reader, without a colon
 */
export const describeColleagues = (
  heading: string,
  group: readonly Colleague[],
  leftOut: readonly string[] = [],
): readonly string[] => {
  const others = group.filter(({ name }) => !leftOut.includes(name));
  if (others.length === 0) return [];
  if (others.length <= FULL_MAX) return [`${heading}:`, ...others.map(lineOf)];
  const names: string[] = [];
  let chars = 0;
  for (const { name } of others) {
    chars += name.length + 2;
    if (chars > NAMES_CHARS_MAX && names.length > 0) break;
    names.push(name);
  }
  const more = others.length - names.length;
  return [`${heading}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
};
