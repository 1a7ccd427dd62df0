/**
 * Tests of the opponent: `node tests/ai.test.mjs` prints what holds, and ends with 1 at the first thing that does not.
 *
 * Scripted: the playbook "gobang" wrote this file, no language model did.
 */
import assert from 'node:assert/strict';
import '../rules.js';
import '../ai.js';

const { BLACK, WHITE, chooseMove, createGame, indexOf, nameOf, play } = globalThis.Gobang;

/** The position with these stones, `turn` to move. */
const position = (black, white, turn) => {
  const game = createGame();
  for (const [stone, names] of [
    [BLACK, black],
    [WHITE, white],
  ]) {
    for (const name of names) {
      game.cells[indexOf(game, name)] = stone;
      game.moves.push(indexOf(game, name));
    }
  }
  game.turn = turn;
  return game;
};

const choice = (black, white, turn) => {
  const game = position(black, white, turn);
  return nameOf(game, chooseMove(game));
};

const holds = (what, check) => {
  check();
  console.log(`ok: ${what}`);
};

holds('it begins in the middle', () => assert.equal(nameOf(createGame(), chooseMove(createGame())), 'h8'));

holds('it wins when it can', () => {
  assert.equal(choice(['c3', 'd3', 'e3', 'f3'], ['g3', 'k8', 'k9', 'k10'], BLACK), 'b3');
  assert.equal(choice(['c3', 'd4', 'e5', 'f6'], ['g7', 'k8', 'k9', 'k10'], BLACK), 'b2');
});

holds('it wins rather than keeps the other side from winning', () => {
  assert.equal(choice(['c3', 'd3', 'e3', 'f3'], ['g3', 'k8', 'k9', 'k10', 'k11'], BLACK), 'b3');
});

holds('it answers a four', () => {
  assert.equal(choice(['c3', 'd3', 'e3', 'f3'], ['b3', 'k8', 'm9'], WHITE), 'g3');
  assert.equal(choice(['c3', 'd3', 'f3', 'g3'], ['k8', 'm9', 'a1'], WHITE), 'e3');
});

holds('it answers an open three', () => {
  const answer = choice(['g8', 'h8', 'i8'], ['c3', 'm13'], WHITE);
  assert.ok(['e8', 'f8', 'j8', 'k8'].includes(answer), `${answer} answers g8 h8 i8`);
});

holds('it makes an open four of an open three', () => {
  assert.ok(['f8', 'j8'].includes(choice(['g8', 'h8', 'i8'], ['c3', 'm13', 'c5'], BLACK)));
});

holds('it beats one who does not look', () => {
  const game = createGame();
  while (!game.over) play(game, game.turn === BLACK ? game.cells.indexOf(0) : chooseMove(game));
  assert.equal(game.winner, WHITE);
});
