/** `prompts`: lists the prompts that a run may replace, or writes them out to be changed. */
import type { Command } from '../command.ts';
import { STEERING_OPTIONS } from '../options.ts';
import { usageError } from '../parse.ts';
import { EXIT } from '../ports.ts';

export const promptsCommand: Command = {
  name: 'prompts',
  usage: 'prompts [DIR] [OPTIONS]',
  summary: 'Lists the prompts of a society, or writes them to a folder, to be changed and given to `run --prompts`.',
  options: STEERING_OPTIONS,
  examples: ['prompts', 'prompts my-prompts', 'run "Write a field guide" --prompts my-prompts'],
  notes: ['The folder must be new or empty. A run takes the files that are there; what is missing is as it comes.'],
  run: async (line, context) => {
    const [folder, ...rest] = line.positionals;
    if (rest.length > 0) throw usageError('prompts takes one folder.', 'Give one DIR.');
    const json = line.values.get('json') === true;
    const { promptList, writeDefaultPrompts } = await import('../../run/prompts.ts');
    if (folder === undefined) {
      const prompts = promptList();
      const text = prompts.map(({ name, about }) => `${name}\n  ${about}`).join('\n');
      context.stdout(`${json ? JSON.stringify({ prompts }) : text}\n`);
      return EXIT.completed;
    }
    const files = writeDefaultPrompts(folder);
    const done = `${files.length} files in ${folder}: change them, remove those that stay as they are, and give them to \`run --prompts ${folder}\``;
    context.stdout(`${json ? JSON.stringify({ dir: folder, files }) : done}\n`);
    return EXIT.completed;
  },
};
