declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** An in-process DynamoDB over HTTP. @see dynalite 4.0.0 `index.js` */
  function dynalite(options?: {
    /** Folder of its LevelDB; in memory without one. */
    readonly path?: string;
    /** Milliseconds that a table stays in state CREATING. */
    readonly createTableMs?: number;
  }): Server;

  export = dynalite;
}
