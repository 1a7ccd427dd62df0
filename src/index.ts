/**
 * Megactor: durable actors on worker threads, and societies of LLM agents on top of them. This file is the whole public
 * surface, beside `megactor/testing` and `megactor/workspace`.
 */
export {
  addRoutee,
  broadcast,
  consistentHash,
  defineActor,
  message,
  removeRoutee,
  request,
  roundRobin,
  routeeFor,
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  type DeadLetter,
  type DeadLetterReason,
  type MailOf,
  type Placement,
  type Router,
  type SpawnOptions,
} from './actor/index.ts';
export { type EventRecord, type EventType } from './protocol/event.ts';
export { ERROR_CATALOGUE, MegactorError, type ErrorCode, type ErrorFamily } from './protocol/errors.ts';
export {
  type CreateService,
  type ServiceHost,
  type ServiceInstance,
  type ServiceName,
  type ServiceSpec,
} from './protocol/service.ts';
export {
  compactRun,
  continueRun,
  inspectRun,
  pauseRun,
  rehearse,
  replayRun,
  resumeRun,
  runFiles,
  runSociety,
  stopRun,
  tellRun,
} from './run/index.ts';
export type {
  Assumptions,
  FilesOptions,
  Forecast,
  ForecastOptions,
  ForecastProgress,
  InspectedAgent,
  Inspection,
  ResumeOptions,
  Run,
  RunFiles,
  RunOptions,
  RunProgress,
  RunReason,
  RunStatus,
  RunSummary,
  TextDelta,
  TextStream,
  PlanDecided,
  SteeringResult,
  Told,
} from './run/index.ts';
export { ActorSystem } from './runtime/index.ts';
export type { ApprovalKind, HumanQuestion, ReportQuestion } from './society/index.ts';
