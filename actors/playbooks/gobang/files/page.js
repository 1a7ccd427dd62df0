/**
 * The page of Gobang: the board as buttons, the person's moves, the computer's answers, the end of a game. Needs `rules.js`
 * and `ai.js`.
 *
 * Scripted: the playbook "gobang" wrote this file, no language model did.
 */
'use strict';
(function ({ document, Gobang }) {
  const { BLACK, EMPTY, WHITE, SIZE, LETTERS, chooseMove, createGame, nameOf, otherOf, play, undo } = Gobang;
  const COLOURS = { [EMPTY]: 'empty', [BLACK]: 'black', [WHITE]: 'white' };
  /** So long the person's stone is seen before the computer thinks. */
  const PAUSE_MS = 50;

  const status = document.getElementById('status');
  const board = document.getElementById('board');
  const side = document.getElementById('side');
  const undoButton = document.getElementById('undo');

  let game = createGame(SIZE);
  let person = BLACK;
  /** The timer of the computer's next move; null when it is the person's turn. */
  let thinking = null;

  board.style.setProperty('--size', String(SIZE));
  /** Where a point is, for the eye: the names of points are read aloud with them. */
  const edge = (texts, place) => {
    const line = document.createElement('div');
    line.className = `edge ${place}`;
    line.setAttribute('aria-hidden', 'true');
    for (const text of texts) {
      const mark = document.createElement('span');
      mark.textContent = text;
      line.append(mark);
    }
    board.append(line);
  };
  edge(LETTERS.slice(0, SIZE).split(''), 'letters');
  edge(
    Array.from({ length: SIZE }, (_, row) => String(SIZE - row)),
    'numbers',
  );

  const points = [];
  for (let row = 0; row < SIZE; row += 1) {
    const line = document.createElement('div');
    line.className = 'row';
    line.setAttribute('role', 'row');
    for (let column = 0; column < SIZE; column += 1) {
      const index = row * SIZE + column;
      const point = document.createElement('button');
      point.type = 'button';
      point.className = 'point';
      point.setAttribute('role', 'gridcell');
      point.tabIndex = -1;
      point.addEventListener('click', () => onPoint(index));
      points.push(point);
      line.append(point);
    }
    board.append(line);
  }
  const middle = Math.floor(points.length / 2);
  points[middle].tabIndex = 0;

  const resultText = () => {
    if (game.winner === EMPTY) return 'A draw: the board is full.';
    return game.winner === person ? 'You win!' : 'The computer wins.';
  };

  const turnText = () => {
    const last = game.moves.at(-1);
    const before = last === undefined || game.turn !== person ? '' : `The computer played ${nameOf(game, last)}. `;
    if (game.turn !== person) return 'The computer thinks …';
    return `${before}Your move: you are ${COLOURS[person]}.`;
  };

  const show = () => {
    const last = game.moves.at(-1);
    for (const [index, point] of points.entries()) {
      const colour = COLOURS[game.cells[index]];
      point.dataset.stone = colour;
      point.classList.toggle('last', index === last);
      point.classList.toggle('won', game.line.includes(index));
      point.setAttribute('aria-label', `${nameOf(game, index)}, ${colour}${index === last ? ', last move' : ''}`);
    }
    undoButton.disabled = thinking !== null || game.moves.length < 2;
    status.textContent = game.over ? resultText() : turnText();
  };

  const think = () => {
    thinking = setTimeout(() => {
      thinking = null;
      play(game, chooseMove(game));
      show();
    }, PAUSE_MS);
  };

  const goOn = () => {
    if (!game.over && game.turn !== person) think();
    show();
  };

  const onPoint = (index) => {
    if (thinking !== null) return;
    const why = play(game, index);
    if (why === null) goOn();
    else if (!game.over) status.textContent = why;
  };

  // Keyboard: one point of the board is in the order of Tab, arrow keys move on from it.
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  board.addEventListener('keydown', (event) => {
    const from = points.indexOf(event.target);
    const step = STEPS[event.key];
    if (from === -1 || step === undefined) return;
    event.preventDefault();
    const row = Math.min(SIZE - 1, Math.max(0, Math.floor(from / SIZE) + step[0]));
    const column = Math.min(SIZE - 1, Math.max(0, (from % SIZE) + step[1]));
    const to = row * SIZE + column;
    points[from].tabIndex = -1;
    points[to].tabIndex = 0;
    points[to].focus();
  });

  undoButton.addEventListener('click', () => {
    if (thinking !== null) return;
    // Back to the person's turn: its own stone, and the computer's answer if there was one.
    const count = game.turn === person ? 2 : 1;
    for (let step = 0; step < count; step += 1) undo(game);
    show();
  });

  document.getElementById('controls').addEventListener('submit', (event) => {
    event.preventDefault();
    if (thinking !== null) clearTimeout(thinking);
    thinking = null;
    game = createGame(SIZE);
    person = side.value === 'white' ? otherOf(BLACK) : BLACK;
    goOn();
  });

  show();
})(globalThis);
