/** `tell`: mail from the user to an agent of a run, whether a process works on it or not. */
import type { Command } from '../command.ts';
import { STEERING_OPTIONS } from '../options.ts';
import { usageError, type ParsedLine } from '../parse.ts';
import { EXIT } from '../ports.ts';
import { steeringText } from '../render.ts';

const argumentsOf = (line: ParsedLine): readonly [runDir: string, agent: string, text: string] => {
  const [runDir, agent, text, ...rest] = line.positionals;
  if (runDir === undefined || agent === undefined || text === undefined || runDir === '' || agent === '') {
    throw usageError('tell needs the directory of a run, the name of an agent, and a text.');
  }
  if (rest.length > 0) {
    throw usageError(
      `tell takes one text, and there are ${rest.length + 1} arguments after the name.`,
      'Put the whole text in one pair of quotes.',
    );
  }
  return [runDir, agent, text];
};

export const tellCommand: Command = {
  name: 'tell',
  usage: 'tell RUN_DIR AGENT "TEXT" [OPTIONS]',
  summary: 'Sends a message from you to an agent. In a run that paused it is read when the run goes on.',
  options: STEERING_OPTIONS,
  examples: [
    'tell runs/abc123 Boss "Leave the sea out; energy comes first."',
    'tell runs/abc123 Boss "Thanks." --json',
  ],
  notes: ['It returns when the message is durable. `inspect RUN_DIR` shows the names of the agents.'],
  run: async (line, context) => {
    const [runDir, agent, text] = argumentsOf(line);
    const result = await (await context.loadRunApi()).tellRun(runDir, agent, text);
    context.stdout(`${line.values.get('json') === true ? JSON.stringify(result) : steeringText(result)}\n`);
    return EXIT.completed;
  },
};
