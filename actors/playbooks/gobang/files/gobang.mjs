/**
 * Gobang in the terminal: `node gobang.mjs`. A person against the computer, or two people at one board.
 *
 * Scripted: the playbook "gobang" wrote this file, no language model did.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import './rules.js';
import './ai.js';

const { BLACK, EMPTY, LETTERS, SIZE, chooseMove, createGame, indexOf, nameOf, play, undo } = globalThis.Gobang;

const HELP = `Gobang: five stones in a row win: across, down or diagonally. Black begins.

  node gobang.mjs [--size N] [--first me|computer] [--two]

  --size N      lines of the board, 5 to 19 (default ${SIZE})
  --first WHO   who begins and has black: me (default) or computer
  --two         two people, without the computer

While you play, enter a point such as h8, or: undo, board, help, quit.
`;

const isColoured = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const paint = (code, text) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
const say = (text) => process.stdout.write(`${text}\n`);
const SIGNS = { [EMPTY]: '.', [BLACK]: 'X', 2: 'O' };
const NAMES = { [BLACK]: 'Black (X)', 2: 'White (O)' };

/** The board with its coordinates; the last stone stands in brackets, the row that won between stars. */
const draw = (game) => {
  const letters = `    ${LETTERS.slice(0, game.size).split('').join(' ')}`;
  const last = game.moves.at(-1);
  const rows = Array.from({ length: game.size }, (_, row) => {
    const number = String(game.size - row).padStart(2);
    let text = '';
    for (let column = 0; column < game.size; column += 1) {
      const index = row * game.size + column;
      const before = row * game.size + column - 1;
      const isMarked = (at) => at === last || game.line.includes(at);
      const edge = isMarked(index)
        ? game.line.includes(index)
          ? '*'
          : '('
        : column > 0 && isMarked(before)
          ? game.line.includes(before)
            ? '*'
            : ')'
          : ' ';
      const sign = SIGNS[game.cells[index]];
      text += edge + (sign === 'X' ? paint('1;34', sign) : sign === 'O' ? paint('1;33', sign) : paint('2', sign));
    }
    const end = row * game.size + game.size - 1;
    const close = game.line.includes(end) ? '*' : end === last ? ')' : ' ';
    return `${number} ${text}${close} ${number.trim()}`;
  });
  say(['', letters, ...rows, letters, ''].join('\n'));
};

const optionsOf = (words) => {
  const { values } = parseArgs({
    args: words,
    options: {
      size: { type: 'string', default: String(SIZE) },
      first: { type: 'string', default: 'me' },
      two: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.first !== 'me' && values.first !== 'computer') throw new Error('--first is me or computer');
  return { ...values, game: createGame(Number(values.size)) };
};

const resultOf = (game, computer) => {
  if (game.winner === EMPTY) return 'A draw: the board is full.';
  const row = `${nameOf(game, game.line[0])}-${nameOf(game, game.line.at(-1))}`;
  if (computer === null) return `${NAMES[game.winner]} wins with ${row}.`;
  return game.winner === computer ? `The computer wins with ${row}.` : `You win with ${row}!`;
};

const main = async () => {
  const { game, first, two, help } = optionsOf(process.argv.slice(2));
  if (help) {
    say(HELP);
    return;
  }
  const computer = two ? null : first === 'computer' ? BLACK : 2;
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '' });
  const ask = () => process.stdout.write(`${computer === null ? NAMES[game.turn] : 'Your move'}> `);

  /** The computer's answer, if it is its turn. */
  const answer = () => {
    if (game.over || game.turn !== computer) return;
    const index = chooseMove(game);
    play(game, index);
    say(`The computer plays ${nameOf(game, index)}.`);
  };
  const goOn = () => {
    answer();
    draw(game);
    if (game.over) say(resultOf(game, computer));
    else ask();
    return game.over;
  };
  const takeBack = () => {
    // With the computer also its answer, so that it is the person's turn again.
    const count = computer === null ? 1 : 2;
    if (game.moves.length < count) say('There is nothing to take back.');
    else for (let step = 0; step < count; step += 1) undo(game);
  };

  say(
    `Gobang, ${game.size} x ${game.size}. Five in a row win. ${computer === null ? 'Two people play.' : `You are ${NAMES[computer === BLACK ? 2 : BLACK]}.`} "help" says more.`,
  );
  if (goOn()) {
    lines.close();
    return;
  }
  for await (const line of lines) {
    const word = line.trim().toLowerCase();
    const index = indexOf(game, word);
    if (word === 'quit' || word === 'q') {
      say('Good bye.');
      lines.close();
      return;
    }
    if (word === 'help') say(HELP);
    if (word === 'undo') takeBack();
    if (index !== null) {
      const why = play(game, index);
      if (why === null) {
        if (goOn()) {
          lines.close();
          return;
        }
        continue;
      }
      say(why);
    } else if (word !== '' && !['help', 'undo', 'board'].includes(word)) {
      say(
        `"${line.trim()}" is no point of this board. Enter a column and a row, such as ${nameOf(game, Math.floor(game.cells.length / 2))}.`,
      );
    }
    if (word === 'undo' || word === 'board') draw(game);
    ask();
  }
  say('\nNo more input: good bye.');
};

// Whoever read along has gone, as `head` does: then there is nobody to play with.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await main();
} catch (error) {
  process.stderr.write(`gobang: ${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
