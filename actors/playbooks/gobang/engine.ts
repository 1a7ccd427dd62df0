/**
 * The group Engine: Rules writes the rules with a mistake in them, Checker's test program fails on it, Rules repairs it. What
 * is said follows from what programs really gave; where no programs can be run, Checker reads the file instead and says so.
 */
import { waiting, type Decision, type Item, type Progress } from '../../../src/model/index.ts';
import { runMoves, runsOf } from '../programs.ts';
import { awaited, handIn, heard, isPatient, open, play, resultOf, retries, reviews, type Move } from '../script.ts';
import { MISTAKE, type GameFiles } from './files.ts';
import { CHECKER, INTERFACE, OPPONENT, RULES } from './plan.ts';

const THERE = 'is there';
const REPAIRED = 'is repaired';
const FAILED = 'FAILED';
const PASSED = 'PASSED';
const UNTESTED = 'no program was run: none can be run here';

const say = (to: string, content: string): Move => ({ tool: 'talk', args: { messages: [{ to, content }] } });
const done = (id: string, text: string, evidence: string): Item => ({ id, text, status: 'done', evidence });

export const engine = (progress: Progress): Decision => {
  const items = [done('engine', 'Rules, opponent and tests', 'tests/all.mjs')];
  const members = [RULES, OPPONENT, CHECKER];
  const begun =
    open(progress, items) ??
    play(progress, [
      () => [
        {
          tool: 'add_agent',
          args: {
            name: CHECKER,
            description: 'Writes and runs the tests of rules and opponent.',
            initial_prompt:
              'Write tests of rules.js and ai.js under tests/, run them when their authors say that the files are there, and tell the authors what fails. Hand in when all of them pass.',
            first_message: 'Please test what Rules and Opponent write.',
          },
          where: ({ name }) => name === CHECKER,
        },
        say(RULES, `Please write the rules. Tell ${CHECKER} when they are there.`),
        say(OPPONENT, `Please write the opponent. Tell ${CHECKER} when it is there.`),
      ],
    ]);
  const judged = reviews(progress, (agent) => ({ accept: `${agent} has done what the task says.` }));
  const decided = judged ?? begun ?? retries(progress);
  if (decided !== null) return decided;
  const missing = awaited(progress, members);
  if (missing.length > 0) return waiting(`for ${missing.join(', ')}`);
  return (
    play(progress, [() => [say(INTERFACE, 'rules.js and ai.js are ready: your group can run its programs.')]]) ??
    handIn(progress, { items, summary: 'Rules, opponent and tests are accepted (scripted).' })
  );
};

export const rules = (progress: Progress, files: GameFiles): Decision => {
  const { path, first } = files.rules;
  const items = [done('rules', `The rules in ${path}`, path)];
  const begun =
    open(progress, items) ??
    play(progress, [
      () => [{ tool: 'write_file', args: { path, content: first } }],
      () => [say(CHECKER, `${path} ${THERE}: please test it.`)],
    ]);
  if (begun !== null) return begun;
  if (heard(progress, CHECKER, new RegExp(FAILED, 'u'))) {
    const repair: Move = { tool: 'edit_file', args: { path, old: MISTAKE.wrong, new: MISTAKE.right } };
    const repaired = play(progress, [
      () => [repair],
      () => [say(CHECKER, `${path} ${REPAIRED}: rising diagonals were looked for along the falling ones.`)],
    ]);
    if (repaired !== null) return repaired;
  }
  if (!heard(progress, CHECKER, new RegExp(PASSED, 'u')) && isPatient(progress)) return waiting(`for ${CHECKER}`);
  return handIn(progress, { items, summary: `The rules are in ${path}, and their tests pass (scripted).` });
};

export const opponent = (progress: Progress, files: GameFiles): Decision => {
  const [path, content] = files.opponent;
  const items = [done('opponent', `The opponent in ${path}`, path)];
  return (
    open(progress, items) ??
    play(progress, [
      () => [{ tool: 'write_file', args: { path, content } }],
      () => [say(CHECKER, `${path} ${THERE}: please test it.`)],
    ]) ??
    handIn(progress, {
      items,
      summary: `The opponent is in ${path}: it answers fours and open threes (scripted).`,
    })
  );
};

const TEST_OF_RULES = 'tests/rules.test.mjs';
const TEST_OF_OPPONENT = 'tests/ai.test.mjs';

/** What a test came to, in one line: the first error that it printed. */
const outcomeOf = (
  progress: Progress,
  path: string,
  number: number,
): { readonly ok: boolean; readonly text: string } => {
  const run = runsOf(progress, path)[number - 1];
  if (run === undefined) return { ok: false, text: `${path} could not be run` };
  const error =
    run.stderr
      .split('\n')
      .find((line) => line.includes('Error'))
      ?.trim() ?? 'no error was printed';
  const code = `${path}: exit code ${run.exitCode ?? 'none'}`;
  return run.exitCode === 0 ? { ok: true, text: code } : { ok: false, text: `${code}, ${error}` };
};

/** The same without a program: Checker reads the rules. */
const readingOf = (progress: Progress, path: string): { readonly ok: boolean; readonly text: string } => {
  const content = resultOf(progress, 'read_file', (args) => args['path'] === path)?.['content'];
  const ok = typeof content === 'string' && !content.includes(MISTAKE.wrong);
  return { ok, text: `read ${path}, ${UNTESTED}${ok ? '' : '; the rising diagonal goes the way of the falling one'}` };
};

export const checker = (progress: Progress, files: GameFiles): Decision => {
  const canRun = progress.can('run_program');
  const { path } = files.rules;
  const look = (times: number): readonly Move[] =>
    canRun
      ? runMoves(progress, TEST_OF_RULES, { times })
      : [{ tool: 'read_file', args: { path }, where: (args) => args['path'] === path, times }];
  const found = (times: number) => (canRun ? outcomeOf(progress, TEST_OF_RULES, times) : readingOf(progress, path));
  const tell = (times: number): readonly Move[] => {
    const { ok, text } = found(times);
    const told = times === 1 || ok ? text : `${text}; after the repair`;
    return [say(RULES, `${ok ? PASSED : FAILED}: ${told}`)];
  };
  const items = [done('tests', 'Tests of rules and opponent', `tests/rules.test.mjs${canRun ? ' exit code 0' : ''}`)];
  const wrote =
    open(progress, items) ??
    play(progress, [
      () => files.tests.map(([test, content]) => ({ tool: 'write_file', args: { path: test, content } })),
    ]);
  if (wrote !== null) return wrote;
  if (!heard(progress, RULES, new RegExp(THERE, 'u')) && isPatient(progress)) return waiting(`for ${path}`);
  const first = play(progress, [() => look(1), () => tell(1)]);
  if (first !== null) return first;
  const failed = progress.done('talk').some(({ args }) => JSON.stringify(args).includes(FAILED));
  if (failed) {
    if (!heard(progress, RULES, new RegExp(REPAIRED, 'u')) && isPatient(progress))
      return waiting(`for the repair of ${path}`);
    const second = play(progress, [() => look(2), () => tell(2)]);
    if (second !== null) return second;
  }
  if (!heard(progress, OPPONENT, new RegExp(THERE, 'u')) && isPatient(progress)) return waiting('for ai.js');
  const last = canRun ? play(progress, [() => runMoves(progress, TEST_OF_OPPONENT)]) : null;
  const tested = canRun ? outcomeOf(progress, TEST_OF_OPPONENT, 1).text : UNTESTED;
  return (
    last ??
    handIn(progress, {
      items,
      summary: `Tests of rules and opponent: ${found(failed ? 2 : 1).text}; ${tested} (scripted).`,
    })
  );
};
