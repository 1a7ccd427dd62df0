/**
 * `doctor`: checks this machine and this installation, and says what to do about what is wrong. Changes nothing, but
 * with `--repair` the journal of one run directory.
 */
import type { Command } from '../command.ts';
import type { OptionSpec } from '../options.ts';
import { usageError } from '../parse.ts';
import { EXIT, type CommandContext } from '../ports.ts';
import { doctorText } from '../render-doctor.ts';
import { repairText } from '../render-repair.ts';

const OPTIONS: readonly OptionSpec[] = [
  { name: 'json', type: { kind: 'flag' }, help: 'one JSON line on stdout: {"checks":[{"name","ok","detail","hint"}]}' },
  {
    name: 'repair',
    type: { kind: 'text', value: 'RUN_DIR' },
    help: 'examine the journal of a run that is at rest, and repair what is damaged',
  },
];

const repair = async (runDir: string, asJson: boolean, context: CommandContext): Promise<number> => {
  const result = await (await context.loadRunApi()).repairRun(runDir);
  const text = asJson ? JSON.stringify(result) : repairText(result, context.program, context.cwd);
  context.stdout(`${text}\n`);
  return EXIT.completed;
};

export const doctorCommand: Command = {
  name: 'doctor',
  usage: 'doctor [OPTIONS]',
  summary: 'Checks Node, the machine, the native modules, threads and the model server, one line each.',
  options: OPTIONS,
  examples: ['doctor', 'doctor --json', 'doctor --repair runs/abc123'],
  notes: [
    'Exit 0 when all that Megactor needs is there, 1 otherwise.',
    'With --repair nothing is deleted: the damaged file goes to RUN_DIR/journal.damaged-N, the report to repair-N.json.',
    'The model server is asked when OPENAI_BASE_URL or OPENAI_API_KEY is set.',
  ],
  run: async (line, context) => {
    const [word] = line.positionals;
    if (word !== undefined) throw usageError(`doctor takes options only, and "${word}" is none.`);
    const runDir = line.values.get('repair');
    if (runDir !== undefined) return repair(String(runDir), line.values.get('json') === true, context);
    // Loaded here and part by part: a module that cannot be loaded is what a check is to find, not what ends them all.
    const { examine } = await import('../../run/doctor.ts');
    const checks = await examine({ cwd: context.cwd, environment: process.env, clock: context.clock });
    const shown = checks.map(({ name, ok, detail, hint }) => ({ name, ok, detail, hint }));
    context.stdout(`${line.values.get('json') === true ? JSON.stringify({ checks: shown }) : doctorText(checks)}\n`);
    return checks.every(({ ok, needed }) => ok || !needed) ? EXIT.completed : EXIT.failed;
  },
};
