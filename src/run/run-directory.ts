/**
 * The run directory: `run.json` (what the run is), `plan.json`, `events.jsonl`, the reports, `journal/`, `workspace/`,
 * `control/` (where its process can be reached).
 * Files are replaced whole, by a rename, so that a kill leaves the old or the new one. It does not hold the lease.
 */
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  openSync,
  fsyncSync,
  closeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { makeDirectory } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { mayResume } from './resumable.ts';
import { parseInput, settingsSchema } from './settings.ts';

/** Grows when an older version could not read what a newer one writes. */
export const RUN_FORMAT = 2;

const runFileSchema = z.object({
  format: z.literal(RUN_FORMAT),
  runId: z.string(),
  goal: z.string(),
  createdAt: z.string(),
  status: z.enum(['running', 'completed', 'failed', 'stopped', 'paused']),
  reason: z.string().nullable(),
  settings: settingsSchema,
  /** The plan that the user gave, as given; null to ask the model. */
  plan: z.unknown(),
  /** The run ends when it has a plan. */
  planOnly: z.boolean().optional(),
  /** Sums over the processes that ran this directory before. */
  spent: z.object({ wallSeconds: z.number(), restarts: z.number(), deadLetters: z.number() }),
});

/** The content of `run.json`. */
export type RunFile = z.infer<typeof runFileSchema>;

const formatSchema = z.object({ format: z.int(), runId: z.string() });

/** Replaces a file whole. */
export const writeWhole = (file: string, content: string): void => {
  const temporary = `${file}.tmp`;
  writeFileSync(temporary, content);
  const descriptor = openSync(temporary, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(temporary, file);
};

export const writeJson = (file: string, value: unknown): void =>
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);

/** Beginning of a hint about a directory that holds a run. */
const wayOnOf = (absolute: string, path: string): string => {
  try {
    if (!mayResume(RunDirectory.open(absolute).run)) return 'To start a new run, ';
  } catch {
    // What is wrong with it is told by who opens it.
  }
  return `Resume it with \`megactor resume ${path}\`, or `;
};

export class RunDirectory {
  readonly path: string;
  /** True when this process made the directory, so that a start that fails may remove it. */
  readonly created: boolean;

  constructor(path: string, created: boolean) {
    this.path = path;
    this.created = created;
  }

  /** Makes the directory of a new run. @throws RUN_DIR_FOREIGN when something else is there, DISK */
  static create(path: string): RunDirectory {
    const absolute = resolve(path);
    const existed = existsSync(absolute);
    if (existed) {
      const entries = readEntries(absolute);
      if (entries.includes('run.json')) {
        throw new MegactorError('RUN_DIR_FOREIGN', `${path} already holds a run`, {
          hint: `${wayOnOf(absolute, path)}give another --run-dir.`,
        });
      }
      if (entries.length > 0) {
        throw new MegactorError('RUN_DIR_FOREIGN', `${path} is not empty and not a run directory of Megactor`);
      }
    }
    try {
      makeDirectory(absolute);
    } catch (error) {
      throw new MegactorError('DISK', `cannot make ${path}: ${(error as Error).message}`, { cause: error });
    }
    return new RunDirectory(absolute, !existed);
  }

  /** @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_FORMAT */
  static open(path: string): { directory: RunDirectory; run: RunFile } {
    const absolute = resolve(path);
    if (!existsSync(absolute)) throw new MegactorError('RUN_DIR_NOT_FOUND', `there is no directory ${path}`);
    readEntries(absolute);
    const directory = new RunDirectory(absolute, false);
    return { directory, run: directory.readRun() };
  }

  file(
    name: 'run.json' | 'plan.json' | 'events.jsonl' | 'report.json' | 'report.md' | 'journal' | 'workspace',
  ): string {
    return join(this.path, name);
  }

  readRun(): RunFile {
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(this.file('run.json'), 'utf8'));
    } catch (error) {
      throw new MegactorError(
        'RUN_DIR_FOREIGN',
        `${this.path} is not a run directory of Megactor (no readable run.json)`,
        {
          cause: error,
        },
      );
    }
    const format = formatSchema.safeParse(value);
    if (!format.success) {
      throw new MegactorError('RUN_DIR_FOREIGN', `${this.file('run.json')} was not written by Megactor`);
    }
    if (format.data.format !== RUN_FORMAT) {
      throw new MegactorError(
        'RUN_FORMAT',
        `${this.path} has format ${format.data.format}; this version reads format ${RUN_FORMAT}`,
      );
    }
    return parseInput(runFileSchema, value, this.file('run.json'), 'RUN_DIR_FOREIGN');
  }

  /** True once the system of the run had started, with its journal: events are written from then on. */
  hasBegun(): boolean {
    return (statSync(this.file('events.jsonl'), { throwIfNoEntry: false })?.size ?? 0) > 0;
  }

  writeRun(run: RunFile): void {
    writeJson(this.file('run.json'), run);
  }

  /** Removes what this process made for a run that never started: the directory, or all in one that was empty. */
  discard(): void {
    const made = this.created ? [this.path] : readEntries(this.path).map((entry) => join(this.path, entry));
    for (const path of made) rmSync(path, { recursive: true, force: true });
  }
}

const readEntries = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const what = code === 'ENOTDIR' ? 'is a file, not a directory' : `cannot be read (${code ?? 'unknown'})`;
    throw new MegactorError('RUN_DIR_FOREIGN', `${path} ${what}`, { cause: error });
  }
};
