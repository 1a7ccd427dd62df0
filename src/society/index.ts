/** The rules of a society as data and pure functions. */
export * from './agent-state.ts';
export * from './chat.ts';
export * from './checklist.ts';
export * from './final-review.ts';
export * from './limits.ts';
export * from './mail.ts';
export * from './names.ts';
export * from './plan.ts';
export * from './quiet.ts';
export * from './quota.ts';
export * from './report.ts';
export * from './roster.ts';
export * from './roster-hire.ts';
export * from './roster-state.ts';
export * from './roster-view.ts';
export * from './roster-work.ts';
export * from './tool-result.ts';
