/** What `doctor` shows: one line for each check. Pure. */
import type { Check } from '../run/doctor.ts';
import { plainText } from '../society/plain-text.ts';

const markOf = ({ ok, needed }: Check): string => (ok ? 'ok' : needed ? 'FAIL' : 'note');

export const doctorText = (checks: readonly Check[]): string => {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const failed = checks.filter(({ ok, needed }) => needed && !ok).length;
  const lines = checks.map((check) => {
    const { name, ok, detail, hint } = check;
    return `${markOf(check).padEnd(4)}  ${name.padEnd(width)}  ${plainText(detail)}${ok || hint === '' ? '' : `. ${plainText(hint)}`}`;
  });
  const end = failed === 0 ? 'All that Megactor needs is there.' : `${failed} of ${checks.length} checks failed.`;
  return [...lines, end].join('\n');
};
