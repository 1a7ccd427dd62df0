/** The rehearsal as a model server over HTTP. */
export { NO_LIMITS, type RateLimits } from './limits.ts';
export { startRehearsalServer, type RehearsalServer, type RehearsalServerOptions } from './server.ts';
export type { PlantedFailure, ServerStats } from './stats.ts';
