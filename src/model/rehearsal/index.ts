/** The rehearsal model: plays the society's protocol without a language model. */
export { createRehearsal, FailureCounter } from './rehearsal-model.ts';
export { callsOf as chatCallsOf } from './chat.ts';
export { Outage, OUTAGE_TEXT } from './outage.ts';
export {
  agentsOfShape,
  checkShapeFits,
  FAILURE_KINDS,
  parseRehearsalOptions,
  rehearsalOptionsSchema,
  type FailureKind,
  type RehearsalOptions,
} from './options.ts';
export { makePlan, type PlannedAgent, type SubmittedPlan } from './planner.ts';
export {
  rehearse,
  rehearseBody,
  type RawCompletion,
  type RehearsalOutcome,
  type Script,
  type WireRequest,
} from './rehearse.ts';
// For playbooks, which decide by the same reading of a request.
export {
  finish,
  openList,
  waiting,
  type Call,
  type Decision,
  type Item,
  type Persona,
  type Progress,
} from './progress.ts';
export { dueReviews } from './reviewing.ts';
export { faultsOf } from './document.ts';
export type { Action, Mail } from './transcript.ts';
