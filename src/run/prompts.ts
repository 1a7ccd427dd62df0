/**
 * Prompts of a run's own: read from a folder or given as texts, checked before anything is paid, kept as
 * `RUN_DIR/prompts/NAME.md` with their hash in `run.json`; and the defaults written out for whoever wants to change them.
 * What a text has to be is said in `actors/prompts/catalogue.ts`.
 *
 * Invariants: I4 A run goes on with the texts it began with, whatever became of the folder, or not at all.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { checkPrompts, normalPrompt, PROMPT_CHARS_MAX, PROMPTS } from '../../actors/prompts/catalogue.ts';
import type { Prompt, PromptTexts } from '../../actors/prompts/prompt.ts';
import { createHash, makeDirectory } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';

export type { PromptTexts } from '../../actors/prompts/prompt.ts';

const README = 'README.md';
const FILES_MAX = 100;
const BYTES_MAX = 4 * PROMPT_CHARS_MAX + 4;
const ISSUES_SHOWN = 10;

/** What `run.json` has of them. */
export interface KeptPrompts {
  /** Where they came from; null when they were given as texts. */
  readonly from: string | null;
  readonly sha256: string;
}

const invalid = (message: string, cause?: unknown): MegactorError =>
  new MegactorError('PROMPTS_INVALID', message, cause === undefined ? {} : { cause });

const checked = (texts: PromptTexts, where: string): PromptTexts => {
  const normal = Object.fromEntries(
    Object.entries(texts)
      .map(([name, text]): [string, string] => [name, normalPrompt(text)])
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );
  const issues = checkPrompts(normal);
  if (issues.length === 0) return normal;
  const more = issues.length > ISSUES_SHOWN ? `; and ${issues.length - ISSUES_SHOWN} more` : '';
  throw invalid(`${where}: ${issues.slice(0, ISSUES_SHOWN).join('; ')}${more}`);
};

const readText = (file: string): string => {
  const found = statSync(file);
  // Reading a pipe or a device would wait for ever.
  if (!found.isFile()) throw invalid(`${file} is no file`);
  if (found.size > BYTES_MAX) throw invalid(`${file} has more than ${BYTES_MAX} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw invalid(`${file} is not UTF-8 text`, error);
  }
};

/** The texts in a folder, one a file. @throws PROMPTS_INVALID */
const readFolder = (path: string): PromptTexts => {
  try {
    const entries = readdirSync(path).filter((entry) => !entry.startsWith('.') && entry !== README);
    const foreign = entries.find((entry) => !entry.endsWith('.md'));
    if (foreign !== undefined) throw invalid(`${join(path, foreign)} is no prompt: each is a file NAME.md`);
    if (entries.length === 0) throw invalid(`${path} has no prompts`);
    if (entries.length > FILES_MAX) throw invalid(`${path} has ${entries.length} files`);
    const texts = entries.map((entry): [string, string] => [basename(entry, '.md'), readText(join(path, entry))]);
    return checked(Object.fromEntries(texts), path);
  } catch (error) {
    if (error instanceof MegactorError) throw error;
    throw invalid(`cannot read ${path}: ${(error as Error).message}`, error);
  }
};

const hashOf = (texts: PromptTexts): string => createHash('sha256').update(JSON.stringify(texts)).digest('hex');

/** The prompts of a new run: those of a folder, or texts by name. @throws PROMPTS_INVALID */
export const givenPrompts = (
  given: string | PromptTexts | undefined,
): { readonly kept: KeptPrompts; readonly texts: PromptTexts } | null => {
  if (given === undefined) return null;
  if (typeof given === 'string') {
    const from = resolve(given);
    const texts = readFolder(from);
    return { kept: { from, sha256: hashOf(texts) }, texts };
  }
  const foreign = Object.entries(given).find(([, text]) => typeof text !== 'string');
  if (foreign !== undefined) throw invalid(`prompts: ${foreign[0]} is no text`);
  const texts = checked(given, 'prompts');
  return Object.keys(texts).length === 0 ? null : { kept: { from: null, sha256: hashOf(texts) }, texts };
};

const folderOf = (runDir: string): string => join(runDir, 'prompts');

/** Puts the texts of a new run into its directory. */
export const keepPrompts = (runDir: string, texts: PromptTexts): void => {
  mkdirSync(folderOf(runDir), { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folderOf(runDir), `${name}.md`), `${text}\n`);
};

/** The texts that a run began with. @throws PROMPTS_INVALID when they are not there as they were (I4) */
export const keptPrompts = (runDir: string, kept: KeptPrompts): PromptTexts => {
  const texts = readFolder(folderOf(runDir));
  if (hashOf(texts) === kept.sha256) return texts;
  throw new MegactorError('PROMPTS_INVALID', `the prompts in ${folderOf(runDir)} are not those the run began with`, {
    hint: 'Put them back as they were; other prompts are for a new run.',
  });
};

/** One line about a prompt, for lists. */
export const aboutPrompt = ({ purpose, values, required = [] }: Prompt): string => {
  const placeholders = Object.keys(values).map((name) => `{${name}}${required.includes(name) ? ' (required)' : ''}`);
  return placeholders.length === 0 ? purpose : `${purpose} Placeholders: ${placeholders.join(', ')}.`;
};

const readme = (): string =>
  [
    '# Prompts',
    '',
    'These are the prompts of a Megactor society as they come. Keep the files that you change, remove the others, and give',
    'the folder to a run: `run "GOAL" --prompts DIR`. What a file lacks is as it comes.',
    '',
    `A file has at most ${PROMPT_CHARS_MAX} characters. \`{name}\` stands for a value; \`{{name}}\` is that text itself. A line`,
    'that is nothing but a placeholder is left out when the value is empty. Lines that begin as facts do (`# Facts`,',
    '`# Your task`, `- name:` and the like) belong to the runtime.',
    '',
    ...PROMPTS.flatMap((prompt) => [
      `## ${prompt.name}.md`,
      '',
      prompt.purpose,
      '',
      ...Object.entries(prompt.values).map(
        ([name, meaning]) =>
          `- \`{${name}}\`${(prompt.required ?? []).includes(name) ? ' (required)' : ''}: ${meaning}`,
      ),
      ...(Object.keys(prompt.values).length === 0 ? [] : ['']),
    ]),
  ].join('\n');

/** Writes all prompts as they come into a folder that is empty or new. @returns its files @throws USAGE, DISK */
export const writeDefaultPrompts = (path: string): string[] => {
  try {
    if (existsSync(path) && readdirSync(path).length > 0) {
      throw new MegactorError('USAGE', `${path} is not empty`, { hint: 'Give a new folder.' });
    }
    makeDirectory(path);
    const files = [
      [README, readme()] as const,
      ...PROMPTS.map(({ name, text }) => [`${name}.md`, `${text}\n`] as const),
    ];
    for (const [name, text] of files) writeFileSync(join(path, name), text);
    return files.map(([name]) => name);
  } catch (error) {
    if (error instanceof MegactorError) throw error;
    throw new MegactorError('DISK', `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
};

/** The prompts that a run may replace, each with its purpose. */
export const promptList = (): { readonly name: string; readonly about: string }[] =>
  PROMPTS.map((prompt) => ({ name: prompt.name, about: aboutPrompt(prompt) }));
