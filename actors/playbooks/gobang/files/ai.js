/**
 * The opponent: looks for a win, keeps the other side from one, and otherwise looks a few moves ahead. `chooseMove(game)`
 * gives the cell to play for whoever's turn it is, and is quick: the work of a move is bounded. Needs `rules.js`.
 *
 * Scripted: the playbook "gobang" wrote this file, no language model did.
 */
'use strict';
(function (root) {
  const { BLACK, WHITE, EMPTY, ROW, DIRECTIONS, otherOf } = root.Gobang;

  /** What a window of five cells is worth that holds so many stones of one side and none of the other. */
  const WORTH = [0, 1, 12, 90, 700, 1_000_000];
  const WON = 1_000_000;
  /** Moves looked at in each position, and moves ahead. */
  const WIDTH = 12;
  const DEPTH = 4;
  /** Positions of one search for a win by fours. */
  const FOURS_MAX = 400;
  const FOURS_DEPTH = 9;
  /** The same where a search ends. */
  const LEAF_FOURS_MAX = 40;

  /** All windows of five cells in a row, and for every cell those that it lies in. */
  const windowsBySize = new Map();
  const windowsOf = (size) => {
    const known = windowsBySize.get(size);
    if (known !== undefined) return known;
    const windows = [];
    const through = Array.from({ length: size * size }, () => []);
    for (let index = 0; index < size * size; index += 1) {
      for (const [down, right] of DIRECTIONS) {
        const lastRow = Math.floor(index / size) + down * (ROW - 1);
        const lastColumn = (index % size) + right * (ROW - 1);
        if (lastRow < 0 || lastRow >= size || lastColumn < 0 || lastColumn >= size) continue;
        const cells = Array.from({ length: ROW }, (_, step) => index + step * (down * size + right));
        for (const cell of cells) through[cell].push(windows.length);
        windows.push(cells);
      }
    }
    const made = { windows, through };
    windowsBySize.set(size, made);
    return made;
  };

  /** A position that stones are put on and taken from, with the counts of every window kept beside it. */
  class Position {
    constructor(game) {
      this.size = game.size;
      this.cells = game.cells.map(() => EMPTY);
      this.stones = 0;
      Object.assign(this, windowsOf(game.size));
      /** Stones of each side in each window, by stone and window. */
      this.counts = [[], this.windows.map(() => 0), this.windows.map(() => 0)];
      /** Worth of all windows, by stone. */
      this.worth = [0, 0, 0];
      /** By stone and count: the windows in which it stands alone and so often, from three on. */
      this.alone = [0, 1, 2].map(() => Array.from({ length: ROW + 1 }, () => new Set()));
      for (const [index, stone] of game.cells.entries()) if (stone !== EMPTY) this.put(index, stone);
    }

    /** Counts a window in (`sign` 1) or out (−1), if one side stands alone in it. */
    #tally(window, sign) {
      const [, black, white] = this.counts;
      if ((black[window] === 0) === (white[window] === 0)) return;
      const stone = white[window] === 0 ? BLACK : WHITE;
      const count = this.counts[stone][window];
      this.worth[stone] += sign * WORTH[count];
      if (count < ROW - 2) return;
      if (sign > 0) this.alone[stone][count].add(window);
      else this.alone[stone][count].delete(window);
    }

    #change(index, stone, by) {
      for (const window of this.through[index]) {
        this.#tally(window, -1);
        this.counts[stone][window] += by;
        this.#tally(window, 1);
      }
      this.stones += by;
    }

    put(index, stone) {
      this.cells[index] = stone;
      this.#change(index, stone, 1);
    }

    take(index, stone) {
      this.cells[index] = EMPTY;
      this.#change(index, stone, -1);
    }

    /** Empty cells of the windows in which `stone` stands alone and so often: three or four times. */
    cellsOf(stone, count) {
      const found = new Set();
      for (const window of this.alone[stone][count]) {
        for (const cell of this.windows[window]) if (this.cells[cell] === EMPTY) found.add(cell);
      }
      return found;
    }

    /** What a stone at `index` does for its side and against the other. */
    promise(index, stone) {
      const own = this.counts[stone];
      const others = this.counts[otherOf(stone)];
      let sum = 0;
      for (const window of this.through[index]) {
        if (others[window] === 0) sum += WORTH[own[window] + 1];
        else if (own[window] === 0) sum += WORTH[others[window] + 1] * 0.9;
      }
      return sum;
    }

    /** Empty cells near stones, the most promising first; the middle of an empty board. */
    candidates(stone) {
      const middle = (this.size - 1) / 2;
      const farness = (index) =>
        Math.max(Math.abs(Math.floor(index / this.size) - middle), Math.abs((index % this.size) - middle));
      if (this.stones === 0) return [Math.floor(this.cells.length / 2)];
      const rated = [];
      for (const [index, cell] of this.cells.entries()) {
        if (cell !== EMPTY || !this.#isNear(index)) continue;
        rated.push({ index, promise: this.promise(index, stone), far: farness(index) });
      }
      rated.sort((one, other) => other.promise - one.promise || one.far - other.far || one.index - other.index);
      return rated.map(({ index }) => index);
    }

    #isNear(index) {
      const row = Math.floor(index / this.size);
      const column = index % this.size;
      for (let down = Math.max(0, row - 2); down <= Math.min(this.size - 1, row + 2); down += 1) {
        for (let right = Math.max(0, column - 2); right <= Math.min(this.size - 1, column + 2); right += 1) {
          if (this.cells[down * this.size + right] !== EMPTY) return true;
        }
      }
      return false;
    }
  }

  const first = (cells) => cells.values().next().value ?? null;

  /**
   * The first move of a win by fours, each of which the other side has to answer; null when none is found. This is what an
   * open three of either side comes to.
   */
  const winByFours = (position, stone, left = { nodes: FOURS_MAX }, depth = FOURS_DEPTH) => {
    const five = first(position.cellsOf(stone, ROW - 1));
    if (five !== null) return five;
    const other = otherOf(stone);
    const forced = position.cellsOf(other, ROW - 1);
    if (forced.size > 1 || depth === 0) return null;
    for (const index of position.cellsOf(stone, ROW - 2)) {
      // Whoever is about to lose answers, and may only make a four of it.
      if (forced.size === 1 && !forced.has(index)) continue;
      left.nodes -= 1;
      if (left.nodes < 0) return null;
      position.put(index, stone);
      const fives = position.cellsOf(stone, ROW - 1);
      const answer = first(fives);
      let won = fives.size > 1;
      if (!won && answer !== null) {
        position.put(answer, other);
        won = winByFours(position, stone, left, depth - 1) !== null;
        position.take(answer, other);
      }
      position.take(index, stone);
      if (won) return index;
    }
    return null;
  };

  /** How good the position is for `stone`, who is to move, with both sides playing well for `depth` moves. */
  const search = (position, stone, depth, alpha, beta) => {
    const other = otherOf(stone);
    if (position.cellsOf(stone, ROW - 1).size > 0) return WON + depth;
    const threats = position.cellsOf(other, ROW - 1);
    if (threats.size > 1) return -WON - depth + 1;
    if (depth === 0) {
      if (winByFours(position, stone, { nodes: LEAF_FOURS_MAX }) !== null) return WON - 1;
      return position.worth[stone] * 1.1 - position.worth[other];
    }
    const moves = threats.size === 1 ? [...threats] : position.candidates(stone).slice(0, WIDTH);
    if (moves.length === 0) return 0;
    let best = -Infinity;
    for (const index of moves) {
      position.put(index, stone);
      best = Math.max(best, -search(position, other, depth - 1, -beta, -Math.max(alpha, best)));
      position.take(index, stone);
      if (best >= beta) break;
    }
    return best;
  };

  /** The candidates after which the other side has no win by fours; all of them when there is no such. */
  const safeMoves = (position, stone, moves) => {
    const other = otherOf(stone);
    if (winByFours(position, other) === null) return moves.slice(0, WIDTH);
    const safe = [];
    for (const index of moves) {
      position.put(index, stone);
      if (winByFours(position, other) === null) safe.push(index);
      position.take(index, stone);
      if (safe.length === WIDTH) break;
    }
    return safe.length === 0 ? moves.slice(0, WIDTH) : safe;
  };

  /** The cell to play for whoever's turn it is; null when the game is over. The same position gives the same move. */
  const chooseMove = (game) => {
    if (game.over) return null;
    const stone = game.turn;
    const other = otherOf(stone);
    const position = new Position(game);
    const candidates = position.candidates(stone);
    const now = first(position.cellsOf(stone, ROW - 1)) ?? first(position.cellsOf(other, ROW - 1));
    if (now !== null) return now;
    const win = winByFours(position, stone);
    if (win !== null) return win;
    let best = null;
    let bestValue = -Infinity;
    for (const index of safeMoves(position, stone, candidates)) {
      position.put(index, stone);
      const value = -search(position, other, DEPTH - 1, -Infinity, -bestValue);
      position.take(index, stone);
      if (value > bestValue || best === null) [best, bestValue] = [index, value];
    }
    // Full but for cells far from every stone: any will do.
    return best ?? game.cells.indexOf(EMPTY);
  };

  root.Gobang = { ...root.Gobang, chooseMove };
})(globalThis);
