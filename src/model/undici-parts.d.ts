/** The parts of undici that are used, which ship with types only as exports of the whole. */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';

  export default Pool;
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';

  /** What a dispatcher's `request` is in the whole. */
  const request: <Opaque>(
    this: Dispatcher,
    options: Dispatcher.RequestOptions<Opaque>,
  ) => Promise<Dispatcher.ResponseData<Opaque>>;
  export default request;
}

declare module 'undici/lib/handler/decorator-handler.js' {
  import { DecoratorHandler } from 'undici';

  export default DecoratorHandler;
}
