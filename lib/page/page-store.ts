/** A file of the page as it is stored. */
export interface PageFile {
  readonly key: string;
  readonly body: Uint8Array | string;
  readonly contentType: string;
  readonly cacheControl: string;
}

/** Where the files of a deployed page lie. */
export interface PageStore {
  put(file: PageFile): Promise<void>;
  /** Its text; `null` where there is none. */
  read(key: string): Promise<string | null>;
  /** What lies below a prefix, and when it was last put there. */
  list(prefix: string): Promise<readonly { readonly key: string; readonly putAt: Date }[]>;
  delete(keys: readonly string[]): Promise<void>;
}
