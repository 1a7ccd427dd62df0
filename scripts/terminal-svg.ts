/**
 * Draws what a terminal shows as SVG: `tmux capture-pane -e -p | node scripts/terminal-svg.ts > docs/terminal.svg`.
 * Reads text with colour codes on standard input; other control sequences are dropped. Every run of one style is placed
 * by its column, so that the picture is right with any monospaced font.
 */
import stringWidth from 'string-width';

const COLUMN = 8.4;
const ROW = 18;
const MARGIN = 12;
const FONT_SIZE = 14;
const BACKGROUND = '#16181d';
const FOREGROUND = '#d8dce4';
/** The 16 colours by their codes: 30–37 and 90–97. */
const PALETTE: Readonly<Record<number, string>> = {
  30: '#3b4048',
  31: '#e06c75',
  32: '#8cc570',
  33: '#e5c07b',
  34: '#6cb2ff',
  35: '#c678dd',
  36: '#56c2cf',
  37: FOREGROUND,
  90: '#7d8590',
  91: '#ff7b86',
  92: '#a5e075',
  93: '#f0d197',
  94: '#8cc4ff',
  95: '#d898ee',
  96: '#78dce8',
  97: '#ffffff',
};

interface Style {
  readonly colour: string;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly inverse: boolean;
}

const USUAL: Style = { colour: FOREGROUND, bold: false, dim: false, inverse: false };

const styled = (style: Style, codes: readonly number[]): Style => {
  let next = style;
  for (const code of codes) {
    const colour = PALETTE[code];
    if (code === 0) next = USUAL;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 7) next = { ...next, inverse: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 27) next = { ...next, inverse: false };
    else if (code === 39) next = { ...next, colour: FOREGROUND };
    else if (colour !== undefined) next = { ...next, colour };
  }
  return next;
};

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const number = (value: number): string => String(Math.round(value * 100) / 100);

/** One run of one style. */
const draw = (text: string, column: number, row: number, style: Style): string => {
  const width = stringWidth(text) * COLUMN;
  const x = MARGIN + column * COLUMN;
  const y = MARGIN + row * ROW;
  const box = style.inverse
    ? `<rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${ROW}" fill="${style.colour}"/>`
    : '';
  if (text.trim() === '') return box;
  const attributes = [
    `x="${number(x)}"`,
    `y="${number(y + FONT_SIZE)}"`,
    `textLength="${number(width)}"`,
    `fill="${style.inverse ? BACKGROUND : style.colour}"`,
    ...(style.bold ? ['font-weight="bold"'] : []),
    ...(style.dim ? ['opacity="0.6"'] : []),
  ];
  return `${box}<text ${attributes.join(' ')}>${escapeXml(text)}</text>`;
};

const screen = (captured: string): string => {
  const lines = captured.replace(/\n+$/u, '').split('\n');
  let columns = 0;
  let style = USUAL;
  const parts: string[] = [];
  for (const [row, line] of lines.entries()) {
    let column = 0;
    // oxlint-disable-next-line no-control-regex
    for (const [, codes, , text] of line.matchAll(/\u001B\[([\d;]*)m|(\u001B\[[\d;?]*[A-Za-z])|([^\u001B]+)/gu)) {
      if (codes !== undefined) style = styled(style, codes.split(';').map(Number));
      if (text === undefined) continue;
      parts.push(draw(text, column, row, style));
      column += stringWidth(text);
    }
    columns = Math.max(columns, column);
  }
  const width = number(columns * COLUMN + 2 * MARGIN);
  const height = number(lines.length * ROW + 2 * MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" xml:space="preserve">`,
    ...parts.filter((part) => part !== ''),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
};

let captured = '';
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) captured += String(chunk);
process.stdout.write(screen(captured));
