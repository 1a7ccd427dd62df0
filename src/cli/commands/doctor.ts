/** `doctor`: checks this machine and this installation, and says what to do about what is wrong. Changes nothing. */
import type { Command } from '../command.ts';
import type { OptionSpec } from '../options.ts';
import { usageError } from '../parse.ts';
import { EXIT } from '../ports.ts';
import { doctorText } from '../render-doctor.ts';

const OPTIONS: readonly OptionSpec[] = [
  { name: 'json', type: { kind: 'flag' }, help: 'one JSON line on stdout: {"checks":[{"name","ok","detail","hint"}]}' },
];

export const doctorCommand: Command = {
  name: 'doctor',
  usage: 'doctor [OPTIONS]',
  summary: 'Checks Node, the machine, the native modules, threads and the model server, one line each.',
  options: OPTIONS,
  examples: ['doctor', 'doctor --json'],
  notes: [
    'Exit 0 when all that Megactor needs is there, 1 otherwise.',
    'The model server is asked when OPENAI_BASE_URL or OPENAI_API_KEY is set.',
  ],
  refuse: (rawName) =>
    rawName === '--repair'
      ? 'doctor cannot repair run directories yet: there is no --repair. `resume` heals what a crash left behind.'
      : undefined,
  run: async (line, context) => {
    const [word] = line.positionals;
    if (word !== undefined) throw usageError(`doctor takes options only, and "${word}" is none.`);
    // Loaded here and part by part: a module that cannot be loaded is what a check is to find, not what ends them all.
    const { examine } = await import('../../run/doctor.ts');
    const checks = await examine({ cwd: context.cwd, environment: process.env, clock: context.clock });
    const shown = checks.map(({ name, ok, detail, hint }) => ({ name, ok, detail, hint }));
    context.stdout(`${line.values.get('json') === true ? JSON.stringify({ checks: shown }) : doctorText(checks)}\n`);
    return checks.every(({ ok, needed }) => ok || !needed) ? EXIT.completed : EXIT.failed;
  },
};
