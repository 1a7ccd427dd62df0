/**
 * The part of msgpackr that is all JavaScript. The declarations that come with it lead nowhere for an ES module; it has what
 * the whole has.
 */
declare module 'msgpackr/pack' {
  export { addExtension, pack, Packr, unpack } from 'msgpackr';
}
