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
export { rehearse, rehearseBody, type RawCompletion, type RehearsalOutcome, type WireRequest } from './rehearse.ts';
