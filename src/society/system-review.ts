/**
 * The system review as it is kept: each time the Boss was asked for it, which files it was shown, whose work it gave back,
 * and whether it approved. Changes of a draft's meta. What it does not do: decide when the Boss is asked (`quiet.ts`).
 *
 * Invariant X5: what was approved is approved by the Boss's own word, and by that of a Boss that was asked.
 */
import type { FileSample } from './final-review.ts';
import type { Draft, RosterMeta } from './roster-state.ts';

export interface SystemReview {
  /** From 1. */
  readonly review: number;
  /** How many files there were, null when nobody could tell, and those whose contents the Boss was shown. */
  readonly files: number | null;
  readonly sampled: readonly string[];
  /** Whose work it gave back. */
  readonly reassigned: readonly string[];
  readonly approved: boolean;
}

const REASSIGNED_MAX = 200;

const editLast = (meta: RosterMeta, change: (last: SystemReview) => SystemReview): void => {
  const all = meta.systemReviews ?? [];
  const last = all.at(-1);
  if (last !== undefined) meta.systemReviews = [...all.slice(0, -1), change(last)];
};

/** The Boss is asked. */
export const noteAsked = (draft: Draft, sample: FileSample | undefined): void => {
  const meta = draft.editMeta();
  const asked: SystemReview = {
    review: meta.finalReviews,
    files: sample?.total ?? null,
    sampled: (sample?.files ?? []).map(({ path }) => path),
    reassigned: [],
    approved: false,
  };
  meta.systemReviews = [...(meta.systemReviews ?? []), asked];
};

/** The Boss gave work back; before it was asked that is a review like any other. */
export const noteReassigned = (draft: Draft, agent: string): void => {
  if (draft.meta.finalReview !== 'asked') return;
  editLast(draft.editMeta(), (last) => ({
    ...last,
    reassigned: [...new Set([...last.reassigned, agent])].slice(0, REASSIGNED_MAX),
  }));
};

export const noteApproved = (draft: Draft): void => {
  editLast(draft.editMeta(), (last) => ({ ...last, approved: true }));
};
