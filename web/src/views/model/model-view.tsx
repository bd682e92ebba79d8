import type { View } from '../view.ts';

export function ModelView(_: View) {
  return <h1>Model</h1>;
}
