/** `stop`: ends a run for good, whether a process works on it or not. */
import type { Command } from '../command.ts';
import { STEERING_OPTIONS } from '../options.ts';
import { EXIT } from '../ports.ts';
import { steeringText } from '../render.ts';
import { runDirOf } from './resume.ts';

export const stopCommand: Command = {
  name: 'stop',
  usage: 'stop RUN_DIR [OPTIONS]',
  summary: 'Ends a run for good: one that is running, one that paused, or one that was killed. Its files stay.',
  options: STEERING_OPTIONS,
  examples: ['stop runs/abc123', 'stop runs/abc123 --json'],
  notes: ['The run itself ends with exit 1 and cannot be resumed. To go on later, use pause.'],
  run: async (line, context) => {
    const result = await (await context.loadRunApi()).stopRun(runDirOf(line, 'stop'));
    context.stdout(`${line.values.get('json') === true ? JSON.stringify(result) : steeringText(result)}\n`);
    return EXIT.completed;
  },
};
