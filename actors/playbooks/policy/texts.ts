/** Words and paths that the documents of the national policy have in common. */
import { slugOf } from './ministries.ts';

export const SCRIPTED = '_Scripted: the playbook "policy" wrote this, no language model did._';

export const NATIONAL = 'national-policy.md';
export const EDITOR = 'Editor';

export const draftPath = (ministry: string, title: string): string => `policy/${slugOf(ministry)}/${slugOf(title)}.md`;
export const chapterPath = (ministry: string): string => `policy/${slugOf(ministry)}.md`;
export const interviewPath = (ministry: string, agent: string): string => `interviews/${slugOf(ministry)}/${agent}.md`;

export const expertName = (ministry: string, title: string): string => `${ministry}-${slugOf(title)}`;
/** The members of this team are `NAME_1`, `NAME_2` … */
export const citizensTeam = (ministry: string): string => `${ministry}-citizen`;

/** `1. first` and so on, a line each. */
export const numbered = (clauses: readonly { readonly number: number; readonly text: string }[]): string =>
  clauses.map(({ number, text }) => `${number}. ${text}`).join('\n');
