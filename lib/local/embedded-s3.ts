import { buildApp } from 'fauxqs';
import { createS3FolderPersistence, type S3Persistence } from './s3-folder-persistence.ts';

/** An S3 that runs inside this process. */
export interface EmbeddedS3 {
  readonly endpoint: string;
  /** Creates a bucket unless it is there already. */
  createBucket(name: string): void;
  close(): Promise<void>;
}

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;
type S3Store = Stores['s3Store'];

/** S3 takes 5 GB in one PUT; fauxqs takes 11 MiB unless told otherwise. */
const LARGEST_OBJECT_BYTES = 1_073_741_824;

/**
 * Starts fauxqs on a free loopback port, with conditional writes, which it would silently ignore.
 *
 * Only `If-None-Match: *` and `If-Match` on PUT are added; no versioning, no tagging.
 *
 * @param folder - Where its objects survive a restart, one file each; `null` keeps them in memory.
 */
export async function startEmbeddedS3(folder: string | null): Promise<EmbeddedS3> {
  const stores = await createStores();
  const { s3Store } = stores;
  if (folder !== null) {
    const persistence: S3Persistence = createS3FolderPersistence(folder);
    // Loaded before it is attached, so that loading does not write everything again.
    persistence.loadS3(s3Store);
    s3Store.persistence = persistence;
  }
  const app = buildApp({ logger: false, stores });
  app.removeContentTypeParser('*');
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: LARGEST_OBJECT_BYTES },
    (_request: unknown, body: Buffer, done: (error: Error | null, body: Buffer) => void) => done(null, body),
  );
  // After the body has arrived and synchronously before the write, so that two writers cannot both pass.
  app.addHook<{ Params: ObjectPath }>('preHandler', (request, reply, done) => {
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
    if (request.method !== 'PUT' || (ifMatch === undefined && ifNoneMatch === undefined)) {
      done();
      return;
    }
    const etag = currentEtag(s3Store, request.params);
    if (ifMatch !== undefined && etag === undefined) {
      void reply.status(404).header('content-type', 'application/xml').send(errorXml('NoSuchKey'));
    } else if (ifMatch !== undefined ? etag !== ifMatch : etag !== undefined) {
      void reply.status(412).header('content-type', 'application/xml').send(errorXml('PreconditionFailed'));
    } else {
      done();
    }
  });
  const endpoint = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    endpoint,
    createBucket: (name) => {
      if (!s3Store.hasBucket(name)) s3Store.createBucket(name);
    },
    close: () => app.close(),
  };
}

/** The parameters of fauxqs's route `/:bucket/*`. */
interface ObjectPath {
  readonly bucket: string;
  readonly '*': string;
}

function currentEtag(s3Store: S3Store, { bucket, '*': key }: ObjectPath): string | undefined {
  try {
    return s3Store.headObject(bucket, key).etag;
  } catch {
    return undefined;
  }
}

function errorXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`;
}

/**
 * `buildApp` lets a store be passed in but its package exports none, and `startFauxqs`, which could keep objects,
 * listens on every interface and takes no hooks. So the stores come from beside the public entry; the version of
 * the package is pinned exactly.
 */
async function createStores(): Promise<Stores> {
  const entry = import.meta.resolve('fauxqs');
  const load = async <Module>(path: string): Promise<Module> => import(new URL(path, entry).href);
  const { SqsStore } = await load<{ SqsStore: new () => Stores['sqsStore'] }>('./sqs/sqsStore.js');
  const { SnsStore } = await load<{ SnsStore: new () => Stores['snsStore'] }>('./sns/snsStore.js');
  const { S3Store } = await load<{ S3Store: new () => S3Store }>('./s3/s3Store.js');
  return { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
}
