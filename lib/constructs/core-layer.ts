import { Stack } from 'aws-cdk-lib';
import { Architecture, Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { join } from 'node:path';
import { buildCoreLayer } from '../build/build-core-layer.ts';
import { ROOT } from '../build/root.ts';

/**
 * `@encore/core` as a Lambda layer, built at synth.
 *
 * Each stack that runs functions has its own version of it: a layer shared between stacks could not be replaced, as
 * CloudFormation refuses to change an export that is in use.
 */
export class CoreLayer extends LayerVersion {
  /** Hash of the built layer; `unbuilt` where the stack's bundling is switched off. */
  readonly codeHash: string;

  constructor(scope: Construct, id: string) {
    const built = Stack.of(scope).bundlingRequired ? buildCoreLayer(join(ROOT, 'dist/layer')) : null;
    super(scope, id, {
      description: '@encore/core: everything Encore computes',
      code: Code.fromAsset(built?.folder ?? join(ROOT, 'layers/core/src')),
      compatibleRuntimes: [Runtime.NODEJS_24_X],
      compatibleArchitectures: [Architecture.ARM_64],
    });
    this.codeHash = built?.hash ?? 'unbuilt';
  }
}
