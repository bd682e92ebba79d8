/** A row of {@link Bars}. */
export interface Bar {
  readonly name: string;
  /** What the bar is long by, >= 0. */
  readonly value: number;
  /** The figures beside it, as many as there are columns. */
  readonly figures: readonly string[];
}

/** Figures by name, each with a bar: a table that is read as one. */
export function Bars({
  caption,
  head,
  bars,
}: {
  readonly caption: string;
  /** Of the names, then of the figures. */
  readonly head: readonly string[];
  readonly bars: readonly Bar[];
}) {
  const longest = Math.max(...bars.map(({ value }) => value));
  const [first, ...columns] = head;
  return (
    <table class="bars">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{first}</th>
          {columns.map((column) => (
            <th key={column} scope="col" class="figure">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {bars.map(({ name, value, figures }) => (
          <tr key={name}>
            <th scope="row">
              {name}
              <span class="track" aria-hidden="true">
                <span style={{ inlineSize: `${longest > 0 ? (100 * value) / longest : 0}%` }} />
              </span>
            </th>
            {figures.map((figure, i) => (
              <td key={columns[i]} class="figure">
                {figure}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
