/** What `scripts/bundle.ts` and tests see of `built-from.mjs`. */
export declare const listOfSources: (root: string) => string;
export declare const listFile: (dist: string) => string;
export declare const isBuiltFromSources: (root: string) => boolean;
