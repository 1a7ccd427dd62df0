/**
 * A program for the tests: watches a run that never ends on the terminal of this process, and ends itself in the way
 * that its first word says, as soon as it has drawn.
 */
import { endProcess } from '../../../src/cli/end-process.ts';
import { interruptsOf } from '../../../src/cli/interrupts.ts';
import { canOpen, openTerminal } from '../../../src/cli/view/terminal.ts';
import { watchRun } from '../../../src/cli/watch.ts';
import { systemClock } from '../../../src/platform/index.ts';
import { EventChannel } from '../../../src/run/event-channel.ts';
import { progressOf, summaryOf } from '../fixtures.ts';
import { societyEvents } from './society.ts';

const how = process.argv[2];
const events = new EventChannel();
for (const event of societyEvents(3, 3)) events.push(event);
const report = Promise.withResolvers<ReturnType<typeof summaryOf>>();
const screen = { input: process.stdin, output: process.stderr, env: process.env, clock: systemClock };

/** Long enough for a picture, and then the end. */
setTimeout(() => {
  if (how === 'return') report.resolve(summaryOf());
  if (how === 'reject') report.reject(new Error('the run broke'));
  if (how === 'throw') throw new Error('thrown from a timer');
  if (how === 'reject-unhandled') void Promise.reject(new Error('nobody handles this'));
  if (how === 'exit') process.exit(9);
  if (how === 'interrupt-twice') {
    process.kill(process.pid, 'SIGINT');
    setTimeout(() => process.kill(process.pid, 'SIGINT'), 250);
  }
}, 300);
// `keys`: the keyboard decides. Nothing waits for ever.
setTimeout(() => process.exit(99), 100_000).unref();

try {
  process.exitCode = await watchRun(
    (signal) => {
      signal.addEventListener('abort', () => {
        if (how === 'keys') report.resolve(summaryOf({ status: 'paused', reason: 'interrupted' }));
      });
      return {
        runId: Promise.resolve('run-1'),
        events,
        progress: () => progressOf({ wallSeconds: 3 }),
        report: report.promise,
      };
    },
    { json: false, quiet: false, synthetic: 'rehearsal', unprotected: false, kept: true },
    {
      stdout: (text) => void process.stdout.write(text),
      stderr: (text) => void process.stderr.write(text),
      clock: systemClock,
      interrupts: interruptsOf(process, { clock: systemClock, underNpm: false }),
      exitNow: endProcess,
      ...(canOpen(screen) ? { openTerminal: () => openTerminal(screen) } : {}),
      cwd: '/data',
      program: 'npm start --',
      version: '1.2.3',
      readFile: () => Promise.reject(new Error('no files')),
      loadRunApi: () => Promise.reject(new Error('no runs')),
    },
  );
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
