// Without swc no .ts file would be read and every rule would hold.
require.resolve('@swc/core');

/**
 * The import rules that keep Encore's shape; ARCHITECTURE.md's invariants name them. Run by `npm run imports`.
 *
 * TypeScript is read by swc, types included: dependency-cruiser does not know the compiler's version 7.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment:
        'Modules that import each other cannot be understood, tested or loaded alone. Move what both need into a third one. (Types alone may go both ways: nothing is loaded for them.)',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      comment:
        'An import that leads nowhere escapes every other rule. Give the path with its .ts, or declare the package in package.json.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^aws-lambda$' },
    },
    {
      name: 'core-is-pure',
      comment:
        'Core computes; it does no I/O and knows no platform. Take what is needed as an argument, or describe it in ports.ts and implement it in functions/shared/adapters. Only ml-matrix may come from outside.',
      severity: 'error',
      from: { path: '^layers/core/src/' },
      to: { pathNot: ['^layers/core/src/', '^node_modules/ml-matrix/'] },
    },
    {
      name: 'handlers-do-not-import-handlers',
      comment:
        'A function must be deployable without any other. Share through functions/shared or @encore/core; nothing shared may need a function.',
      severity: 'error',
      from: { path: '^functions/([^/]+)/' },
      to: { path: '^functions/[^/]+/', pathNot: ['^functions/$1/', '^functions/shared/'] },
    },
    {
      name: 'stacks-reference-runtime-by-path-only',
      comment:
        'Synthesis must not run what is deployed. Name the source folder; import only env.ts (types), routes.ts, shared/tables.ts and shared/metrics.ts. lib/local runs the handlers and may import them all; lib/report and lib/openapi have rules of their own.',
      severity: 'error',
      from: { path: ['^lib/', '^bin/app\\.ts$'], pathNot: '^lib/(local|report|openapi)/' },
      to: {
        path: ['^functions/', '^layers/core/src/'],
        pathNot: [
          '^functions/[^/]+/env\\.ts$',
          '^functions/routes\\.ts$',
          '^functions/shared/(tables|metrics)\\.ts$',
        ],
      },
    },
    {
      name: 'stacks-do-not-import-the-local-stack',
      comment:
        'lib/local is for one machine, the rest of lib for AWS. Put what both need beside the definitions in functions/shared.',
      severity: 'error',
      from: { path: ['^lib/', '^bin/app\\.ts$'], pathNot: '^lib/local/' },
      to: { path: '^lib/local/' },
    },
    {
      name: 'openapi-reads-contracts-only',
      comment:
        'The document is made of what routes take and give, not of what they do. Put what it needs to know into contract.ts.',
      severity: 'error',
      from: { path: '^lib/openapi/' },
      to: {
        path: '^functions/',
        pathNot: [
          '^functions/[^/]+/(artists-)?contract\\.ts$',
          '^functions/routes\\.ts$',
          '^functions/shared/http\\.ts$',
        ],
      },
    },
    {
      name: 'report-only-writes',
      comment:
        'A report is made of figures: data in, text out. Let the command line measure, read and write; core computes; only the types and names of core, and what draws, may come in.',
      severity: 'error',
      from: { path: '^lib/report/' },
      to: { pathNot: ['^lib/report/', '^layers/core/src/train\\.ts$', '^node_modules/(vega|vega-lite)/'] },
    },
    {
      name: 'serving-never-imports-training',
      comment:
        'A request must not load training code, not even through a third module. Move what both need into a module of its own that needs neither: what scores lies in scoring/ and fold-in/, what fits in candidates/, factors/ and features/.',
      severity: 'error',
      from: {
        path: [
          '^layers/core/src/(serve|recommend|explain)\\.ts$',
          '^layers/core/src/(scoring|fold-in|listing|catalogue|experiment|import)/',
          '^functions/(recommend|events|experiments)/',
        ],
      },
      to: {
        path: [
          '^layers/core/src/(factors|features|candidates|evaluate|tune)/',
          '^layers/core/src/publish/(?!pointer\\.ts$)',
          '^layers/core/src/data/(hetrec|split|synthetic|scan-rows|order-rows|report|fingerprint)\\.ts$',
          '^layers/core/src/rank/(train-ranker|train-boosted-trees|train-mlp|logistic-regression)\\.ts$',
          '^layers/core/src/(train|train-model|options|presets)\\.ts$',
        ],
        reachable: true,
      },
    },
    {
      name: 'page-computes-with-the-browser-alone',
      comment:
        'The page is what a browser loads. Of the functions it may know types (they are gone when it is built), of core what reads exports of listening and its entry for pages; nothing of the cloud, of this machine or of training.',
      severity: 'error',
      from: { path: '^web/src/' },
      to: {
        path: ['^(bin|lib|functions|test)/', '^layers/core/src/(?!import\\.ts$|page\\.ts$)'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'runtime-never-imports-cdk',
      comment:
        'CDK runs at synthesis only. What a function has to know of the stack comes to it through its environment (env.ts).',
      severity: 'error',
      from: { path: '^(functions|layers)/' },
      to: { path: '^node_modules/(aws-cdk-lib|aws-cdk|constructs)/' },
    },
    {
      name: 'product-never-imports-tests',
      comment: 'Tests come on top. Move what the product needs out of test/.',
      severity: 'error',
      from: { path: '^(bin|lib|functions|layers|web)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // Declarations say which types exist, not what is loaded.
    exclude: { path: '\\.d\\.ts$' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
