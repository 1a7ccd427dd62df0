/**
 * The rules of Gobang (five in a row), for Node and for the browser: a game, its moves, its end, and the names of points.
 * A plain script, so that a page opened from the disk can load it: everything is in `globalThis.Gobang`.
 *
 * Scripted: the playbook "gobang" wrote this file, no language model did.
 */
'use strict';
(function (root) {
  const EMPTY = 0;
  const BLACK = 1;
  const WHITE = 2;
  const SIZE = 15;
  const SIZE_MIN = 5;
  const SIZE_MAX = 19;
  /** So many in a row win; more win as well. */
  const ROW = 5;
  const LETTERS = 'abcdefghijklmnopqrs';

  /** Steps along the four kinds of line, as row and column. */
  const DIRECTIONS = [
    [0, 1], // across
    [1, 0], // down
    [1, 1], // falling diagonal
    [-1, 1], // rising diagonal
  ];

  const otherOf = (stone) => (stone === BLACK ? WHITE : BLACK);

  /** A new game: black begins. `cells` has the rows one after the other, the top one first. */
  const createGame = (size = SIZE) => {
    if (!Number.isInteger(size) || size < SIZE_MIN || size > SIZE_MAX) {
      throw new RangeError(`a board has ${SIZE_MIN} to ${SIZE_MAX} lines, not ${size}`);
    }
    return {
      size,
      cells: Array.from({ length: size * size }, () => EMPTY),
      turn: BLACK,
      /** Indices of the cells, in the order they were played. */
      moves: [],
      over: false,
      /** BLACK, WHITE, or EMPTY for nobody. */
      winner: EMPTY,
      /** The cells of the row that won. */
      line: [],
    };
  };

  const at = (game, row, column) =>
    row < 0 || column < 0 || row >= game.size || column >= game.size ? null : game.cells[row * game.size + column];

  /** The cells with the stone of `index` in one direction, both ways. */
  const rowThrough = (game, index, [down, right]) => {
    const stone = game.cells[index];
    const row = Math.floor(index / game.size);
    const column = index % game.size;
    const found = [index];
    for (const sign of [1, -1]) {
      for (let step = 1; at(game, row + sign * step * down, column + sign * step * right) === stone; step += 1) {
        found.push((row + sign * step * down) * game.size + column + sign * step * right);
      }
    }
    return found.sort((one, other) => one - other);
  };

  /** The row of five or more through the stone at `index`, or an empty list. */
  const winningLine = (game, index) => {
    for (const direction of DIRECTIONS) {
      const found = rowThrough(game, index, direction);
      if (found.length >= ROW) return found;
    }
    return [];
  };

  /** Puts a stone for whoever's turn it is. Returns null, or in words why that cannot be. */
  const play = (game, index) => {
    if (game.over) return 'The game is over.';
    if (!Number.isInteger(index) || index < 0 || index >= game.cells.length) return 'That point is not on the board.';
    if (game.cells[index] !== EMPTY) return 'There is a stone already.';
    game.cells[index] = game.turn;
    game.moves.push(index);
    game.line = winningLine(game, index);
    if (game.line.length > 0) game.winner = game.turn;
    game.over = game.line.length > 0 || game.moves.length === game.cells.length;
    game.turn = otherOf(game.turn);
    return null;
  };

  /** Takes the last stone back. Returns whether there was one. */
  const undo = (game) => {
    const index = game.moves.pop();
    if (index === undefined) return false;
    game.cells[index] = EMPTY;
    game.turn = otherOf(game.turn);
    game.over = false;
    game.winner = EMPTY;
    game.line = [];
    return true;
  };

  /** `h8`: the column's letter, and the row's number from the bottom. */
  const nameOf = (game, index) => `${LETTERS[index % game.size]}${game.size - Math.floor(index / game.size)}`;

  /** The index of a point's name; null when it is none of this board. */
  const indexOf = (game, name) => {
    const match = /^([a-s])\s*(\d{1,2})$/i.exec(name.trim());
    if (match === null) return null;
    const column = LETTERS.indexOf(match[1].toLowerCase());
    const row = game.size - Number(match[2]);
    return column >= game.size || row < 0 || row >= game.size ? null : row * game.size + column;
  };

  root.Gobang = {
    ...root.Gobang,
    EMPTY,
    BLACK,
    WHITE,
    SIZE,
    SIZE_MIN,
    SIZE_MAX,
    ROW,
    LETTERS,
    DIRECTIONS,
    otherOf,
    createGame,
    play,
    undo,
    nameOf,
    indexOf,
  };
})(globalThis);
