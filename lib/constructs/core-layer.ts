import { Stack } from 'aws-cdk-lib';
import { Architecture, Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { join } from 'node:path';
import { buildCoreLayer } from '../build/build-core-layer.ts';
import type { BuiltFolder } from '../build/built-folder.ts';
import { ROOT } from '../build/root.ts';

let build: BuiltFolder | undefined;

/** Core is built once per synthesis, so that all functions of a deployment run the same bytes. */
function builtCore(): BuiltFolder {
  build ??= buildCoreLayer(join(ROOT, 'dist/layer'));
  return build;
}

/**
 * `@encore/core` as a Lambda layer, built at synth.
 *
 * Each stack that runs functions has a layer version of its own, of the same asset: one that stacks shared could not be replaced, as
 * CloudFormation refuses to change an export that is in use.
 */
export class CoreLayer extends LayerVersion {
  /** Hash of the built layer; `unbuilt` where the stack's bundling is switched off. */
  readonly codeHash: string;

  constructor(scope: Construct, id: string) {
    const built = Stack.of(scope).bundlingRequired ? builtCore() : null;
    super(scope, id, {
      description: '@encore/core: everything Encore computes',
      code: Code.fromAsset(built?.folder ?? join(ROOT, 'layers/core/src')),
      compatibleRuntimes: [Runtime.NODEJS_24_X],
      compatibleArchitectures: [Architecture.ARM_64],
    });
    this.codeHash = built?.hash ?? 'unbuilt';
  }
}
