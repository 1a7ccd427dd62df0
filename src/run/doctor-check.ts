/** What a check of `doctor` is, and what it finds. Types, and one helper. */
import type { Clock } from '../platform/index.ts';

/** What a check found. */
export interface Finding {
  readonly ok: boolean;
  /** What there is. */
  readonly detail: string;
  /** What to do; empty when nothing is. */
  readonly hint: string;
}

export interface Check extends Finding {
  readonly name: string;
  /** Whether Megactor cannot do its work without it. */
  readonly needed: boolean;
}

export interface Surroundings {
  /** Runs go below it by default. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
}

export interface CheckSpec {
  readonly name: string;
  readonly needed: boolean;
  /** What to do when it throws. */
  readonly hint: string;
  readonly run: (surroundings: Required<Surroundings>) => Finding | Promise<Finding>;
}

export const fine = (detail: string): Finding => ({ ok: true, detail, hint: '' });
