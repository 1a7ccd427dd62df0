/** `replay`: runs every step of a run again from its journal, and says whether it comes to the same. */
import type { Command } from '../command.ts';
import { REPLAY_OPTIONS } from '../options.ts';
import { EXIT, type CommandContext } from '../ports.ts';
import { plural, replayText } from '../render.ts';
import { runDirOf } from './resume.ts';

const PROGRESS_EVERY_MS = 1_000;

/** Says now and then how far it is. */
const progressOf = ({ clock, stderr }: CommandContext): ((entries: number) => void) => {
  let nextMs = clock.monotonic() + PROGRESS_EVERY_MS;
  return (entries) => {
    const nowMs = clock.monotonic();
    if (nowMs < nextMs) return;
    nextMs = nowMs + PROGRESS_EVERY_MS;
    stderr(`${plural(entries, 'entry')} replayed\n`);
  };
};

export const replayCommand: Command = {
  name: 'replay',
  usage: 'replay RUN_DIR [OPTIONS]',
  summary: 'Runs every step of a run again from its journal, and says whether it comes to the same log.',
  options: REPLAY_OPTIONS,
  examples: ['replay runs/abc123', 'replay runs/abc123 --json'],
  notes: [
    'No model is asked and no file is touched: answers and results are those of the journal. The first step that comes ' +
      'out otherwise is named, with what differs. The run may have ended, paused, been killed, or be running: it is ' +
      'read as it is at this moment. After `compact` a replay begins where that was.',
    'Exit codes: 0 the same, 1 it differs or the journal is damaged, 2 wrong usage.',
  ],
  run: async (line, context) => {
    const runDir = runDirOf(line, 'replay');
    const quiet = line.values.get('quiet') === true;
    const api = await context.loadRunApi();
    const replay = await api.replayRun(runDir, quiet ? {} : { onProgress: progressOf(context) });
    context.stdout(`${line.values.get('json') === true ? JSON.stringify(replay) : replayText(replay)}\n`);
    return replay.diverged === null ? EXIT.completed : EXIT.failed;
  },
};
