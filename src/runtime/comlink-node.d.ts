/** Comlink's adapter for MessagePorts of Node ships without types for this kind of module resolution. */
declare module 'comlink/dist/esm/node-adapter.mjs' {
  import type { Endpoint } from 'comlink';
  import type { MessagePort } from 'node:worker_threads';

  const nodeEndpoint: (port: MessagePort) => Endpoint;
  export default nodeEndpoint;
}
