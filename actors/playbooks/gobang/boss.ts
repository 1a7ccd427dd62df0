/** The Boss of Gobang: starts the groups, runs all tests at the end, and says in the README how the game was made. */
import { waiting, type Decision, type Item, type Progress } from '../../../src/model/index.ts';
import { runMoves, runsOf } from '../programs.ts';
import { awaited, handIn, open, play, retries, reviews } from '../script.ts';
import { README, readmeBase } from './files.ts';
import { ENGINE, INTERFACE } from './plan.ts';
import { howItWasMade } from './readme.ts';

const ALL_TESTS = 'tests/all.mjs';

/** What became of the tests, in a sentence. */
const testedOf = (progress: Progress): string => {
  const run = runsOf(progress, ALL_TESTS).at(-1);
  if (run === undefined) return 'No program was run while it was made, because none could be run there.';
  return `The tests were run at the end: \`${ALL_TESTS}\`, exit code ${run.exitCode ?? 'none'}.`;
};

/** Whether the tests were run and did not pass. */
const hasFailed = (progress: Progress): boolean => {
  const run = runsOf(progress, ALL_TESTS).at(-1);
  return run !== undefined && !run.running && run.exitCode !== 0;
};

export const boss = (progress: Progress): Decision => {
  const canRun = progress.can('run_program');
  const failed = hasFailed(progress);
  const items: Item[] = [
    {
      id: 'game',
      text: 'The whole game, with a README',
      status: failed ? 'blocked' : 'done',
      evidence: failed ? testedOf(progress) : `${README}, ${ALL_TESTS}`,
    },
  ];
  const decided =
    open(progress, items) ??
    reviews(progress, (agent) => ({ accept: `The work of ${agent} is complete.` })) ??
    play(progress, [
      () => [{ tool: 'write_file', args: { path: README, content: readmeBase } }],
      () => [
        {
          tool: 'talk',
          args: {
            messages: [
              {
                to: ENGINE,
                content: 'Please begin with your group; tell Interface when rules and opponent are ready.',
              },
              { to: INTERFACE, content: `Please begin with your group. ${README} is there for its sections.` },
            ],
          },
        },
      ],
    ]);
  const told = decided ?? retries(progress);
  if (told !== null) return told;
  const missing = awaited(progress, [ENGINE, INTERFACE]);
  if (missing.length > 0) return waiting(`for ${missing.join(' and ')}`);
  const tested = canRun ? play(progress, [() => runMoves(progress, ALL_TESTS)]) : null;
  if (tested !== null) return tested;
  const said = testedOf(progress);
  const mayEnd = !progress.persona.reviews || progress.systemMails('final-review').length > 0;
  return (
    play(progress, [() => [{ tool: 'append_file', args: { path: README, content: howItWasMade(said) } }]]) ??
    handIn(progress, {
      items,
      summary: `Gobang ${failed ? 'is not as it should be' : 'can be played: node gobang.mjs, or index.html in a browser'}. ${said} (scripted)`,
      mayEnd,
    })
  );
};
