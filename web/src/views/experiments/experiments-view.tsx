import type { View } from '../view.ts';

export function ExperimentsView(_: View & { readonly experimentKey: string | null }) {
  return <h1>Experiments</h1>;
}
