/** `continue`: goes on with a run that paused: `resume` under the name that goes with `pause`. */
import type { Command } from '../command.ts';
import { RESUME_OPTIONS } from '../options.ts';
import { watchRun } from '../watch.ts';
import { isUnprotected, refuseRunOption, resumeOptionsOf, runDirOf } from './resume.ts';

export const continueCommand: Command = {
  name: 'continue',
  usage: 'continue RUN_DIR [OPTIONS]',
  summary: 'Goes on with a run that was paused, as resume does, and follows it to its end.',
  options: RESUME_OPTIONS,
  examples: ['continue runs/abc123', 'continue runs/abc123 --json --quiet'],
  notes: ['A run that is running is left alone (exit 2). Exit codes and the JSON line are those of run.'],
  refuse: refuseRunOption('continue'),
  run: async (line, context) => {
    const runDir = runDirOf(line, 'continue');
    const options = await resumeOptionsOf(line, context);
    const api = await context.loadRunApi();
    return watchRun(
      (signal, waitForAnswers) => api.continueRun(runDir, { ...options, signal, waitForAnswers }),
      {
        json: line.values.get('json') === true,
        quiet: line.values.get('quiet') === true,
        synthetic: undefined,
        unprotected: await isUnprotected(runDir, context),
        kept: true,
      },
      context,
    );
  },
};
