/** The limits of one shard, with their defaults. */
export interface ShardLimits {
  /** Most milliseconds of one turn's synchronous messages before the actor queues again. */
  readonly turnMs: number;
  /** Most milliseconds of turns before the shard lets the event loop go round. */
  readonly sliceMs: number;
  /** How long a turn may go on after its actor was told to stop. */
  readonly stopGraceMs: number;
  readonly creditLimit: number;
  /** Idle time after which a durable actor leaves the memory; Infinity: never. An actor's own option goes before. */
  readonly passivateAfterMs: number;
  /** Durable actors in memory above which those that have rested longest leave it; Infinity: no cap. */
  readonly residentMax: number;
  /** A checkpoint is due after so many entries of the step log and spawns, or so many bytes of states. */
  readonly checkpointEntries: number;
  readonly checkpointBytes: number;
}

export const SHARD_LIMITS: ShardLimits = {
  turnMs: 10,
  sliceMs: 10,
  stopGraceMs: 5_000,
  creditLimit: 16_384,
  passivateAfterMs: 300_000,
  residentMax: 12_500,
  checkpointEntries: 4_000,
  checkpointBytes: 64 * 1024 * 1024,
};
