import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import { FUNCTION_NAMES, type FunctionName } from '../../lib/build/function-names.ts';
import { addStage } from '../../lib/encore-app.ts';

const ROOT = join(import.meta.dirname, '../..');
const cdkJson = z.object({ context: z.record(z.string(), z.unknown()) });

/** The templates of one stage, made with the feature flags of cdk.json and without bundling. */
export interface StageTemplates {
  readonly data: Template;
  readonly training: Template;
  readonly serving: Template;
  readonly observability: Template;
  /** `null` where the stage has no page. */
  readonly page: Template | null;
}

type Context = Readonly<Record<string, unknown>>;

const JWT = { auth: 'jwt', jwtIssuer: 'https://login.example.org/pool', jwtAudience: 'page' };

const PAGE = {
  pageClientId: 'page',
  pageSignInOrigins: 'https://tokens.example.org',
  pageDomain: 'music.example.org',
  pageCertificate: 'arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000',
};

/** What may be deployed, by what its context says. */
export const VARIANTS = {
  dev: {},
  demo: { auth: 'demo' },
  'prod, iam': { stage: 'prod' },
  'prod, jwt': {
    stage: 'prod',
    ...JWT,
    ...PAGE,
    adminScope: 'music/admin',
    corsOrigins: 'https://shop.example.org',
  },
  'prod, jwt, workflow': { stage: 'prod', ...JWT, training: 'workflow', alarmEmail: 'ops@example.org' },
} as const satisfies Readonly<Record<string, Context>>;

/** Nothing is bundled or copied, and templates name the folders of the sources. */
const UNBUNDLED: Context = {
  'aws:cdk:bundling-stacks': [],
  'aws:cdk:disable-asset-staging': true,
  'aws:cdk:enable-asset-metadata': true,
};

/** An app with the feature flags of cdk.json, without bundling. */
export function newApp(context: Context): App {
  const flags = cdkJson.parse(JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'))).context;
  return new App({ context: { ...flags, ...UNBUNDLED, ...context } });
}

export function synthesise(context: Context = {}): StageTemplates {
  const app = newApp(context);
  const { data, training, serving, observability, page } = addStage(app);
  return {
    data: Template.fromStack(data),
    training: Template.fromStack(training),
    serving: Template.fromStack(serving),
    observability: Template.fromStack(observability),
    page: page === null ? null : Template.fromStack(page),
  };
}

const resource = z.object({
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.unknown().optional(),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
export type Resource = z.output<typeof resource>;

/** The resources of one type, by logical id. */
export function resourcesOf(template: Template, type: string): Readonly<Record<string, Resource>> {
  return z.record(z.string(), resource).parse(template.findResources(type));
}

/** The properties of the resources of one type. */
export function propertiesOf(template: Template, type: string): readonly Resource['Properties'][] {
  return Object.values(resourcesOf(template, type)).map(({ Properties }) => Properties);
}

const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((found) => [found]), z.array(item)]);

/** Writes a value made of intrinsic functions as one line: `<logical id or construct>` between the literal parts. */
const line: z.ZodType<string> = z.lazy(() =>
  z.union([
    z.string(),
    z
      .object({ 'Fn::Join': z.tuple([z.literal(''), z.array(line)]) })
      .transform(({ 'Fn::Join': [, parts] }) => parts.join('')),
    z
      .object({ 'Fn::GetAtt': z.array(z.string()) })
      .transform((found) => `<${found['Fn::GetAtt'].join('.')}>`),
    // `stack:ExportsOutputFnGetAtt<construct><hash>Arn<hash>`: the construct is what matters.
    z
      .object({ 'Fn::ImportValue': z.string().regex(/Output(FnGetAtt|Ref)[A-Z][a-z]+/) })
      .transform(
        (found) => `<${found['Fn::ImportValue'].replace(/.*Output(?:FnGetAtt|Ref)([A-Z][a-z]+).*/, '$1')}>`,
      ),
    z.object({ Ref: z.string() }).transform(({ Ref }) => `<${Ref}>`),
    z
      .object({
        'Fn::Select': z.tuple([z.number(), z.object({ 'Fn::Split': z.tuple([z.string(), line]) })]),
      })
      .transform(
        ({ 'Fn::Select': [part, { 'Fn::Split': split }] }) => `${split[1]}.split(${split[0]})[${part}]`,
      ),
  ]),
);

const exported = z.object({ Value: z.unknown(), Export: z.object({ Name: z.string() }) });
const imported = z.object({ 'Fn::ImportValue': z.string() });

/**
 * A value as one line: `<logical id>` stands for the name of a resource, `<logical id.attribute>` for what else is known of it.
 *
 * @param exporter - The stack that the value is imported from, where it is: it says of what.
 */
export function lineOf(value: unknown, exporter: Template): string {
  const exports = new Map(
    Object.values(exporter.findOutputs('*')).flatMap((output) => {
      const { data } = exported.safeParse(output);
      return data === undefined ? [] : [[data.Export.Name, data.Value] as const];
    }),
  );
  const followed: unknown = JSON.parse(JSON.stringify(value), (_, part: unknown) => {
    const { data } = imported.safeParse(part);
    return data === undefined ? part : exports.get(data['Fn::ImportValue']);
  });
  return line.parse(followed);
}

const policy = z.object({
  PolicyDocument: z.object({
    Statement: z.array(
      z.object({
        Effect: z.literal('Allow'),
        Action: oneOrMore(z.string()),
        Resource: oneOrMore(line),
      }),
    ),
  }),
});

/** What the role of a function may do: `action on resource`, in the order of the statements. */
export function grantsOf(template: Template, functionId: string): readonly string[] {
  return propertiesOf(template, 'AWS::IAM::Policy')
    .filter(({ PolicyName }) => String(PolicyName).startsWith(functionId))
    .flatMap((properties) => policy.parse(properties).PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((on) => `${action} on ${on}`)),
    );
}

const lambda = z.object({
  Layers: z.array(line),
  Role: line,
  LoggingConfig: z.object({ LogGroup: line }),
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
  Timeout: z.number(),
});
const madeOf = z.object({
  'aws:asset:path': z
    .string()
    .transform((folder) => relative(join(ROOT, 'functions'), folder))
    .pipe(z.enum(FUNCTION_NAMES)),
});

export type LambdaProperties = z.output<typeof lambda> & {
  /** The folder under `functions/` whose handler it runs. */
  readonly source: FunctionName;
};

/** The Lambda functions of a template, by logical id. */
export function functionsOf(template: Template): ReadonlyMap<string, LambdaProperties> {
  return new Map(
    Object.entries(resourcesOf(template, 'AWS::Lambda::Function')).map(([id, { Properties, Metadata }]) => [
      id,
      { ...lambda.parse(Properties), source: madeOf.parse(Metadata)['aws:asset:path'] },
    ]),
  );
}

/** What a function is told, in a stage with this data. */
export function variablesOf(
  { Environment }: LambdaProperties,
  data: Template,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(Environment.Variables).map(([name, value]) => [name, lineOf(value, data)]),
  );
}
