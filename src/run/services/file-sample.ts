/**
 * A sample of what is in the shared files, for the final review: which files depends on their paths, the run's seed and
 * the number of the review alone. It reads through the workspace service and changes nothing.
 *
 * Invariant F1: at most `SAMPLE_FILES_MAX` files, each clipped by the final review.
 */
import { z } from 'zod';
import { WORKSPACE } from '../../../actors/run-services.ts';
import { hashString } from '../../protocol/ids.ts';
import { toMegactorError } from '../../protocol/errors.ts';
import type { ServiceHost } from '../../protocol/service.ts';
import { SYSTEM, type FileSample, type SampledFile, type SharedFile } from '../../society/index.ts';

const SAMPLE_FILES_MAX = 6;

const rowsSchema = z.array(z.object({ path: z.string(), author: z.string() }));
const readSchema = z.object({ ok: z.literal(true), content: z.string() });

/** All shared files; null when the workspace does not say, which is no reason to stop. */
export const listFiles = async (host: Pick<ServiceHost, 'call'>): Promise<readonly SharedFile[] | null> => {
  try {
    return rowsSchema.parse(await host.call(WORKSPACE, 'files', {}));
  } catch {
    return null;
  }
};

/** Never rejects: a file that cannot be read is shown as that. */
export const sampleFiles = async (
  host: Pick<ServiceHost, 'call'>,
  rows: readonly SharedFile[] | null,
  seed: number,
  review: number,
): Promise<FileSample> => {
  const read = async ({ path, author }: { path: string; author: string }): Promise<SampledFile> => {
    try {
      const result = readSchema.safeParse(await host.call(WORKSPACE, 'read', { path, author: SYSTEM }));
      return { path, author, content: result.success ? result.data.content : '(cannot be read as text)' };
    } catch (error) {
      return { path, author, content: `(cannot be read: ${toMegactorError(error).code})` };
    }
  };
  // The review matters more than its sample; that nothing could be read is said in it.
  if (rows === null) return { total: null, files: [] };
  const drawn = rows
    .map((row) => ({ row, lot: hashString(`${review}/${row.path}`, seed) }))
    .toSorted((left, right) => left.lot - right.lot || (left.row.path < right.row.path ? -1 : 1))
    .slice(0, SAMPLE_FILES_MAX);
  return { total: rows.length, files: await Promise.all(drawn.map(({ row }) => read(row))) };
};
