/** An artist that somebody came by. */
export interface Step {
  readonly artistId: string;
  readonly name: string;
}

/** How much of a path is kept. */
const LONGEST = 8;

/** The path once somebody is at an artist: up to it where it lies on the path, as after the browser's Back, else one longer. */
export function walk(path: readonly Step[], to: Step): readonly Step[] {
  const at = path.findIndex(({ artistId }) => artistId === to.artistId);
  return [...(at === -1 ? path : path.slice(0, at)), to].slice(-LONGEST);
}
