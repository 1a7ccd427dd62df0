/** The help texts, made of the commands and their option tables. Pure. */
import type { Command } from './command.ts';
import type { OptionSpec } from './options.ts';

const WIDTH = 100;

const valueOf = (spec: OptionSpec): string => {
  switch (spec.type.kind) {
    case 'flag':
      return '';
    case 'text':
      return ` ${spec.type.value}`;
    case 'choice':
      return ` ${spec.type.choices.join('|')}`;
    case 'integer':
      return ' N';
    case 'json-file':
      return ' FILE';
    default:
      return spec.type satisfies never;
  }
};

/** Breaks text at spaces into lines of at most `width` characters; a longer word stays whole. */
const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
};

/** Two columns, the right one wrapped. */
const columns = (rows: readonly (readonly [string, string])[]): string => {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows
    .flatMap(([name, text]) =>
      wrap(text, WIDTH - left).map((line, index) => `${(index === 0 ? `  ${name}` : '').padEnd(left)}${line}`),
    )
    .join('\n');
};

const optionRow = (spec: OptionSpec): readonly [string, string] => [
  `--${spec.name}${valueOf(spec)}`,
  spec.fallback === undefined ? spec.help : `${spec.help} (default: ${spec.fallback})`,
];

export const commandHelp = (command: Command, program: string): string =>
  [
    `${program} ${command.usage}`,
    '',
    ...wrap(command.summary, WIDTH),
    '',
    'Options:',
    columns([...command.options.map(optionRow), ['--help', 'this text']]),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${program} ${example}`),
    '',
    ...command.notes.flatMap((note) => wrap(note, WIDTH)),
    '',
  ].join('\n');

export const generalHelp = (commands: readonly Command[], program: string, version: string): string =>
  [
    `megactor ${version}: large societies of LLM agents on worker threads`,
    '',
    `${program.replace(/ --$/u, '')}          the demonstration: 590 agents, rehearsed without a network`,
    `${program} COMMAND`,
    '',
    'Commands:',
    columns(commands.map((command) => [command.usage, command.summary] as const)),
    '',
    'Options:',
    columns([
      ['--help', 'this text; after a command, that of the command'],
      ['--version', 'the version'],
    ]),
    '',
    'Environment:',
    columns([
      ['OPENAI_BASE_URL', 'the OpenAI-compatible server to call (default: https://api.openai.com/v1)'],
      ['OPENAI_API_KEY', 'the key; needed only at the default URL'],
    ]),
    '',
    'Exit codes: 0 completed, 1 failed or stopped, 2 wrong usage, 3 paused (resumable), 130 second Ctrl-C',
    '',
  ].join('\n');
