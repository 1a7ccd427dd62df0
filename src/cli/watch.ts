/**
 * Follows one run from its start to its end on behalf of `run`, `resume` and the demonstration: announcements,
 * progress, Ctrl-C, the final report, the exit code. It neither starts a run nor reads options.
 *
 * 1. With `--json` stdout gets exactly one line, and only when the run ended with a summary.
 * 2. The first interruption aborts the run's signal, the second ends the process.
 * 3. Progress is a live view on the terminal when there is one, and plain lines otherwise; `--quiet` has neither. The
 *    terminal is given back before anything else is written, and before the process ends.
 */
import { EXIT, type CommandContext, type Run, type RunProgress } from './ports.ts';
import {
  caveatsOf,
  exitCodeOf,
  nextCommands,
  NO_PROGRAMS_NOTE,
  plural,
  progressLine,
  summaryText,
  shellPath,
  syntheticNote,
  UNPROTECTED_NOTE,
} from './render.ts';
import { NOTHING_KEPT } from '../run/resumable.ts';
import { plainText } from '../society/plain-text.ts';
import { askedIn, askedLine, openQuestionLines, withdrawnLine } from './questions.ts';
import { renderPlan } from '../society/plan.ts';
import type { LiveView, showLive } from './view/live.ts';

/** At most one line in this time. */
const PROGRESS_PERIOD_MS = 1_000;
/** An unchanged state is repeated after so many periods, so that a slow model does not look like a hang. */
const REPEAT_AFTER_PERIODS = 10;

export interface WatchOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Known before the start: the model, when it is one that writes the text by itself. On resume it is not. */
  readonly synthetic: string | undefined;
  /** The same of programs: whether they run without a sandbox. */
  readonly unprotected: boolean | undefined;
  /** Whether the run can be resumed when it was put aside. */
  readonly kept: boolean;
}

/** What the user sees of a run in progress. */
interface Display {
  /** The run was asked to pause. */
  pausing(text: string): void;
  runId(runId: string): void;
  close(): void;
}

/** Equal but for the time. */
const sameWork = (left: RunProgress | undefined, right: RunProgress): boolean =>
  left !== undefined && progressLine({ ...left, wallSeconds: 0 }) === progressLine({ ...right, wallSeconds: 0 });

/** A line for every question to the person, as soon as it is asked, and when it is asked no more. */
const tellQuestions = async (run: Run, context: CommandContext): Promise<void> => {
  let runDir: string | null = null;
  for await (const event of run.events) {
    if (typeof event['runDir'] === 'string') runDir = shellPath(event['runDir'], context.cwd);
    // Those of a run that goes on were told when they were asked.
    const asked = event['recovered'] === true ? null : askedIn(event);
    const line = asked === null ? withdrawnLine(event) : askedLine(asked, context.program, runDir);
    if (line !== null) context.stderr(`${line}\n`);
  }
};

const lines = (run: Run, options: WatchOptions, context: CommandContext, onAway: () => void): Display => {
  onAway();
  // What breaks the run breaks its report, where it is handled.
  if (!options.quiet) tellQuestions(run, context).catch(() => undefined);
  let shown: RunProgress | undefined;
  let periodsUnchanged = 0;
  const report = (): void => {
    const progress = run.progress();
    if (sameWork(shown, progress) && periodsUnchanged + 1 < REPEAT_AFTER_PERIODS) {
      periodsUnchanged += 1;
      return;
    }
    periodsUnchanged = 0;
    shown = progress;
    context.stderr(`${progressLine(progress)}\n`);
  };
  const timer = options.quiet ? undefined : context.clock.every(PROGRESS_PERIOD_MS, report);
  return {
    pausing: (text) => context.stderr(`${text} Ctrl-C again ends at once.\n`),
    runId: (runId) => {
      if (!options.quiet) context.stderr(`Run ${runId} (Ctrl-C pauses it).\n`);
    },
    close: () => timer?.cancel(),
  };
};

/** The two ways to interrupt: a signal, and a key in the live view. */
class Interruptions {
  display: Display | LiveView | undefined;
  readonly #run: Run;
  readonly #abort: AbortController;
  readonly #context: CommandContext;
  readonly #kept: boolean;
  #count = 0;

  constructor(run: Run, abort: AbortController, context: CommandContext, kept: boolean) {
    this.#run = run;
    this.#abort = abort;
    this.#context = context;
    this.#kept = kept;
  }

  /** Once only, however often it is asked for. */
  pause(): void {
    if (this.#count === 0) this.interrupt();
  }

  readonly interrupt = (): void => {
    this.#count += 1;
    if (this.#count === 1) {
      const inFlight = this.#run.progress().callsInFlight;
      const waiting = inFlight > 0 ? ` (${plural(inFlight, 'model call')} in flight)` : '';
      const done = this.#kept ? 'what is done is kept' : 'the files stay, and nothing is kept to go on from';
      this.display?.pausing(`Pausing${waiting}; ${done}.`);
      this.#abort.abort();
    } else {
      this.display?.close();
      const next = this.#kept ? 'The run can be resumed as after a crash.' : NOTHING_KEPT;
      this.#context.stderr(`Ended at once. ${next}\n`);
      this.#context.exitNow(EXIT.interrupted);
    }
  };
}

const live = (
  show: typeof showLive,
  run: Run,
  interruptions: Interruptions,
  context: CommandContext,
  onAway: () => void,
): Display | undefined => {
  const terminal = context.openTerminal?.();
  if (terminal === undefined) return undefined;
  // Nobody can answer where no keys arrive.
  if (!terminal.keys) onAway();
  const view = show(run, terminal, {
    clock: context.clock,
    onInterrupt: interruptions.interrupt,
    onPause: () => interruptions.pause(),
    onAway,
  });
  return {
    pausing: (text) => view.pausing(`${text} Ctrl-C ends at once.`),
    runId: () => undefined,
    close: () => view.close(),
  };
};

/**
 * @param start starts the run with the signal that pauses it, and the one that says that nobody is there to answer
 * @returns the exit code @throws what the run's report rejects with
 */
export const watchRun = async (
  start: (signal: AbortSignal, waitForAnswers: AbortSignal) => Run,
  options: WatchOptions,
  context: CommandContext,
): Promise<number> => {
  const note = (text: string): void => {
    if (!options.quiet) context.stderr(`${text}\n`);
  };
  if (options.synthetic !== undefined) note(`The text of this run is ${syntheticNote(options.synthetic)}.`);
  if (options.unprotected === true) note(`Programs of this run are ${UNPROTECTED_NOTE}.`);
  // Loaded where there is a terminal to show it on.
  const shows = !options.quiet && context.openTerminal !== undefined;
  const show = shows ? (await import('./view/live.ts')).showLive : undefined;
  const abort = new AbortController();
  const away = new AbortController();
  const leave = (): void => away.abort();
  const run = start(abort.signal, away.signal);
  const interruptions = new Interruptions(run, abort, context, options.kept);
  const stopInterrupts = context.interrupts.subscribe(interruptions.interrupt);
  const display =
    (show === undefined ? undefined : live(show, run, interruptions, context, leave)) ??
    lines(run, options, context, leave);
  interruptions.display = display;
  run.runId.then(
    (runId) => display.runId(runId),
    // The same failure rejects the report, which is where it is handled.
    () => undefined,
  );
  try {
    const summary = await run.report;
    display.close();
    const questions = openQuestionLines(summary, context.program, context.cwd).map((line) => `${line}\n`);
    if (options.json) {
      context.stdout(`${JSON.stringify(summary)}\n`);
      if (summary.synthetic) note(`The text of this run is ${syntheticNote(summary.model)}.`);
      if (summary.sandbox === 'none') note(`Programs of this run are ${UNPROTECTED_NOTE}.`);
      if (questions.length > 0) note(questions.join('').trimEnd());
      if (caveatsOf(summary).some(([, text]) => text === NO_PROGRAMS_NOTE)) note(`Sandbox: ${NO_PROGRAMS_NOTE}.`);
      if (summary.status === 'paused') note(nextCommands(summary, context.program, context.cwd));
    } else {
      if (summary.plan !== undefined) context.stdout(`${plainText(renderPlan(summary.plan, 'proposed'))}\n\n`);
      context.stdout(
        `${summaryText(summary, context.cwd)}\n\n${questions.length === 0 ? '' : `${questions.join('')}\n`}${nextCommands(summary, context.program, context.cwd)}\n`,
      );
    }
    return exitCodeOf(summary);
  } finally {
    display.close();
    stopInterrupts();
  }
};
