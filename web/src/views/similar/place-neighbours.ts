import { wrapName } from './wrap-name.ts';

/** How a map of neighbours is drawn. Lengths are in units of the drawing, the artist in the middle is at (0, 0). */
export interface MapShape {
  readonly width: number;
  readonly height: number;
  /** Where the least alike are: half axes of an ellipse. */
  readonly across: number;
  readonly down: number;
  /** Where the most alike is, as a share of the half axes. */
  readonly innermost: number;
  /** Neighbours at most. */
  readonly most: number;
  /** Where names stand: beyond their artist, or under it where there is no room beside. */
  readonly names: 'beside' | 'below';
  readonly fontSize: number;
}

/** Twelve on a table or a lap, six on a phone. */
export const WIDE: MapShape = {
  width: 720,
  height: 520,
  across: 210,
  down: 250,
  innermost: 0.5,
  most: 12,
  names: 'beside',
  fontSize: 14,
};
export const NARROW: MapShape = {
  width: 358,
  height: 440,
  across: 115,
  down: 215,
  innermost: 0.68,
  most: 6,
  names: 'below',
  fontSize: 13,
};

/** Sides of the squares that stand for artists. */
export const MIDDLE_SIZE = 56;
export const NEIGHBOUR_SIZE = 34;

/** Steepest slot of a side: the sine of its angle. */
const STEEPEST = 0.96;
const GAP = 6;

/** Where a neighbour stands, and its name beside it. */
export interface PlacedNeighbour {
  readonly x: number;
  readonly y: number;
  readonly name: PlacedName;
}

/** Lines of a name; `x` is where each begins, ends or has its middle, `y` the middle of the first. */
export interface PlacedName {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'end' | 'middle';
  readonly lines: readonly string[];
}

/** From the middle of one line of a name to the next. */
export const lineHeight = ({ fontSize }: Pick<MapShape, 'fontSize'>): number => 1.15 * fontSize;

/**
 * Places the neighbours of an artist around it: the more alike, the nearer, on rays of an ellipse.
 *
 * They are dealt to the right and the left in turn. The rays of a side are spread evenly over its height (evenly by their sines), and
 * the more alike take the flatter ones. So no row of a side comes nearer to another than the innermost ellipse would have them, whatever the
 * scores are: names beside their artists cannot meet, and no line to the middle crosses another artist.
 *
 * @param neighbours - Most alike first.
 * @returns In the same order, at most as many as the shape has room for.
 */
export function placeNeighbours(
  neighbours: readonly { readonly name: string; readonly score: number }[],
  shape: MapShape,
): readonly PlacedNeighbour[] {
  const shown = neighbours.slice(0, shape.most);
  const distances = distancesOf(
    shown.map(({ score }) => score),
    shape.innermost,
  );
  const slots = [slotsOf(Math.ceil(shown.length / 2)), slotsOf(Math.floor(shown.length / 2))] as const;
  return shown.map(({ name }, i) => {
    const side = i % 2 === 0 ? 1 : -1;
    // One side begins above, the other below: the map does not lean.
    const sine = side * slots[i % 2 === 0 ? 0 : 1][Math.floor(i / 2)]!;
    const x = side * shape.across * distances[i]! * Math.sqrt(1 - sine * sine);
    const y = shape.down * distances[i]! * sine;
    return { x, y, name: placeName(name, { x, y }, shape) };
  });
}

/** Shares of the half axes: the best score innermost, the least at 1; all between where there is no difference. */
function distancesOf(scores: readonly number[], innermost: number): readonly number[] {
  const best = Math.max(...scores);
  const span = best - Math.min(...scores);
  return scores.map((score) => innermost + (1 - innermost) * (span > 0 ? (best - score) / span : 0.5));
}

/** Sines of a side's rays, the flattest first, of two equally flat ones the upper. */
function slotsOf(n: number): readonly number[] {
  return Array.from({ length: n }, (_, row) => STEEPEST * ((2 * row + 1) / n - 1)).toSorted(
    (a, b) => Math.abs(Math.round(1e6 * a)) - Math.abs(Math.round(1e6 * b)) || a - b,
  );
}

function placeName(
  name: string,
  { x, y }: { readonly x: number; readonly y: number },
  shape: MapShape,
): PlacedName {
  const { fontSize, width, names } = shape;
  const half = NEIGHBOUR_SIZE / 2;
  if (names === 'below') {
    // Not over the edge of the map, nor over its middle, where the other side begins or the artist itself stands.
    const reachesMiddle = y + half < MIDDLE_SIZE / 2 && y + half + 2.5 * fontSize > -MIDDLE_SIZE / 2;
    const middle = reachesMiddle ? MIDDLE_SIZE / 2 : 0;
    const room = 2 * Math.min(width / 2 - Math.abs(x), Math.abs(x) - middle) - GAP;
    const lines = wrapName(name, room / fontSize);
    return { x, y: y + half + 0.85 * fontSize, anchor: 'middle', lines };
  }
  const side = x < 0 ? -1 : 1;
  const lines = wrapName(name, (width / 2 - Math.abs(x) - half - 2 * GAP) / fontSize);
  return {
    x: x + side * (half + GAP),
    y: y - ((lines.length - 1) / 2) * lineHeight(shape),
    anchor: side < 0 ? 'end' : 'start',
    lines,
  };
}
