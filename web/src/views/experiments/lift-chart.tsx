import { Chart } from '../../parts/chart.tsx';
import { drawnOf, PREFERENCE, type Drawn, type Point } from './points.ts';

/** How a difference, or a preference, has come to where it is. */
export function LiftChart({
  title,
  series,
  points,
  from,
  write,
  isReadingDays,
}: {
  readonly title: string;
  readonly series: string;
  readonly points: readonly Point[];
  /** When the read-out begins, as an ISO time. */
  readonly from: string;
  /** How its values are written. */
  readonly write: (value: number) => string;
  readonly isReadingDays: boolean;
}) {
  const { at, value, low, high, leftOut } = withBeginning(drawnOf(points, series), from);
  const note = isReadingDays
    ? 'Reading earlier days…'
    : leftOut > 0
      ? leftOut === 1
        ? 'The first point is left out: its interval is too wide to be drawn beside the others.'
        : `The first ${leftOut} points are left out: their intervals are too wide to be drawn beside the others.`
      : 'One point for each earlier day, then one for each look while this page is open.';
  return (
    <div class="lift-chart">
      {at.length === 0 ? (
        <div class="state chart-place">
          <p>There is no difference to draw yet.</p>
        </div>
      ) : (
        <Chart
          title={title}
          x={{ label: 'Time', values: at, isTime: true }}
          lines={[
            { label: series === PREFERENCE ? 'Preference' : 'Difference', values: value },
            { label: 'Interval from', values: low, color: '--chart-muted' },
            { label: 'Interval to', values: high, color: '--chart-muted' },
            { label: 'No difference', values: at.map(() => 0), color: '--chart-muted', isDashed: true },
          ]}
          bands={[{ upper: 2, lower: 1 }]}
          formatY={write}
        />
      )}
      <p class="muted">{note}</p>
    </div>
  );
}

/** A single point has no scale of time: the beginning, of which nothing is known, gives it one. */
function withBeginning(drawn: Drawn, from: string): Drawn {
  const first = Math.floor(Date.parse(from) / 1_000);
  const { at, value, low, high } = drawn;
  if (at.length !== 1 || first >= at[0]!) return drawn;
  return {
    ...drawn,
    at: [first, ...at],
    value: [null, ...value],
    low: [null, ...low],
    high: [null, ...high],
  };
}
