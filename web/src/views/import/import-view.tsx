import type { View } from '../view.ts';

export function ImportView(_: View) {
  return <h1>Import</h1>;
}
