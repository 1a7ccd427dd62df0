/**
 * `npm run real-goal -- NAME ["GOAL"] [OPTIONS of run]`: one small goal on a real model server. Asks the server first (does it
 * answer, has it the model, does the model call a tool as the planner needs it), then runs the goal through the command
 * line with a budget, and prints the report. What it does not do: judge the result, or call anybody when no server is set.
 *
 * 1. Nothing is run on a server that failed the first questions: exit 2 with what to do.
 * 2. A run has a budget, by default a small one; options that are given win. The exit code is that of `run`.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plannerRequest, readPlan } from '../actors/planner.ts';
import { createOpenAiModel } from '../src/model/openai.ts';
import { systemClock } from '../src/platform/index.ts';
import { toMegactorError } from '../src/protocol/errors.ts';
import { limitsWith } from '../src/society/index.ts';

const GOAL = 'Write a one-page guide to brewing tea: tea.md, with a section on water and one on time.';
const DEFAULTS: Readonly<Record<string, string>> = {
  '--max-agents': '4',
  '--budget-calls': '80',
  '--deadline': '20m',
};
const ANSWER_DEADLINE_MS = 120_000;
const BIN = join(import.meta.dirname, '../bin/megactor.mjs');
const EXIT_USAGE = 2;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const linesOf = (thrown: unknown): string[] => {
  const { message, code, hint } = toMegactorError(thrown);
  return [`${message} [${code}]`, hint];
};

/** What is wrong with the server or the model, as a line each; nothing when a run may start. */
const ask = async (name: string): Promise<string[]> => {
  let model: ReturnType<typeof createOpenAiModel>;
  try {
    model = createOpenAiModel({ model: name, timeoutMs: ANSWER_DEADLINE_MS });
  } catch (thrown) {
    return linesOf(thrown);
  }
  const abort = new AbortController();
  const timer = systemClock.after(ANSWER_DEADLINE_MS, () => abort.abort());
  try {
    const names = await model.listModels(abort.signal);
    say(`server  ${model.baseUrl} answers${names === null ? '; it has no list of models' : ''}`);
    if (names !== null && !names.includes(name)) {
      say(`model   ${name} is not in its list (${names.slice(0, 5).join(', ')}); it may take the name all the same`);
    }
    const limits = limitsWith({ agentsMax: 1 });
    const request = plannerRequest({ goal: 'Write hello.md, one line, by yourself.', run: 'check', limits });
    const answer = await model.complete(request, abort.signal);
    const { input, output } = answer.usage;
    if (answer.toolCalls.length === 0) {
      return [
        `${name} answered without calling a tool (${answer.class}): agents act by nothing else.`,
        'Start the server with its tool parser (vLLM: --enable-auto-tool-choice --tool-call-parser …, llama.cpp: --jinja), or take another model.',
      ];
    }
    const reading = readPlan(answer, limits, 0);
    const plan = reading.ok ? 'its first plan is good' : `its first plan needs a repair: ${reading.issues.join('; ')}`;
    say(`model   ${name} calls tools (${Math.round(answer.latencyMs)} ms, ${input}+${output} tokens); ${plan}`);
    return [];
  } catch (thrown) {
    return abort.signal.aborted
      ? [`${model.baseUrl} did not answer within ${ANSWER_DEADLINE_MS / 1_000} s.`]
      : linesOf(thrown);
  } finally {
    timer.cancel();
    await model.close();
  }
};

/** Runs the goal as a user does, on this terminal. @returns the exit code of `run` */
const run = (words: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    // Ctrl-C is for the run: it pauses, and its report is printed.
    process.on('SIGINT', () => {});
    const child = spawn(process.execPath, [BIN, 'run', ...words], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });

const valueOf = (words: readonly string[], option: string): string | undefined => {
  const at = words.findIndex((word) => word === option || word.startsWith(`${option}=`));
  return words[at]?.includes('=') === true ? words[at].slice(option.length + 1) : words[at + 1];
};

const main = async (words: readonly string[]): Promise<number> => {
  const [name, ...rest] = words;
  if (name === undefined || name.startsWith('-')) {
    say('usage: npm run real-goal -- NAME ["GOAL"] [OPTIONS of run]');
    say('NAME is what the server calls the model; OPENAI_BASE_URL and OPENAI_API_KEY say where it is.');
    return EXIT_USAGE;
  }
  const goal = rest[0] !== undefined && !rest[0].startsWith('-') ? rest.shift() : GOAL;
  const problems = await ask(name);
  if (problems.length > 0) {
    for (const problem of problems) say(problem);
    return EXIT_USAGE;
  }
  const isGiven = (option: string): boolean => rest.some((word) => word === option || word.startsWith(`${option}=`));
  const added = Object.entries({ ...DEFAULTS, '--run-dir': join('runs', `real-goal-${process.pid}`) }).flatMap(
    ([option, value]) => (isGiven(option) ? [] : [option, value]),
  );
  const all = [...rest, ...added];
  const code = await run([goal ?? GOAL, '--model', `openai:${name}`, ...all]);
  const report = join(valueOf(all, '--run-dir') ?? '', 'report.md');
  if (existsSync(report)) say(`\n${readFileSync(report, 'utf8').trimEnd()}`);
  return code;
};

process.exitCode = await main(process.argv.slice(2));
