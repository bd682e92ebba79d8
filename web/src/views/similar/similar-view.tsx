import type { View } from '../view.ts';

export function SimilarView(_: View & { readonly artistId: string | null }) {
  return <h1>Similar</h1>;
}
