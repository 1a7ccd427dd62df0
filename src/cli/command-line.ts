/**
 * Finds the command of a command line, runs it, and turns whatever it throws into one line and an exit code. Knows the
 * commands by name only; everything outside comes with the context.
 */
import { ERROR_CATALOGUE, MegactorError, toMegactorError } from '../protocol/errors.ts';
import { benchCommand } from './commands/bench.ts';
import { compactCommand } from './commands/compact.ts';
import { continueCommand } from './commands/continue.ts';
import { demonstrationCommand } from './commands/demonstration.ts';
import { doctorCommand } from './commands/doctor.ts';
import { filesCommand } from './commands/files.ts';
import { inspectCommand } from './commands/inspect.ts';
import { pauseCommand } from './commands/pause.ts';
import { promptsCommand } from './commands/prompts.ts';
import { rehearsalServerCommand } from './commands/rehearsal-server.ts';
import { rehearseCommand } from './commands/rehearse.ts';
import { replayCommand } from './commands/replay.ts';
import { resumeCommand } from './commands/resume.ts';
import { runCommand } from './commands/run.ts';
import { stopCommand } from './commands/stop.ts';
import { tellCommand } from './commands/tell.ts';
import type { Command } from './command.ts';
import { commandHelp, generalHelp } from './help.ts';
import { nearestName, parseLine, usageError } from './parse.ts';
import { EXIT, type CommandContext } from './ports.ts';
import { errorText } from './render.ts';

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  resumeCommand,
  inspectCommand,
  replayCommand,
  filesCommand,
  tellCommand,
  pauseCommand,
  continueCommand,
  stopCommand,
  compactCommand,
  promptsCommand,
  rehearseCommand,
  rehearsalServerCommand,
  benchCommand,
  doctorCommand,
];

const commandNamed = (name: string): Command => {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = COMMANDS.map((candidate) => candidate.name);
  const near = nearestName(name, names);
  const proposal = near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${near}"?`;
  throw usageError(`There is no command "${name}". ${proposal}`);
};

/** Whether one of the words before `--` is `long` or `short`. */
const asksFor = (words: readonly string[], long: string, short: string): boolean => {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).some((word) => word === long || word === short);
};

const dispatch = async (words: readonly string[], context: CommandContext): Promise<number> => {
  const [first] = words;
  const named = first !== undefined && !first.startsWith('-');
  const command = named ? commandNamed(first) : demonstrationCommand;
  if (asksFor(words, '--help', '-h')) {
    context.stdout(
      named ? commandHelp(command, context.program) : generalHelp(COMMANDS, context.program, context.version),
    );
    return EXIT.completed;
  }
  if (!named && asksFor(words, '--version', '-V')) {
    context.stdout(`${context.version}\n`);
    return EXIT.completed;
  }
  const line = parseLine(named ? words.slice(1) : words, command.options, command.refuse);
  return command.run(line, context);
};

/** A usage error without advice of its own points at the help of the command it belongs to. */
const withHelpOf = (word: string | undefined, error: MegactorError, program: string): MegactorError => {
  if (error.code !== 'USAGE' || error.hint !== ERROR_CATALOGUE.USAGE.hint) return error;
  const command = COMMANDS.some((candidate) => candidate.name === word) ? ` ${word}` : '';
  return new MegactorError('USAGE', error.message, { hint: `See \`${program}${command} --help\`.` });
};

/** Runs one command line. @returns the exit code; it does not throw */
export const commandLine = async (words: readonly string[], context: CommandContext): Promise<number> => {
  try {
    return await dispatch(words, context);
  } catch (thrown) {
    const error = withHelpOf(words[0], toMegactorError(thrown), context.program);
    context.stderr(`${errorText(error)}\n`);
    return error.family === 'user' ? EXIT.usage : EXIT.failed;
  }
};
