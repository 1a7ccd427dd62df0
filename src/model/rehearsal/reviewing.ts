/**
 * Reviews in the rehearsal: a lead reads what was handed in, and judges it by what it has read alone, never by knowing
 * what it or another agent would write. What it does not do: anything about those who have not handed in.
 *
 * 1. A verdict is a function of the content that was read last, at least once for every time it was handed in.
 * 2. Reading is tried a bounded number of times; what cannot be read is accepted, and the feedback says so.
 */
import { faultsOf } from './document.ts';
import { leadsSection } from './hiring.ts';
import { shortName } from './vocabulary.ts';
import type { RehearsalOptions } from './options.ts';
import type { Call, Progress } from './progress.ts';

/** Beyond one look for each round. */
const MORE_READS_MAX = 3;

const reviewed = (progress: Progress, agent: string): number =>
  progress.done('review', (args) => args['agent'] === agent).length;

/** Everybody who has a review waiting, by name. */
export const dueReviews = (progress: Progress): string[] => {
  const rounds = new Map<string, Set<string>>();
  for (const mail of progress.systemMails('review')) {
    const agent = mail.attributes['agent'];
    // Of itself: the checks sent its own work back.
    if (agent === undefined || agent === progress.persona.name) continue;
    const known = rounds.get(agent) ?? new Set();
    known.add(mail.attributes['round'] ?? '');
    rounds.set(agent, known);
  }
  return [...rounds]
    .filter(([agent, known]) => {
      if (reviewed(progress, agent) >= known.size) return false;
      return progress.mayTry('review', (args) => args['agent'] === agent);
    })
    .map(([agent]) => agent)
    .sort();
};

const reviewCall = (agent: string, round: number, verdict: 'accept' | 'revise', feedback: string): Call => ({
  tool: 'review',
  args: { agent, verdict, feedback },
  key: `review/${agent}/${round}`,
});

/** The calls that accept all that was handed in, unread. */
export const acceptCalls = (progress: Progress): Call[] =>
  dueReviews(progress).map((agent) =>
    reviewCall(agent, reviewed(progress, agent) + 1, 'accept', 'The result covers the task as given.'),
  );

const FILES_LINE = /^files: (.+)$/gmu;

/** What the mails about an agent say that it has written. */
const namedFiles = (progress: Progress, agent: string): readonly string[] => {
  const paths = new Set<string>();
  for (const { attributes, text } of progress.systemMails('review')) {
    const line = attributes['agent'] === agent ? [...text.matchAll(FILES_LINE)].at(-1)?.[1] : undefined;
    for (const file of line?.split(', ') ?? []) paths.add(/^\S+/u.exec(file)?.[0] ?? file);
  }
  return [...paths].sort();
};

/**
 * The file that a member was to write: leads have their group's summary, others one that is called after their part. Whoever
 * has a task from a plan of the user's, or has lost its lead, has written another; the mail about it says which.
 */
const fileOf = (progress: Progress, options: RehearsalOptions, agent: string): string => {
  const { name, planned } = progress.persona;
  const leads = planned.includes(agent) || leadsSection(progress, options, agent);
  const usual = leads ? `${agent}/summary.md` : `${name}/${shortName(agent, name)}.md`;
  const named = namedFiles(progress, agent);
  return named.includes(usual) ? usual : (named.find((path) => !path.endsWith('/notes.md')) ?? usual);
};

/** What was read of `path` last; null when nothing is known of it any more, or never was. */
interface Read {
  readonly times: number;
  readonly content: string | null;
}

const readOf = (progress: Progress, path: string): Read => {
  let times = 0;
  let content: string | null = null;
  for (const { tool, args, ok, code, result } of progress.actions) {
    if (tool !== 'read_file' || args?.['path'] !== path) continue;
    if (ok) content = typeof result['content'] === 'string' ? result['content'] : null;
    else if (code === 'NOT_FOUND') content = '';
    else continue;
    times += 1;
  }
  return { times, content };
};

/** The calls that answer all waiting reviews: reads first, verdicts on what has been read. */
export const reviewCalls = (progress: Progress, options: RehearsalOptions): Call[] =>
  dueReviews(progress).map((agent) => {
    const round = reviewed(progress, agent) + 1;
    const path = fileOf(progress, options, agent);
    const read = readOf(progress, path);
    const here = (args: Readonly<Record<string, unknown>>): boolean => args['path'] === path;
    const unread = read.content === null || read.times < round;
    if (unread && read.times < round + MORE_READS_MAX && progress.mayTry('read_file', here)) {
      return { tool: 'read_file', args: { path }, key: `review-read/${agent}/${round}/${read.times}` };
    }
    if (unread) return reviewCall(agent, round, 'accept', `${path} could not be read; the summary covers the task.`);
    const faults = faultsOf(read.content ?? '', agent);
    return faults.length === 0
      ? reviewCall(agent, round, 'accept', 'The result covers the task as given.')
      : reviewCall(agent, round, 'revise', `${faults.join(' ')} Then hand it in again.`);
  });
