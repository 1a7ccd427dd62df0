/** Models whose answers come from a file, and files made of a model's answers. */
export { Redaction } from './format.ts';
export { createCassette, type CassetteOptions } from './player.ts';
export { recordTo, type RecorderOptions } from './recorder.ts';
