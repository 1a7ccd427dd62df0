/** The page on which a question is read and answered, as lines. Pure. */
import type { AnswerLine } from './asking.ts';
import { span, type Line, type Signs } from './style.ts';
import { fit, widthOf } from './text.ts';

/** A text in lines of a width. */
const wrapped = (text: string, columns: number): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const lines: string[] = [];
    let current = '';
    for (const point of Array.from(line)) {
      if (widthOf(current + point) > columns) {
        lines.push(current);
        current = '';
      }
      current += point;
    }
    return [...lines, current];
  });

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

/** @param title the line that begins a page */
export const askingPage = (
  answer: AnswerLine,
  size: { readonly columns: number; readonly rows: number },
  signs: Signs,
  title: (text: string) => Line,
): Line[] => {
  const { question } = answer;
  if (question === null) return [title('questions to you'), [span('  Nobody asks anything any more.', 'dim')]];
  const { asked, at, of } = question;
  const columns = Math.max(1, size.columns - 4);
  const what = asked.kind === 'approval' ? 'waits for your consent' : 'asks';
  const place = of === 1 ? '' : ` (${at + 1} of ${of})`;
  const text = wrapped(asked.text, columns);
  const room = Math.max(1, size.rows - 4);
  const shown = text.slice(0, room);
  if (shown.length < text.length)
    shown.splice(-1, 1, `${signs.down} ${text.length - room + 1} more lines: inspect has them`);
  return [
    title(`#${asked.id} ${asked.agent} ${what}${place}`),
    ...shown.map((line): Line => [span(`  ${fit(line, columns, signs.cut)}`)]),
    [],
    [span('> ', 'bold'), span(`${endOf(answer.text, columns - 1)}_`)],
    [span(`  ${HINTS[asked.kind]}`, 'dim')],
  ];
};
