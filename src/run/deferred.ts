/** A promise with its settling functions outside, settled once. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly settled: boolean;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

export const deferred = <Value>(): Deferred<Value> => {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  // A rejection that nobody awaits yet is not a crash: whoever awaits it later still gets it.
  promise.catch(() => {});
  let settled = false;
  return {
    promise,
    get settled() {
      return settled;
    },
    resolve: (value) => {
      settled = true;
      resolve(value);
    },
    reject: (error) => {
      settled = true;
      reject(error);
    },
  };
};
