/**
 * `inspect`: every agent of a run with its state, mail and checklist, or one agent with all that is known of it, read
 * from the run directory. Changes nothing.
 */
import type { Command } from '../command.ts';
import { INSPECT_OPTIONS } from '../options.ts';
import { EXIT } from '../ports.ts';
import { agentText } from '../render-agent.ts';
import { inspectionText } from '../render.ts';
import { runDirOf } from './resume.ts';

export const inspectCommand: Command = {
  name: 'inspect',
  usage: 'inspect RUN_DIR [OPTIONS]',
  summary: 'Shows every agent of a run: level, state, mail, checklist, turns, calls.',
  options: INSPECT_OPTIONS,
  examples: ['inspect runs/abc123', 'inspect runs/abc123 --agent Boss', 'inspect runs/abc123 --json'],
  notes: [
    'With --agent: the mail that waits, the checklist, what it said and did, recorded results and timers, in short;',
    'with --json whole.',
  ],
  run: async (line, context) => {
    const runDir = runDirOf(line, 'inspect');
    const name = line.values.get('agent');
    const api = await context.loadRunApi();
    const inspection = await api.inspectRun(runDir, typeof name === 'string' ? { agent: name } : {});
    const asJson = line.values.get('json') === true;
    const { agent } = inspection;
    const text =
      agent === undefined ? inspectionText(inspection) : `${inspectionText(inspection)}\n\n${agentText(agent)}`;
    context.stdout(`${asJson ? JSON.stringify(inspection) : text}\n`);
    return EXIT.completed;
  },
};
