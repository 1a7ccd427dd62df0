/** Gobang: what there is to know of the playbook without loading it. */
import type { PlaybookCard } from '../../../src/model/index.ts';

export const gobangCard: PlaybookCard = {
  name: 'gobang',
  title: 'eight agents write a game of five in a row, with an opponent, tests and a page',
  about:
    'Two groups write the rules, the opponent, a game for the terminal and a page. A test program fails and its cause is ' +
    'repaired, a page is sent back and done again, two agents write one file at once. Afterwards the game can be played.',
  goal: 'Build Gobang (five in a row): a game that a person can play against a computer opponent, in the terminal and in a web page, with tests.',
  options: { maxAgents: 8, agentsMin: 8, review: 'model', programs: true },
};
