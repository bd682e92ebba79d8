import type { View } from '../view.ts';

export function ListenView(_: View) {
  return <h1>Listen</h1>;
}
