/**
 * Makes docs/errors.md of the error catalogue: `npm run docs`. A test compares the page with what this makes, so that
 * no code is without its line.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { ERROR_CATALOGUE, type ErrorFamily } from '../src/protocol/errors.ts';

const FILE = join(import.meta.dirname, '../docs/errors.md');

const FAMILIES: Readonly<Record<ErrorFamily, readonly [title: string, text: string]>> = {
  user: [
    'Wrong use or configuration',
    'Something has to be changed by whoever called or started Megactor. Before a run exists, the command line ends with exit code 2.',
  ],
  system: ['The system', 'A part of Megactor, a disk, a network or a server failed.'],
  model: ['Behaviour of the model', 'The model answered, but not in a way that can be used.'],
};

const HEAD = `# Errors

Every failure that leaves a part of Megactor is a \`MegactorError\` with a stable \`code\`, a \`message\` that says what
happened, and a \`hint\` that says what to do; the command line prints the code at the end of the line. "Again" says whether
trying the same once more may help. This page is made of \`src/protocol/errors.ts\` by \`npm run docs\`.
`;

const section = (family: ErrorFamily): string => {
  const [title, text] = FAMILIES[family];
  const rows = Object.entries(ERROR_CATALOGUE)
    .filter(([, entry]) => entry.family === family)
    .map(
      ([code, entry]) => `| \`${code}\` | ${entry.retryable ? 'yes' : 'no'} | ${entry.hint.replaceAll('|', '\\|')} |`,
    );
  return [`## ${title}`, '', text, '', '| code | again | what to do |', '| --- | --- | --- |', ...rows, ''].join('\n');
};

/** The page, formatted as the rest of the project. */
export const errorDocument = async (): Promise<string> => {
  const text = [HEAD, ...(Object.keys(FAMILIES) as ErrorFamily[]).map(section)].join('\n');
  const style = await resolveConfig(FILE);
  return format(text, { ...style, parser: 'markdown' });
};

if (import.meta.main) writeFileSync(FILE, await errorDocument());
