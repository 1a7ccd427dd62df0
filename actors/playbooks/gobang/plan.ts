/** The plan of Gobang: who does what, under whom. Engine hires one more, who tests. */
import { gobangCard } from './card.ts';

export const ENGINE = 'Engine';
export const INTERFACE = 'Interface';
export const RULES = 'Rules';
export const OPPONENT = 'Opponent';
export const CHECKER = 'Checker';
export const TERMINAL = 'Terminal';
export const PAGE = 'Page';

interface Planned {
  readonly name: string;
  readonly supervisor: string;
  readonly does: string;
  readonly files: readonly string[];
  readonly slots: number;
}

const ROWS: readonly Planned[] = [
  { name: ENGINE, supervisor: 'Boss', does: 'Leads the work on rules, opponent and tests.', files: [], slots: 3 },
  { name: INTERFACE, supervisor: 'Boss', does: 'Leads the work on terminal and page.', files: [], slots: 2 },
  {
    name: RULES,
    supervisor: ENGINE,
    does: 'Writes the rules of the game: board, moves, end.',
    files: ['rules.js'],
    slots: 0,
  },
  { name: OPPONENT, supervisor: ENGINE, does: 'Writes the computer opponent.', files: ['ai.js'], slots: 0 },
  { name: TERMINAL, supervisor: INTERFACE, does: 'Writes the game for the terminal.', files: ['gobang.mjs'], slots: 0 },
  {
    name: PAGE,
    supervisor: INTERFACE,
    does: 'Writes the game as a web page.',
    files: ['index.html', 'page.js', 'style.css'],
    slots: 0,
  },
];

const JUDGED: Readonly<Record<string, string>> = {
  [RULES]: 'A row in every direction is found, and the tests of Checker pass.',
  [OPPONENT]: 'It wins when it can, answers fours and open threes, and is quick.',
  [TERMINAL]: 'A person can play a game to its end; wrong input is explained. Say in README.md how to play it.',
  [PAGE]: 'It is opened from the disk, and is played with the mouse and with the keyboard. Say in README.md how.',
};

export const PLAN = {
  goal: gobangCard.goal,
  agents: ROWS.map(({ name, supervisor, does, files, slots }) => ({
    name,
    description: does,
    initial_prompt: `${does} ${files.length === 0 ? '' : `Files: ${files.join(', ')}. `}${JUDGED[name] ?? 'Judge what your group hands in.'}`,
    supervisor,
    files,
    slots,
    collaborators: ROWS.filter((other) => other.supervisor === supervisor && other.name !== name).map(
      (other) => other.name,
    ),
  })),
  items: [
    { id: 'engine', text: 'Rules, opponent and tests', owner: ENGINE },
    { id: 'interface', text: 'The game in the terminal and in a page', owner: INTERFACE },
    { id: 'game', text: 'The whole game, with a README', owner: 'Boss' },
  ],
};
