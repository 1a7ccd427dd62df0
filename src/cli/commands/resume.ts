/** `resume`: goes on with a run that paused or was killed. What shaped its society cannot be changed any more. */
import { join } from 'node:path';
import { z } from 'zod';
import type { DurabilityLevel } from '../../journal/shard-log.ts';
import type { ResumeOptions } from '../../run/types.ts';
import type { Command } from '../command.ts';
import { RESUME_OPTIONS, RUN_OPTIONS } from '../options.ts';
import { readJsonFile, usageError, type ParsedLine } from '../parse.ts';
import type { CommandContext } from '../ports.ts';
import { watchRun } from '../watch.ts';
import { budgetOptionsOf } from './run.ts';

const MAY_DIFFER = RESUME_OPTIONS.map((option) => `--${option.name}`).join(' ');

export const runDirOf = (line: ParsedLine, command: string): string => {
  const [runDir, ...rest] = line.positionals;
  if (runDir === undefined || runDir === '') {
    throw usageError(
      `${command} needs the directory of a run.`,
      'It was printed when the run ended, by default runs/RUNID.',
    );
  }
  if (rest.length > 0) throw usageError(`${command} takes one directory, and there are ${rest.length + 1} arguments.`);
  return runDir;
};

/** Why an option of `run` is refused by a command that goes on with a run. */
export const refuseRunOption =
  (command: string) =>
  (rawName: string): string | undefined =>
    RUN_OPTIONS.some((option) => `--${option.name}` === rawName)
      ? `${rawName} cannot change on ${command}: a run keeps what it was started with. May differ: ${MAY_DIFFER}.`
      : undefined;

export const resumeOptionsOf = async (line: ParsedLine, context: CommandContext): Promise<ResumeOptions> => {
  const threads = line.values.get('threads') as number | undefined;
  const durability = line.values.get('durability') as DurabilityLevel | undefined;
  const config = line.values.get('config') as string | undefined;
  return {
    ...budgetOptionsOf(line),
    ...(threads === undefined ? {} : { threads }),
    ...(durability === undefined ? {} : { durability }),
    ...(config === undefined ? {} : { config: await readJsonFile('config', config, context.readFile) }),
  };
};

const sandboxSchema = z.object({ settings: z.object({ sandbox: z.string() }) });

/** Whether the programs of a run are unprotected, so that it is said before any of them runs; undefined when nobody knows. */
export const isUnprotected = async (runDir: string, context: CommandContext): Promise<boolean | undefined> => {
  try {
    const run = sandboxSchema.safeParse(JSON.parse(await context.readFile(join(runDir, 'run.json'))));
    return run.success ? run.data.settings.sandbox === 'none' : undefined;
  } catch {
    // What is wrong with the directory is told by whoever opens it.
    return undefined;
  }
};

export const resumeCommand: Command = {
  name: 'resume',
  usage: 'resume RUN_DIR [OPTIONS]',
  summary: 'Goes on with a run that paused or was killed, from its last durable step.',
  options: RESUME_OPTIONS,
  examples: ['resume runs/abc123', 'resume runs/abc123 --threads 4 --json'],
  notes: ['All other options belong to the run directory and keep the values the run was started with.'],
  refuse: refuseRunOption('resume'),
  run: async (line, context) => {
    const runDir = runDirOf(line, 'resume');
    const options = await resumeOptionsOf(line, context);
    const api = await context.loadRunApi();
    return watchRun(
      (signal, waitForAnswers) => api.resumeRun(runDir, { ...options, signal, waitForAnswers }),
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
