/** `compact`: makes the journal of a run that nobody works on small. */
import type { Command } from '../command.ts';
import { COMPACT_OPTIONS } from '../options.ts';
import { EXIT } from '../ports.ts';
import { compactedText } from '../render.ts';
import { runDirOf } from './resume.ts';

export const compactCommand: Command = {
  name: 'compact',
  usage: 'compact RUN_DIR [OPTIONS]',
  summary: 'Makes the journal of a run small: keeps where every agent is, and forgets how it got there.',
  options: COMPACT_OPTIONS,
  examples: ['compact runs/abc123', 'compact runs/abc123 --json'],
  notes: [
    'The run may have ended or paused; one that is running is refused. `inspect` shows the same before and after, and a ' +
      'paused run goes on as it would have. Interrupted at any moment, it leaves the old journal or the new one, whole. ' +
      'While it works the disk holds both.',
  ],
  run: async (line, context) => {
    const runDir = runDirOf(line, 'compact');
    const compacted = await (await context.loadRunApi()).compactRun(runDir);
    context.stdout(`${line.values.get('json') === true ? JSON.stringify(compacted) : compactedText(compacted)}\n`);
    return EXIT.completed;
  },
};
