import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  lineHeight,
  MIDDLE_SIZE,
  NARROW,
  NEIGHBOUR_SIZE,
  placeNeighbours,
  WIDE,
  type MapShape,
  type PlacedNeighbour,
} from '../../web/src/views/similar/place-neighbours.ts';
import { walk } from '../../web/src/views/similar/walk.ts';
import { widthOf, wrapName } from '../../web/src/views/similar/wrap-name.ts';

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const square = (x: number, y: number, size: number): Box => ({
  left: x - size / 2,
  right: x + size / 2,
  top: y - size / 2,
  bottom: y + size / 2,
});

function nameBox({ name: { x, y, anchor, lines } }: PlacedNeighbour, shape: MapShape): Box {
  const width = shape.fontSize * Math.max(...lines.map(widthOf));
  const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
  const half = shape.fontSize / 2;
  return {
    left,
    right: left + width,
    top: y - half,
    bottom: y + (lines.length - 1) * lineHeight(shape) + half,
  };
}

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

const neighbours = fc
  .array(
    fc.record({
      name: fc.oneof(
        fc.constantFrom(
          'U2',
          'Florence + the Machine',
          'Godspeed You! Black Emperor',
          '東京事変',
          'MMMMMMMMMMMMMMMM',
        ),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((name) => name.trim() !== ''),
      ),
      score: fc.double({ min: 0.001, max: 1, noNaN: true }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((found) => found.toSorted((a, b) => b.score - a.score));

const shapes = fc.constantFrom(WIDE, NARROW);

/** How far out a neighbour is, in half axes of the ellipse. */
const distance = ({ x, y }: PlacedNeighbour, { across, down }: MapShape): number =>
  Math.hypot(x / across, y / down);

describe('the map of neighbours', () => {
  it('keeps names and artists apart and inside, whatever they are called and score', () => {
    fc.assert(
      fc.property(neighbours, shapes, (found, shape) => {
        const placed = placeNeighbours(found, shape);
        const boxes = [
          square(0, 0, MIDDLE_SIZE),
          ...placed.flatMap((one) => [square(one.x, one.y, NEIGHBOUR_SIZE), nameBox(one, shape)]),
        ];
        boxes.forEach((box, i) => {
          expect(Math.max(-box.left, box.right)).toBeLessThanOrEqual(shape.width / 2);
          expect(Math.max(-box.top, box.bottom)).toBeLessThanOrEqual(shape.height / 2);
          for (const other of boxes.slice(i + 1)) expect(overlap(box, other)).toBe(false);
        });
      }),
    );
  });

  it('puts nobody nearer who is less alike', () => {
    fc.assert(
      fc.property(neighbours, shapes, (found, shape) => {
        const distances = placeNeighbours(found, shape).map((one) => distance(one, shape));
        for (let i = 1; i < distances.length; i++) {
          expect(distances[i]!).toBeGreaterThanOrEqual(distances[i - 1]! - 1e-9);
        }
      }),
    );
  });

  it('measures distances by scores: the best innermost, the least at the edge, half between in the middle', () => {
    const scores = [0.5, 0.4, 0.3];
    const placed = placeNeighbours(
      scores.map((score) => ({ name: 'A', score })),
      WIDE,
    );
    expect(placed.map((one) => distance(one, WIDE))).toEqual([
      expect.closeTo(WIDE.innermost),
      expect.closeTo((1 + WIDE.innermost) / 2),
      expect.closeTo(1),
    ]);
  });

  it('deals them to the right and the left, at most as many as there is room for', () => {
    const found = Array.from({ length: 20 }, (_, i) => ({ name: 'A', score: 1 / (i + 1) }));
    expect(placeNeighbours(found, WIDE)).toHaveLength(12);
    const placed = placeNeighbours(found, NARROW);
    expect(placed.map(({ x }) => Math.sign(x))).toEqual([1, -1, 1, -1, 1, -1]);
    expect(placeNeighbours([], WIDE)).toEqual([]);
  });
});

describe('a name beside its artist', () => {
  it('stands in one line where that fits, in two where it does not, and is cut where two do not', () => {
    expect(wrapName('The Feshins', 20)).toEqual(['The Feshins']);
    expect(wrapName('Florence + the Machine', 8)).toEqual(['Florence + the', 'Machine']);
    expect(wrapName('Godspeed You! Black Emperor', 7)).toEqual(['Godspeed', 'You! Black…']);
    expect(wrapName('Antidisestablishmentarianism', 5)).toEqual(['Antidise…']);
  });

  it('is no wider than its room', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 80 }),
        fc.double({ min: 3, max: 30, noNaN: true }),
        (name, room) => {
          const lines = wrapName(name, room);
          expect(lines.length).toBeLessThanOrEqual(2);
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(room);
        },
      ),
    );
  });
});

describe('the path walked', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((artistId) => ({ artistId, name: artistId.toUpperCase() }));

  it('grows by whom one walks to, and shrinks to whom one comes back to', () => {
    const path = walk(walk(walk([], a!), b!), c!);
    expect(path).toEqual([a, b, c]);
    expect(walk(path, c!)).toEqual([a, b, c]);
    expect(walk(path, a!)).toEqual([a]);
  });

  it('forgets its beginning once it is long', () => {
    const steps = Array.from({ length: 12 }, (_, i) => ({ artistId: `${i}`, name: `${i}` }));
    const path = steps.reduce<readonly { artistId: string; name: string }[]>(walk, []);
    expect(path.map(({ artistId }) => artistId)).toEqual(['4', '5', '6', '7', '8', '9', '10', '11']);
  });
});
