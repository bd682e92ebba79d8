import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { buildCoreLayer } from './build-core-layer.ts';
import type { BuiltFolder } from './built-folder.ts';
import { bundleFunction } from './bundle-function.ts';

/** Functions as they are deployed, on this machine. */
export interface StagedFunctions {
  readonly layer: BuiltFolder;
  /** By the function's folder under `functions/`; each has a `handler.mjs`. */
  readonly bundles: ReadonlyMap<string, BuiltFolder>;
}

/**
 * Builds the layer and the bundles that are deployed, and lays them out so that plain Node.js finds the layer: as `node_modules`
 * above the bundles. Lambda finds it in `/opt` by `NODE_PATH`, which only its own loader honours for ES modules.
 *
 * @param folder - What is there of an earlier build is replaced.
 * @param names - Folders under `functions/`.
 */
export function stageFunctions(folder: string, names: readonly string[]): StagedFunctions {
  const layer = buildCoreLayer(join(folder, 'layer'));
  stageLayer(layer, folder);
  const bundles = names.map((name) => {
    // Side by side: a bundle within another would be part of that one's hash.
    const outDir = join(folder, 'functions', name.replaceAll('/', '-'));
    return [name, bundleFunction(`functions/${name}/handler.ts`, outDir)] as const;
  });
  return { layer, bundles: new Map(bundles) };
}

/** Puts a built layer's packages into `folder/node_modules`, where everything below `folder` finds them. */
function stageLayer(layer: BuiltFolder, folder: string): void {
  cpSync(join(layer.folder, 'nodejs/node_modules'), join(folder, 'node_modules'), { recursive: true });
}
