import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { AuthMode } from '../functions/routes.ts';
import { ALLOWED_ORIGINS, parseOrigins } from './cors.ts';

/** The stages that may be deployed; each has stacks, data and models of its own. */
const STAGES = ['dev', 'prod'] as const;
type Stage = (typeof STAGES)[number];

/** What the training event may name. */
const PRESETS = ['seed', 'full'] as const;

/** What trains: one function, or a state machine of many for what one cannot do within its 15 minutes. */
const TRAININGS = ['function', 'workflow'] as const;

/** How callers are known, see `functions/routes.ts`. `open` is for a loopback address and nothing that is deployed. */
const AUTHS = ['iam', 'jwt', 'demo'] as const satisfies readonly AuthMode[];

/** What the HTTP API knows its callers by. */
export type AuthConfig =
  | { readonly mode: 'iam' | 'demo'; readonly adminScope: string }
  | {
      readonly mode: 'jwt';
      /** Whose tokens count: `https://cognito-idp.eu-central-1.amazonaws.com/<pool>`. */
      readonly issuer: string;
      /** What they are made for; one of these. */
      readonly audience: readonly string[];
      /** The scope that tokens of those who run the service have. */
      readonly adminScope: string;
    };

/** The page in the cloud. */
export interface PageSettings {
  /** The page as the OpenID provider knows it; `null` where nobody signs in. */
  readonly signIn: {
    readonly clientId: string;
    /** All that the page asks of the provider is asked of one of these: the issuer's own origin first. */
    readonly origins: readonly string[];
  } | null;
  /** Where people find it; `null` for a name that CloudFront makes up. */
  readonly domain: { readonly name: string; readonly certificateArn: string } | null;
}

/** What one stage is made with. */
export interface StageConfig {
  readonly stage: Stage;
  /** What the schedule trains on: `datasets/<dataset>/` in the stage's bucket. */
  readonly dataset: string;
  readonly preset: (typeof PRESETS)[number];
  readonly training: (typeof TRAININGS)[number];
  /** IANA time zone of `retrainHour`: the night is where the listeners are. */
  readonly timeZone: string;
  /** Hour of the day, 0-23, at which the schedule starts a training. */
  readonly retrainHour: number;
  readonly logRetention: RetentionDays;
  /** Whether CloudFormation refuses to delete the tables. */
  readonly deletionProtection: boolean;
  readonly auth: AuthConfig;
  /** `null` where there is no page. */
  readonly page: PageSettings | null;
  /** Requests that the HTTP API lets through: `rate` a second on average, `burst` at once. */
  readonly throttle: { readonly rate: number; readonly burst: number };
  /** Pages of which origins may read answers: `['*']` are all, none is no CORS at all. */
  readonly corsOrigins: readonly string[];
  /** Who is told of alarms; `null` where nobody is: they are seen on the dashboard. */
  readonly alarmEmail: string | null;
  /** Where `docs/runbook.md` can be read: alarms link to its sections. */
  readonly runbookUrl: string;
}

/** What differs between stages on purpose. */
const BY_STAGE = {
  dev: {
    logRetention: RetentionDays.ONE_WEEK,
    deletionProtection: false,
    throttle: { rate: 20, burst: 40 },
  },
  prod: {
    logRetention: RetentionDays.ONE_MONTH,
    deletionProtection: true,
    throttle: { rate: 200, burst: 400 },
  },
} as const satisfies Record<Stage, Pick<StageConfig, 'logRetention' | 'deletionProtection' | 'throttle'>>;

/** Anybody may ask a demo, so it is asked slowly. */
const DEMO_THROTTLE = { rate: 5, burst: 10 };

/** Everything that a context may say of a stage. */
const KEYS = [
  'stage',
  'dataset',
  'preset',
  'training',
  'timeZone',
  'retrainHour',
  'auth',
  'jwtIssuer',
  'jwtAudience',
  'adminScope',
  'pageClientId',
  'pageSignInOrigins',
  'pageDomain',
  'pageCertificate',
  'corsOrigins',
  'alarmEmail',
  'runbookUrl',
] as const;
type Key = (typeof KEYS)[number];

/**
 * Reads a stage's configuration from the CDK context (`-c stage=prod -c timeZone=Europe/Berlin`).
 *
 * Defaults: stage `dev`, dataset `hetrec2011-lastfm-2k`, preset `full`, training `function`, timeZone `UTC`, retrainHour 3, auth `iam`,
 * adminScope `encore/admin`, with jwt no page unless there is a pageClientId, no pageDomain, no corsOrigins, no alarmEmail, runbookUrl `docs/runbook.md`.
 *
 * @param context - All of it. Keys of CDK's own have a sign that is no letter; any other key that is unknown is refused.
 * @throws When a value is not allowed: the message says what was given and what is allowed.
 */
export function readStageConfig(context: Readonly<Record<string, unknown>>): StageConfig {
  refuseUnknownKeys(context);
  const read = (key: Key): unknown => context[key];
  const stage = oneOf('stage', read('stage') ?? 'dev', STAGES);
  const auth = readAuth(read, stage);
  const byStage = BY_STAGE[stage];
  return {
    stage,
    dataset: parseDataset(read('dataset') ?? 'hetrec2011-lastfm-2k'),
    preset: oneOf('preset', read('preset') ?? 'full', PRESETS),
    training: oneOf('training', read('training') ?? 'function', TRAININGS),
    timeZone: parseTimeZone(read('timeZone') ?? 'UTC'),
    retrainHour: parseHour(read('retrainHour') ?? 3),
    auth,
    page: readPage(read, stage, auth),
    corsOrigins: parseCorsOrigins(read('corsOrigins') ?? ''),
    alarmEmail: parseEmail(read('alarmEmail') ?? null),
    runbookUrl: parseRunbookUrl(read('runbookUrl') ?? 'docs/runbook.md'),
    ...byStage,
    throttle: auth.mode === 'demo' ? DEMO_THROTTLE : byStage.throttle,
  };
}

/** A key that is spelt wrong would leave its default in force, and nobody would know. */
function refuseUnknownKeys(context: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(context).find(
    (key) => /^[A-Za-z]+$/.test(key) && !KEYS.some((known) => known === key),
  );
  if (unknown === undefined) return;
  throw new Error(`there is no context key ${unknown}: allowed are ${KEYS.join(', ')}`);
}

function readAuth(read: (key: Key) => unknown, stage: Stage): AuthConfig {
  const mode = oneOf('auth', read('auth') ?? 'iam', AUTHS);
  const adminScope = parseScope(read('adminScope') ?? 'encore/admin');
  if (mode === 'demo' && stage === 'prod') {
    refuse('auth', mode, 'iam or jwt for the stage prod: a demo is open to everybody');
  }
  if (mode === 'jwt') {
    return {
      mode,
      issuer: parseIssuer(read('jwtIssuer')),
      audience: parseAudience(read('jwtAudience')),
      adminScope,
    };
  }
  for (const key of ['jwtIssuer', 'jwtAudience', 'adminScope'] as const) {
    const value = read(key);
    if (value !== undefined) refuse(key, value, `nothing with auth=${mode}: only auth=jwt has tokens`);
  }
  return { mode, adminScope };
}

/** There is a page for people who sign in to it, and for those who need not: not where only services may ask. */
function readPage(read: (key: Key) => unknown, stage: Stage, auth: AuthConfig): PageSettings | null {
  const hasPage = auth.mode === 'demo' || (auth.mode === 'jwt' && read('pageClientId') !== undefined);
  const useless = [
    ...(hasPage && auth.mode === 'jwt' ? [] : (['pageClientId', 'pageSignInOrigins'] as const)),
    ...(hasPage ? [] : (['pageDomain', 'pageCertificate'] as const)),
  ];
  for (const key of useless) {
    const value = read(key);
    if (value === undefined) continue;
    const why = auth.mode === 'jwt' ? 'there is no page without pageClientId' : WITHOUT_SIGN_IN[auth.mode];
    refuse(key, value, `nothing with auth=${auth.mode}: ${why}`);
  }
  if (!hasPage) return null;
  const signIn =
    auth.mode === 'jwt'
      ? {
          clientId: parseClientId(read('pageClientId')),
          origins: [
            ...new Set([new URL(auth.issuer).origin, ...parseSignInOrigins(read('pageSignInOrigins') ?? '')]),
          ],
        }
      : null;
  return { signIn, domain: readDomain(read, stage) };
}

const WITHOUT_SIGN_IN = {
  iam: 'there is no page',
  demo: 'nobody signs in to a demo',
} as const;

/** A domain needs a certificate, and the other way round. */
function readDomain(read: (key: Key) => unknown, stage: Stage): PageSettings['domain'] {
  const isLeftOut = (['pageDomain', 'pageCertificate'] as const).every((key) => read(key) === undefined);
  if (isLeftOut && stage !== 'prod') return null;
  return {
    name: parseDomain(read('pageDomain')),
    certificateArn: parseCertificate(read('pageCertificate')),
  };
}

function oneOf<const Allowed extends readonly string[]>(
  key: Key,
  value: unknown,
  allowed: Allowed,
): Allowed[number] {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) refuse(key, value, `one of ${allowed.join(', ')}`);
  return found;
}

function parseDataset(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)) {
    refuse('dataset', value, '1 to 64 letters, digits, ".", "_" or "-", a letter or digit first');
  }
  return value;
}

function parseTimeZone(value: unknown): string {
  try {
    // Intl also takes offsets such as +02:00, which EventBridge Scheduler does not.
    if (typeof value === 'string' && /^[A-Z]/i.test(value))
      return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
  } catch {
    // Refused below, with a message of ours.
  }
  return refuse('timeZone', value, 'an IANA time zone such as UTC or Europe/Berlin');
}

function parseHour(value: unknown): number {
  // The command line gives every value as text.
  const hour = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof hour !== 'number' || !Number.isInteger(hour) || hour < 0 || hour > 23) {
    refuse('retrainHour', value, 'a whole hour from 0 to 23');
  }
  return hour;
}

function parseCorsOrigins(value: unknown): readonly string[] {
  const origins = typeof value === 'string' ? parseOrigins(value) : undefined;
  return origins ?? refuse('corsOrigins', value, ALLOWED_ORIGINS);
}

/** API Gateway fetches the issuer's keys from below this address. */
function parseIssuer(value: unknown): string {
  const isIssuer =
    typeof value === 'string' &&
    URL.canParse(value) &&
    value.startsWith('https://') &&
    !/[?#\s]/.test(value) &&
    new URL(value).username === '';
  return isIssuer
    ? value
    : refuse('jwtIssuer', value, 'with auth=jwt the https address that tokens name as their issuer');
}

function parseAudience(value: unknown): readonly string[] {
  const parts = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : [];
  return parts.length > 0 && parts.every((part) => /^\S{1,256}$/.test(part))
    ? [...new Set(parts)]
    : refuse('jwtAudience', value, 'with auth=jwt the audiences or client ids of tokens, joined by commas');
}

function parseScope(value: unknown): string {
  // RFC 6749, 3.3.
  return typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/.test(value)
    ? value
    : refuse(
        'adminScope',
        value,
        'one scope of 1 to 128 printable characters without blanks, quotes or "\\"',
      );
}

function parseClientId(value: unknown): string {
  return typeof value === 'string' && /^[\x21-\x7E]{1,256}$/.test(value)
    ? value
    : refuse('pageClientId', value, 'the id by which the OpenID provider knows the page, without blanks');
}

function parseSignInOrigins(value: unknown): readonly string[] {
  const origins = typeof value === 'string' ? parseOrigins(value) : undefined;
  return origins !== undefined && origins.every((origin) => origin.startsWith('https://'))
    ? origins
    : refuse(
        'pageSignInOrigins',
        value,
        'a comma-separated list of https origins such as https://login.example.org, without a path',
      );
}

function parseDomain(value: unknown): string {
  return typeof value === 'string' &&
    value.length <= 253 &&
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/.test(value)
    ? value
    : refuse(
        'pageDomain',
        value,
        'a host name in lower case such as music.example.org, with pageCertificate; the page of prod needs both',
      );
}

/** CloudFront takes certificates of one region only. */
function parseCertificate(value: unknown): string {
  return typeof value === 'string' && /^arn:aws:acm:us-east-1:\d{12}:certificate\/[\w-]{1,64}$/.test(value)
    ? value
    : refuse(
        'pageCertificate',
        value,
        'the ARN of a certificate for pageDomain in AWS Certificate Manager in us-east-1',
      );
}

function parseEmail(value: unknown): string | null {
  if (value === null) return null;
  return typeof value === 'string' && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)
    ? value
    : refuse('alarmEmail', value, 'an e-mail address');
}

function parseRunbookUrl(value: unknown): string {
  return typeof value === 'string' && value !== '' && !/[\s#]/.test(value)
    ? value
    : refuse('runbookUrl', value, 'where docs/runbook.md can be read, without "#"');
}

function refuse(key: Key, value: unknown, allowed: string): never {
  throw new Error(
    `context value ${key} is ${JSON.stringify(value) ?? 'missing'}: allowed is ${allowed}; set it with -c ${key}=VALUE`,
  );
}
