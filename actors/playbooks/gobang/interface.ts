/**
 * The group Interface: Terminal and Page write a game each, and both add a section to the same README from the same version of
 * it, which is merged. The first page cannot be used with the keyboard: it is sent back, and done again.
 */
import { dueReviews, waiting, type Decision, type Item, type Progress } from '../../../src/model/index.ts';
import { runMoves, runsOf } from '../programs.ts';
import { awaited, handIn, heard, isPatient, open, play, resultOf, retries, reviews, type Move } from '../script.ts';
import { README, readmeOfPage, readmeOfTerminal, type GameFiles } from './files.ts';
import { ENGINE, PAGE, TERMINAL } from './plan.ts';

const READY = 'ready';
const HAS_READ = 'I have read README.md';

const say = (to: string, content: string): Move => ({ tool: 'talk', args: { messages: [{ to, content }] } });
const done = (id: string, text: string, evidence: string): Item => ({ id, text, status: 'done', evidence });
const ofPath =
  (path: string) =>
  (args: Readonly<Record<string, unknown>>): boolean =>
    args['path'] === path;

const contentOf = (progress: Progress, path: string): string => {
  const content = resultOf(progress, 'read_file', ofPath(path))?.['content'];
  return typeof content === 'string' ? content : '';
};

/** What is wrong with the page as it is; null when nothing is. */
const faultOf = (progress: Progress): string | null => {
  const faults = [
    ...(contentOf(progress, 'page.js').includes("'keydown'")
      ? []
      : ['the board cannot be used with the keyboard (page.js)']),
    ...(contentOf(progress, 'index.html').includes('aria-live')
      ? []
      : ['a screen reader does not hear whose turn it is (index.html)']),
  ];
  return faults.length === 0 ? null : `${faults.join('; ')}.`;
};

/** Before every review of the page, a look at it. */
const lookAtPage = (progress: Progress): Decision | null => {
  if (!dueReviews(progress).includes(PAGE)) return null;
  const times = progress.done('review', ({ agent }) => agent === PAGE).length + 1;
  const look = (path: string): Move => ({ tool: 'read_file', args: { path }, where: ofPath(path), times });
  return play(progress, [() => [look('index.html'), look('page.js')]]);
};

export const lead = (progress: Progress): Decision => {
  const items = [done('interface', 'The game in the terminal and in a page', 'gobang.mjs, index.html')];
  const decided =
    lookAtPage(progress) ??
    reviews(progress, (agent) => {
      const fault = agent === PAGE ? faultOf(progress) : null;
      return fault === null ? { accept: 'It is as the task says.' } : { revise: `Not yet: ${fault}` };
    }) ??
    open(progress, items) ??
    play(progress, [
      () => [
        say(TERMINAL, `Please write the game for the terminal, and your section of ${README}.`),
        say(PAGE, `Please write the page, and your section of ${README}.`),
      ],
      () =>
        heard(progress, ENGINE, new RegExp(READY, 'u'))
          ? [say(TERMINAL, `rules.js and ai.js are ${READY}: run your game.`)]
          : [],
    ]) ??
    retries(progress);
  if (decided !== null) return decided;
  const missing = awaited(progress, [TERMINAL, PAGE]);
  if (missing.length > 0) return waiting(`for ${missing.join(' and ')}`);
  return handIn(progress, { items, summary: 'The game is there in the terminal and in a page (scripted).' });
};

/**
 * Both read the README, tell each other so, and only then write it: from the same version, so that the second one is merged
 * with the first, whoever that is.
 */
const readme = (progress: Progress, other: string, content: string): Decision | null => {
  const read = play(progress, [
    () => [{ tool: 'read_file', args: { path: README } }],
    () => [say(other, `${HAS_READ}, and am about to add my section.`)],
  ]);
  if (read !== null) return read;
  if (!heard(progress, other, new RegExp(HAS_READ, 'u')) && isPatient(progress))
    return waiting(`for ${other} to read ${README}`);
  const base = resultOf(progress, 'read_file', ofPath(README))?.['base'];
  return play(progress, [() => [{ tool: 'write_file', args: { path: README, content, base }, where: ofPath(README) }]]);
};

export const terminal = (progress: Progress, files: GameFiles): Decision => {
  const [path, content] = files.terminal;
  const items = [done('terminal', `The game in ${path}`, path)];
  const wrote =
    open(progress, items) ??
    play(progress, [() => [{ tool: 'write_file', args: { path, content } }]]) ??
    readme(progress, PAGE, readmeOfTerminal);
  if (wrote !== null) return wrote;
  if (!progress.can('run_program')) {
    return handIn(progress, {
      items,
      summary: `The game is in ${path}; it was not run: none can be run here (scripted).`,
    });
  }
  if (!heard(progress, progress.persona.supervisor, new RegExp(`are ${READY}`, 'u')) && isPatient(progress)) {
    return waiting('for rules.js and ai.js');
  }
  // One move of a person, and the computer's answer.
  const ran = play(progress, [() => runMoves(progress, path, { stdin: 'h8\nquit\n' })]);
  const { exitCode = null, stdout = '' } = runsOf(progress, path).at(-1) ?? {};
  const answered = /The computer plays ([a-s]\d+)/u.exec(stdout)?.[1] ?? 'nothing';
  const summary = `The game is in ${path}; played a move: exit code ${exitCode ?? 'none'}, the computer answered ${answered} (scripted).`;
  return ran ?? handIn(progress, { items, summary });
};

export const page = (progress: Progress, files: GameFiles): Decision => {
  const items = [done('page', 'The game as a page', files.page.map(({ path }) => path).join(', '))];
  const { reviews: reviewed } = progress.persona;
  const first = (): readonly Move[] =>
    files.page.map(({ path, first, final }) => ({
      tool: 'write_file',
      // Without reviews nobody would send it back.
      args: { path, content: reviewed ? first : final },
      where: ofPath(path),
    }));
  const again = files.page.filter((file) => file.first !== file.final);
  const second = (): readonly Move[] =>
    again.map(({ path, final }) => {
      const base = resultOf(progress, 'read_file', ofPath(path))?.['base'];
      return { tool: 'write_file', args: { path, content: final, base }, where: ofPath(path), times: 2 };
    });
  const sentBack = progress.revisions > 0;
  const decided =
    open(progress, items) ??
    play(progress, [first]) ??
    readme(progress, TERMINAL, readmeOfPage) ??
    (sentBack
      ? play(progress, [() => again.map(({ path }) => ({ tool: 'read_file', args: { path } })), second])
      : null);
  const summary = sentBack
    ? 'The page can be used with mouse and keyboard, and says aloud whose turn it is (scripted).'
    : 'The page is in index.html, page.js and style.css (scripted).';
  return decided ?? handIn(progress, { items, summary });
};
