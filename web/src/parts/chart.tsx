import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { Scrollable } from './scrollable.tsx';

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** As many as there are positions; `null` leaves a gap. */
  readonly values: readonly (number | null)[];
  /** @default - the next of the page's colours */
  readonly color?: Color;
  readonly isDashed?: boolean;
  /** Points alone, without a line between them. */
  readonly isScatter?: boolean;
}

/** The area between two lines, by their places. */
export interface Band {
  readonly upper: number;
  readonly lower: number;
}

/** Colours of the page that are told apart on light and dark. */
const COLORS = ['--chart-1', '--chart-2', '--chart-3', '--chart-4'] as const;
export type Color = (typeof COLORS)[number] | '--chart-muted';

const HEIGHT = 260;
const NO_BANDS: readonly Band[] = [];

/**
 * Lines over positions. What it shows can be read as a table below it, too.
 *
 * @param title - What it shows, also for whoever cannot see it.
 * @param x - Positions, ascending: numbers, or seconds since 1970 where `isTime`.
 */
export function Chart({
  title,
  x,
  lines,
  bands = NO_BANDS,
  formatX = String,
  formatY = String,
  height = HEIGHT,
}: {
  readonly title: string;
  readonly x: { readonly label: string; readonly values: readonly number[]; readonly isTime?: boolean };
  readonly lines: readonly Line[];
  readonly bands?: readonly Band[];
  readonly formatX?: (value: number) => string;
  readonly formatY?: (value: number) => string;
  readonly height?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const data: uPlot.AlignedData = [[...x.values], ...lines.map(({ values }) => [...values])];
  // A drawing outlives what it was made with: the same lines may be of another metric by now.
  const latest = useRef({ data, formatX, formatY });
  latest.current = { data, formatX, formatY };
  const writeX = (value: number): string => latest.current.formatX(value);
  const writeY = (value: number): string => latest.current.formatY(value);
  // What makes another drawing, and not only other points of the same.
  const shape = JSON.stringify([x.label, lines.map(({ label }) => label), bands, height]);

  useEffect(() => {
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(box.current!), latest.current.data, box.current!);
    };
    draw();
    const resized = new ResizeObserver(([entry]) =>
      plot.current?.setSize({ width: Math.floor(entry!.contentRect.width), height }),
    );
    resized.observe(box.current!);
    const theme = matchMedia('(prefers-color-scheme: dark)');
    theme.addEventListener('change', draw);
    return () => {
      theme.removeEventListener('change', draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data), [data]);

  function optionsOf(element: HTMLElement): uPlot.Options {
    const style = getComputedStyle(element);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--pico-color'),
      grid: { stroke: color('--chart-grid') },
      ticks: { stroke: color('--chart-grid') },
    };
    return {
      width: Math.floor(element.clientWidth),
      height,
      scales: { x: { time: x.isTime ?? false } },
      axes: [
        { ...axis, ...(x.isTime ? {} : { label: x.label, values: (_, ticks) => ticks.map(writeX) }) },
        { ...axis, size: 64, values: (_, ticks) => ticks.map(writeY) },
      ],
      series: [
        {
          label: x.label,
          ...(x.isTime ? {} : { value: (_, value) => (value === null ? '–' : writeX(value)) }),
        },
        ...lines.map((line, i) => {
          const stroke = color(line.color ?? COLORS[i % COLORS.length]!);
          return {
            label: line.label,
            stroke,
            width: 2,
            value: (_: uPlot, value: number | null) => (value === null ? '–' : writeY(value)),
            ...(line.isDashed ? { dash: [6, 4] } : {}),
            ...(line.isScatter ? { paths: () => null, points: { show: true, size: 7, fill: stroke } } : {}),
          };
        }),
      ],
      bands: bands.map(({ upper, lower }) => ({
        series: [upper + 1, lower + 1] as uPlot.Band['series'],
        fill: color('--chart-band'),
      })),
      legend: { live: true },
    };
  }

  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div
        ref={box}
        style={{ minHeight: `${height + 34}px` }}
        role="img"
        aria-label={`${title}. The figures are in the table below.`}
      />
      <details>
        <summary>Figures</summary>
        <Scrollable label={`Figures: ${title}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{x.label}</th>
                {lines.map(({ label }) => (
                  <th key={label} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {x.values.map((at, i) => (
                <tr key={at}>
                  <th scope="row">{x.isTime ? new Date(at * 1_000).toISOString() : formatX(at)}</th>
                  {lines.map(({ label, values }) => (
                    <td key={label}>{typeof values[i] === 'number' ? formatY(values[i]) : '–'}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      </details>
    </figure>
  );
}
