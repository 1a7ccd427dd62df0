/** What a system tells about itself: events, and counters in shared memory. */
export * from './counters.ts';
export * from './event-buffer.ts';
export * from './event-outlet.ts';
export * from './event-stream.ts';
export * from './event-writer.ts';
