/** `files`: what a society wrote, who wrote it, and when; while the run is on and after it. Changes nothing. */
import type { Command } from '../command.ts';
import { FILES_OPTIONS } from '../options.ts';
import { usageError } from '../parse.ts';
import { EXIT } from '../ports.ts';
import { filesText } from '../render-files.ts';
import { runDirOf } from './resume.ts';

export const filesCommand: Command = {
  name: 'files',
  usage: 'files RUN_DIR [OPTIONS]',
  summary: 'Lists the files of a run with their authors, the history of one, or whose lines it holds.',
  options: FILES_OPTIONS,
  examples: [
    'files runs/abc123',
    'files runs/abc123 --log docs/plan.md',
    'files runs/abc123 --blame docs/plan.md',
    'files runs/abc123 --json',
  ],
  notes: [
    'The run may be on, paused, killed or over. History comes from git, which follows a running society by a fraction of ' +
      'a second: a file without a commit is not there yet. The work tree is brought up to date when the run ends.',
  ],
  run: async (line, context) => {
    const runDir = runDirOf(line, 'files');
    const [log, blame] = [line.values.get('log'), line.values.get('blame')];
    if (log !== undefined && blame !== undefined) {
      throw usageError('--log and --blame are two questions.', 'Ask one after the other.');
    }
    const api = await context.loadRunApi();
    const files = await api.runFiles(runDir, {
      ...(typeof log === 'string' ? { log } : {}),
      ...(typeof blame === 'string' ? { blame } : {}),
    });
    context.stdout(`${line.values.get('json') === true ? JSON.stringify(files) : filesText(files)}\n`);
    return EXIT.completed;
  },
};
