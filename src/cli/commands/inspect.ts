/** `inspect`: every agent of a run with its state, mail and checklist, read from the run directory. Changes nothing. */
import type { Command } from '../command.ts';
import { INSPECT_OPTIONS } from '../options.ts';
import { usageError } from '../parse.ts';
import { EXIT } from '../ports.ts';
import { inspectionText } from '../render.ts';
import { runDirOf } from './resume.ts';

export const inspectCommand: Command = {
  name: 'inspect',
  usage: 'inspect RUN_DIR [OPTIONS]',
  summary: 'Shows every agent of a run: level, state, mail, checklist, turns, calls.',
  options: INSPECT_OPTIONS,
  examples: ['inspect runs/abc123', 'inspect runs/abc123 --agent Boss', 'inspect runs/abc123 --json'],
  notes: [],
  run: async (line, context) => {
    const runDir = runDirOf(line, 'inspect');
    const name = line.values.get('agent');
    const whole = await (await context.loadRunApi()).inspectRun(runDir);
    const agents = name === undefined ? whole.agents : whole.agents.filter((agent) => agent.name === name);
    if (name !== undefined && agents.length === 0) {
      throw usageError(`This run has no agent called "${String(name)}".`, 'Leave --agent out to see all of them.');
    }
    const inspection = { ...whole, agents };
    const asJson = line.values.get('json') === true;
    context.stdout(`${asJson ? JSON.stringify(inspection) : inspectionText(inspection)}\n`);
    return EXIT.completed;
  },
};
