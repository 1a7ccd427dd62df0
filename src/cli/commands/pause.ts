/** `pause`: asks a live run to pause as Ctrl-C does, and waits until it is at rest. */
import type { Command } from '../command.ts';
import { STEERING_OPTIONS } from '../options.ts';
import { EXIT } from '../ports.ts';
import { NOTHING_KEPT } from '../../run/resumable.ts';
import { shellPath, steeringText } from '../render.ts';
import { runDirOf } from './resume.ts';

export const pauseCommand: Command = {
  name: 'pause',
  usage: 'pause RUN_DIR [OPTIONS]',
  summary: 'Pauses a run that is running, from another terminal, and waits until it is at rest.',
  options: STEERING_OPTIONS,
  examples: ['pause runs/abc123', 'pause runs/abc123 --json'],
  notes: ['The run itself ends with exit 3; `continue RUN_DIR` goes on with it, unless it has `--durability none`.'],
  run: async (line, context) => {
    const runDir = runDirOf(line, 'pause');
    const result = await (await context.loadRunApi()).pauseRun(runDir);
    if (line.values.get('json') === true) context.stdout(`${JSON.stringify(result)}\n`);
    else {
      const way = `Go on with it: ${context.program} continue ${shellPath(runDir, context.cwd)}`;
      const next = result.durability === 'none' ? NOTHING_KEPT : way;
      context.stdout(`${steeringText(result)}${result.status === 'paused' ? ` ${next}` : ''}\n`);
    }
    return EXIT.completed;
  },
};
