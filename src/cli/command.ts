/** What a command of the command line is. Types only. */
import type { OptionSpec } from './options.ts';
import type { ParsedLine } from './parse.ts';
import type { CommandContext } from './ports.ts';

export interface Command {
  readonly name: string;
  /** The name with its arguments, as in the help. */
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  /** Without the program in front. */
  readonly examples: readonly string[];
  /** Lines below the examples. */
  readonly notes: readonly string[];
  /** Why an option that is not in the table is refused, when there is a better reason than that it is unknown. */
  readonly refuse?: (rawName: string) => string | undefined;
  /** @returns the exit code @throws MegactorError */
  readonly run: (line: ParsedLine, context: CommandContext) => Promise<number>;
}
