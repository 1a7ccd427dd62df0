/** The page on which a question is read and answered, as lines. Pure. */
import { plural } from '../render.ts';
import type { AnswerLine, Extent } from './asking.ts';
import { span, type Line, type Signs } from './style.ts';
import { questionLabel } from '../../society/questions.ts';
import { fit, widthOf } from './text.ts';

/** The end of a line that is too long is where the person types. */
const endOf = (text: string, columns: number): string => {
  const points = Array.from(text);
  while (points.length > 0 && widthOf(points.join('')) > columns)
    points.splice(0, Math.max(1, points.length - columns));
  return points.join('');
};

const HINTS = {
  question: 'enter: send   tab: next question   esc: back',
  approval: 'type approve, approve all, or deny REASON; enter: send   tab: next   esc: back',
} as const;

/** Rows beside the text: title, what is not in sight, the line that is typed, the keys. */
const ROWS_BESIDE = 4;

export interface AskingPage {
  readonly lines: readonly Line[];
  readonly extent: Extent;
}

/** @param title the line that begins a page */
export const askingPage = (
  answer: AnswerLine,
  size: { readonly columns: number; readonly rows: number },
  signs: Signs,
  title: (text: string) => Line,
): AskingPage => {
  const { question } = answer;
  if (question === null) {
    return {
      lines: [title('questions to you'), [span('  Nobody asks anything any more.', 'dim')]],
      extent: { lines: 0, rows: 0 },
    };
  }
  const { asked, at, of } = question;
  const columns = Math.max(1, size.columns - 4);
  const what = asked.kind === 'approval' ? 'waits for your consent' : 'asks';
  const place = of === 1 ? '' : ` (${at + 1} of ${of})`;
  const text = answer.lines(columns);
  const rows = Math.max(1, size.rows - ROWS_BESIDE);
  const from = Math.min(answer.from, Math.max(0, text.length - rows));
  const below = text.length - from - rows;
  const unseen = [
    ...(from > 0 ? [`${signs.up} ${plural(from, 'more line')}`] : []),
    ...(below > 0 ? [`${signs.down} ${plural(below, 'more line')} (page down)`] : []),
  ];
  const lines = [
    title(`${questionLabel(asked)} ${asked.agent} ${what}${place}`),
    ...text.slice(from, from + rows).map((line): Line => [span(`  ${fit(line, columns, signs.cut)}`)]),
    unseen.length === 0 ? [] : [span(`  ${unseen.join('   ')}`, 'dim')],
    [span('> ', 'bold'), span(`${endOf(answer.text, columns - 1)}_`)],
    [span(`  ${HINTS[asked.kind]}`, 'dim')],
  ];
  return { lines, extent: { lines: text.length, rows } };
};
