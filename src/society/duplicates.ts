/**
 * Messages that say again what the same receiver has just been told. Two texts count as the same when nothing differs but
 * space, the end of a sentence, a capital at its beginning, articles and words of politeness: whatever differs in a number,
 * a name, a path, a negation or the order of words is another message. Pure; keeps hashes, no texts.
 *
 * Invariants: F2 What differs in anything but those is never held back. F3 What is remembered is bounded, and forgotten when
 * the runtime reports of the receiver: an order may then have to be given again.
 */
import { hashString } from '../protocol/ids.ts';
import { SYSTEM, USER } from './names.ts';
import type { AgentMail } from './mail.ts';

/** Messages that are remembered of one sender. */
export const SENT_MAX = 128;

const FILLERS: ReadonlySet<string> = new Set(
  'a an the please kindly thanks thank you hello hi dear ok okay just really very well so'.split(' '),
);

/** The words of a text that carry what it says, on one line. */
export const gistOf = (text: string): string => {
  const words: string[] = [];
  let begins = true;
  for (const raw of text.trim().split(/\s+/u)) {
    const word = raw.replace(/[.,;:!]+$/u, '');
    // A capital says nothing at the beginning of a sentence; elsewhere it may be part of a name.
    const plain = begins && /^[A-Z][a-z]*$/u.test(word) ? word.toLowerCase() : word;
    begins = /[.:!?]$/u.test(raw);
    if (plain !== '' && !FILLERS.has(plain)) words.push(plain);
  }
  // A text of nothing else is all that it says.
  return words.length > 0 ? words.join(' ') : text.trim().replace(/\s+/gu, ' ');
};

const hash = (text: string): string => hashString(text).toString(36) + hashString(text, 1).toString(36);

const prefixOf = (to: string): string => `${hashString(to).toString(36)}.`;

/** What is remembered of a message to an address. */
export const markOf = (to: string, text: string): string => prefixOf(to) + hash(gistOf(text));

export const remember = (marks: readonly string[], added: readonly string[]): string[] =>
  [...marks, ...added].slice(-SENT_MAX);

/** Mail after which everything may be said again: somebody asks for something. */
const ALL_ANEW: ReadonlySet<AgentMail['kind']> = new Set(['nudge', 'final-review', 'start', 'replaced']);

/** What stays remembered when this mail has been read. */
export const forget = (marks: readonly string[], mails: readonly AgentMail[]): readonly string[] => {
  let left = marks;
  for (const { from, kind, attributes } of mails) {
    if (from === USER || (from === SYSTEM && ALL_ANEW.has(kind))) return [];
    const about = from === SYSTEM ? attributes?.['agent'] : undefined;
    if (typeof about === 'string') left = left.filter((mark) => !mark.startsWith(prefixOf(about)));
  }
  return left;
};
