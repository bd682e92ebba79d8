import { Link } from 'wouter-preact';
import { Avatar } from '../../parts/avatar.tsx';
import {
  lineHeight,
  MIDDLE_SIZE,
  NEIGHBOUR_SIZE,
  placeNeighbours,
  type MapShape,
  type PlacedName,
} from './place-neighbours.ts';
import { pathOf } from './path-of.ts';

/** An artist in the middle and the most alike around it, each of them a way to walk on. */
export function NeighbourhoodMap({
  name,
  neighbours,
  shape,
}: {
  readonly name: string;
  readonly neighbours: readonly {
    readonly artistId: string;
    readonly name: string;
    readonly score: number;
  }[];
  readonly shape: MapShape;
}) {
  const { width, height, across, down, innermost, fontSize } = shape;
  const placed = placeNeighbours(neighbours, shape);
  return (
    <svg
      class="neighbourhood"
      viewBox={`${-width / 2} ${-height / 2} ${width} ${height}`}
      role="group"
      aria-label={`Map of the artists most like ${name}`}
      font-size={fontSize}
    >
      <g aria-hidden="true">
        {[innermost, (1 + innermost) / 2, 1].map((share) => (
          <ellipse key={share} class="ring" rx={across * share} ry={down * share} />
        ))}
        {placed.map(({ x, y }, i) => (
          <line key={neighbours[i]!.artistId} class="ray" x2={x} y2={y} />
        ))}
      </g>
      <Square x={0} y={0} size={MIDDLE_SIZE} name={name} />
      {placed.map(({ x, y, name: label }, i) => {
        const neighbour = neighbours[i]!;
        return (
          <Link key={neighbour.artistId} href={pathOf(neighbour.artistId)}>
            {/* What the link is called in full, for eyes and ears. */}
            <title>{neighbour.name}</title>
            <Square x={x} y={y} size={NEIGHBOUR_SIZE} name={neighbour.name} />
            <text text-anchor={label.anchor} dominant-baseline="central">
              {linesOf(label, shape).map(({ y, text }) => (
                <tspan key={y} x={label.x} y={y}>
                  {text}
                </tspan>
              ))}
            </text>
          </Link>
        );
      })}
    </svg>
  );
}

function linesOf({ y, lines }: PlacedName, shape: MapShape) {
  return lines.map((text, row) => ({ y: y + row * lineHeight(shape), text }));
}

function Square({
  x,
  y,
  size,
  name,
}: {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly name: string;
}) {
  return (
    <g transform={`translate(${x - size / 2} ${y - size / 2})`} aria-hidden="true">
      <rect class="focus-ring" x="-3" y="-3" width={size + 6} height={size + 6} rx={0.23 * size + 3} />
      <Avatar name={name} size={size} />
    </g>
  );
}
