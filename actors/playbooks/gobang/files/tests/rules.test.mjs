/**
 * Tests of the rules: `node tests/rules.test.mjs` prints what holds, and ends with 1 at the first thing that does not.
 *
 * Scripted: the playbook "gobang" wrote this file, no language model did.
 */
import assert from 'node:assert/strict';
import '../rules.js';

const { BLACK, EMPTY, WHITE, createGame, indexOf, nameOf, play, undo } = globalThis.Gobang;

/** A game in which black plays `names`, and white somewhere else. */
const played = (names, elsewhere = ['a1', 'c1', 'e1', 'g1']) => {
  const game = createGame(9);
  for (const [turn, name] of names.entries()) {
    assert.equal(play(game, indexOf(game, name)), null, `black plays ${name}`);
    if (turn < names.length - 1) assert.equal(play(game, indexOf(game, elsewhere[turn])), null);
  }
  return game;
};

const holds = (what, check) => {
  check();
  console.log(`ok: ${what}`);
};

for (const [what, names] of [
  ['a row across wins', ['b5', 'c5', 'd5', 'e5', 'f5']],
  ['a row down wins', ['d8', 'd7', 'd6', 'd5', 'd4']],
  ['a falling diagonal wins', ['b8', 'c7', 'd6', 'e5', 'f4']],
  ['a rising diagonal wins', ['b4', 'c5', 'd6', 'e7', 'f8']],
]) {
  holds(what, () => {
    const game = played(names);
    assert.equal(game.winner, BLACK, what);
    assert.deepEqual(game.line.map((index) => nameOf(game, index)).sort(), names.toSorted());
    assert.notEqual(play(game, indexOf(game, 'i9')), null, 'nobody plays on');
  });
}

holds('four are not enough', () => assert.equal(played(['b5', 'c5', 'd5', 'e5']).over, false));

holds('a row does not go on at the other edge', () => {
  assert.equal(played(['g5', 'h5', 'i5', 'a4', 'b4']).over, false);
});

holds('a point is taken once', () => {
  const game = createGame(9);
  assert.equal(play(game, 0), null);
  assert.notEqual(play(game, 0), null);
  assert.notEqual(play(game, 81), null);
  assert.equal(game.turn, WHITE);
});

holds('a full board without a row is a draw', () => {
  const game = createGame(5);
  const rows = ['XXOXX', 'OOXOO', 'XXOXX', 'OOXOO', 'XXOXX'].join('').split('');
  const cells = (sign) => rows.flatMap((cell, index) => (cell === sign ? [index] : []));
  const [black, white] = [cells('X'), cells('O')];
  while (black.length > white.length + 1) white.push(black.pop());
  for (let turn = 0; turn < 25; turn += 1) play(game, turn % 2 === 0 ? black.shift() : white.shift());
  assert.equal(game.over, true);
  assert.equal(game.winner, EMPTY);
});

holds('a move is taken back', () => {
  const game = played(['b5', 'c5', 'd5', 'e5', 'f5']);
  assert.equal(undo(game), true);
  assert.equal(game.over, false);
  assert.equal(game.turn, BLACK);
});

holds('points have names', () => {
  const game = createGame();
  for (const index of game.cells.keys()) assert.equal(indexOf(game, nameOf(game, index)), index);
  for (const name of ['', 'h', 'h0', 'h16', 'p1', '8h']) assert.equal(indexOf(game, name), null);
});
