/**
 * The final review: what the Boss gets to see of the groups' verdicts, in chunks that fit a mail, and of the contents of
 * files. It draws and reads no files itself.
 */
import { countItems } from './checklist.ts';
import { clip, oneLine } from './mail.ts';
import { BOSS } from './names.ts';
import type { RosterAgent, Verdict } from './roster-state.ts';

const ROWS_PER_CHUNK = 150;
const SUMMARY_CHARS_MAX = 300;
/** Of one file. */
const SAMPLE_CHARS_MAX = 1_500;

/** What became of an agent's work in its group, in one word. */
export const groupVerdict = (agent: Readonly<RosterAgent>): Verdict | 'unfinished' | 'failed' => {
  if (agent.status === 'failed') return 'failed';
  if (agent.verdict !== null) return agent.verdict;
  return 'unfinished';
};

const row = (agent: Readonly<RosterAgent>): string => {
  const { open, closed } = countItems(agent.checklist);
  const items = open + closed === 0 ? '' : `, checklist ${closed}/${open + closed}`;
  const files = agent.files.length === 0 ? '' : `, files ${agent.files.slice(0, 5).join(' ')}`;
  const missing = agent.missing ?? [];
  const unproven = missing.length === 0 ? '' : `, evidence that is not there: ${missing.join(' ')}`;
  const summary = agent.summary === null ? '' : `: ${oneLine(agent.summary, SUMMARY_CHARS_MAX)}`;
  return `- ${agent.name} (under ${agent.supervisor ?? 'nobody'}): ${groupVerdict(agent)}${items}${files}${unproven}${summary}`;
};

/** A file that was drawn to be looked at. */
export interface SampledFile {
  readonly path: string;
  readonly author: string;
  readonly content: string;
}

export interface FileSample {
  /** Files there are; null when nobody could tell. */
  readonly total: number | null;
  readonly files: readonly SampledFile[];
}

/** The contents as a part of the final review. */
export const renderSample = ({ total, files }: FileSample): string => {
  if (total === null) return 'The shared files could not be looked at; read those that matter yourself.';
  if (files.length === 0) return 'There are no shared files.';
  const head = `Contents of ${files.length} of ${total} files, drawn by lot; read others with read_file.`;
  const shown = files.map(({ path, author, content }) => `--- ${path} (${author})\n${clip(content, SAMPLE_CHARS_MAX)}`);
  return [head, ...shown].join('\n');
};

/** One text per mail. Admins and those under the Boss first, then whoever is not simply accepted, then the rest. */
export const renderVerdicts = (agents: readonly Readonly<RosterAgent>[]): readonly string[] => {
  const rank = (agent: Readonly<RosterAgent>): number => {
    if (agent.supervisor === BOSS) return 0;
    return groupVerdict(agent) === 'accepted' ? 2 : 1;
  };
  const rows = agents
    .filter((agent) => agent.name !== BOSS)
    .toSorted((left, right) => rank(left) - rank(right))
    .map(row);
  const chunks: string[] = [];
  for (let at = 0; at === 0 || at < rows.length; at += ROWS_PER_CHUNK) {
    const part = rows.slice(at, at + ROWS_PER_CHUNK);
    const parts = Math.max(1, Math.ceil(rows.length / ROWS_PER_CHUNK));
    const head =
      chunks.length === 0
        ? 'All work is done and reviewed in the groups. Approve the result with terminate, or reassign with review (verdict revise) or talk.'
        : 'Verdicts of the groups, continued.';
    const numbered = parts === 1 ? head : `${head} Part ${chunks.length + 1} of ${parts}.`;
    chunks.push([numbered, ...(part.length === 0 ? ['Nobody was hired.'] : part)].join('\n'));
  }
  return chunks;
};
